#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "harness/cli/commands.hpp"
#include "harness/cli/output.hpp"
#include "harness/latency/compare.hpp"
#include "harness/run/input_file.hpp"

namespace smtpspec::cli {

namespace {

constexpr int exit_worse = 1;
constexpr int exit_usage = 2;
constexpr int exit_own_error = 3;
constexpr int exit_cannot_tell = 5;

/// A latency result, or nothing after a message.
std::optional<latency::LatencyResult> read_result(const std::string& path, const std::string& name) {
    const auto text = run::read_input(path, name, run::large_input);
    if (!text) {
        say("smtpspec compare: {}\n", text.error());
        return std::nullopt;
    }
    const auto document = nlohmann::ordered_json::parse(*text, nullptr, false);
    if (document.is_discarded()) {
        say("smtpspec compare: {} is no JSON. Give a file that bench wrote with --format json --output "
            "FILE.\n",
            path);
        return std::nullopt;
    }
    auto result = latency::from_json(document);
    if (!result) {
        say("smtpspec compare: {}: {}. Give a file that bench wrote with --format json --output FILE.\n",
            path,
            result.error());
        return std::nullopt;
    }
    return std::move(*result);
}

bool write(const Arguments& arguments, const latency::LatencyComparison& found) {
    bool all = true;
    for (const OutputRequest& request : arguments.outputs) {
        const std::string text =
            request.format == report::Format::json
                ? latency::to_json(found).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"
                : latency::to_table(found, arguments.compare.all);
        all = write_text(request.path, text) && all;
    }
    return all;
}

/// docs/exit-codes.md.
int exit_code(const latency::LatencyComparison& found) {
    return found.worse() ? exit_worse : found.blind() ? exit_cannot_tell : 0;
}

}  // namespace

int compare_command(const Arguments& arguments) {
    const std::string& old_path = arguments.compare.old_path;
    const std::string& new_path = arguments.compare.new_path;
    std::error_code unknown;  // whether it is there: then reading it says why
    const bool missing = !std::filesystem::exists(old_path, unknown) && !unknown;
    if (arguments.compare.baseline_may_miss && missing) {
        say("smtpspec compare: there is no {} yet, so that nothing is compared; NEW may become the "
            "baseline\n",
            old_path);
        return 0;
    }
    const auto before = read_result(old_path, "OLD");
    const auto after = before ? read_result(new_path, "NEW") : std::nullopt;
    if (!before || !after) {
        return exit_usage;
    }
    latency::CompareRules rules;
    rules.threshold = arguments.compare.threshold;
    rules.resolution = std::chrono::microseconds(arguments.compare.resolution_us);
    const auto found = latency::compare(*before, *after, rules);
    if (!found) {
        say("smtpspec compare: {} (OLD: {}, NEW: {}).\n", found.error(), old_path, new_path);
        return exit_usage;
    }
    return write(arguments, *found) ? exit_code(*found) : exit_own_error;
}

}  // namespace smtpspec::cli
