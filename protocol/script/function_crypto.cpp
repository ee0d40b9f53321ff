#include "protocol/script/function_crypto.hpp"

#include "protocol/wire/crypto.hpp"

namespace smtpspec::script {

namespace {

std::string unknown_hash(std::string_view hash) {
    return "\"" + std::string(hash) + "\" is no hash: MD5, SHA-1, SHA-256 and SHA-512 are";
}

}  // namespace

tl::expected<std::string, std::string> hmac_octets(std::string_view hash,
                                                   std::string_view key,
                                                   std::string_view octets) {
    if (!wire::is_hash_name(hash)) {
        return tl::unexpected(unknown_hash(hash));
    }
    return wire::hmac(hash, key, octets);
}

tl::expected<smtp::ScramCrypto, std::string> scram_crypto(std::string_view hash) {
    if (!wire::is_hash_name(hash)) {
        return tl::unexpected(unknown_hash(hash));
    }
    const std::string name(hash);
    smtp::ScramCrypto crypto;
    crypto.hmac = [name](std::string_view key, std::string_view octets) {
        return wire::hmac(name, key, octets);
    };
    crypto.hash = [name](std::string_view octets) { return wire::hash(name, octets); };
    crypto.pbkdf2 = [name](std::string_view password, std::string_view salt, int iterations) {
        return wire::pbkdf2(name, password, salt, static_cast<unsigned>(iterations));
    };
    return crypto;
}

}  // namespace smtpspec::script
