#include "test_crypto.hpp"

#include <array>
#include <bit>
#include <cstdint>

namespace smtpspec::smtp::test {

namespace {

constexpr size_t block = 64;

/// FIPS 180-4 §5.1.1: one bit, zeros, the length in bits.
std::string padded(std::string_view text) {
    std::string out(text);
    out += '\x80';
    while (out.size() % block != block - 8) {
        out += '\0';
    }
    for (int shift = 56; shift >= 0; shift -= 8) {
        out += static_cast<char>(static_cast<std::uint64_t>(text.size()) * 8 >> static_cast<unsigned>(shift) &
                                 255U);
    }
    return out;
}

std::uint32_t word_at(std::string_view text, size_t at) {
    std::uint32_t word = 0;
    for (size_t i = 0; i < 4; ++i) {
        word = word << 8U | static_cast<unsigned char>(text[at + i]);
    }
    return word;
}

template <size_t N>
std::string octets_of(const std::array<std::uint32_t, N>& words) {
    std::string out;
    for (const std::uint32_t word : words) {
        for (int shift = 24; shift >= 0; shift -= 8) {
            out += static_cast<char>(word >> static_cast<unsigned>(shift) & 255U);
        }
    }
    return out;
}

std::string sha1(std::string_view text) {
    std::array<std::uint32_t, 5> h{0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    const std::string message = padded(text);
    for (size_t at = 0; at < message.size(); at += block) {
        std::array<std::uint32_t, 80> w{};
        for (size_t t = 0; t < 80; ++t) {
            w[t] = t < 16 ? word_at(message, at + 4 * t)
                          : std::rotl(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
        }
        auto [a, b, c, d, e] = h;
        for (size_t t = 0; t < 80; ++t) {
            const std::uint32_t f = t < 20              ? (b & c) | (~b & d)
                                    : t >= 40 && t < 60 ? (b & c) | (b & d) | (c & d)
                                                        : b ^ c ^ d;
            constexpr std::array<std::uint32_t, 4> k{0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xCA62C1D6};
            const std::uint32_t next = std::rotl(a, 5) + f + e + k[t / 20] + w[t];
            e = d;
            d = c;
            c = std::rotl(b, 30);
            b = a;
            a = next;
        }
        h = {h[0] + a, h[1] + b, h[2] + c, h[3] + d, h[4] + e};
    }
    return octets_of(h);
}

constexpr std::array<std::uint32_t, 64> sha256_k{
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

std::string sha256(std::string_view text) {
    std::array<std::uint32_t, 8> h{
        0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    const std::string message = padded(text);
    for (size_t at = 0; at < message.size(); at += block) {
        std::array<std::uint32_t, 64> w{};
        for (size_t t = 0; t < 64; ++t) {
            if (t < 16) {
                w[t] = word_at(message, at + 4 * t);
                continue;
            }
            const std::uint32_t s0 = std::rotr(w[t - 15], 7) ^ std::rotr(w[t - 15], 18) ^ w[t - 15] >> 3U;
            const std::uint32_t s1 = std::rotr(w[t - 2], 17) ^ std::rotr(w[t - 2], 19) ^ w[t - 2] >> 10U;
            w[t] = w[t - 16] + s0 + w[t - 7] + s1;
        }
        auto v = h;
        for (size_t t = 0; t < 64; ++t) {
            const std::uint32_t s1 = std::rotr(v[4], 6) ^ std::rotr(v[4], 11) ^ std::rotr(v[4], 25);
            const std::uint32_t t1 = v[7] + s1 + ((v[4] & v[5]) ^ (~v[4] & v[6])) + sha256_k[t] + w[t];
            const std::uint32_t s0 = std::rotr(v[0], 2) ^ std::rotr(v[0], 13) ^ std::rotr(v[0], 22);
            const std::uint32_t t2 = s0 + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
            v = {t1 + t2, v[0], v[1], v[2], v[3] + t1, v[4], v[5], v[6]};
        }
        for (size_t i = 0; i < 8; ++i) {
            h[i] += v[i];
        }
    }
    return octets_of(h);
}

using Hash = std::string (*)(std::string_view);

std::string hmac(Hash hash, std::string_view key, std::string_view text) {
    std::string inner = key.size() > block ? hash(key) : std::string(key);
    inner.resize(block, '\0');
    std::string outer = inner;
    for (size_t i = 0; i < block; ++i) {
        inner[i] = static_cast<char>(inner[i] ^ 0x36);
        outer[i] = static_cast<char>(outer[i] ^ 0x5c);
    }
    return hash(outer + hash(inner + std::string(text)));
}

/// One block is enough: the output is as long as the hash (RFC 5802 §2.2).
std::string pbkdf2(Hash hash, std::string_view password, std::string_view salt, int iterations) {
    std::string u = hmac(hash, password, std::string(salt) + std::string("\0\0\0\1", 4));
    std::string out = u;
    for (int i = 1; i < iterations; ++i) {
        u = hmac(hash, password, u);
        for (size_t j = 0; j < out.size(); ++j) {
            out[j] = static_cast<char>(out[j] ^ u[j]);
        }
    }
    return out;
}

ScramCrypto crypto_of(Hash hash) {
    ScramCrypto crypto;
    crypto.hash = hash;
    crypto.hmac = [hash](std::string_view key, std::string_view text) { return hmac(hash, key, text); };
    crypto.pbkdf2 = [hash](std::string_view password, std::string_view salt, int iterations) {
        return pbkdf2(hash, password, salt, iterations);
    };
    return crypto;
}

}  // namespace

ScramCrypto sha1_crypto() { return crypto_of(sha1); }

ScramCrypto sha256_crypto() { return crypto_of(sha256); }

}  // namespace smtpspec::smtp::test
