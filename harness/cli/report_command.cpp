#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "harness/cli/commands.hpp"
#include "harness/cli/latency_output.hpp"
#include "harness/cli/output.hpp"
#include "harness/run/input_file.hpp"
#include "harness/run/result_words.hpp"
#include "protocol/smtp/escape.hpp"

namespace smtpspec::cli {

namespace {

constexpr std::size_t longest_schema = 60;  // octets that are shown

/// "" where the document does not say.
std::string schema_of(const nlohmann::ordered_json& document) {
    const bool says = document.is_object() && document.contains("schema") && document["schema"].is_string();
    return says ? document["schema"].get<std::string>() : "";
}

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
    const std::string schema = schema_of(document);
    if (schema == latency::latency_schema) {
        return report_latency(arguments, document);
    }
    if (!schema.empty() && !schema.starts_with("smtpspec.result/")) {
        say("smtpspec: {} is {}; report reads {} (of run) and {} (of bench).\n",
            path,
            smtp::printable(schema, longest_schema),
            run::result_schema,
            latency::latency_schema);
        return 2;
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
