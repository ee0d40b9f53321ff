#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace smtpspec::mock {

/// Takes one line without line end.
using LogSink = std::function<void(std::string_view line)>;

/// What a log line says about its session.
struct LogContext {
    int session = 0;
    int port = 0;
    bool tls = false;
};

/// "12:00:03.123456 #4 587 tls  C: EHLO client.test"; `who` is "C:", "S:" or "--". `text` is escaped here;
/// masking is the caller's work.
std::string log_line(const LogContext& context, std::string_view who, std::string_view text);

}  // namespace smtpspec::mock
