#include "protocol/smtp/enhanced.hpp"

#include "protocol/smtp/text.hpp"

namespace smtpspec::smtp {

namespace {

/// One to three digits without a leading zero (RFC 3463 §2) off the front of the text.
std::optional<int> take_number(std::string_view& text) {
    size_t digits = 0;
    int value = 0;
    while (digits < text.size() && digits < 3 && is_digit(text[digits])) {
        value = value * 10 + (text[digits] - '0');
        ++digits;
    }
    if (digits == 0 || (digits > 1 && text[0] == '0')) {
        return std::nullopt;
    }
    text.remove_prefix(digits);
    return value;
}

bool take_dot(std::string_view& text) {
    if (text.empty() || text[0] != '.') {
        return false;
    }
    text.remove_prefix(1);
    return true;
}

std::optional<EnhancedCode> take_code(std::string_view& text) {
    const auto cls = take_number(text);
    if (!cls || (*cls != 2 && *cls != 4 && *cls != 5) || !take_dot(text)) {
        return std::nullopt;
    }
    const auto subject = take_number(text);
    if (!subject || !take_dot(text)) {
        return std::nullopt;
    }
    const auto detail = take_number(text);
    if (!detail) {
        return std::nullopt;
    }
    return EnhancedCode{*cls, *subject, *detail};
}

}  // namespace

std::string EnhancedCode::to_string() const {
    return std::to_string(cls) + "." + std::to_string(subject) + "." + std::to_string(detail);
}

std::optional<EnhancedCode> parse_enhanced(std::string_view text) {
    const auto code = take_code(text);
    return text.empty() ? code : std::nullopt;
}

std::optional<EnhancedCode> leading_enhanced(std::string_view text) {
    const auto code = take_code(text);
    return text.empty() || text[0] == ' ' || text[0] == '\t' ? code : std::nullopt;
}

}  // namespace smtpspec::smtp
