#include "harness/report/waiver_file.hpp"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "harness/report/text.hpp"

namespace smtpspec::report {

namespace {

/// A YAML scalar whatever the text holds: a string of JSON is one.
std::string quoted(const std::string& text) {
    return nlohmann::json(text).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

/// Cells that one waiver is for.
struct Entry {
    const run::Cell* first = nullptr;
    std::set<int> ports;
};

std::string yaml(const Entry& entry) {
    const run::Cell& cell = *entry.first;
    const bool client = cell.side == script::Side::Client;
    std::string out = fmt::format("  - id: {}\n", quoted(cell.scenario));
    if (!cell.params.empty()) {
        std::vector<std::string> params;
        for (const auto& [name, value] : cell.params) {
            params.push_back(fmt::format("{}: {}", quoted(name), quoted(value)));
        }
        out += fmt::format("    params: {{{}}}\n", joined(params, ", "));
    }
    out += fmt::format(
        "    {}: {}\n", client ? "client" : "endpoint", quoted(client ? cell.client : cell.endpoint));
    if (*entry.ports.begin() != 0) {  // 0: a cell about all ports
        out += fmt::format("    ports: [{}]\n", fmt::join(entry.ports, ", "));
    }
    out += fmt::format("    verdict: {}\n", script::to_string(cell.verdict));
    if (!cell.outcome.empty()) {
        out += fmt::format("    outcome: {}\n", quoted(cell.outcome));
    }
    out += fmt::format("    # {}\n", safe(cell.got.empty() ? cell.reason : cell.got));
    return out + "    reason: \"\"\n";
}

}  // namespace

std::string waiver_file(const run::Result& result) {
    std::map<std::string, std::size_t> known;
    std::vector<Entry> entries;
    for (const run::Cell& cell : result.cells) {
        if (!run::is_red(cell.verdict) || cell.waiver) {
            continue;
        }
        const std::string key = fmt::format("{}\n{}\n{}\n{}\n{}\n{}",
                                            cell.name(),
                                            script::to_string(cell.side),
                                            cell.endpoint,
                                            cell.client,
                                            script::to_string(cell.verdict),
                                            cell.outcome);
        const auto [place, is_new] = known.try_emplace(key, entries.size());
        if (is_new) {
            entries.push_back(Entry{&cell, {}});
        }
        entries[place->second].ports.insert(cell.port);
    }
    if (entries.empty()) {
        return {};
    }
    std::string out =
        "# What was red in a run of smtpspec. Delete what is not to be accepted, and fill in each reason: "
        "why it is\n"
        "# known and accepted, so that somebody else can check it. Until then --waivers refuses this file. "
        "Add\n"
        "# link: and owner: for who works on it, and expires: 2027-01-31 for the last day on which it is "
        "accepted.\n"
        "waivers:\n";
    for (const Entry& entry : entries) {
        out += yaml(entry);
    }
    return out;
}

}  // namespace smtpspec::report
