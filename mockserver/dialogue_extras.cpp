#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>
#include <optional>

#include <fmt/format.h>

#include "mockserver/dialogue.hpp"
#include "protocol/smtp/text.hpp"

/// Extensions that the faithful server does not offer: to hold mail, to give it up or to move it ahead means
/// nothing to a store in memory. Peers that have them (some check, some do not) prove what scenarios ask of
/// servers that do.
namespace smtpspec::mock {
namespace {

constexpr int longest_hold = 86'400;  // seconds; RFC 4865 §4.1: max-future-release-interval
constexpr int shortest_deadline = 60;

std::optional<int> whole_number(std::string_view text) {
    if (text.starts_with('+')) {
        text.remove_prefix(1);
    }
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool all = error == std::errc() && end == text.data() + text.size() && text.size() <= 10;
    return all ? std::optional(number) : std::nullopt;
}

/// An Internet date in UTC (RFC 3339 §5.6), `seconds` from now. Two of them compare as text.
std::string date_from_now(int seconds) {
    const auto then = std::time(nullptr) + seconds;
    std::tm utc{};
    gmtime_r(&then, &utc);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
                       utc.tm_year + 1900,
                       utc.tm_mon + 1,
                       utc.tm_mday,
                       utc.tm_hour,
                       utc.tm_min,
                       utc.tm_sec);
}

bool is_date(std::string_view text) {
    constexpr std::string_view shape = "0000-00-00T00:00:00Z";
    return text.size() == shape.size() &&
           std::equal(shape.begin(), shape.end(), text.begin(), [](char wanted, char c) {
               return wanted == '0' ? smtp::is_digit(c) : wanted == c;
           });
}

}  // namespace

void Dialogue::offer_extras(std::vector<std::string>& lines) const {
    if (has(Defect::futurerelease_offered)) {
        lines.push_back(fmt::format("FUTURERELEASE {} {}", longest_hold, date_from_now(longest_hold)));
    }
    if (has(Defect::deliverby_offered)) {
        lines.push_back(fmt::format("DELIVERBY {}", shortest_deadline));
    }
    if (has(Defect::mtpriority_offered)) {
        lines.emplace_back("MT-PRIORITY MIXER");
    }
    const bool lists =
        has(Defect::requiretls_only_in_clear)
            ? !inside_tls_
            : has(Defect::requiretls_offered) && (inside_tls_ || has(Defect::requiretls_in_clear));
    if (lists) {
        lines.emplace_back("REQUIRETLS");
    }
}

bool Dialogue::is_extra(std::string_view keyword) const {
    const bool requiretls = has(Defect::requiretls_offered) || has(Defect::requiretls_only_in_clear);
    return (has(Defect::futurerelease_offered) && (keyword == "HOLDFOR" || keyword == "HOLDUNTIL")) ||
           (has(Defect::deliverby_offered) && keyword == "BY") ||
           (has(Defect::mtpriority_offered) && keyword == "MT-PRIORITY") ||
           (requiretls && keyword == "REQUIRETLS");
}

/// RFC 4865 §4.2: one of the two, neither beyond what EHLO promised.
std::optional<Answer> Dialogue::refuse_hold(const smtp::EnvelopeArgument& argument) const {
    const auto* hold_for = argument.parameter("HOLDFOR");
    const auto* hold_until = argument.parameter("HOLDUNTIL");
    if (has(Defect::futurerelease_unchecked) || (hold_for == nullptr && hold_until == nullptr)) {
        return std::nullopt;
    }
    const auto seconds = hold_for != nullptr ? whole_number(hold_for->value) : std::optional(1);
    const auto latest = date_from_now(longest_hold);
    const auto until = hold_until != nullptr ? hold_until->value : latest;
    const bool good = (hold_for == nullptr || hold_until == nullptr) && seconds && *seconds > 0 &&
                      *seconds <= longest_hold && is_date(until) && until <= latest;
    return good ? std::nullopt : std::optional(reply(501, "5.5.4", "Mail cannot be held like that"));
}

/// RFC 2852 §4: a number of seconds and "R" or "N", perhaps "T"; R wants time enough.
std::optional<Answer> Dialogue::refuse_deadline(const smtp::Parameter& by) const {
    if (has(Defect::deliverby_unchecked)) {
        return std::nullopt;
    }
    const auto semicolon = by.value.find(';');
    const auto seconds = whole_number(std::string_view(by.value).substr(0, semicolon));
    const auto mode =
        semicolon == std::string::npos ? std::string() : smtp::to_upper(by.value.substr(semicolon + 1));
    static constexpr std::array<std::string_view, 4> modes = {"R", "N", "RT", "NT"};
    const bool known = std::find(modes.begin(), modes.end(), mode) != modes.end();
    const bool past = seconds && *seconds <= 0;
    const bool no_past = known && (mode.front() == 'R' || has(Defect::deliverby_notice_refused));
    if (!seconds || !known || (past && no_past)) {
        return reply(501, "5.5.4", "Bad value of BY");
    }
    if (mode.front() == 'R' && *seconds < shortest_deadline) {
        return reply(555, "5.4.7", "That soon is not possible");
    }
    return std::nullopt;
}

std::optional<Answer> Dialogue::refuse_extras(const smtp::EnvelopeArgument& argument) const {
    if (auto refusal = refuse_hold(argument)) {
        return refusal;
    }
    if (const auto* by = argument.parameter("BY"); by != nullptr && is_extra("BY")) {
        return refuse_deadline(*by);
    }
    const bool requires_tls = argument.parameter("REQUIRETLS") != nullptr;
    if (requires_tls && !inside_tls_ && !has(Defect::requiretls_in_clear)) {
        return reply(530, "5.7.0", "REQUIRETLS needs TLS here too");  // RFC 8689 §2
    }
    return std::nullopt;
}

/// RFC 6710 §4.1: nobody raises the priority of their mail without having proved who they are.
bool Dialogue::lowers_priority(const smtp::EnvelopeArgument& argument) const {
    const auto* priority = argument.parameter("MT-PRIORITY");
    const bool asked = priority != nullptr && has(Defect::mtpriority_offered);
    return asked && !authenticated_ && !has(Defect::mtpriority_unchecked) &&
           !priority->value.starts_with('-') && priority->value != "0";
}

}  // namespace smtpspec::mock
