#include "protocol/script/head_loader.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "protocol/script/lexer.hpp"
#include "protocol/script/scenario.hpp"
#include "protocol/script/suggest.hpp"

/// The keys of the head, the plain ones (§3). head_values.cpp has params, client, limiter and the like.
namespace smtpspec::script {
namespace {

constexpr std::int64_t known_language = 1;
constexpr std::array mandatory = {
    "id", "rev", "title", "fail_means", "side", "level", "severity", "refs", "outcomes", "selftest"};
constexpr std::array client_only = {"client", "limiter", "dns", "web"};

bool is_id(std::string_view text) {
    bool word_empty = true;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || is_digit(c) || c == '-';
        if (!plain && (c != '.' || word_empty)) {
            return false;
        }
        word_empty = c == '.';
    }
    return !word_empty;
}

/// UTF-8: octets that begin a character.
std::size_t characters(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(
        text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

}  // namespace

const std::vector<HeadLoader::Key>& HeadLoader::keys() {
    static const std::vector<Key> table = {{"language", &HeadLoader::set_language},
                                           {"id", &HeadLoader::set_id},
                                           {"rev", &HeadLoader::set_rev},
                                           {"title", &HeadLoader::set_title},
                                           {"fail_means", &HeadLoader::set_fail_means},
                                           {"side", &HeadLoader::set_side},
                                           {"level", &HeadLoader::set_level},
                                           {"severity", &HeadLoader::set_severity},
                                           {"refs", &HeadLoader::set_refs},
                                           {"outcomes", &HeadLoader::set_outcomes},
                                           {"selftest", &HeadLoader::set_selftest},
                                           {"from", &HeadLoader::set_from},
                                           {"modes", &HeadLoader::set_modes},
                                           {"service", &HeadLoader::set_service},
                                           {"needs", &HeadLoader::set_needs},
                                           {"params", &HeadLoader::set_params},
                                           {"except", &HeadLoader::set_except},
                                           {"covers", &HeadLoader::set_covers},
                                           {"client", &HeadLoader::set_client},
                                           {"limiter", &HeadLoader::set_limiter},
                                           {"dns", &HeadLoader::set_dns},
                                           {"web", &HeadLoader::set_web},
                                           {"time", &HeadLoader::set_time},
                                           {"intrusive", &HeadLoader::set_intrusive}};
    return table;
}

Head HeadLoader::load(std::size_t begin, std::size_t end) {
    head_.modes = {Mode::Starttls, Mode::Tls, Mode::Plain};
    head_.services = {Service::Submission, Service::Mx};
    YamlReader reader(reporter_, begin, end);
    const YamlNode root = reader.read();
    if (const YamlNode* language = root.find("language");
        language != nullptr && language->kind != YamlNode::Kind::Broken) {
        set_language(*language);
        if (refused_) {
            return std::move(head_);
        }
    }
    // `params` comes before what refers to it, whatever the order of the file.
    for (const Key& key : keys()) {
        const YamlNode* node = root.find(key.name);
        if (node != nullptr && node->kind != YamlNode::Kind::Broken && key.name != "language") {
            (this->*key.set)(*node);
        }
    }
    std::vector<std::string> known;
    for (const Key& key : keys()) {
        known.emplace_back(key.name);
    }
    for (const YamlNode::Entry& entry : root.entries) {
        if (std::find(known.begin(), known.end(), entry.key) == known.end()) {
            reporter_.error(entry.at,
                            entry.key.size(),
                            fmt::format("unknown key `{}` in the head", entry.key),
                            {},
                            did_you_mean(entry.key, known));
        }
    }
    check_mandatory(root, reporter_.source()->position(end));
    check_side_keys(root);
    return std::move(head_);
}

void HeadLoader::check_mandatory(const YamlNode& root, Position at) {
    for (const char* key : mandatory) {
        if (root.find(key) == nullptr) {
            reporter_.error(at, 3, fmt::format("the head has no `{}`", key), fmt::format("`{}: …`", key));
        }
    }
    if (side_known_ && head_.side == Side::Server && root.find("from") == nullptr) {
        reporter_.error(
            at, 3, "the head has no `from`", "`from: STATE`: where the script begins (side: server)");
    }
}

void HeadLoader::check_side_keys(const YamlNode& root) {
    if (!side_known_ || head_.side == Side::Client) {
        return;
    }
    for (const YamlNode::Entry& entry : root.entries) {
        if (std::find(client_only.begin(), client_only.end(), entry.key) != client_only.end()) {
            reporter_.error(
                entry.at,
                entry.key.size(),
                fmt::format("the key `{}` is for side client; the server is under test", entry.key));
        }
    }
}

void HeadLoader::wrong(const YamlNode& node, std::string message, std::string expected, std::string hint) {
    if (node.kind == YamlNode::Kind::Broken) {
        return;  // reported where it is broken
    }
    reporter_.error(node.at, node.length, std::move(message), std::move(expected), std::move(hint));
}

bool HeadLoader::expect_scalar(const YamlNode& node, std::string_view what) {
    const bool literal = node.style == YamlNode::Style::Literal;
    if (node.is_scalar() && (!node.raw.empty() || node.style != YamlNode::Style::Plain || literal)) {
        return true;
    }
    wrong(node,
          node.kind == YamlNode::Kind::Missing || node.is_scalar() ? "the value is missing"
                                                                   : "this cannot be a list or a map",
          std::string(what));
    return false;
}

bool HeadLoader::expect_map(const YamlNode& node, std::string_view what) {
    if (node.kind == YamlNode::Kind::Map) {
        return !too_many(node);
    }
    wrong(node,
          node.kind == YamlNode::Kind::Missing ? "the value is missing" : "this has to be a map",
          std::string(what));
    return false;
}

bool HeadLoader::expect_list(const YamlNode& node, std::string_view what) {
    if (node.kind == YamlNode::Kind::List) {
        return !too_many(node);
    }
    wrong(node,
          node.kind == YamlNode::Kind::Missing ? "the value is missing" : "this has to be a list",
          std::string(what));
    return false;
}

bool HeadLoader::too_many(const YamlNode& node) {
    constexpr std::size_t most = max_cells;
    if (node.entries.size() <= most && node.items.size() <= most) {
        return false;
    }
    wrong(node, fmt::format("more than {} entries", most));
    return true;
}

Located HeadLoader::line_of(const YamlNode& node, std::string_view key, std::string_view what) {
    if (!expect_scalar(node, what)) {
        return {};
    }
    Located line{node.text(), node.at};
    if (line.text.find('\n') != std::string::npos) {
        wrong(node, fmt::format("`{}` has several lines", key), "one line");
    }
    return line;
}

std::vector<Located> HeadLoader::texts(const YamlNode& list, std::string_view what) {
    std::vector<Located> result;
    if (!expect_list(list, what)) {
        return result;
    }
    for (const YamlNode& item : list.items) {
        if (expect_scalar(item, what)) {
            result.push_back({item.text(), item.at});
        }
    }
    return result;
}

std::optional<std::int64_t> HeadLoader::integer(const YamlNode& node,
                                                std::string_view what,
                                                std::int64_t least) {
    const std::string expected = fmt::format("a whole number from {}", least);
    if (!expect_scalar(node, expected)) {
        return std::nullopt;
    }
    const std::string text = node.text();
    std::int64_t value = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || rest != text.data() + text.size() || value < least || value > 1'000'000'000) {
        wrong(node, fmt::format("`{}` cannot be `{}`", text, what), expected);
        return std::nullopt;
    }
    return value;
}

std::optional<Duration> HeadLoader::time_of(const YamlNode& node) {
    constexpr const char* expected = "a time, like 250ms, 5s or 2m";
    if (!expect_scalar(node, expected)) {
        return std::nullopt;
    }
    const auto time = duration_from_string(node.text());
    if (!time) {
        wrong(node, fmt::format("`{}` is not a time", node.text()), expected);
    }
    return time;
}

void HeadLoader::set_language(const YamlNode& node) {
    const auto number = integer(node, "language", 1);
    head_.language = number.value_or(1);
    if (head_.language > known_language) {
        wrong(node,
              fmt::format("this file is written in version {} of the language", head_.language),
              fmt::format("a version up to {}", known_language),
              "a newer smtpspec can read it");
        refused_ = true;
    }
}

void HeadLoader::set_id(const YamlNode& node) {
    constexpr const char* expected = "words of a-z, 0-9 and `-`, joined by dots";
    head_.id.at = node.at;
    if (!expect_scalar(node, expected)) {
        return;
    }
    head_.id.text = node.text();
    if (!is_id(head_.id.text)) {
        wrong(node, fmt::format("`{}` cannot be an id", head_.id.text), expected);
    }
}

void HeadLoader::set_rev(const YamlNode& node) {
    head_.rev_at = node.at;
    head_.rev = integer(node, "rev", 1).value_or(1);
}

void HeadLoader::set_title(const YamlNode& node) {
    head_.title = line_of(node, "title", "one line: the requirement as a sentence");
}

void HeadLoader::set_fail_means(const YamlNode& node) {
    constexpr std::size_t longest = 200;  // it stands beside a verdict in every report
    head_.fail_means = line_of(node, "fail_means", "one line: what people notice when the peer fails");
    if (const std::size_t length = characters(head_.fail_means.text); length > longest) {
        wrong(
            node, fmt::format("`fail_means` has {} characters", length), fmt::format("at most {}", longest));
    }
}

void HeadLoader::set_side(const YamlNode& node) {
    head_.side_at = node.at;
    const auto side = word_of<Side>(node, "side", side_from_string, {"server", "client"});
    side_known_ = side.has_value();
    head_.side = side.value_or(Side::Server);
}

void HeadLoader::set_level(const YamlNode& node) {
    head_.level_at = node.at;
    const std::vector<std::string> known = {"MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY", "SECURITY"};
    head_.level = word_of<Level>(node, "level", level_from_string, known).value_or(Level::Must);
}

void HeadLoader::set_severity(const YamlNode& node) {
    const std::vector<std::string> known = {"critical", "high", "medium", "low", "info"};
    head_.severity =
        word_of<Severity>(node, "severity", severity_from_string, known).value_or(Severity::Medium);
}

void HeadLoader::set_refs(const YamlNode& node) {
    head_.refs = texts(node, "a list like [RFC 5321 §4.1.1.4, CVE-2011-0411]");
    if (node.kind == YamlNode::Kind::List && node.items.empty()) {
        wrong(node, "the list of references is empty", "where the rule is written down");
    }
}

void HeadLoader::set_from(const YamlNode& node) {
    head_.from_at = node.at;
    const std::vector<std::string> known = {
        "tcp", "connected", "greeted", "ehlo", "tls", "authenticated", "envelope", "data"};
    head_.from = word_of<State>(node, "start state", state_from_string, known).value_or(State::Connected);
}

void HeadLoader::set_modes(const YamlNode& node) {
    head_.modes_at = node.at;
    const std::vector<std::string> known = {"starttls", "tls", "plain"};
    if (!expect_list(node, "a list of starttls, tls, plain")) {
        return;
    }
    head_.modes.clear();
    for (const YamlNode& item : node.items) {
        if (const auto mode = word_of<Mode>(item, "mode", mode_from_string, known)) {
            head_.modes.push_back(*mode);
        }
    }
    if (node.items.empty()) {
        wrong(node, "the list of modes is empty", any_of(known));
    }
}

void HeadLoader::set_service(const YamlNode& node) {
    const std::vector<std::string> known = {"submission", "mx"};
    std::vector<Service> services;
    const std::vector<YamlNode> one = {node};
    for (const YamlNode& item : node.kind == YamlNode::Kind::List ? node.items : one) {
        if (const auto service = word_of<Service>(item, "service", service_from_string, known)) {
            services.push_back(*service);
        }
    }
    if (!services.empty()) {
        head_.services = std::move(services);
    }
}

void HeadLoader::set_needs(const YamlNode& node) {
    head_.needs = texts(node, "a list like [starttls, credentials]");
}

void HeadLoader::set_intrusive(const YamlNode& node) {
    const auto read = [](std::string_view word) {
        return word == "yes" ? std::optional(true) : (word == "no" ? std::optional(false) : std::nullopt);
    };
    head_.intrusive = word_of<bool>(node, "answer", read, {"yes", "no"}).value_or(false);
}

void HeadLoader::set_time(const YamlNode& node) {
    if (!expect_map(node, "{step: 10s, quiet: 1s, total: 60s}")) {
        return;
    }
    head_.time.at = node.at;
    for (const YamlNode::Entry& entry : node.entries) {
        TimeBudget& time = head_.time;
        const bool step = entry.key == "step";
        const bool quiet = entry.key == "quiet";
        if (!step && !quiet && entry.key != "total") {
            reporter_.error(entry.at,
                            entry.key.size(),
                            fmt::format("unknown budget `{}`", entry.key),
                            "step, quiet or total",
                            did_you_mean(entry.key, {"step", "quiet", "total"}));
            continue;
        }
        const auto value = time_of(entry.value);
        if (!value) {
            continue;
        }
        if (value->count() <= 0) {
            wrong(entry.value, "a budget has to be longer than nothing");
        }
        (step ? time.step : quiet ? time.quiet : time.total) = *value;
        (step ? time.step_given : quiet ? time.quiet_given : time.total_given) = true;
        time.at = entry.key == "total" ? entry.value.at : time.at;
    }
}

}  // namespace smtpspec::script
