#include "harness/run/waivers.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <set>

#include "protocol/script/glob.hpp"
#include "protocol/script/scenario.hpp"
#include "protocol/script/suggest.hpp"

namespace smtpspec::run {

namespace {

const std::vector<std::string> known_keys = {
    "id", "endpoint", "port", "ports", "verdict", "outcome", "reason"};

std::string place(const std::string& file, const YAML::Mark& mark) {
    return fmt::format("{}:{}:{}", file, mark.line + 1, mark.column + 1);
}

tl::expected<void, std::string> read_entry(const YAML::Node& entry, const std::string& file, Waiver& waiver) {
    if (!entry.IsMap()) {
        return tl::make_unexpected(place(file, entry.Mark()) +
                                   ": error: expected a map with id, verdict and reason");
    }
    std::set<std::string> seen;
    for (const auto& item : entry) {
        const auto key = item.first.Scalar();
        if (!seen.insert(key).second) {
            return tl::make_unexpected(
                fmt::format("{}: error: key \"{}\" stands twice", place(file, item.first.Mark()), key));
        }
        if (std::find(known_keys.begin(), known_keys.end(), key) == known_keys.end()) {
            return tl::make_unexpected(fmt::format("{}: error: unknown key \"{}\"; expected {}. {}",
                                                   place(file, item.first.Mark()),
                                                   key,
                                                   script::any_of(known_keys),
                                                   script::did_you_mean(key, known_keys)));
        }
        if (key == "port" || key == "ports") {
            const auto ports = item.second.IsSequence() ? item.second.as<std::vector<int>>()
                                                        : std::vector<int>{item.second.as<int>()};
            if (std::any_of(ports.begin(), ports.end(), [](int port) { return port < 1 || port > 65535; })) {
                return tl::make_unexpected(place(file, item.second.Mark()) +
                                           ": error: not a port; expected numbers from 1 to 65535");
            }
            waiver.ports = ports;
        } else if (key == "verdict") {
            waiver.verdict = script::verdict_from_string(item.second.Scalar());
            if (!waiver.verdict) {
                return tl::make_unexpected(place(file, item.second.Mark()) + ": error: not a verdict: \"" +
                                           item.second.Scalar() + "\"");
            }
        } else {
            std::string& field = key == "id"         ? waiver.id
                                 : key == "endpoint" ? waiver.endpoint
                                 : key == "outcome"  ? waiver.outcome
                                                     : waiver.reason;
            field = item.second.Scalar();
        }
    }
    if (waiver.id.empty() || waiver.reason.empty()) {
        return tl::make_unexpected(place(file, entry.Mark()) +
                                   ": error: a waiver needs an id (glob) and a reason that people can check");
    }
    return {};
}

bool names(const Waiver& waiver, const Cell& cell) {
    const std::string& who = cell.side == script::Side::Server ? cell.endpoint : cell.client;
    script::CellParams params{cell.scenario, cell.params};
    return script::filter_matches(waiver.id, params) &&
           (waiver.endpoint.empty() || script::glob_matches(waiver.endpoint, who)) &&
           (waiver.ports.empty() ||
            std::find(waiver.ports.begin(), waiver.ports.end(), cell.port) != waiver.ports.end());
}

bool waivable(Verdict verdict) {
    return is_red(verdict) || verdict == Verdict::Inconclusive || verdict == Verdict::Warn;
}

}  // namespace

tl::expected<std::vector<Waiver>, std::string> load_waivers(std::string_view text,
                                                            const std::string& file_name) {
    std::vector<Waiver> waivers;
    try {
        const YAML::Node root = YAML::Load(std::string(text));
        const YAML::Node list = root.IsMap() ? root["waivers"] : root;
        if (!list || !list.IsSequence()) {
            return tl::make_unexpected(file_name +
                                       ":1:1: error: expected \"waivers:\" with a list of waivers");
        }
        for (const auto& entry : list) {
            Waiver waiver;
            if (auto read = read_entry(entry, file_name, waiver); !read) {
                return tl::make_unexpected(read.error());
            }
            waivers.push_back(std::move(waiver));
        }
    } catch (const YAML::Exception& problem) {
        return tl::make_unexpected(fmt::format("{}: error: {}", place(file_name, problem.mark), problem.msg));
    }
    return waivers;
}

void apply_waivers(const std::vector<Waiver>& waivers, std::vector<Cell>& cells) {
    for (Cell& cell : cells) {
        for (const Waiver& waiver : waivers) {
            if (!names(waiver, cell)) {
                continue;
            }
            if (cell.verdict == Verdict::Pass && waiver.verdict && is_red(*waiver.verdict)) {
                cell.unexpected_pass = true;
                cell.waiver = WaiverNote{waiver.reason, waiver.id};
            } else if (waivable(cell.verdict) && (!waiver.verdict || *waiver.verdict == cell.verdict) &&
                       (waiver.outcome.empty() || waiver.outcome == cell.outcome)) {
                cell.unexpected_pass = false;
                cell.waiver = WaiverNote{waiver.reason, waiver.id};
                break;
            }
        }
    }
}

}  // namespace smtpspec::run
