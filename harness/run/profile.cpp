#include "harness/run/profile.hpp"

#include <re2/re2.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>

#include "harness/run/host_name.hpp"
#include "harness/run/shown_line.hpp"
#include "protocol/script/suggest.hpp"
#include "protocol/smtp/escape.hpp"

namespace smtpspec::run {

namespace {

/// A mistake in a profile, thrown inside this file only.
struct ProfileError {
    YAML::Mark mark;
    std::string message, expected, hint;
    bool secret = false;  ///< what stands at the mark is not shown
};

/// How many octets of a word that is wrong a message shows.
constexpr std::size_t longest_word = 60;

using Reader = std::function<void(const YAML::Node&)>;
using Readers = std::vector<std::pair<std::string, Reader>>;

std::vector<std::string> words(const Readers& readers) {
    std::vector<std::string> found;
    for (const auto& [key, reader] : readers) {
        found.push_back(key);
    }
    return found;
}

/// Reads a map whose keys are all known and stand once.
void read_map(const YAML::Node& node, const std::string& what, const Readers& readers) {
    if (!node.IsMap()) {
        throw ProfileError{
            node.Mark(), what + " is not a map", "a map with " + script::any_of(words(readers)), ""};
    }
    std::set<std::string> seen;
    for (const auto& item : node) {
        const std::string key = item.first.Scalar();
        const auto reader = std::find_if(
            readers.begin(), readers.end(), [&](const auto& known) { return known.first == key; });
        if (reader == readers.end()) {
            throw ProfileError{
                item.first.Mark(),
                fmt::format("unknown key \"{}\" in {}", smtp::printable(key, longest_word), what),
                script::any_of(words(readers)),
                script::did_you_mean(key, words(readers))};
        }
        if (!seen.insert(key).second) {
            throw ProfileError{item.first.Mark(),
                               fmt::format("key \"{}\" stands twice", smtp::printable(key, longest_word)),
                               "each key once",
                               ""};
        }
        reader->second(item.second);
    }
}

/// One line of text: what goes into commands, host names and onto terminals holds no control character.
std::string line_of(const YAML::Node& node) {
    if (!node.IsScalar()) {
        throw ProfileError{node.Mark(), "not a text", "one value", ""};
    }
    const std::string& value = node.Scalar();
    if (std::any_of(value.begin(), value.end(), [](unsigned char c) { return c < ' ' || c == 127; })) {
        throw ProfileError{node.Mark(), "a line end or another control character", "one line of text", ""};
    }
    return value;
}

Reader host(std::string& field) {
    return [&field](const YAML::Node& node) {
        field = line_of(node);
        if (const HostProblem problem = host_problem(field); !problem.what.empty()) {
            throw ProfileError{node.Mark(),
                               problem.what,
                               problem.host.empty() ? "a name or an IP address" : "host: " + problem.host,
                               "the ports have a key of their own: ports: {587: starttls}"};
        }
    };
}

Reader text(std::string& field) {
    return [&field](const YAML::Node& node) { field = line_of(node); };
}

/// What people read and nothing is sent of: its lines become one.
Reader remark(std::string& field) {
    return [&field](const YAML::Node& node) {
        YAML::Node folded = YAML::Clone(node);
        if (node.IsScalar()) {
            std::string value = node.Scalar();
            value.erase(value.find_last_not_of("\r\n") + 1);
            std::replace(value.begin(), value.end(), '\n', ' ');
            folded = value;
        }
        try {
            field = line_of(folded);
        } catch (ProfileError& error) {
            error.mark = node.Mark();
            throw;
        }
    };
}

/// A reverse-path or recipient as it stands between < and >.
std::string address_of(const YAML::Node& node) {
    std::string value = line_of(node);
    if (value.find_first_of("<>") != std::string::npos) {
        throw ProfileError{
            node.Mark(), "an address with < or > in it", "the mailbox alone: user@example.test", ""};
    }
    return value;
}

Reader address(std::string& field) {
    return [&field](const YAML::Node& node) { field = address_of(node); };
}

int whole_number(const YAML::Node& node, int low, int high) {
    const std::string raw = node.IsScalar() ? node.Scalar() : "";
    const bool digits = !raw.empty() && raw.size() < 10 &&
                        std::all_of(raw.begin(), raw.end(), [](char c) { return c >= '0' && c <= '9'; });
    const int value = digits ? std::atoi(raw.c_str()) : -1;
    if (!digits || value < low || value > high) {
        throw ProfileError{node.Mark(),
                           fmt::format("not a number that fits: \"{}\"", smtp::printable(raw, longest_word)),
                           fmt::format("a whole number from {} to {}", low, high),
                           ""};
    }
    return value;
}

template <typename Field>
Reader number(Field& field, int low, int high) {
    return [&field, low, high](const YAML::Node& node) { field = whole_number(node, low, high); };
}

Reader time(std::optional<std::chrono::milliseconds>& field) {
    return [&field](const YAML::Node& node) {
        const auto value = script::duration_from_string(node.IsScalar() ? node.Scalar() : "");
        constexpr std::chrono::milliseconds shortest{10};
        constexpr std::chrono::minutes longest{10};
        if (!value || *value < shortest || *value > longest) {
            throw ProfileError{node.Mark(),
                               value ? "a time out of range" : "not a time",
                               "a number with a unit, from 10ms to 10m: 500ms, 2s, 1m",
                               ""};
        }
        field = std::chrono::duration_cast<std::chrono::milliseconds>(*value);
    };
}

/// "2/s", "30/m" or a plain number per second.
void read_rate(const YAML::Node& node, double& field) {
    const std::string& raw = node.Scalar();
    char* end = nullptr;
    const double value = std::strtod(raw.c_str(), &end);
    const std::string unit = end;
    const double per_second = unit == "/m" ? value / 60 : value;
    constexpr double slowest = 0.001, fastest = 10000;
    const bool in_range = std::isfinite(per_second) && per_second >= slowest && per_second <= fastest;
    if (!in_range || (!unit.empty() && unit != "/s" && unit != "/m")) {
        throw ProfileError{node.Mark(),
                           fmt::format("not a rate: \"{}\"", smtp::printable(raw, longest_word)),
                           "messages per second or minute: 2/s, 30/m (0.001/s to 10000/s)",
                           ""};
    }
    field = per_second;
}

void read_ports(const YAML::Node& node, Profile& profile) {
    if (!node.IsMap() || node.size() == 0) {
        throw ProfileError{node.Mark(), "ports is not a map", "{25: starttls, 465: tls, …}", ""};
    }
    for (const auto& item : node) {
        const int port = whole_number(item.first, 1, 65535);
        const auto mode = script::mode_from_string(item.second.IsScalar() ? item.second.Scalar() : "");
        if (!mode) {
            throw ProfileError{item.second.Mark(),
                               "not a mode: \"" + smtp::printable(item.second.Scalar(), longest_word) + "\"",
                               "starttls, tls or plain",
                               script::did_you_mean(item.second.Scalar(), {"starttls", "tls", "plain"})};
        }
        if (!profile.ports.emplace(port, *mode).second) {
            throw ProfileError{
                item.first.Mark(), fmt::format("port {} stands twice", port), "each port once", ""};
        }
    }
}

void read_list(const YAML::Node& node, std::vector<std::string>& field) {
    if (!node.IsSequence()) {
        throw ProfileError{node.Mark(), "not a list", "[a@example.test, b@example.test]", ""};
    }
    for (const auto& item : node) {
        field.push_back(address_of(item));
    }
}

/// A reply between two slashes is a regular expression.
void check_pattern(const YAML::Node& node, const std::string& reply) {
    if (reply.size() < 2 || reply.front() != '/' || reply.back() != '/') {
        return;
    }
    const RE2 pattern(reply.substr(1, reply.size() - 2), RE2::Quiet);
    if (!pattern.ok()) {
        throw ProfileError{node.Mark(),
                           "not a regular expression: " + smtp::printable(pattern.error(), longest_word),
                           "the beginning of a reply, or /a regular expression/",
                           ""};
    }
}

void read_facts(const YAML::Node& node, Profile& profile) {
    if (!node.IsSequence()) {
        throw ProfileError{
            node.Mark(), "facts is not a list", "a list of maps, each with source and date", ""};
    }
    for (const auto& item : node) {
        Fact fact;
        std::string closes;
        read_map(item,
                 "a fact",
                 {{"name", remark(fact.name)},
                  {"value", text(fact.value)},
                  {"source", remark(fact.source)},
                  {"date", remark(fact.date)},
                  {"situation", text(fact.situation)},
                  {"reply", text(fact.reply)},
                  {"stage", text(fact.stage)},
                  {"closes", text(closes)}});
        fact.closes = closes == "yes" || closes == "true";
        if (fact.source.empty() || fact.date.empty()) {
            throw ProfileError{
                item.Mark(), "a fact without source or date", "source: where it was read, date: when", ""};
        }
        check_pattern(item["reply"], fact.reply);
        profile.facts.push_back(std::move(fact));
    }
}

void read_services(const YAML::Node& node, Profile& profile) {
    if (!node.IsMap()) {
        throw ProfileError{node.Mark(), "service is not a map", "{25: mx, 587: submission}", ""};
    }
    for (const auto& item : node) {
        const std::string word = item.second.Scalar();
        if (word != "submission" && word != "mx") {
            throw ProfileError{item.second.Mark(),
                               "not a service: \"" + smtp::printable(word, longest_word) + "\"",
                               "submission or mx",
                               ""};
        }
        profile.service[whole_number(item.first, 1, 65535)] = word;
    }
}

/// Who logs in, and at most one place for the password.
void check_login(const YAML::Node& node, const Profile& profile) {
    const int places = (profile.password_env.empty() ? 0 : 1) + (profile.password_file.empty() ? 0 : 1);
    if (places > 1 || profile.user.empty()) {
        throw ProfileError{node.Mark(),
                           profile.user.empty() ? "auth has no user" : "auth has two places for the password",
                           "user: NAME, and password_env: NAME_OF_A_VARIABLE or password_file: PATH",
                           ""};
    }
}

Reader password() {
    return [](const YAML::Node& at) {
        throw ProfileError{at.Mark(),
                           "a password does not belong into a file like this (key \"password\")",
                           "password_env: NAME_OF_A_VARIABLE or password_file: PATH",
                           "",
                           true};
    };
}

void read_auth(const YAML::Node& node, Profile& profile) {
    read_map(node,
             "auth",
             {{"user", text(profile.user)},
              {"password_env", text(profile.password_env)},
              {"password_file", text(profile.password_file)},
              {"password", password()}});
    check_login(node, profile);
}

void read_envelope(const YAML::Node& node, Profile& profile) {
    read_map(node,
             "envelope",
             {{"from", address(profile.from)},
              {"to", address(profile.to)},
              {"bad", address(profile.bad)},
              {"remote", address(profile.remote)},
              {"mailbox", text(profile.mailbox)},
              {"domain", text(profile.domain)},
              {"recipients", [&](const YAML::Node& list) { read_list(list, profile.recipients); }}});
}

void read_limits(const YAML::Node& node, const std::string& what, Profile& profile) {
    const Readers pace = {
        {"messages", [&](const YAML::Node& rate) { read_rate(rate, profile.messages_per_second); }},
        {"connections", number(profile.connections, 1, 100)}};
    const Readers budget = {{"messages", number(profile.budget_messages, 0, 100000)},
                            {"bad_logins", number(profile.budget_bad_logins, 0, 1000)}};
    const Readers times = {{"quiet", time(profile.quiet)}, {"step", time(profile.step)}};
    read_map(node, what, what == "pace" ? pace : what == "budget" ? budget : times);
}

void read_keys(const YAML::Node& root, Profile& profile) {
    const auto part = [&](void (*read)(const YAML::Node&, Profile&)) -> Reader {
        return [read, &profile](const YAML::Node& node) { read(node, profile); };
    };
    const auto limits = [&](const char* what) -> Reader {
        return [what, &profile](const YAML::Node& node) { read_limits(node, what, profile); };
    };
    const Reader tls = [&](const YAML::Node& node) {
        read_map(
            node, "tls", {{"ca_file", text(profile.ca_file)}, {"server_name", text(profile.server_name)}});
    };
    read_map(root,
             "the profile",
             {{"name", text(profile.name)},
              {"host", host(profile.host)},
              {"domain", text(profile.domain)},
              {"ehlo", text(profile.ehlo)},
              {"ports", part(read_ports)},
              {"service", part(read_services)},
              {"tls", tls},
              {"auth", part(read_auth)},
              {"envelope", part(read_envelope)},
              {"pace", limits("pace")},
              {"budget", limits("budget")},
              {"time", limits("time")},
              {"facts", part(read_facts)}});
}

void read_profile(const YAML::Node& root, Profile& profile) {
    read_keys(root, profile);
    if (profile.host.empty() || profile.ports.empty()) {
        throw ProfileError{root.Mark(),
                           "the profile has no " + std::string(profile.host.empty() ? "host" : "ports"),
                           "host: NAME and ports: {587: starttls, …}",
                           ""};
    }
    profile.paced = root["pace"].IsDefined() || root["budget"].IsDefined();
    if (profile.name.empty()) {
        profile.name = profile.host;
    }
}

std::string render(const ProfileError& error, std::string_view source, const std::string& file) {
    const auto before = error.secret ? static_cast<std::size_t>(std::max(0, error.mark.pos)) : source.size();
    std::string text = fmt::format(
        "{}:{}:{}: error: {}\n{}",
        file,
        error.mark.line + 1,
        error.mark.column + 1,
        error.message,
        shown_line(source.substr(0, before), std::max(0, error.mark.line), std::max(0, error.mark.column)));
    if (!error.expected.empty()) {
        text += "expected: " + error.expected + "\n";
    }
    if (!error.hint.empty()) {
        text += "hint: " + error.hint + "\n";
    }
    return text;
}

}  // namespace

tl::expected<Profile, std::string> load_profile(std::string_view source, const std::string& file_name) {
    Profile profile;
    try {
        if (source.size() > (1U << 20)) {
            return tl::make_unexpected(file_name + ": error: a profile of more than 1 MiB is none");
        }
        read_profile(YAML::Load(std::string(source)), profile);
        return profile;
    } catch (const ProfileError& error) {
        return tl::make_unexpected(render(error, source, file_name));
    } catch (const YAML::Exception& error) {
        return tl::make_unexpected(
            render(ProfileError{error.mark, smtp::printable(error.msg), "YAML", ""}, source, file_name));
    }
}

}  // namespace smtpspec::run
