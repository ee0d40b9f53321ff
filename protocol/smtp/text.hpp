#pragma once

#include <string>
#include <string_view>
#include <vector>

/// Octet helpers that do not depend on the locale: SMTP's letters are ASCII letters (RFC 5321 §2.4).
namespace smtpspec::smtp {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool is_alnum(char c) { return is_digit(c) || is_alpha(c); }
constexpr bool is_eight_bit(char c) { return (static_cast<unsigned char>(c) & 0x80U) != 0; }
/// C0 controls and DEL, the horizontal tab included.
constexpr bool is_control(char c) { return (c >= 0 && c < 32) || c == 127; }
constexpr char to_upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }
constexpr char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

std::string to_upper(std::string_view text);
std::string to_lower(std::string_view text);

/// Equality that ignores the case of ASCII letters.
bool iequals(std::string_view a, std::string_view b);
bool istarts_with(std::string_view text, std::string_view prefix);

/// The words between runs of blanks and tabs.
std::vector<std::string> split_words(std::string_view text);

/// Length in octets of the valid UTF-8 character at the front (RFC 3629), 0 when there is none.
size_t utf8_length(std::string_view text);
/// Well-formed UTF-8 throughout (pure ASCII included).
bool is_utf8(std::string_view text);
bool has_eight_bit(std::string_view text);

}  // namespace smtpspec::smtp
