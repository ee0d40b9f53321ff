#include "mockserver/log.hpp"

#include <chrono>
#include <string>

#include <fmt/format.h>

#include "protocol/smtp/escape.hpp"

namespace smtpspec::mock {
namespace {

constexpr std::size_t shown_octets = 1000;

/// "12:00:03." of this second; most lines are of the same second as the one before.
std::string_view second_text(std::chrono::sys_seconds second) {
    static thread_local std::chrono::sys_seconds known{};
    static thread_local std::string text;
    if (text.empty() || second != known) {
        const std::chrono::hh_mm_ss time(second - std::chrono::floor<std::chrono::days>(second));
        text = fmt::format(
            "{:02}:{:02}:{:02}.", time.hours().count(), time.minutes().count(), time.seconds().count());
        known = second;
    }
    return text;
}

void add_now(std::string& line) {
    const auto now = std::chrono::system_clock::now();
    const auto second = std::chrono::floor<std::chrono::seconds>(now);
    const auto micro = std::chrono::duration_cast<std::chrono::microseconds>(now - second).count();
    line += second_text(second);
    const std::string digits =
        std::to_string(1'000'000 + micro);  // with its leading zeros, and a 1 before them
    line.append(digits, 1);
}

}  // namespace

std::string log_line(const LogContext& context, std::string_view who, std::string_view text) {
    std::string line;
    constexpr std::size_t before_text = 48;
    line.reserve(before_text + text.size());
    add_now(line);
    line.append(" #").append(std::to_string(context.session));
    line.append(" ").append(std::to_string(context.port));
    line.append(context.tls ? " tls   " : " clear ").append(who).append(" ");
    line += smtp::printable(text, shown_octets);
    return line;
}

}  // namespace smtpspec::mock
