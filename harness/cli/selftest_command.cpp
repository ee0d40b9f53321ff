#include <fmt/format.h>

#include "harness/cli/commands.hpp"
#include "harness/cli/interrupt.hpp"
#include "harness/cli/load.hpp"
#include "harness/cli/output.hpp"
#include "harness/run/defect_table.hpp"
#include "harness/run/runner.hpp"
#include "harness/run/selftest.hpp"
#include "harness/run/version.hpp"

namespace smtpspec::cli {

namespace {

std::string section(const std::string& title, const std::vector<run::SelftestFinding>& findings) {
    std::string text;
    if (!findings.empty()) {
        text += fmt::format("\n{}\n", title);
    }
    for (const auto& finding : findings) {
        text += fmt::format("  {}\n      {}\n", finding.scenario, finding.what);
    }
    return text;
}

double percent(std::size_t part, int whole) {
    return whole == 0 ? 0.0 : 100.0 * static_cast<double>(part) / whole;
}

std::string summary(const run::SelftestReport& report, bool mutate) {
    if (report.interrupted) {
        return fmt::format("selftest: interrupted after {} conversations; nothing was judged\n",
                           report.result.cells.size());
    }
    if (report.good_cells == 0) {
        return "selftest: nothing was judged\n";
    }
    std::string text = section("Failures:", report.failures);
    text += section("Mutations that nobody noticed:", report.surviving);
    text += section("Cells that no defect turns:", report.unturned);
    text += section("Pass outcomes that no good peer reaches (unproved):", report.unproved);
    text += fmt::format("{}{} scenarios: {} conversations with good peers, {} with bad peers\n",
                        text.empty() ? "" : "\n",
                        report.scenarios,
                        report.good_cells,
                        report.bad_cells);
    text += fmt::format("  cells that no defect turns: {} of {} ({:.1f} %, at most 10 %)\n",
                        report.unturned.size(),
                        report.parameter_cells,
                        percent(report.unturned.size(), report.parameter_cells));
    text += fmt::format("  unproved pass outcomes: {} of {} ({:.1f} %, at most 10 %)\n",
                        report.unproved.size(),
                        report.pass_outcomes,
                        percent(report.unproved.size(), report.pass_outcomes));
    if (mutate) {
        text += fmt::format("  mutations: {} of {} noticed\n",
                            report.mutations - static_cast<int>(report.surviving.size()),
                            report.mutations);
    }
    text += report.green() ? "selftest: green\n" : "selftest: RED\n";
    return text;
}

int code_of(const run::SelftestReport& report) {
    if (report.interrupted) {
        return 130;
    }
    if (report.good_cells == 0) {
        return 77;
    }
    return report.green() ? 0 : 1;
}

/// A block for each defect. A star: the scenario's `selftest` names it.
std::string by_defect_text(const run::DefectTable& table) {
    std::string text =
        "# What each defect of the model server turns, on one port: for STARTTLS where the scenario has "
        "one.\n"
        "# A star: the scenario's selftest names the defect.\n";
    for (const std::string& id : table.left_out) {
        text += fmt::format("# left out, as it is about time: {}\n", id);
    }
    for (const run::DefectRow& row : table.rows) {
        text += fmt::format("\n{}\n", row.defect);
        for (const run::TurnedScenario& one : row.turned) {
            text += fmt::format(
                "  {:<10} {}{}\n", script::to_string(one.verdict), one.scenario, one.named ? " *" : "");
        }
        text += row.turned.empty() ? "  nothing\n" : "";
    }
    return text;
}

int by_defect(const run::Catalog& catalog, run::RunContext& context) {
    const run::DefectTable table = run::defect_table(context, catalog, progress_on_stderr());
    end_progress();
    for (const std::string& error : table.errors) {
        say("smtpspec selftest: {}\n", error);
    }
    if (table.interrupted || table.conversations == 0) {
        say("smtpspec selftest: {}; nothing was judged\n", table.interrupted ? "interrupted" : "no scenario");
        return table.interrupted ? 130 : 77;
    }
    return !print(by_defect_text(table)) ? 3 : table.errors.empty() ? 0 : 1;
}

}  // namespace

int selftest_command(const Arguments& arguments) {
    auto catalog = load_catalog(arguments);
    if (!catalog) {
        return 2;
    }
    if (!filters_fit(*catalog, arguments)) {
        return 2;
    }
    auto context = embedded_endpoint(arguments);
    if (!context) {
        return 2;
    }
    const InterruptGuard guard(context->interrupted);
    if (arguments.by_defect) {
        return by_defect(*catalog, *context);
    }
    run::SelftestReport report = run::selftest(
        *context, *catalog, arguments.mutate ? run::Mutate::yes : run::Mutate::no, progress_on_stderr());
    end_progress();
    bool written = true;
    for (const OutputRequest& request : arguments.outputs) {
        if (request.format == report::Format::terminal) {
            written = print(summary(report, arguments.mutate)) && written;
            continue;
        }
        run::Result& result = report.result;
        result.tool_version = run::version;
        result.command = arguments.shown;
        result.started = run::now_utc();
        result.interrupted = report.interrupted;
        Arguments one = arguments;
        one.outputs = {request};
        written = write_reports(one, result) && written;
    }
    return written ? code_of(report) : 3;
}

}  // namespace smtpspec::cli
