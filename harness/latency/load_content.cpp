#include "harness/latency/load_content.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "protocol/smtp/data.hpp"

namespace smtpspec::latency {
namespace {

constexpr int digits = 12;
constexpr std::size_t line = 76;  // RFC 5322 §2.1.1 recommends at most 78

/// Lines of text until the message has so many octets.
std::string filler(std::size_t octets) {
    std::string text;
    text.reserve(octets);
    while (octets - text.size() > line + 2 + 2) {
        text.append(line, 'x');
        text += "\r\n";
    }
    const std::size_t rest = octets - text.size();
    if (rest >= 2) {
        text.append(rest - 2, 'x');
        text += "\r\n";
    }
    return text;
}

}  // namespace

LoadContent::LoadContent(const std::string& from,
                         const std::string& to,
                         const std::string& run_id,
                         std::int64_t octets)
    : id_start_(run_id + ".") {
    const std::string zeros(digits, '0');
    std::string message =
        fmt::format("From: <{}>\r\nTo: <{}>\r\nSubject: load {}\r\nMessage-ID: <{}{}@smtpspec.test>\r\n\r\n",
                    from,
                    to,
                    run_id,
                    id_start_,
                    zeros);
    const std::string mark = "<" + id_start_ + zeros;
    if (octets == 0)
        message += "This message measures how long it takes to hand over a message.\r\n";
    else
        message += filler(static_cast<std::size_t>(
            std::max<std::int64_t>(octets - static_cast<std::int64_t>(message.size()), 0)));
    octets_ = static_cast<std::int64_t>(message.size());
    text_ = smtp::encode_data(message);
    place_ = text_.find(mark) + 1 + id_start_.size();
}

std::string_view LoadContent::numbered(std::uint64_t number) {
    for (int i = digits - 1; i >= 0; --i) {
        text_[place_ + static_cast<std::size_t>(i)] = static_cast<char>('0' + number % 10);
        number /= 10;
    }
    return text_;
}

std::string LoadContent::id(std::uint64_t number) const {
    return fmt::format("{}{:012}@smtpspec.test", id_start_, number);
}

}  // namespace smtpspec::latency
