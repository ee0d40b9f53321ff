#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "harness/cli/commands.hpp"
#include "harness/cli/compare_input.hpp"
#include "harness/cli/latency_output.hpp"
#include "harness/cli/load.hpp"
#include "harness/cli/output.hpp"
#include "harness/report/merge.hpp"
#include "harness/report/waiver_file.hpp"

namespace smtpspec::cli {

namespace {

constexpr int exit_red = 1;
constexpr int exit_usage = 2;
constexpr int exit_own_error = 3;
constexpr int exit_incomplete = 5;

struct Parts {
    std::vector<report::Part<run::Result>> verdicts;
    std::vector<report::Part<latency::LatencyResult>> latency;
};

tl::expected<Parts, std::string> read_parts(const std::vector<std::string>& paths) {
    Parts parts;
    for (const std::string& path : paths) {
        auto input = read_compare_input(path, "a part");
        if (!input) {
            return tl::make_unexpected(input.error());
        }
        if (input->verdicts) {
            parts.verdicts.push_back({path, std::move(*input->verdicts)});
        }
        if (input->latency) {
            parts.latency.push_back({path, std::move(*input->latency)});
        }
    }
    if (!parts.verdicts.empty() && !parts.latency.empty()) {
        return tl::make_unexpected("some are results of run and some of bench; merge each kind on its own");
    }
    return parts;
}

bool write(const Arguments& arguments, const run::Result& result) { return write_reports(arguments, result); }
bool write(const Arguments& arguments, const latency::LatencyResult& result) {
    return write_latency(arguments, result);
}

/// The command line named cells, ports or sides, so that a waiver for another one is no mistake.
bool is_narrowed(const std::string& command) {
    std::istringstream words(command);
    for (std::string word; words >> word;) {
        for (const char* const option : {"--only", "--skip", "--side", "--level", "--port"}) {
            if (word.substr(0, word.find('=')) == option) {
                return true;
            }
        }
    }
    return false;
}

/// Whether a waiver has work left, only the whole tells: not while some of it is missing.
void judge_waivers(const std::vector<run::Waiver>& waivers, report::Merged<run::Result>& merged) {
    if (waivers.empty()) {
        return;
    }
    run::Result& whole = merged.document;
    run::apply_waivers(waivers, whole.cells, whole.started);
    if (!merged.missing.empty()) {
        run::forget_unexpected_passes(whole.cells);
    } else if (!is_narrowed(whole.command)) {
        for (const std::string& unused : run::unused_waivers(waivers, whole.cells)) {
            if (std::find(whole.notices.begin(), whole.notices.end(), unused) == whole.notices.end()) {
                whole.notices.push_back(unused);
            }
        }
    }
}
void judge_waivers(const std::vector<run::Waiver>&, report::Merged<latency::LatencyResult>&) {}

/// A waiver has to go: no part could tell. All else that is red, the parts' own exit codes say.
bool is_red(const run::Result& whole) {
    return std::any_of(whole.cells.begin(), whole.cells.end(), [](const run::Cell& cell) {
        return cell.unexpected_pass || cell.expired_waiver;
    });
}
bool is_red(const latency::LatencyResult&) { return false; }

template <typename Document>
int merge_all(const Arguments& arguments,
              const std::vector<run::Waiver>& waivers,
              std::vector<report::Part<Document>> parts) {
    auto merged = report::merge(std::move(parts));
    if (!merged) {
        say("smtpspec merge: {}.\n", merged.error());
        return exit_usage;
    }
    judge_waivers(waivers, *merged);
    for (const std::string& missing : merged->missing) {
        say("smtpspec merge: {}; the result is only a part\n", missing);
    }
    return !write(arguments, merged->document) ? exit_own_error
           : is_red(merged->document)          ? exit_red
           : merged->missing.empty()           ? 0
                                               : exit_incomplete;
}

}  // namespace

int merge_command(const Arguments& arguments) {
    auto parts = read_parts(arguments.operands);
    if (!parts) {
        say("smtpspec merge: {}.\n", parts.error());
        return exit_usage;
    }
    const auto waivers = load_waivers_of(arguments);
    if (!waivers) {
        say("smtpspec merge: {}\n", waivers.error());
        return exit_usage;
    }
    if (parts->latency.empty()) {
        return merge_all(arguments, *waivers, std::move(parts->verdicts));
    }
    if (!arguments.options.waivers_file.empty() || !has_formats_of_latency(arguments)) {
        say("smtpspec merge: results of bench have no cells: {}, and no waivers.\n", formats_of_latency);
        return exit_usage;
    }
    return merge_all(arguments, {}, std::move(parts->latency));
}

int waive_command(const Arguments& arguments) {
    const auto input = read_compare_input(arguments.operands.front(), "the result");
    if (!input || !input->verdicts) {
        say("smtpspec waive: {}.\n",
            input ? "that is a result of bench; give one that run wrote with --format json" : input.error());
        return exit_usage;
    }
    const std::string text = report::waiver_file(*input->verdicts);
    if (text.empty()) {
        say("smtpspec waive: nothing in it is red without a waiver\n");
        return 0;
    }
    return write_text(arguments.waive_path, text) ? 0 : exit_own_error;
}

}  // namespace smtpspec::cli
