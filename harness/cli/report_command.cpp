#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "harness/cli/commands.hpp"
#include "harness/cli/latency_output.hpp"
#include "harness/cli/output.hpp"
#include "harness/run/input_file.hpp"

namespace smtpspec::cli {

namespace {

/// A result of bench.
int report_latency(const Arguments& arguments, const nlohmann::ordered_json& document) {
    const auto result = latency::from_json(document);
    if (!result) {
        say("smtpspec: {}: {}\n", arguments.operands.front(), result.error());
        return 2;
    }
    if (!has_formats_of_latency(arguments)) {
        say("smtpspec: a result of bench has no such report: {}\n", formats_of_latency);
        return 2;
    }
    return write_latency(arguments, *result) ? 0 : 3;
}

}  // namespace

int report_command(const Arguments& arguments) {
    const std::string& path = arguments.operands.front();
    const auto text = run::read_input(path, "the result", run::large_input);
    if (!text) {
        say("smtpspec: {}\n", text.error());
        return 2;
    }
    const auto document = nlohmann::ordered_json::parse(*text, nullptr, false);
    if (document.is_discarded()) {
        say("smtpspec: {} is no JSON. Give a file that run wrote with --format json --output FILE.\n", path);
        return 2;
    }
    if (document.is_object() && document.contains("schema") && document["schema"] == "smtpspec.latency/2") {
        return report_latency(arguments, document);
    }
    const auto result = run::result_from_json(document);
    if (!result) {
        say("smtpspec: {}: {}\n", path, result.error());
        return 2;
    }
    if (!write_reports(arguments, *result)) {
        return 3;
    }
    return 0;
}

}  // namespace smtpspec::cli
