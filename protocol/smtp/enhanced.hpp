#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace smtpspec::smtp {

/// Enhanced status code (RFC 3463 §2): class 2, 4 or 5, subject and detail of one to three digits.
struct EnhancedCode {
    int cls = 0;
    int subject = 0;
    int detail = 0;

    std::string to_string() const;
    auto operator<=>(const EnhancedCode&) const = default;
};

/// The whole text must be a code: no leading zeros, class 2, 4 or 5 (RFC 3463 §2).
std::optional<EnhancedCode> parse_enhanced(std::string_view text);

/// The code that a reply line's text begins with (RFC 2034 §4): followed by a blank or the end.
std::optional<EnhancedCode> leading_enhanced(std::string_view text);

}  // namespace smtpspec::smtp
