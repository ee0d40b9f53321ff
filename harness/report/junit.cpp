#include <fmt/format.h>

#include <algorithm>

#include "harness/report/excerpt.hpp"
#include "harness/report/finding_text.hpp"
#include "harness/report/matrix.hpp"
#include "harness/report/report.hpp"
#include "harness/report/symbol.hpp"
#include "harness/report/text.hpp"
#include "harness/run/catalog.hpp"

namespace smtpspec::report {

namespace {

using run::Verdict;

/// What a JUnit reader is told about a cell.
enum class Status { passed, failure, error, skipped };

Status status_of(const run::Cell& cell) {
    if (cell.unexpected_pass || cell.expired_waiver) {
        return Status::failure;
    }
    switch (cell.verdict) {
        case Verdict::Pass:
        case Verdict::Tolerated:
        case Verdict::Warn:
            return Status::passed;
        case Verdict::Unsupported:
        case Verdict::Skipped:
            return Status::skipped;
        case Verdict::Fail:
        case Verdict::Vulnerable:
            return cell.waiver ? Status::skipped : Status::failure;
        case Verdict::Inconclusive:
            return cell.waiver ? Status::skipped : Status::error;
        case Verdict::Error:
            break;
    }
    return Status::error;
}

/// Text that has been through smtp::printable, for XML 1.0: markup escaped, and the two characters that UTF-8
/// has and XML 1.0 §2.2 does not, U+FFFE and U+FFFF, spelled out.
std::string xml(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '&') {
            out += "&amp;";
        } else if (c == '<') {
            out += "&lt;";
        } else if (c == '>') {
            out += "&gt;";  // also the end of ]]>
        } else if (c == '"') {
            out += "&quot;";
        } else if (text.substr(i, 3) == "\xEF\xBF\xBE" || text.substr(i, 3) == "\xEF\xBF\xBF") {
            out += text[i + 2] == '\xBE' ? "\\u{FFFE}" : "\\u{FFFF}";
            i += 2;
        } else {
            out += c;
        }
    }
    return out;
}

std::string seconds(std::int64_t microseconds) {
    return fmt::format("{}.{:06}",
                       std::max<std::int64_t>(0, microseconds) / 1000000,
                       std::max<std::int64_t>(0, microseconds) % 1000000);
}

/// What a person needs to judge the cell, as lines.
std::string evidence(const run::Result& result, const run::Cell& cell) {
    std::vector<std::string> lines;
    const auto add = [&](std::string_view name, const std::string& text) {
        if (!text.empty()) {
            lines.push_back(fmt::format("{:<10}{}", name, text));
        }
    };
    lines.push_back(safe(cell.title));
    add("verdict",
        fmt::format("{}, {}, severity {}", verdict_word(cell), safe(cell.level), safe(cell.severity)));
    add("port", fmt::format("{} ({})", cell.port == 0 ? "all" : std::to_string(cell.port), safe(cell.mode)));
    std::vector<std::string> refs;
    std::transform(cell.refs.begin(), cell.refs.end(), std::back_inserter(refs), [](const std::string& ref) {
        return safe(ref);
    });
    add("rule", joined(refs, ", "));
    add("expected", safe(cell.expected));
    add("got", safe(cell.got));
    add("why", cell.reason == cell.got ? "" : safe(cell.reason));
    add("means", means_text(cell));
    if (cell.waiver) {
        add("waiver", fmt::format("{} ({})", safe(cell.waiver->id), safe(cell.waiver->reason)));
    }
    add("waiver", safe(cell.waiver_problem));
    for (const run::Attempt& attempt : cell.attempts) {
        add("before", fmt::format("{} ({})", script::to_string(attempt.verdict), safe(attempt.reason)));
    }
    for (const std::string& line : lay_out(excerpt(cell, ExcerptLimits{}))) {
        lines.push_back("  " + line);
    }
    add("again", rerun_command(result, cell, "smtpspec"));
    return joined(lines, "\n");
}

std::string short_reason(const run::Cell& cell) {
    if (cell.expired_waiver) {
        return safe(cell.waiver_problem);
    }
    if (cell.unexpected_pass) {
        return "a waiver says that this is wrong, but it passed";
    }
    if (cell.waiver && run::is_red(cell.verdict)) {
        return fmt::format("waived {}: {}", verdict_word(cell), safe(cell.waiver->reason));
    }
    if (cell.waiver && cell.verdict == Verdict::Inconclusive) {
        return fmt::format("waived inconclusive: {}", safe(cell.waiver->reason));
    }
    return cell.reason.empty() ? verdict_word(cell) : safe(cell.reason);
}

std::string element(std::string_view name, const run::Result& result, const run::Cell& cell) {
    return fmt::format("      <{0} type=\"{1}\" message=\"{2}\">{3}</{0}>\n",
                       name,
                       xml(verdict_word(cell)),
                       xml(short_reason(cell)),
                       xml(evidence(result, cell)));
}

std::string body(const run::Result& result, const run::Cell& cell) {
    switch (status_of(cell)) {
        case Status::failure:
            return element("failure", result, cell);
        case Status::error:
            return element("error", result, cell);
        case Status::skipped:
            return fmt::format("      <skipped type=\"{}\" message=\"{}: {}\"/>\n",
                               xml(verdict_word(cell)),
                               xml(verdict_word(cell)),
                               xml(short_reason(cell)));
        case Status::passed:
            break;
    }
    if (cell.verdict == Verdict::Pass && !cell.is_flaky()) {
        return {};
    }
    return fmt::format("      <system-out>{}</system-out>\n", xml(evidence(result, cell)));
}

std::string testcase(const run::Result& result, const run::Cell& cell) {
    const std::string open = fmt::format("    <testcase name=\"{}\" classname=\"{}\" time=\"{}\"",
                                         xml(safe(cell.name())),
                                         xml(safe(run::group_of(cell.scenario))),
                                         seconds(cell.duration_us));
    const std::string inside = body(result, cell);
    return inside.empty() ? open + "/>\n" : open + ">\n" + inside + "    </testcase>\n";
}

/// Counts as attributes of a suite.
struct Counts {
    std::size_t tests = 0, failures = 0, errors = 0, skipped = 0;
    std::int64_t duration_us = 0;

    void add(const run::Cell& cell) {
        const Status status = status_of(cell);
        ++tests;
        failures += status == Status::failure;
        errors += status == Status::error;
        skipped += status == Status::skipped;
        duration_us += cell.duration_us;
    }
};

std::vector<int> ports_of(const Subject& subject) {
    std::vector<int> ports;
    for (const run::Cell* cell : subject.cells) {
        if (std::find(ports.begin(), ports.end(), cell->port) == ports.end()) {
            ports.push_back(cell->port);
        }
    }
    std::sort(ports.begin(), ports.end());
    return ports;
}

std::string suite(const run::Result& result, const Subject& subject, int port) {
    Counts counts;
    std::string cases;
    for (const run::Cell* cell : subject.cells) {
        if (cell->port == port) {
            counts.add(*cell);
            cases += testcase(result, *cell);
        }
    }
    const std::string name = describe(subject, result) + ", " + ports_text({port});
    return fmt::format(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{}\" "
        "timestamp=\"{}\">\n{}  </testsuite>\n",
        xml(name),
        counts.tests,
        counts.failures,
        counts.errors,
        counts.skipped,
        seconds(counts.duration_us),
        xml(safe(result.started)),
        cases);
}

}  // namespace

std::string render_junit(const run::Result& result) {
    Counts counts;
    for (const run::Cell& cell : result.cells) {
        counts.add(cell);
    }
    std::string suites;
    for (const Subject& subject : subjects(result)) {
        for (const int port : ports_of(subject)) {
            suites += suite(result, subject, port);
        }
    }
    return fmt::format(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"smtpspec {}\" tests=\"{}\" "
        "failures=\"{}\" errors=\"{}\" time=\"{}\">\n{}</testsuites>\n",
        xml(safe(result.tool_version)),
        counts.tests,
        counts.failures,
        counts.errors,
        seconds(result.duration_us),
        suites);
}

}  // namespace smtpspec::report
