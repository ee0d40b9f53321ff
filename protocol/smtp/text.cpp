#include "protocol/smtp/text.hpp"

#include <algorithm>

namespace smtpspec::smtp {

std::string to_upper(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), [](char c) { return to_upper(c); });
    return out;
}

std::string to_lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), [](char c) { return to_lower(c); });
    return out;
}

bool iequals(std::string_view a, std::string_view b) {
    return std::equal(
        a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return to_lower(x) == to_lower(y); });
}

bool istarts_with(std::string_view text, std::string_view prefix) {
    return iequals(text.substr(0, prefix.size()), prefix);
}

std::vector<std::string> split_words(std::string_view text) {
    std::vector<std::string> words;
    while (true) {
        const size_t begin = text.find_first_not_of(" \t");
        if (begin == std::string_view::npos) {
            return words;
        }
        text.remove_prefix(begin);
        const size_t length = std::min(text.find_first_of(" \t"), text.size());
        words.emplace_back(text.substr(0, length));
        text.remove_prefix(length);
    }
}

namespace {

/// Length that the first octet announces and the bounds of the second one (RFC 3629 §4), which exclude
/// overlong forms, surrogates and what lies beyond U+10FFFF.
struct Lead {
    size_t length;
    unsigned low;
    unsigned high;
};

Lead lead_of(unsigned octet) {
    if (octet < 0x80) {
        return {1, 0, 0};
    }
    if (octet >= 0xC2 && octet <= 0xDF) {
        return {2, 0x80, 0xBF};
    }
    if (octet >= 0xE0 && octet <= 0xEF) {
        return {3, octet == 0xE0 ? 0xA0U : 0x80U, octet == 0xED ? 0x9FU : 0xBFU};
    }
    if (octet >= 0xF0 && octet <= 0xF4) {
        return {4, octet == 0xF0 ? 0x90U : 0x80U, octet == 0xF4 ? 0x8FU : 0xBFU};
    }
    return {0, 0, 0};
}

}  // namespace

size_t utf8_length(std::string_view text) {
    if (text.empty()) {
        return 0;
    }
    const auto octet = [&](size_t i) { return static_cast<unsigned>(static_cast<unsigned char>(text[i])); };
    const Lead lead = lead_of(octet(0));
    if (lead.length == 0 || text.size() < lead.length) {
        return 0;
    }
    for (size_t i = 1; i < lead.length; ++i) {
        const unsigned low = i == 1 ? lead.low : 0x80U;
        const unsigned high = i == 1 ? lead.high : 0xBFU;
        if (octet(i) < low || octet(i) > high) {
            return 0;
        }
    }
    return lead.length;
}

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const size_t length = utf8_length(text);
        if (length == 0) {
            return false;
        }
        text.remove_prefix(length);
    }
    return true;
}

bool has_eight_bit(std::string_view text) { return std::any_of(text.begin(), text.end(), is_eight_bit); }

}  // namespace smtpspec::smtp
