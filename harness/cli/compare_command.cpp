#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "harness/cli/commands.hpp"
#include "harness/cli/compare_input.hpp"
#include "harness/cli/output.hpp"
#include "harness/latency/compare.hpp"
#include "harness/report/html.hpp"
#include "harness/report/verdict_compare.hpp"

namespace smtpspec::cli {

namespace {

constexpr int exit_worse = 1;
constexpr int exit_usage = 2;
constexpr int exit_own_error = 3;
constexpr int exit_cannot_tell = 5;
constexpr int exit_nothing = 77;

/// What both sides have.
struct Answer {
    std::optional<report::VerdictComparison> verdicts;
    std::optional<latency::LatencyComparison> latency;
    std::vector<std::string> missing;  ///< what OLD has and NEW has not
    std::vector<std::string> notices;  ///< what NEW has and OLD has not

    std::vector<std::string> remarks() const {
        std::vector<std::string> all = missing;
        all.insert(all.end(), notices.begin(), notices.end());
        return all;
    }
};

/// What a comparison comes to: the exit code (docs/exit-codes.md) and, in JSON and HTML, the words for it.
struct Conclusion {
    int exit_code = 0;
    std::string_view words;
};

Conclusion conclusion_of(const Answer& answer) {
    if ((answer.verdicts && answer.verdicts->worse()) || (answer.latency && answer.latency->worse())) {
        return {exit_worse, "worse"};
    }
    if ((answer.latency && answer.latency->blind()) || !answer.missing.empty()) {
        return {exit_cannot_tell, "cannot tell"};
    }
    if (answer.verdicts && !answer.verdicts->has_common() && !answer.latency) {
        return {exit_nothing, "nothing in common"};
    }
    return {0, "not worse"};
}

std::string as_text(const Arguments& arguments, const std::string& path, const Answer& answer) {
    std::string text;
    if (answer.verdicts) {
        text += report::to_text(*answer.verdicts, render_options(arguments, path), arguments.compare.all);
    }
    if (answer.latency) {
        text += (text.empty() ? "" : "\n") + latency::to_table(*answer.latency, arguments.compare.all);
    }
    for (const std::string& remark : answer.remarks()) {
        text += remark + "\n";
    }
    return text;
}

nlohmann::ordered_json document_of(const Answer& answer) {
    nlohmann::ordered_json json = answer.latency
                                      ? latency::to_json(*answer.latency)
                                      : nlohmann::ordered_json{{"schema", "smtpspec.comparison/1"}};
    if (answer.verdicts) {
        json["verdicts"] = report::to_json(*answer.verdicts);
    }
    json["missing"] = answer.missing;
    for (const std::string& notice : answer.notices) {
        json["notices"].push_back(notice);
    }
    json["conclusion"] = conclusion_of(answer).words;
    return json;
}

std::string as_markdown(const Arguments& arguments, const Answer& answer) {
    std::string text = answer.verdicts ? report::to_markdown(*answer.verdicts, arguments.compare.all) : "";
    if (answer.latency) {
        // What is in the table was made safe to show, and holds no fence.
        text += fmt::format("\n## smtpspec compare: latency\n\n```text\n{}```\n",
                            latency::to_table(*answer.latency, arguments.compare.all));
    }
    for (const std::string& remark : answer.remarks()) {
        text += "\n" + remark + "\n";
    }
    return text;
}

std::string as_html(const Answer& answer, const CompareInput& before, const CompareInput& after) {
    report::ComparisonPage page;
    page.document = document_of(answer);
    if (answer.latency) {
        page.before = &*before.latency;
        page.after = &*after.latency;
    }
    return report::render_html(page);
}

std::string text_of(const Arguments& arguments,
                    const OutputRequest& request,
                    const Answer& answer,
                    const CompareInput& before,
                    const CompareInput& after) {
    switch (request.format) {
        case report::Format::json:
            return document_of(answer).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
        case report::Format::html:
            return as_html(answer, before, after);
        case report::Format::markdown:
            return as_markdown(arguments, answer);
        default:
            return as_text(arguments, request.path, answer);
    }
}

bool write(const Arguments& arguments,
           const Answer& answer,
           const CompareInput& before,
           const CompareInput& after) {
    bool all = true;
    for (const OutputRequest& request : arguments.outputs) {
        all = write_text(request.path, text_of(arguments, request, answer, before, after)) && all;
    }
    return all;
}

/// The error is a sentence: the two cannot be compared.
tl::expected<Answer, std::string> compare(const Arguments& arguments,
                                          const CompareInput& before,
                                          const CompareInput& after) {
    Answer answer;
    if (before.verdicts && after.verdicts) {
        answer.verdicts = report::compare(*before.verdicts, *after.verdicts);
    }
    if (before.latency && after.latency) {
        latency::CompareRules rules;
        rules.threshold = arguments.compare.threshold;
        rules.resolution = std::chrono::microseconds(arguments.compare.resolution_us);
        auto found = latency::compare(*before.latency, *after.latency, rules);
        if (!found) {
            return tl::make_unexpected(found.error());
        }
        answer.latency = std::move(*found);
    }
    if (!answer.verdicts && !answer.latency) {
        return tl::make_unexpected(
            before.verdicts ? "OLD is a result of run, and NEW is one of bench: they have nothing in common"
                            : "OLD is a result of bench, and NEW is one of run: they have nothing in common");
    }
    if (before.verdicts && !after.verdicts) {
        answer.missing.emplace_back("NEW has no result of run, and OLD has one");
    }
    if (before.latency && !after.latency) {
        answer.missing.emplace_back("NEW has no result of bench, and OLD has one");
    }
    if (!before.verdicts && after.verdicts) {
        answer.notices.emplace_back("OLD has no result of run: that of NEW is compared with nothing");
    }
    if (!before.latency && after.latency) {
        answer.notices.emplace_back("OLD has no result of bench: that of NEW is compared with nothing");
    }
    return answer;
}

}  // namespace

int compare_command(const Arguments& arguments) {
    const std::string& old_path = arguments.compare.old_path;
    const std::string& new_path = arguments.compare.new_path;
    std::error_code unknown;  // whether it is there: then reading it says why
    const bool missing = !std::filesystem::exists(old_path, unknown) && !unknown;
    const auto after = read_compare_input(new_path, "NEW");
    if (!after) {
        say("smtpspec compare: {}\n", after.error());
        return exit_usage;
    }
    if (arguments.compare.baseline_may_miss && missing) {
        say("smtpspec compare: there is no {} yet, so that nothing is compared; NEW may become the "
            "baseline\n",
            old_path);
        return 0;
    }
    const auto before = read_compare_input(old_path, "OLD");
    if (!before) {
        say("smtpspec compare: {}\n", before.error());
        return exit_usage;
    }
    const auto answer = compare(arguments, *before, *after);
    if (!answer) {
        say("smtpspec compare: {} (OLD: {}, NEW: {}).\n", answer.error(), old_path, new_path);
        return exit_usage;
    }
    return write(arguments, *answer, *before, *after) ? conclusion_of(*answer).exit_code : exit_own_error;
}

}  // namespace smtpspec::cli
