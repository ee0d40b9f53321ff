#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>

/// SASL messages as octets, not yet in base64 (RFC 4422, RFC 4954 §4). No cryptography.
namespace smtpspec::smtp {

/// The prompts of AUTH LOGIN (draft-murchison-sasl-login §2), in clear: "Username:" and "Password:".
inline constexpr std::string_view login_username_prompt = "Username:";
inline constexpr std::string_view login_password_prompt = "Password:";

/// 1 to 20 octets of A-Z 0-9 - _ (RFC 4422 §3.1).
bool is_sasl_mechanism(std::string_view name);

struct PlainCredentials {
    std::string authzid;
    std::string user;
    std::string password;
};

/// authzid NUL user NUL password (RFC 4616 §2).
std::string plain_message(std::string_view authzid, std::string_view user, std::string_view password);
tl::expected<PlainCredentials, std::string> parse_plain(std::string_view message);

struct CramMd5Response {
    std::string user;
    std::string digest;  ///< 32 lower-case hexadecimal digits
};

/// user SP digest (RFC 2195 §2).
std::string cram_md5_message(std::string_view user, std::string_view hex_digest);
tl::expected<CramMd5Response, std::string> parse_cram_md5(std::string_view message);

struct BearerCredentials {
    std::string user;  ///< authzid of the GS2 header in OAUTHBEARER
    std::string token;
    std::string host;  ///< OAUTHBEARER only; may be empty
    std::string port;
};

/// user=U ^A auth=Bearer T ^A ^A (Google's XOAUTH2).
std::string xoauth2_message(std::string_view user, std::string_view token);
tl::expected<BearerCredentials, std::string> parse_xoauth2(std::string_view message);

/// n,a=U, ^A host=H ^A port=P ^A auth=Bearer T ^A ^A (RFC 7628 §3.1). Empty host or port are left out.
std::string oauthbearer_message(std::string_view user,
                                std::string_view token,
                                std::string_view host = {},
                                std::string_view port = {});
tl::expected<BearerCredentials, std::string> parse_oauthbearer(std::string_view message);

/// saslname of RFC 5802 §5.1: "," is =2C and "=" is =3D.
std::string saslname_encode(std::string_view name);
tl::expected<std::string, std::string> saslname_decode(std::string_view text);

}  // namespace smtpspec::smtp
