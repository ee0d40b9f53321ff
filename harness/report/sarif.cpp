#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "harness/report/excerpt.hpp"
#include "harness/report/finding_text.hpp"
#include "harness/report/reference.hpp"
#include "harness/report/report.hpp"
#include "harness/report/summary.hpp"
#include "harness/report/symbol.hpp"
#include "harness/report/text.hpp"
#include "harness/run/catalog.hpp"
#include "protocol/smtp/text.hpp"

namespace smtpspec::report {

namespace {

using json = nlohmann::ordered_json;
using run::Verdict;

/// SARIF 2.1.0 §3.27.10; "" for a cell that is no result.
std::string_view level_of(const run::Cell& cell) {
    if (cell.unexpected_pass || cell.expired_waiver || run::is_red(cell.verdict)) {
        return "error";
    }
    return cell.verdict == Verdict::Warn ? "warning" : "";
}

/// A message of SARIF. "[text](target)" would be a link (§3.11.6), which nobody but us may make: a blank
/// keeps the brackets and ends the link.
json message(std::string text) {
    for (std::size_t at = 0; (at = text.find("](", at)) != std::string::npos; ++at) {
        text.insert(at + 1, " ");
    }
    return json{{"text", text}};
}

/// A segment of a path in a URI (RFC 3986 §2.1): everything but unreserved characters percent-encoded.
std::string percent_encoded(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (smtp::is_alnum(c) || std::string_view("-._~").find(c) != std::string_view::npos) {
            out += c;
        } else {
            out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
        }
    }
    return out;
}

const std::string& subject_name(const run::Cell& cell) {
    return cell.side == script::Side::Server ? cell.endpoint : cell.client;
}

/// What makes a result the same result in the next run: the cell and what it came to, neither time nor seed.
std::string fingerprint(const run::Cell& cell) {
    std::vector<std::pair<std::string, std::string>> params = cell.params;
    std::sort(params.begin(), params.end());
    std::vector<std::string> parts{"1", cell.scenario};
    for (const auto& [name, value] : params) {
        parts.push_back(fmt::format("{}={}", name, value));
    }
    parts.insert(parts.end(),
                 {std::string(script::to_string(cell.side)),
                  subject_name(cell),
                  std::to_string(cell.port),
                  cell.unexpected_pass ? "unexpected pass" : std::string(script::to_string(cell.verdict)),
                  cell.outcome});
    return document::digest(joined(parts, std::string_view("\0", 1)));
}

/// The worst of the vulnerable cells on GitHub's scale, where above 9 is critical, above 7 high and above 4
/// medium; "" when none is vulnerable.
std::string security_severity(const std::vector<const run::Cell*>& cells) {
    static const std::map<std::string, std::string> scale{
        {"critical", "9.5"}, {"high", "8.0"}, {"medium", "5.5"}, {"low", "2.5"}, {"info", "0.5"}};
    std::string highest;
    for (const run::Cell* cell : cells) {
        if (cell->verdict == Verdict::Vulnerable) {
            const auto found = scale.find(cell->severity);
            highest = std::max(highest, found == scale.end() ? "5.5" : found->second);
        }
    }
    return highest;
}

/// The scenario's line of the label that decided, else 1.
int line_of(const run::Cell& cell) {
    const auto label =
        std::find_if(cell.labels.rbegin(), cell.labels.rend(), [&](const run::LabelReached& reached) {
            return reached.label == cell.outcome;
        });
    return label == cell.labels.rend() ? 1 : std::max(1, label->line);
}

/// The scenario is the file that a viewer can open; who was tested is the logical location.
json location(const run::Cell& cell) {
    const std::string uri = fmt::format("scenarios/{}/{}.smtp",
                                        percent_encoded(run::group_of(cell.scenario)),
                                        percent_encoded(cell.scenario));
    const std::string port = cell.port == 0 ? "all ports" : std::to_string(cell.port);
    const json physical{{"artifactLocation", {{"uri", uri}, {"uriBaseId", "%SRCROOT%"}}},
                        {"region", {{"startLine", line_of(cell)}}}};
    json logical{
        {"name", port}, {"fullyQualifiedName", safe(subject_name(cell)) + ":" + port}, {"kind", "resource"}};
    return json{{"physicalLocation", physical}, {"logicalLocations", json::array({std::move(logical)})}};
}

std::string text_of_result(const run::Cell& cell) {
    const Finding finding{{&cell}};
    const FindingText text = text_of(finding);
    std::string out = fmt::format("{}: {} on {} {}, {}",
                                  text.title,
                                  verdict_word(cell),
                                  script::to_string(cell.side),
                                  safe(subject_name(cell)),
                                  text.where);
    const auto add = [&](std::string_view name, const std::string& what) {
        if (!what.empty()) {
            out += fmt::format("; {}: {}", name, what);
        }
    };
    add("expected", text.expected);
    add("got", text.got);
    add("why", text.why);
    add("means", text.means);
    add("waiver", text.waiver);
    add("attempts", text.attempts);
    return out;
}

json properties(const run::Result& result, const run::Cell& cell) {
    json shown{{"cell", safe(cell.name())},
               {"verdict", script::to_string(cell.verdict)},
               {"outcome", safe(cell.outcome)},
               {"level", safe(cell.level)},
               {"severity", safe(cell.severity)},
               {std::string(script::to_string(cell.side)), safe(subject_name(cell))},
               {"port", cell.port},
               {"mode", safe(cell.mode)},
               {"expected", safe(cell.expected)},
               {"got", safe(cell.got)},
               {"again", rerun_command(result, cell, "smtpspec")}};
    shown["transcript"] = lay_out(excerpt(cell, ExcerptLimits{}));
    return shown;
}

json result_of(const run::Result& result, const run::Cell& cell, std::size_t rule) {
    json shown{{"ruleId", safe(cell.scenario)},
               {"ruleIndex", rule},
               {"level", level_of(cell)},
               {"message", message(text_of_result(cell))},
               {"locations", json::array({location(cell)})}};
    // GitHub looks at primaryLocationLineHash only, and would take cells of one scenario for one without it.
    const std::string print = fingerprint(cell);
    shown["partialFingerprints"] =
        json{{"smtpspecCell/v1", print}, {"primaryLocationLineHash", print + ":1"}};
    if (cell.waiver && !cell.unexpected_pass) {
        json suppression{
            {"kind", "external"}, {"status", "accepted"}, {"justification", waived_text(*cell.waiver)}};
        shown["suppressions"] = json::array({std::move(suppression)});
    } else {
        shown["suppressions"] = json::array();  // §3.27.23: looked for, and none found
    }
    shown["properties"] = properties(result, cell);
    return shown;
}

/// A rule is a scenario that has a result; `cells` are its results, the first of them the worst.
json rule_of(const std::vector<const run::Cell*>& cells) {
    const run::Cell& cell = worst(cells);
    std::vector<std::string> refs;
    std::string help_uri;
    for (const std::string& ref : cell.refs) {
        refs.push_back(safe(ref));
        help_uri = help_uri.empty() ? url_of(ref).value_or("") : help_uri;
    }
    const std::string rule = refs.empty() ? "" : " (" + joined(refs, ", ") + ")";
    const std::string full = fmt::format("{}: {}{}", safe(cell.level), safe(cell.title), rule);
    const std::string means = cell.fail_means.empty() ? "" : fmt::format(" {}.", safe(cell.fail_means));
    json shown{{"id", safe(cell.scenario)},
               {"shortDescription", message(safe(cell.title))},
               {"fullDescription", message(full)},
               {"help", message(fmt::format("{}.{} smtpspec show {}", full, means, safe(cell.scenario)))}};
    if (!help_uri.empty()) {
        shown["helpUri"] = help_uri;
    }
    const bool any_error = std::any_of(
        cells.begin(), cells.end(), [](const run::Cell* one) { return level_of(*one) == "error"; });
    shown["defaultConfiguration"] = json{{"level", any_error ? "error" : "warning"}};
    shown["properties"] = json{{"level", safe(cell.level)}, {"severity", safe(cell.severity)}};
    shown["properties"]["tags"] = json::array({"smtp", safe(run::group_of(cell.scenario))});
    if (const std::string severity = security_severity(cells); !severity.empty()) {
        shown["properties"]["tags"].push_back("security");
        shown["properties"]["security-severity"] = severity;
    }
    return shown;
}

json notification(std::string_view level, std::string text) {
    return json{{"level", level}, {"message", message(std::move(text))}};
}

/// What is no result and yet must not be lost: cells without a verdict, and remarks.
json notifications(const run::Result& result) {
    json list = json::array();
    const auto count = [&](Verdict verdict) {
        return static_cast<std::size_t>(
            std::count_if(result.cells.begin(), result.cells.end(), [&](const run::Cell& cell) {
                return cell.verdict == verdict;
            }));
    };
    if (const std::size_t errors = count(Verdict::Error); errors > 0) {
        list.push_back(notification("error", counted(errors, "cell has", "cells have") + " an error"));
    }
    if (const std::size_t open = count(Verdict::Inconclusive); open > 0) {
        list.push_back(notification("warning", counted(open, "cell is", "cells are") + " inconclusive"));
    }
    if (result.interrupted) {
        list.push_back(notification("warning", "interrupted: partial result"));
    }
    list.push_back(notification("note", counts_text(result)));
    for (const std::string& notice : result.notices) {
        list.push_back(notification("note", safe(notice)));
    }
    return list;
}

/// "2026-01-02T03:04:05Z", which the schema demands.
bool is_time(std::string_view text) {
    constexpr std::string_view pattern = "0000-00-00T00:00:00Z";
    return text.size() == pattern.size() &&
           std::equal(text.begin(), text.end(), pattern.begin(), [](char c, char like) {
               return like == '0' ? smtp::is_digit(c) : c == like;
           });
}

json invocation(const run::Result& result) {
    constexpr int own_error = 3, interrupted = 130;
    const int code = run::exit_code(result, 0);
    json shown{{"commandLine", "smtpspec " + safe(result.command)}};
    if (is_time(result.started)) {
        shown["startTimeUtc"] = result.started;
    }
    shown["exitCode"] = code;
    shown["exitCodeDescription"] = "docs/exit-codes.md; without --allow-inconclusive";
    shown["executionSuccessful"] = code != own_error && code != interrupted;
    shown["toolExecutionNotifications"] = notifications(result);
    return shown;
}

}  // namespace

std::string render_sarif(const run::Result& result) {
    std::vector<std::vector<const run::Cell*>> by_rule;
    std::map<std::string, std::size_t> rule_index;
    json results = json::array();
    for (const run::Cell& cell : result.cells) {
        if (!level_of(cell).empty()) {
            const auto [at, is_new] = rule_index.emplace(cell.scenario, by_rule.size());
            if (is_new) {
                by_rule.emplace_back();
            }
            by_rule[at->second].push_back(&cell);
            results.push_back(result_of(result, cell, at->second));
        }
    }
    json driver{{"name", "smtpspec"}, {"version", safe(result.tool_version)}, {"rules", json::array()}};
    for (const std::vector<const run::Cell*>& cells : by_rule) {
        driver["rules"].push_back(rule_of(cells));
    }
    json one{{"tool", {{"driver", std::move(driver)}}}};
    one["invocations"] = json::array({invocation(result)});
    one["results"] = std::move(results);
    json document{{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"}, {"version", "2.1.0"}};
    document["runs"] = json::array({std::move(one)});
    return document.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace smtpspec::report
