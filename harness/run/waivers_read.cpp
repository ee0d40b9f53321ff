#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <set>

#include "harness/run/waivers.hpp"
#include "protocol/script/scenario.hpp"
#include "protocol/script/suggest.hpp"
#include "protocol/smtp/escape.hpp"

namespace smtpspec::run {

namespace {

const std::vector<std::string> known_keys = {"id",
                                             "params",
                                             "endpoint",
                                             "client",
                                             "port",
                                             "ports",
                                             "verdict",
                                             "outcome",
                                             "reason",
                                             "link",
                                             "owner",
                                             "expires"};

std::string place(const std::string& file, const YAML::Mark& mark) {
    return fmt::format("{}:{}:{}", file, mark.line + 1, mark.column + 1);
}

using Problem = tl::expected<void, std::string>;

Problem problem(const std::string& file, const YAML::Node& node, const std::string& what) {
    return tl::make_unexpected(place(file, node.Mark()) + ": error: " + what);
}

/// A day that there is, as "2027-01-31".
bool is_date(const std::string& text) {
    const auto digits = [&](std::size_t from, std::size_t count) {
        return std::all_of(text.begin() + static_cast<std::ptrdiff_t>(from),
                           text.begin() + static_cast<std::ptrdiff_t>(from + count),
                           [](char c) { return c >= '0' && c <= '9'; });
    };
    if (text.size() != 10 || text[4] != '-' || text[7] != '-' || !digits(0, 4) || !digits(5, 2) ||
        !digits(8, 2)) {
        return false;
    }
    const auto number = [&](std::size_t from, std::size_t count) {
        return static_cast<unsigned>(std::stoul(text.substr(from, count)));
    };
    return std::chrono::year_month_day(std::chrono::year(static_cast<int>(number(0, 4))),
                                       std::chrono::month(number(5, 2)),
                                       std::chrono::day(number(8, 2)))
        .ok();
}

Problem read_params(const YAML::Node& value, const std::string& file, Waiver& waiver) {
    if (!value.IsMap()) {
        return problem(file, value, "expected a map of parameters and globs: {mechanism: SCRAM-*}");
    }
    for (const auto& item : value) {
        waiver.params.emplace_back(item.first.Scalar(), item.second.Scalar());
    }
    return {};
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
    if (key == "params") {
        return read_params(value, file, waiver);
    }
    if (key == "expires" && !is_date(value.Scalar())) {
        return problem(file, value, "not a date; expected the last day on which it counts: 2027-01-31");
    }
    const std::map<std::string, std::string Waiver::*> texts = {{"id", &Waiver::id},
                                                                {"endpoint", &Waiver::endpoint},
                                                                {"client", &Waiver::client},
                                                                {"outcome", &Waiver::outcome},
                                                                {"reason", &Waiver::reason},
                                                                {"link", &Waiver::link},
                                                                {"owner", &Waiver::owner},
                                                                {"expires", &Waiver::expires}};
    waiver.*texts.at(key) = value.Scalar();
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

}  // namespace smtpspec::run
