#include "protocol/smtp/base64.hpp"

#include <array>
#include <cstdint>

namespace smtpspec::smtp {

namespace {

constexpr std::string_view base64_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view hex_alphabet = "0123456789abcdef";
constexpr unsigned no_value = 255;

constexpr std::array<std::uint8_t, 256> base64_values = [] {
    std::array<std::uint8_t, 256> values{};
    values.fill(no_value);
    for (size_t i = 0; i < base64_alphabet.size(); ++i) {
        values[static_cast<unsigned char>(base64_alphabet[i])] = static_cast<std::uint8_t>(i);
    }
    return values;
}();

std::uint32_t octet_at(std::string_view octets, size_t i) {
    return i < octets.size() ? static_cast<unsigned char>(octets[i]) : 0;
}

unsigned hex_value(char c) {
    if (c >= '0' && c <= '9') {
        return static_cast<unsigned>(c - '0');
    }
    if (c >= 'a' && c <= 'f') {
        return static_cast<unsigned>(c - 'a') + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return static_cast<unsigned>(c - 'A') + 10;
    }
    return no_value;
}

/// How many "=" close the text: 0, 1 or 2.
size_t padding_of(std::string_view text) {
    if (text.size() >= 2 && text.substr(text.size() - 2) == "==") {
        return 2;
    }
    return !text.empty() && text.back() == '=' ? 1 : 0;
}

}  // namespace

std::string base64_encode(std::string_view octets) {
    std::string out;
    out.reserve((octets.size() + 2) / 3 * 4);
    for (size_t i = 0; i < octets.size(); i += 3) {
        const std::uint32_t bits =
            octet_at(octets, i) << 16U | octet_at(octets, i + 1) << 8U | octet_at(octets, i + 2);
        out += base64_alphabet[bits >> 18U];
        out += base64_alphabet[bits >> 12U & 63U];
        out += i + 1 < octets.size() ? base64_alphabet[bits >> 6U & 63U] : '=';
        out += i + 2 < octets.size() ? base64_alphabet[bits & 63U] : '=';
    }
    return out;
}

tl::expected<std::string, std::string> base64_decode(std::string_view text) {
    if (text.size() % 4 != 0) {
        return tl::unexpected("base64 text of " + std::to_string(text.size()) +
                              " characters, not a multiple of 4");
    }
    const size_t padding = padding_of(text);
    std::string out;
    out.reserve(text.size() / 4 * 3);
    std::uint32_t bits = 0;
    for (size_t i = 0; i < text.size(); ++i) {
        const bool padded = i >= text.size() - padding;
        const unsigned value = padded ? 0 : base64_values[static_cast<unsigned char>(text[i])];
        if (value == no_value) {
            return tl::unexpected("not a base64 character at offset " + std::to_string(i));
        }
        bits = bits << 6U | value;
        if (i % 4 == 3) {
            out += static_cast<char>(bits >> 16U & 255U);
            out += static_cast<char>(bits >> 8U & 255U);
            out += static_cast<char>(bits & 255U);
        }
    }
    const std::uint32_t stray = padding == 2 ? bits & 0xFFFFU : padding == 1 ? bits & 0xFFU : 0;
    if (stray != 0) {
        return tl::unexpected(std::string("base64 text has bits behind its last octet"));  // RFC 4648 §3.5
    }
    out.resize(out.size() - padding);
    return out;
}

std::string hex_encode(std::string_view octets) {
    std::string out;
    out.reserve(octets.size() * 2);
    for (size_t i = 0; i < octets.size(); ++i) {
        out += hex_alphabet[octet_at(octets, i) >> 4U];
        out += hex_alphabet[octet_at(octets, i) & 15U];
    }
    return out;
}

tl::expected<std::string, std::string> hex_decode(std::string_view text) {
    if (text.size() % 2 != 0) {
        return tl::unexpected(std::string("odd number of hexadecimal digits"));
    }
    std::string out;
    out.reserve(text.size() / 2);
    for (size_t i = 0; i < text.size(); i += 2) {
        const unsigned high = hex_value(text[i]);
        const unsigned low = hex_value(text[i + 1]);
        if (high == no_value || low == no_value) {
            return tl::unexpected("not a hexadecimal digit at offset " +
                                  std::to_string(high == no_value ? i : i + 1));
        }
        out += static_cast<char>(high << 4U | low);
    }
    return out;
}

}  // namespace smtpspec::smtp
