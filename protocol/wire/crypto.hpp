#pragma once

#include <string>
#include <string_view>

namespace smtpspec::wire {

/// Hash functions that SASL mechanisms name: "MD5", "SHA-1", "SHA-256", "SHA-512" (any letter case, hyphen
/// optional).
bool is_hash_name(std::string_view name);

/// Octets of the digest. An unknown hash name is a bug of the caller: std::invalid_argument.
std::string hash(std::string_view name, std::string_view text);
/// RFC 2104.
std::string hmac(std::string_view name, std::string_view key, std::string_view text);
/// RFC 8018 §5.2 with HMAC as the function, one digest long: Hi() of RFC 5802 §2.2. Each thread remembers the
/// last answers, as RFC 5802 §9 recommends.
std::string pbkdf2(std::string_view name,
                   std::string_view password,
                   std::string_view salt,
                   unsigned iterations);

/// From the system's generator; never seeded, for secrets and nonces.
std::string random_octets(std::size_t count);
/// `length` characters of A-Z a-z 0-9 - _.
std::string random_token(std::size_t length);

/// Takes as long for a near miss as for a far one.
bool constant_time_equal(std::string_view a, std::string_view b);

}  // namespace smtpspec::wire
