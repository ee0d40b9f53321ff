#include "protocol/script/words.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <fmt/format.h>

namespace smtpspec::script {
namespace {

template <class Enum, std::size_t Size>
using Table = std::array<std::pair<Enum, std::string_view>, Size>;

template <class Enum, std::size_t Size>
std::string_view word_of(const Table<Enum, Size>& table, Enum value) {
    for (const auto& [entry, word] : table) {
        if (entry == value) {
            return word;
        }
    }
    return "?";
}

template <class Enum, std::size_t Size>
std::optional<Enum> value_of(const Table<Enum, Size>& table, std::string_view word) {
    for (const auto& [entry, text] : table) {
        if (text == word) {
            return entry;
        }
    }
    return std::nullopt;
}

constexpr Table<Verdict, 9> verdicts{{{Verdict::Pass, "pass"},
                                      {Verdict::Tolerated, "tolerated"},
                                      {Verdict::Warn, "warn"},
                                      {Verdict::Skipped, "skipped"},
                                      {Verdict::Unsupported, "unsupported"},
                                      {Verdict::Inconclusive, "inconclusive"},
                                      {Verdict::Fail, "fail"},
                                      {Verdict::Vulnerable, "vulnerable"},
                                      {Verdict::Error, "error"}}};
constexpr Table<Level, 6> levels{{{Level::Must, "MUST"},
                                  {Level::MustNot, "MUST NOT"},
                                  {Level::Should, "SHOULD"},
                                  {Level::ShouldNot, "SHOULD NOT"},
                                  {Level::May, "MAY"},
                                  {Level::Security, "SECURITY"}}};
constexpr Table<Severity, 5> severities{{{Severity::Info, "info"},
                                         {Severity::Low, "low"},
                                         {Severity::Medium, "medium"},
                                         {Severity::High, "high"},
                                         {Severity::Critical, "critical"}}};
constexpr Table<Side, 2> sides{{{Side::Client, "client"}, {Side::Server, "server"}}};
constexpr Table<Mode, 3> modes{{{Mode::Starttls, "starttls"}, {Mode::Tls, "tls"}, {Mode::Plain, "plain"}}};
constexpr Table<Service, 2> services{{{Service::Submission, "submission"}, {Service::Mx, "mx"}}};
constexpr Table<State, 8> states{{{State::Tcp, "tcp"},
                                  {State::Connected, "connected"},
                                  {State::Greeted, "greeted"},
                                  {State::Ehlo, "ehlo"},
                                  {State::Tls, "tls"},
                                  {State::Authenticated, "authenticated"},
                                  {State::Envelope, "envelope"},
                                  {State::Data, "data"}}};
constexpr Table<Event, 21> events{{{Event::Connect, "connect"},
                                   {Event::ClientHello, "client-hello"},
                                   {Event::Tls, "tls"},
                                   {Event::Command, "command"},
                                   {Event::Ehlo, "EHLO"},
                                   {Event::Helo, "HELO"},
                                   {Event::Starttls, "STARTTLS"},
                                   {Event::Auth, "AUTH"},
                                   {Event::Mail, "MAIL"},
                                   {Event::Rcpt, "RCPT"},
                                   {Event::Data, "DATA"},
                                   {Event::Bdat, "BDAT"},
                                   {Event::Rset, "RSET"},
                                   {Event::Noop, "NOOP"},
                                   {Event::Vrfy, "VRFY"},
                                   {Event::Quit, "QUIT"},
                                   {Event::AuthLine, "auth-line"},
                                   {Event::Content, "data"},
                                   {Event::EndOfData, "end-of-data"},
                                   {Event::Idle, "idle"},
                                   {Event::End, "end"}}};
constexpr Table<CloseHow, 4> close_hows{
    {{CloseHow::Any, ""}, {CloseHow::Notify, "notify"}, {CloseHow::Fin, "fin"}, {CloseHow::Rst, "rst"}}};
constexpr Table<DropHow, 2> drop_hows{{{DropHow::Fin, "fin"}, {DropHow::Rst, "rst"}}};
constexpr Table<LimiterScope, 4> limiter_scopes{{{LimiterScope::Login, "login"},
                                                 {LimiterScope::Address, "address"},
                                                 {LimiterScope::Connection, "connection"},
                                                 {LimiterScope::All, "all"}}};

constexpr std::array reserved_words = {
    // §2, the grammar
    "C",
    "S",
    "after",
    "alert",
    "and",
    "any",
    "by",
    "bytes",
    "check",
    "close",
    "connection",
    "drop",
    "else",
    "every",
    "fail",
    "fin",
    "first",
    "for",
    "from",
    "has",
    "if",
    "in",
    "keep",
    "lacks",
    "let",
    "malformed",
    "mark",
    "not",
    "notify",
    "offer",
    "omit",
    "on",
    "or",
    "otherwise",
    "pass",
    "reach",
    "rst",
    "secret",
    "send",
    "serve",
    "silent",
    "stall",
    "swallow",
    "tls",
    "until",
    "wait",
    "watch",
    "when",
    // §9, given
    "ehlo",
    "to",
    "bad",
    "remote",
    "user",
    "host",
    "port",
    "mode",
    "domain",
    "nonce",
    "reply",
    "cert",
    "session",
    "command",
    "client",
    "store",
    // §9, functions
    "keyword",
    "chance",
    "over",
    "copies",
    "mail",
    "body",
    "header",
    "since",
    "count",
    "len",
    "hex",
    "unhex",
    "base64",
    "unbase64",
    "upper",
    "lower",
    "number",
    "sort",
    "repeat",
    "pad",
    "stuffed",
    "flip",
    "file",
    "recipient",
    "plain",
    "hmac",
    "scram_final",
    "scram_signature",
    "channel_binding",
    "dns",
    "web",
    "spki"};

}  // namespace

std::string_view to_string(Verdict verdict) { return word_of(verdicts, verdict); }
std::string_view to_string(Level level) { return word_of(levels, level); }
std::string_view to_string(Severity severity) { return word_of(severities, severity); }
std::string_view to_string(Side side) { return word_of(sides, side); }
std::string_view to_string(Mode mode) { return word_of(modes, mode); }
std::string_view to_string(Service service) { return word_of(services, service); }
std::string_view to_string(State state) { return word_of(states, state); }
std::string_view to_string(Event event) { return word_of(events, event); }
std::string_view to_string(CloseHow how) { return word_of(close_hows, how); }
std::string_view to_string(DropHow how) { return word_of(drop_hows, how); }
std::string_view to_string(LimiterScope scope) { return word_of(limiter_scopes, scope); }

std::optional<Verdict> verdict_from_string(std::string_view word) { return value_of(verdicts, word); }
std::optional<Level> level_from_string(std::string_view word) { return value_of(levels, word); }
std::optional<Severity> severity_from_string(std::string_view word) { return value_of(severities, word); }
std::optional<Side> side_from_string(std::string_view word) { return value_of(sides, word); }
std::optional<Mode> mode_from_string(std::string_view word) { return value_of(modes, word); }
std::optional<Service> service_from_string(std::string_view word) { return value_of(services, word); }
std::optional<State> state_from_string(std::string_view word) { return value_of(states, word); }
std::optional<Event> event_from_string(std::string_view word) { return value_of(events, word); }
std::optional<DropHow> drop_how_from_string(std::string_view word) { return value_of(drop_hows, word); }
std::optional<LimiterScope> limiter_scope_from_string(std::string_view word) {
    return value_of(limiter_scopes, word);
}
std::optional<CloseHow> close_how_from_string(std::string_view word) {
    return word.empty() ? std::nullopt : value_of(close_hows, word);
}

bool is_verb(Event event) { return event >= Event::Ehlo && event <= Event::Quit; }

std::string duration_text(Duration time) {
    const std::int64_t micros = time.count();
    if (micros != 0 && micros % 60'000'000 == 0) {
        return fmt::format("{}m", micros / 60'000'000);
    }
    if (micros % 1'000'000 == 0) {
        return fmt::format("{}s", micros / 1'000'000);
    }
    return fmt::format("{}ms", micros / 1000);
}

std::optional<Duration> duration_from_string(std::string_view text) {
    std::int64_t value = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const std::string_view unit = text.substr(static_cast<std::size_t>(rest - text.data()));
    constexpr std::int64_t limit = 10'000'000;
    if (error != std::errc{} || value < 0 || value > limit) {
        return std::nullopt;
    }
    if (unit == "ms") {
        return std::chrono::milliseconds(value);
    }
    if (unit == "s") {
        return std::chrono::seconds(value);
    }
    if (unit == "m") {
        return std::chrono::minutes(value);
    }
    return std::nullopt;
}

bool is_reserved_word(std::string_view word) {
    return std::find(reserved_words.begin(), reserved_words.end(), word) != reserved_words.end();
}

const std::vector<std::string>& event_words() {
    static const std::vector<std::string> words = [] {
        std::vector<std::string> list;
        for (const auto& entry : events) {
            list.emplace_back(entry.second);
        }
        return list;
    }();
    return words;
}

}  // namespace smtpspec::script
