#include "protocol/smtp/escape.hpp"

#include <algorithm>

#include <array>
#include <cstdint>
#include <utility>

#include "protocol/smtp/text.hpp"

namespace smtpspec::smtp {

namespace {

struct Range {
    std::uint32_t first;
    std::uint32_t last;
};

/// Characters that are valid UTF-8 and yet deceive the eye or drive a terminal: C1 controls, soft hyphen,
/// zero-width and bidirectional marks, line separators, byte order mark, interlinear marks, tags.
constexpr std::array<Range, 10> hidden_ranges{{{0x80, 0x9F},
                                               {0xAD, 0xAD},
                                               {0x61C, 0x61C},
                                               {0x180E, 0x180E},
                                               {0x200B, 0x200F},
                                               {0x2028, 0x202E},
                                               {0x2060, 0x206F},
                                               {0xFEFF, 0xFEFF},
                                               {0xFFF9, 0xFFFB},
                                               {0xE0000, 0xE007F}}};

bool is_hidden(std::uint32_t point) {
    for (const Range& range : hidden_ranges) {
        if (point >= range.first && point <= range.last) {
            return true;
        }
    }
    return false;
}

std::uint32_t code_point(std::string_view character) {
    constexpr std::array<std::uint32_t, 5> lead_mask{0, 0x7F, 0x1F, 0x0F, 0x07};
    std::uint32_t point = static_cast<unsigned char>(character[0]) & lead_mask[character.size()];
    for (const char c : character.substr(1)) {
        point = point << 6U | (static_cast<unsigned char>(c) & 0x3FU);
    }
    return point;
}

void put_hex(std::string& out, std::uint32_t value, int min_digits) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    int count = min_digits;
    while (count < 8 && value >> (4U * static_cast<unsigned>(count)) != 0) {
        ++count;
    }
    while (count-- > 0) {
        out += digits[value >> (4U * static_cast<unsigned>(count)) & 15U];
    }
}

void put_ascii(std::string& out, char c) {
    switch (c) {
        case '\r':
            out += "\\r";
            return;
        case '\n':
            out += "\\n";
            return;
        case '\t':
            out += "\\t";
            return;
        case '\0':
            out += "\\0";
            return;
        case '\\':
            out += "\\\\";
            return;
        default:
            break;
    }
    if (is_control(c) || is_eight_bit(c)) {
        out += "\\x";
        put_hex(out, static_cast<unsigned char>(c), 2);
        return;
    }
    out += c;
}

/// The first character of what commands_a_log() spelled out.
std::string disarmed(std::string text) {
    if (text.find("##") == std::string::npos && text.find("::") == std::string::npos) {
        return text;
    }
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if ((text[i] == '#' || text[i] == ':') && commands_a_log(text, i)) {
            out += "\\x";
            put_hex(out, static_cast<unsigned char>(text[i]), 2);
        } else {
            out += text[i];
        }
    }
    return out;
}

}  // namespace

bool commands_a_log(std::string_view text, std::size_t at) {
    const std::string_view rest = text.substr(at);
    if (rest.substr(0, 3) == "##[" || rest.substr(0, 6) == "##vso[") {
        return true;
    }
    // An IPv6 address has "::" once.
    return rest.size() > 2 && rest.substr(0, 2) == "::" && is_alpha(rest[2]) &&
           rest.find("::", 2) != std::string_view::npos;
}

std::string printable(std::string_view octets) {
    std::string out;
    out.reserve(octets.size());
    while (!octets.empty()) {
        const auto odd = std::find_if(octets.begin(), octets.end(), [](char c) {
            return c == '\\' || is_control(c) || is_eight_bit(c);
        });
        const auto plain = static_cast<size_t>(odd - octets.begin());
        out += octets.substr(0, plain);
        octets.remove_prefix(plain);
        if (octets.empty()) {
            break;
        }
        const size_t length = utf8_length(octets);
        if (length <= 1) {
            put_ascii(out, octets[0]);
            octets.remove_prefix(1);
            continue;
        }
        const std::string_view character = octets.substr(0, length);
        const std::uint32_t point = code_point(character);
        if (is_hidden(point)) {
            out += "\\u{";
            put_hex(out, point, 2);
            out += '}';
        } else {
            out += character;
        }
        octets.remove_prefix(length);
    }
    return disarmed(std::move(out));
}

std::string printable(std::string_view octets, size_t limit) {
    if (octets.size() <= limit) {
        return printable(octets);
    }
    size_t cut = limit;
    while (cut > 0 && limit - cut < 3 && (static_cast<unsigned char>(octets[cut]) & 0xC0U) == 0x80U) {
        --cut;  // not within a character
    }
    return printable(octets.substr(0, cut)) + "… (" + std::to_string(octets.size() - cut) + " octets more)";
}

}  // namespace smtpspec::smtp
