#include "mockserver/log.hpp"

#include <chrono>
#include <ctime>

#include <fmt/format.h>

#include "protocol/smtp/escape.hpp"

namespace smtpspec::mock {
namespace {

constexpr std::size_t shown_octets = 1000;

std::string now_text() {
    const auto now = std::chrono::system_clock::now();
    const auto seconds = std::chrono::floor<std::chrono::seconds>(now);
    const auto time = std::chrono::system_clock::to_time_t(seconds);
    std::tm utc{};
    gmtime_r(&time, &utc);
    const auto micro = std::chrono::duration_cast<std::chrono::microseconds>(now - seconds).count();
    return fmt::format("{:02}:{:02}:{:02}.{:06}", utc.tm_hour, utc.tm_min, utc.tm_sec, micro);
}

}  // namespace

std::string log_line(const LogContext& context, std::string_view who, std::string_view text) {
    return fmt::format("{} #{} {} {:5} {} {}",
                       now_text(),
                       context.session,
                       context.port,
                       context.tls ? "tls" : "clear",
                       who,
                       smtp::printable(text, shown_octets));
}

}  // namespace smtpspec::mock
