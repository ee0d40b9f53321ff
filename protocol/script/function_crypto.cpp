#include "protocol/script/function_crypto.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include "protocol/smtp/text.hpp"

namespace smtpspec::script {

namespace {

const EVP_MD* digest(std::string_view hash) {
    const std::string name = smtp::to_upper(hash);
    if (name == "SHA-256" || name == "SHA256") {
        return EVP_sha256();
    }
    if (name == "SHA-1" || name == "SHA1") {
        return EVP_sha1();
    }
    if (name == "SHA-512" || name == "SHA512") {
        return EVP_sha512();
    }
    if (name == "SHA-384" || name == "SHA384") {
        return EVP_sha384();
    }
    return name == "MD5" ? EVP_md5() : nullptr;
}

constexpr const char* known_hashes = "the hashes are MD5, SHA-1, SHA-256, SHA-384 and SHA-512";

const unsigned char* raw(std::string_view octets) {
    return reinterpret_cast<const unsigned char*>(octets.data());
}

using Digest = std::array<unsigned char, EVP_MAX_MD_SIZE>;

std::string text(const Digest& out, unsigned size) {
    return {reinterpret_cast<const char*>(out.data()), size};
}

std::string keyed(const EVP_MD* hash, std::string_view key, std::string_view octets) {
    Digest out{};
    unsigned size = 0;
    HMAC(hash, key.data(), static_cast<int>(key.size()), raw(octets), octets.size(), out.data(), &size);
    return text(out, size);
}

std::string plain_hash(const EVP_MD* hash, std::string_view octets) {
    Digest out{};
    unsigned size = 0;
    EVP_Digest(octets.data(), octets.size(), out.data(), &size, hash, nullptr);
    return text(out, size);
}

std::string stretched(const EVP_MD* hash, std::string_view password, std::string_view salt, int iterations) {
    Digest out{};
    const int size = EVP_MD_get_size(hash);
    PKCS5_PBKDF2_HMAC(password.data(),
                      static_cast<int>(password.size()),
                      raw(salt),
                      static_cast<int>(salt.size()),
                      iterations,
                      hash,
                      size,
                      out.data());
    return text(out, static_cast<unsigned>(size));
}

}  // namespace

tl::expected<std::string, std::string> hmac_octets(std::string_view hash,
                                                   std::string_view key,
                                                   std::string_view octets) {
    const EVP_MD* const found = digest(hash);
    if (found == nullptr) {
        return tl::unexpected<std::string>(known_hashes);
    }
    return keyed(found, key, octets);
}

tl::expected<smtp::ScramCrypto, std::string> scram_crypto(std::string_view hash) {
    const EVP_MD* const found = digest(hash);
    if (found == nullptr) {
        return tl::unexpected<std::string>(known_hashes);
    }
    smtp::ScramCrypto crypto;
    crypto.hmac = [found](std::string_view key, std::string_view octets) {
        return keyed(found, key, octets);
    };
    crypto.hash = [found](std::string_view octets) { return plain_hash(found, octets); };
    crypto.pbkdf2 = [found](std::string_view password, std::string_view salt, int iterations) {
        return stretched(found, password, salt, iterations);
    };
    return crypto;
}

}  // namespace smtpspec::script
