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

/// A list or nothing at all would read as "", which names everything.
tl::expected<std::string, std::string> text_of(const std::string& file, const YAML::Node& value) {
    if (!value.IsScalar()) {
        return tl::make_unexpected(
            problem(file, value, "expected one text; a glob names several, or write a waiver for each")
                .error());
    }
    if (value.Scalar().find_first_not_of(" \t\r\n") == std::string::npos) {
        return tl::make_unexpected(problem(file, value, "expected a text that is not empty").error());
    }
    return value.Scalar();
}

Problem read_ports(const YAML::Node& value, const std::string& file, Waiver& waiver) {
    const auto wrong = [&] {
        return problem(file, value, "not a port, or a list of ports; expected numbers from 1 to 65535");
    };
    if (!value.IsScalar() && !(value.IsSequence() && value.size() > 0)) {
        return wrong();
    }
    try {
        waiver.ports = value.IsSequence() ? value.as<std::vector<int>>() : std::vector<int>{value.as<int>()};
    } catch (const YAML::BadConversion&) {
        return wrong();
    }
    const bool is_port = std::all_of(
        waiver.ports.begin(), waiver.ports.end(), [](int port) { return port >= 1 && port <= 65535; });
    return is_port ? Problem() : wrong();
}

Problem read_verdict(const YAML::Node& value, const std::string& file, Waiver& waiver) {
    waiver.verdict = value.IsScalar() ? script::verdict_from_string(value.Scalar()) : std::nullopt;
    if (waiver.verdict && is_waivable(*waiver.verdict)) {
        return {};
    }
    return problem(file,
                   value,
                   fmt::format("\"{}\" cannot be accepted; expected fail, vulnerable, warn or inconclusive",
                               value.IsScalar() ? smtp::printable(value.Scalar(), 60) : ""));
}

/// `scenario[name=value,…]`: what stands in brackets and is no such pair would name everything.
bool is_cell_glob(std::string_view id) {
    const std::size_t open = id.find('[');
    if (open == std::string_view::npos) {
        return id.find(']') == std::string_view::npos;
    }
    if (open == 0 || id.back() != ']') {
        return false;
    }
    std::string_view inner = id.substr(open + 1, id.size() - open - 2);
    while (true) {
        const std::size_t comma = inner.find(',');
        const std::size_t equals = inner.substr(0, comma).find('=');
        if (equals == std::string_view::npos || equals == 0) {
            return false;
        }
        if (comma == std::string_view::npos) {
            return true;
        }
        inner.remove_prefix(comma + 1);
    }
}

Problem read_params(const YAML::Node& value, const std::string& file, Waiver& waiver) {
    if (!value.IsMap()) {
        return problem(file, value, "expected a map of parameters and globs: {mechanism: SCRAM-*}");
    }
    for (const auto& item : value) {
        auto glob = text_of(file, item.second);
        if (!glob) {
            return tl::make_unexpected(glob.error());
        }
        waiver.params.emplace_back(item.first.Scalar(), std::move(*glob));
    }
    return {};
}

Problem read_field(const std::string& key, const YAML::Node& value, const std::string& file, Waiver& waiver) {
    if (key == "port" || key == "ports") {
        return read_ports(value, file, waiver);
    }
    if (key == "verdict") {
        return read_verdict(value, file, waiver);
    }
    if (key == "params") {
        return read_params(value, file, waiver);
    }
    if (key == "reason" && (value.IsNull() || (value.IsScalar() && value.Scalar().empty()))) {
        return {};  // read_entry says what a reason is for
    }
    auto text = text_of(file, value);
    if (!text) {
        return tl::make_unexpected(text.error());
    }
    if (key == "id" && !is_cell_glob(*text)) {
        return problem(file, value, "not the glob of a cell; expected scenario or scenario[name=value,…]");
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
    waiver.*texts.at(key) = std::move(*text);
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
