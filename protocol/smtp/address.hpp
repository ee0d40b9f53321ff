#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace smtpspec::smtp {

/// Whether non-ASCII letters are allowed (RFC 6531 §3.3).
enum class Charset { ascii, utf8 };

/// Domain = sub-domain *("." sub-domain), at most 255 octets, labels of at most 63 (RFC 5321 §4.1.2, RFC 1035
/// §2.3.4).
bool is_domain(std::string_view text, Charset charset = Charset::ascii);

/// "[192.0.2.1]", "[IPv6:2001:db8::1]" or "[Tag:text]" (RFC 5321 §4.1.3).
bool is_address_literal(std::string_view text);
bool is_ipv4(std::string_view text);
bool is_ipv6(std::string_view text);

/// Domain or address literal: what HELO and EHLO may carry (RFC 5321 §4.1.1.1).
bool is_ehlo_argument(std::string_view text);

/// Dot-string or Quoted-string, at most 64 octets (RFC 5321 §4.1.2, §4.5.3.1.1).
bool is_local_part(std::string_view text, Charset charset = Charset::ascii);

/// local-part "@" (Domain / address-literal), without angle brackets.
bool is_mailbox(std::string_view text, Charset charset = Charset::ascii);

/// A quoted local part without its quotes and backslashes; an unquoted one as it is. "a\"b" and a"b name the
/// same box.
std::string unquote_local_part(std::string_view local_part);

/// xtext (RFC 3461 §4): "+" and "=" and what is not printable ASCII become +HH.
std::string xtext_encode(std::string_view text);
tl::expected<std::string, std::string> xtext_decode(std::string_view text);

}  // namespace smtpspec::smtp
