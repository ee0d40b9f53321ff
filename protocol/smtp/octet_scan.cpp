#include "protocol/smtp/octet_scan.hpp"

namespace smtpspec::smtp {

namespace {

constexpr size_t block = 64;

/// Of the pairs that begin with these 64 octets, one is LF ".". Reads one octet more.
bool has_leading_dot(const char* octets) {
    unsigned char found = 0;
    for (size_t i = 0; i < block; ++i) {
        found = static_cast<unsigned char>(found | (static_cast<unsigned char>(octets[i] == '\n') &
                                                    static_cast<unsigned char>(octets[i + 1] == '.')));
    }
    return found != 0;
}

/// One of these 64 octets needs a closer look. Reads one octet more on both sides.
bool has_anything_odd(const char* octets) {
    unsigned char found = 0;
    for (size_t i = 0; i < block; ++i) {
        const char before = octets[static_cast<std::ptrdiff_t>(i) - 1];
        const auto cr = static_cast<unsigned char>(before == '\r');
        const auto lf = static_cast<unsigned char>(octets[i] == '\n');
        const auto dot = static_cast<unsigned char>(octets[i + 1] == '.');
        const auto nul = static_cast<unsigned char>(octets[i] == '\0');
        found = static_cast<unsigned char>(found | (cr ^ lf) | (lf & dot) | nul);
    }
    return found != 0;
}

}  // namespace

size_t find_leading_dot(std::string_view text) {
    constexpr std::string_view wanted = "\r\n.";
    size_t at = 0;
    for (; at + block < text.size(); at += block) {
        if (!has_leading_dot(text.data() + at)) {
            continue;
        }
        // The CR may be in the block before, the dot in the next.
        const size_t from = at == 0 ? 0 : at - 1;
        const size_t found = text.substr(0, at + block + 1).find(wanted, from);
        if (found != std::string_view::npos) {
            return found + 2;
        }
    }
    const size_t found = text.find(wanted, at == 0 ? 0 : at - 1);
    return found == std::string_view::npos ? found : found + 2;
}

size_t clean_text(std::string_view octets) {
    if (octets.empty() || octets[0] == '\n' || octets[0] == '\0') {
        return 0;
    }
    size_t length = 1;
    while (length + block < octets.size() && !has_anything_odd(octets.data() + length)) {
        length += block;
    }
    while (length > 0 && (octets[length - 1] == '\r' || octets[length - 1] == '\n')) {
        --length;
    }
    return length;
}

}  // namespace smtpspec::smtp
