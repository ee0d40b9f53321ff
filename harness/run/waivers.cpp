#include "harness/run/waivers.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <set>

#include "protocol/script/glob.hpp"
#include "protocol/script/scenario.hpp"
#include "protocol/script/suggest.hpp"
#include "protocol/smtp/escape.hpp"

namespace smtpspec::run {

namespace {

const std::vector<std::string> known_keys = {
    "id", "endpoint", "port", "ports", "verdict", "outcome", "reason"};

std::string place(const std::string& file, const YAML::Mark& mark) {
    return fmt::format("{}:{}:{}", file, mark.line + 1, mark.column + 1);
}

using Problem = tl::expected<void, std::string>;

Problem problem(const std::string& file, const YAML::Node& node, const std::string& what) {
    return tl::make_unexpected(place(file, node.Mark()) + ": error: " + what);
}

Problem read_field(const std::string& key, const YAML::Node& value, const std::string& file, Waiver& waiver) {
    if (key == "port" || key == "ports") {
        waiver.ports = value.IsSequence() ? value.as<std::vector<int>>() : std::vector<int>{value.as<int>()};
        const bool wrong = std::any_of(
            waiver.ports.begin(), waiver.ports.end(), [](int port) { return port < 1 || port > 65535; });
        return wrong ? problem(file, value, "not a port; expected numbers from 1 to 65535") : Problem();
    }
    if (key == "verdict") {
        waiver.verdict = script::verdict_from_string(value.Scalar());
        return waiver.verdict
                   ? Problem()
                   : problem(file, value, "not a verdict: \"" + smtp::printable(value.Scalar(), 60) + "\"");
    }
    std::string& field = key == "id"         ? waiver.id
                         : key == "endpoint" ? waiver.endpoint
                         : key == "outcome"  ? waiver.outcome
                                             : waiver.reason;
    field = value.Scalar();
    return {};
}

Problem read_entry(const YAML::Node& entry, const std::string& file, Waiver& waiver) {
    if (!entry.IsMap()) {
        return problem(file, entry, "expected a map with id, verdict and reason");
    }
    std::set<std::string> seen;
    for (const auto& item : entry) {
        const auto key = item.first.Scalar();
        if (!seen.insert(key).second) {
            return problem(
                file, item.first, fmt::format("key \"{}\" stands twice", smtp::printable(key, 60)));
        }
        if (std::find(known_keys.begin(), known_keys.end(), key) == known_keys.end()) {
            return problem(file,
                           item.first,
                           fmt::format("unknown key \"{}\"; expected {}. {}",
                                       smtp::printable(key, 60),
                                       script::any_of(known_keys),
                                       script::did_you_mean(key, known_keys)));
        }
        if (auto read = read_field(key, item.second, file, waiver); !read) {
            return read;
        }
    }
    if (waiver.id.empty() || waiver.reason.empty()) {
        return problem(file, entry, "a waiver needs an id (glob) and a reason that people can check");
    }
    return {};
}

bool names_who(const Waiver& waiver, const Cell& cell) {
    const std::string& who = cell.side == script::Side::Server ? cell.endpoint : cell.client;
    return waiver.endpoint.empty() || script::glob_matches(waiver.endpoint, who);
}

bool names(const Waiver& waiver, const Cell& cell) {
    script::CellParams params{cell.scenario, cell.params};
    return script::filter_matches(waiver.id, params) && names_who(waiver, cell) &&
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
        return tl::make_unexpected(
            fmt::format("{}: error: {}", place(file_name, problem.mark), smtp::printable(problem.msg)));
    }
    return waivers;
}

namespace {

bool covers(const Waiver& waiver, const Cell& cell) {
    return waivable(cell.verdict) && (!waiver.verdict || *waiver.verdict == cell.verdict) &&
           (waiver.outcome.empty() || waiver.outcome == cell.outcome);
}

/// True when the waiver has lost its reason: what it names was judged and passed, and nothing of it is wrong.
/// A glob fits cells that pass beside those that it is for: while one of them is wrong it has work to do, and
/// one without a verdict may be the one.
bool has_no_work_left(const Waiver& waiver, const std::vector<Cell>& cells) {
    if (waiver.verdict && !is_red(*waiver.verdict)) {
        return false;  // accepts a remark, or a cell that is now this and now that
    }
    bool passed = false;
    for (const Cell& cell : cells) {
        if (!names(waiver, cell)) {
            continue;
        }
        if (covers(waiver, cell) || cell.verdict == Verdict::Inconclusive || cell.verdict == Verdict::Error) {
            return false;
        }
        passed = passed || cell.verdict == Verdict::Pass;
    }
    return passed;
}

}  // namespace

void apply_waivers(const std::vector<Waiver>& waivers, std::vector<Cell>& cells) {
    for (Cell& cell : cells) {
        cell.waiver.reset();
        cell.unexpected_pass = false;
    }
    for (const Waiver& waiver : waivers) {
        const bool idle = has_no_work_left(waiver, cells);
        for (Cell& cell : cells) {
            if (cell.waiver || !names(waiver, cell)) {
                continue;
            }
            if (covers(waiver, cell)) {
                cell.waiver = WaiverNote{waiver.reason, waiver.id};
            } else if (idle && cell.verdict == Verdict::Pass) {
                cell.waiver = WaiverNote{waiver.reason, waiver.id};
                cell.unexpected_pass = true;
            }
        }
    }
}

std::vector<std::string> unused_waivers(const std::vector<Waiver>& waivers, const std::vector<Cell>& cells) {
    std::vector<std::string> notices;
    const auto any = [&](auto&& fits) { return std::any_of(cells.begin(), cells.end(), fits); };
    for (const Waiver& waiver : waivers) {
        if (any([&](const Cell& cell) { return names(waiver, cell); })) {
            continue;
        }
        const bool elsewhere = !any([&](const Cell& cell) { return names_who(waiver, cell); });
        notices.push_back(fmt::format(
            "the waiver \"{}\" fits no cell of this run: {}",
            waiver.id,
            elsewhere ? fmt::format("nobody here is called \"{}\"", waiver.endpoint)
                      : "a typing mistake in id or ports, or a scenario that was left out (--slow, "
                        "--intrusive)?"));
    }
    return notices;
}

}  // namespace smtpspec::run
