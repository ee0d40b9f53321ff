#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "protocol/script/head_loader.hpp"
#include "protocol/script/lexer.hpp"
#include "protocol/script/suggest.hpp"

/// What the head says about the client under test and about limiters (§3).
namespace smtpspec::script {
namespace {

constexpr std::array client_keys = {"policy",
                                    "messages",
                                    "parallel",
                                    "pause",
                                    "reuse",
                                    "to",
                                    "from",
                                    "subject",
                                    "body",
                                    "auth",
                                    "user",
                                    "secret",
                                    "dsn",
                                    "socket",
                                    "ports"};

/// Keys whose value may be a list: all recipients, or the n-th value for the n-th message.
bool may_be_list(std::string_view key) {
    return key == "to" || key == "policy" || key == "user" || key == "secret";
}

std::vector<std::string> client_key_list() { return {client_keys.begin(), client_keys.end()}; }

/// `repeat("a", 1000)` without quotes is an expression (`client.body`).
bool looks_like_call(const YamlNode& scalar) {
    const std::size_t name = name_length(scalar.raw);
    return scalar.style == YamlNode::Style::Plain && name != 0 && name < scalar.raw.size() &&
           scalar.raw[name] == '(';
}

}  // namespace

void HeadLoader::set_client(const YamlNode& node) {
    if (!expect_map(node, "{policy: require-tls, messages: 20, …}")) {
        return;
    }
    const std::vector<std::string> known = client_key_list();
    for (const YamlNode::Entry& entry : node.entries) {
        if (std::find(known.begin(), known.end(), entry.key) == known.end()) {
            reporter_.error(entry.at,
                            entry.key.size(),
                            fmt::format("unknown key `{}` of `client`", entry.key),
                            any_of(known),
                            did_you_mean(entry.key, known));
            continue;
        }
        add_client_entry(entry);
    }
}

void HeadLoader::add_client_entry(const YamlNode::Entry& entry) {
    ClientEntry result{entry.key, {}, entry.at};
    if (may_be_list(entry.key) && entry.value.kind == YamlNode::Kind::List) {
        for (const YamlNode& item : entry.value.items) {
            if (expect_scalar(item, entry.key == "to" ? "an address" : "a value")) {
                result.values.push_back(template_of(item));
                if (result.values.back().is_literal()) {
                    check_client_value({entry.key, entry.at, item}, result.values.back().literal());
                }
            }
        }
    } else if (expect_scalar(entry.value, "a value")) {
        if (entry.key == "body" && looks_like_call(entry.value)) {
            YamlNode insertion = entry.value;
            insertion.raw = "${" + insertion.raw + "}";
            insertion.origin.insert(insertion.origin.begin(), 2, insertion.origin.front());
            result.values.push_back(template_of(insertion));
        } else {
            result.values.push_back(template_of(entry.value));
        }
        if (result.values.back().is_literal()) {
            check_client_value(entry, result.values.back().literal());
        }
    }
    if (!result.values.empty()) {
        head_.client.push_back(std::move(result));
    }
}

void HeadLoader::check_client_value(const YamlNode::Entry& entry, const std::string& text) {
    if (entry.key == "policy") {
        const std::vector<std::string> known = {"require-tls", "opportunistic", "implicit"};
        if (std::find(known.begin(), known.end(), text) == known.end()) {
            wrong(entry.value,
                  fmt::format("unknown policy `{}`", text),
                  any_of(known),
                  did_you_mean(text, known));
        }
    } else if (entry.key == "messages" || entry.key == "parallel") {
        integer(entry.value, entry.key, 1);
    } else if (entry.key == "pause") {
        time_of(entry.value);
    } else if (entry.key == "socket" && text != "supplied") {
        wrong(entry.value, fmt::format("unknown kind of socket `{}`", text), "supplied");
    } else if (entry.key == "ports" && text != "all") {
        wrong(entry.value, fmt::format("unknown choice of ports `{}`", text), "all");
    }
}

void HeadLoader::set_limiter(const YamlNode& node) {
    if (!expect_map(node, "{name: {rate: 20/s, burst: 3, per: login}}")) {
        return;
    }
    for (const YamlNode::Entry& entry : node.entries) {
        add_limiter(entry);
    }
}

void HeadLoader::add_limiter(const YamlNode::Entry& entry) {
    check_name(entry.key, entry.at, "limiter");
    if (!expect_map(entry.value, "{rate: 20/s, burst: 3, per: login}")) {
        return;
    }
    Limiter limiter;
    limiter.name = entry.key;
    limiter.at = entry.at;
    bool has_burst = false;
    for (const YamlNode::Entry& part : entry.value.entries) {
        if (part.key == "rate") {
            set_rate(limiter, part.value);
        } else if (part.key == "burst") {
            limiter.burst = integer(part.value, "burst", 1).value_or(1);
            has_burst = true;
        } else if (part.key == "per") {
            limiter.per =
                word_of<LimiterScope>(
                    part.value, "scope", limiter_scope_from_string, {"login", "address", "connection", "all"})
                    .value_or(LimiterScope::All);
        } else {
            reporter_.error(part.at,
                            part.key.size(),
                            fmt::format("unknown key `{}` of a limiter", part.key),
                            "rate, burst or per",
                            did_you_mean(part.key, {"rate", "burst", "per"}));
        }
    }
    if (entry.value.find("rate") == nullptr) {
        reporter_.error(
            entry.at, entry.key.size(), fmt::format("the limiter `{}` has no rate", entry.key), "rate: 20/s");
    }
    limiter.burst = has_burst ? limiter.burst : limiter.rate;
    head_.limiters.push_back(std::move(limiter));
}

void HeadLoader::set_rate(Limiter& limiter, const YamlNode& node) {
    constexpr const char* expected = "a number, `/`, and s, m, h or d: 20/s";
    if (!expect_scalar(node, expected)) {
        return;
    }
    const std::string text = node.text();
    std::int64_t count = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    const std::string_view unit(rest, static_cast<std::size_t>(text.data() + text.size() - rest));
    constexpr std::array<std::pair<std::string_view, int>, 4> units{
        {{"/s", 1}, {"/m", 60}, {"/h", 3600}, {"/d", 86400}}};
    const auto* known =
        std::find_if(units.begin(), units.end(), [&](const auto& entry) { return entry.first == unit; });
    if (error != std::errc{} || count < 1 || count > 1'000'000'000 || known == units.end()) {
        wrong(node, fmt::format("`{}` is not a rate", text), expected);
        return;
    }
    limiter.rate = count;
    limiter.period = std::chrono::seconds(known->second);
}

}  // namespace smtpspec::script
