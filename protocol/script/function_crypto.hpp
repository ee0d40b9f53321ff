#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "protocol/smtp/scram.hpp"

/// The cryptography of SASL; hash names are those of the mechanisms ("SHA-256", "SHA-1", "MD5").
namespace smtpspec::script {

tl::expected<std::string, std::string> hmac_octets(std::string_view hash,
                                                   std::string_view key,
                                                   std::string_view text);
/// What SCRAM-<hash> needs (RFC 5802 §2.2). The error names the hashes that there are.
tl::expected<smtp::ScramCrypto, std::string> scram_crypto(std::string_view hash);

}  // namespace smtpspec::script
