#include "protocol/wire/crypto.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <array>
#include <cctype>
#include <map>
#include <stdexcept>

namespace smtpspec::wire {
namespace {

const EVP_MD* find_hash(std::string_view name) {
    std::string plain;
    for (char c : name)
        if (c != '-' && c != '_')
            plain += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (plain == "md5")
        return EVP_md5();
    if (plain == "sha1")
        return EVP_sha1();
    if (plain == "sha256")
        return EVP_sha256();
    return plain == "sha512" ? EVP_sha512() : nullptr;
}

const EVP_MD* require_hash(std::string_view name) {
    if (const EVP_MD* found = find_hash(name))
        return found;
    throw std::invalid_argument("unknown hash function \"" + std::string(name) +
                                "\"; known are MD5, SHA-1, SHA-256, SHA-512");
}

const unsigned char* bytes(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

std::string digest_text(const std::array<unsigned char, EVP_MAX_MD_SIZE>& digest, unsigned length) {
    return std::string(reinterpret_cast<const char*>(digest.data()), length);
}

}  // namespace

bool is_hash_name(std::string_view name) { return find_hash(name) != nullptr; }

std::string hash(std::string_view name, std::string_view text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned length = 0;
    if (EVP_Digest(text.data(), text.size(), digest.data(), &length, require_hash(name), nullptr) != 1)
        throw std::runtime_error("OpenSSL has no " + std::string(name));
    return digest_text(digest, length);
}

std::string hmac(std::string_view name, std::string_view key, std::string_view text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned length = 0;
    const auto* md = require_hash(name);
    if (!HMAC(md, key.data(), static_cast<int>(key.size()), bytes(text), text.size(), digest.data(), &length))
        throw std::runtime_error("OpenSSL has no HMAC with " + std::string(name));
    return digest_text(digest, length);
}

namespace {

std::string derive(std::string_view name,
                   std::string_view password,
                   std::string_view salt,
                   unsigned iterations) {
    const auto* md = require_hash(name);
    std::string key(static_cast<std::size_t>(EVP_MD_get_size(md)), '\0');
    int ok = PKCS5_PBKDF2_HMAC(password.data(),
                               static_cast<int>(password.size()),
                               bytes(salt),
                               static_cast<int>(salt.size()),
                               static_cast<int>(iterations),
                               md,
                               static_cast<int>(key.size()),
                               reinterpret_cast<unsigned char*>(key.data()));
    if (ok != 1)
        throw std::invalid_argument("PBKDF2 with " + std::to_string(iterations) +
                                    " iterations is not possible");
    return key;
}

}  // namespace

std::string pbkdf2(std::string_view name,
                   std::string_view password,
                   std::string_view salt,
                   unsigned iterations) {
    // RFC 5802 §9 recommends caching: a matrix logs in a thousand times with one password and few salts.
    constexpr std::size_t most = 64;
    thread_local std::map<std::string, std::string> known;
    const std::string question = std::string(name) + '\0' + std::to_string(iterations) + '\0' +
                                 std::to_string(salt.size()) + '\0' + std::string(salt) +
                                 std::string(password);
    const auto found = known.find(question);
    if (found != known.end())
        return found->second;
    if (known.size() >= most)
        known.clear();
    return known[question] = derive(name, password, salt, iterations);
}

std::string random_octets(std::size_t count) {
    std::string octets(count, '\0');
    if (RAND_bytes(reinterpret_cast<unsigned char*>(octets.data()), static_cast<int>(count)) != 1)
        throw std::runtime_error("the system's random generator failed");
    return octets;
}

std::string random_token(std::size_t length) {
    static constexpr std::string_view kAlphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    static_assert(kAlphabet.size() == 64);
    std::string token = random_octets(length);
    for (char& c : token)
        c = kAlphabet[static_cast<unsigned char>(c) & 63];
    return token;
}

bool constant_time_equal(std::string_view a, std::string_view b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace smtpspec::wire
