#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace smtpspec::smtp {

/// Base64 with padding and the standard alphabet (RFC 4648 §4).
std::string base64_encode(std::string_view octets);

/// Strict inverse: no white space, no missing padding, no stray bits behind the last octet (RFC 4648 §3.3,
/// §3.5). The error says what is wrong and at which offset.
tl::expected<std::string, std::string> base64_decode(std::string_view text);

/// Lower-case hexadecimal.
std::string hex_encode(std::string_view octets);

/// Either letter case, an even number of digits and nothing else.
tl::expected<std::string, std::string> hex_decode(std::string_view text);

}  // namespace smtpspec::smtp
