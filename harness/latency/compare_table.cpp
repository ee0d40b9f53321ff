#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "harness/latency/compare.hpp"

namespace smtpspec::latency {

std::string_view to_string(Change change) {
    switch (change) {
        case Change::faster:
            return "faster";
        case Change::slower:
            return "slower";
        case Change::same:
            return "same";
        case Change::cannot_tell:
            break;
    }
    return "cannot tell";
}

namespace {

std::string time_text(double us) { return human(std::chrono::microseconds(std::llround(us))); }

std::string line_of(const StageChange& row) {
    return fmt::format("{:<5}{:<15}p{:<3}{:>9}{:>9}{:>7.2f}  {:<14} {}\n",
                       row.port,
                       to_string(row.stage),
                       row.percent,
                       time_text(row.old_us),
                       time_text(row.new_us),
                       row.ratio,
                       row.high > 0 ? fmt::format("{:.2f} to {:.2f}", row.low, row.high) : "",
                       to_string(row.change));
}

std::size_t count(const LatencyComparison& comparison, Change change) {
    return static_cast<std::size_t>(
        std::count_if(comparison.stages.begin(), comparison.stages.end(), [&](const StageChange& row) {
            return row.change == change;
        }));
}

std::string sum_of(const LatencyComparison& comparison) {
    std::string text;
    for (const Change change : {Change::slower, Change::faster, Change::same, Change::cannot_tell})
        text +=
            fmt::format("{}{} {}", text.empty() ? "" : ", ", count(comparison, change), to_string(change));
    return text;
}

/// The reasons of "cannot tell" that are no matter of an interval, each once.
std::string reasons(const LatencyComparison& comparison) {
    std::vector<std::string> said;
    std::string text;
    for (const StageChange& row : comparison.stages) {
        if (row.why.empty() || std::find(said.begin(), said.end(), row.why) != said.end())
            continue;
        said.push_back(row.why);
        text += "cannot tell: " + row.why + "\n";
    }
    return text;
}

}  // namespace

std::string to_table(const LatencyComparison& comparison, bool all) {
    std::string rows;
    for (const StageChange& row : comparison.stages)
        if (all || row.change == Change::slower || row.change == Change::faster)
            rows += line_of(row);
    std::string out;
    if (!rows.empty())
        out += fmt::format("{:<5}{:<15}{:<4}{:>9}{:>9}{:>7}  {}\n",
                           "port",
                           "stage",
                           "",
                           "old",
                           "new",
                           "ratio",
                           "interval") +
               rows + "\n";
    out += fmt::format("{} comparisons: {}\n", comparison.stages.size(), sum_of(comparison));
    out += fmt::format(
        "A change counts above {:g} % and {}; by chance none does in {:g} % of all\n"
        "comparisons. The machine took {:.2f} times as long as it did for OLD.\n",
        comparison.rules.threshold * 100,
        human(comparison.rules.resolution),
        100 - comparison.rules.error * 100,
        comparison.machine);
    out += reasons(comparison);
    for (const auto* texts : {&comparison.failing, &comparison.lost, &comparison.notices})
        for (const std::string& text : *texts)
            out += text + '\n';
    return out;
}

nlohmann::ordered_json to_json(const LatencyComparison& comparison) {
    nlohmann::ordered_json json;
    json["schema"] = "smtpspec.comparison/1";
    json["threshold"] = comparison.rules.threshold;
    json["resolution_us"] = comparison.rules.resolution.count();
    json["error"] = comparison.rules.error;
    json["machine_ratio"] = comparison.machine;
    json["stages"] = nlohmann::ordered_json::array();
    for (const StageChange& row : comparison.stages)
        json["stages"].push_back({{"port", row.port},
                                  {"stage", key_of(row.stage)},
                                  {"percentile", row.percent},
                                  {"old_us", row.old_us},
                                  {"new_us", row.new_us},
                                  {"ratio", row.ratio},
                                  {"low", row.low},
                                  {"high", row.high},
                                  {"change", std::string(to_string(row.change))},
                                  {"why", row.why}});
    json["failing"] = comparison.failing;
    json["lost"] = comparison.lost;
    json["notices"] = comparison.notices;
    return json;
}

}  // namespace smtpspec::latency
