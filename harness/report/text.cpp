#include "harness/report/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "protocol/smtp/escape.hpp"
#include "protocol/smtp/text.hpp"

namespace smtpspec::report {

namespace {

struct Range {
    std::uint32_t first;
    std::uint32_t last;
};

/// East Asian Width W and F (Unicode Annex 11) and the pictures, rounded to blocks.
constexpr std::array<Range, 9> wide_ranges{{{0x1100, 0x115F},
                                            {0x2300, 0x23FF},
                                            {0x2600, 0x27BF},
                                            {0x2B00, 0x2BFF},
                                            {0x2E80, 0xA4CF},
                                            {0xA960, 0xA97F},
                                            {0xAC00, 0xD7FF},
                                            {0xF900, 0xFFE6},
                                            {0x16FE0, 0x3FFFD}}};

std::uint32_t code_point(std::string_view character) {
    constexpr std::array<std::uint32_t, 5> lead_mask{0, 0x7F, 0x1F, 0x0F, 0x07};
    std::uint32_t point = static_cast<unsigned char>(character[0]) & lead_mask[character.size()];
    for (const char c : character.substr(1)) {
        point = point << 6U | (static_cast<unsigned char>(c) & 0x3FU);
    }
    return point;
}

/// The character at the front: one octet when it is not UTF-8.
std::string_view front_character(std::string_view text) {
    const std::size_t length = smtp::utf8_length(text);
    return text.substr(0, length == 0 ? 1 : length);
}

int character_columns(std::string_view character) {
    if (character.size() == 1) {
        return 1;
    }
    const std::uint32_t point = code_point(character);
    for (const Range& range : wide_ranges) {
        if (point >= range.first && point <= range.last) {
            return 2;
        }
    }
    return 1;
}

/// As much of the front of the text as fits in `width` columns.
std::string_view fitting(std::string_view text, int width) {
    std::size_t end = 0;
    int used = 0;
    while (end < text.size()) {
        const std::string_view character = front_character(text.substr(end));
        used += character_columns(character);
        if (used > width) {
            break;
        }
        end += character.size();
    }
    return text.substr(0, end);
}

std::string_view code_of(Tone tone) {
    switch (tone) {
        case Tone::good:
            return "\033[32m";
        case Tone::mild:
            return "\033[33m";
        case Tone::bad:
            return "\033[31m";
        case Tone::worst:
            return "\033[1;31m";
        case Tone::odd:
            return "\033[35m";
        case Tone::faint:
            return "\033[2m";
        case Tone::strong:
            return "\033[1m";
        case Tone::plain:
            break;
    }
    return "";
}

}  // namespace

int columns(std::string_view text) {
    int sum = 0;
    while (!text.empty()) {
        const std::string_view character = front_character(text);
        sum += character_columns(character);
        text.remove_prefix(character.size());
    }
    return sum;
}

std::string cut(std::string_view text, int width) {
    if (columns(text) <= width) {
        return std::string(text);
    }
    return width <= 0 ? std::string() : std::string(fitting(text, width - 1)) + "…";
}

std::string pad(std::string_view text, int width) {
    std::string out = cut(text, width);
    out.append(static_cast<std::size_t>(std::max(0, width - columns(out))), ' ');
    return out;
}

std::string pad_left(std::string_view text, int width) {
    const std::string out = cut(text, width);
    return std::string(static_cast<std::size_t>(std::max(0, width - columns(out))), ' ') + out;
}

std::vector<std::string> wrap(std::string_view text, int width) {
    std::vector<std::string> lines(1);
    for (const std::string& word : smtp::split_words(text)) {
        std::string_view rest = word;
        const int room = width - columns(lines.back()) - 1;
        if (!lines.back().empty() && columns(rest) <= room) {
            lines.back() += ' ' + word;
            continue;
        }
        if (!lines.back().empty()) {
            lines.emplace_back();
        }
        while (columns(rest) > width) {
            const std::string_view part = fitting(rest, width);
            lines.back() = std::string(part);
            lines.emplace_back();
            rest.remove_prefix(part.size());
        }
        lines.back() = std::string(rest);
    }
    return lines;
}

std::string safe(std::string_view text) {
    // Sentences of a result hold octets that are escaped already: their backslashes are not escaped again.
    std::string once = smtp::printable(text, longest_text);
    std::size_t at = 0;
    while ((at = once.find("\\\\", at)) != std::string::npos)
        once.erase(at++, 1);
    return once;
}

std::string paint(std::string_view text, Tone tone, Colour colour) {
    const std::string_view code = code_of(tone);
    if (colour == Colour::no || code.empty() || text.empty()) {
        return std::string(text);
    }
    return fmt::format("{}{}\033[0m", code, text);
}

std::string counted(std::size_t count, std::string_view one, std::string_view many) {
    return fmt::format("{} {}", count, count == 1 ? one : many);
}

std::string joined(const std::vector<std::string>& parts, std::string_view between) {
    std::string out;
    for (const std::string& part : parts) {
        out += (out.empty() ? "" : std::string(between)) + part;
    }
    return out;
}

}  // namespace smtpspec::report
