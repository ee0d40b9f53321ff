#include "protocol/smtp/address.hpp"

#include <algorithm>
#include <vector>

#include "protocol/smtp/base64.hpp"
#include "protocol/smtp/text.hpp"

namespace smtpspec::smtp {

namespace {

constexpr size_t max_local_part = 64;  // RFC 5321 §4.5.3.1.1
constexpr size_t max_domain = 255;     // RFC 5321 §4.5.3.1.2
constexpr size_t max_label = 63;       // RFC 1035 §2.3.4

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (true) {
        const size_t at = text.find(separator);
        parts.push_back(text.substr(0, at));
        if (at == std::string_view::npos) {
            return parts;
        }
        text.remove_prefix(at + 1);
    }
}

/// Let-dig [Ldh-str]; letters beyond ASCII where the charset has them (U-labels, RFC 6531 §3.3).
bool is_label(std::string_view label, Charset charset) {
    if (label.empty() || label.front() == '-' || label.back() == '-') {
        return false;
    }
    if (label.size() > max_label && !has_eight_bit(label)) {
        return false;
    }
    return std::all_of(label.begin(), label.end(), [charset](char c) {
        return is_alnum(c) || c == '-' || (charset == Charset::utf8 && is_eight_bit(c));
    });
}

/// atext (RFC 5322 §3.2.3), extended by RFC 6531 §3.3.
bool is_atext(char c, Charset charset) {
    constexpr std::string_view specials = "!#$%&'*+-/=?^_`{|}~";
    return is_alnum(c) || specials.find(c) != std::string_view::npos ||
           (charset == Charset::utf8 && is_eight_bit(c));
}

bool is_dot_string(std::string_view text, Charset charset) {
    const auto atoms = split(text, '.');
    return std::all_of(atoms.begin(), atoms.end(), [charset](std::string_view atom) {
        return !atom.empty() &&
               std::all_of(atom.begin(), atom.end(), [charset](char c) { return is_atext(c, charset); });
    });
}

/// DQUOTE *QcontentSMTP DQUOTE (RFC 5321 §4.1.2). A quoted pair is ASCII in RFC 6531, too.
bool is_quoted_string(std::string_view text, Charset charset) {
    if (text.size() < 2 || text.front() != '"' || text.back() != '"') {
        return false;
    }
    const std::string_view content = text.substr(1, text.size() - 2);
    for (size_t i = 0; i < content.size(); ++i) {
        if (content[i] == '\\') {
            ++i;
            if (i == content.size() || is_control(content[i]) || is_eight_bit(content[i])) {
                return false;
            }
            continue;
        }
        if (content[i] == '"' || is_control(content[i]) ||
            (is_eight_bit(content[i]) && charset == Charset::ascii)) {
            return false;
        }
    }
    return true;
}

bool is_hex_group(std::string_view group) {
    return !group.empty() && group.size() <= 4 && std::all_of(group.begin(), group.end(), [](char c) {
        return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    });
}

/// Number of 16-bit groups in "a:b:c" or "a:b:192.0.2.1"; -1 when it is neither. Nothing has none.
int count_groups(std::string_view text, bool v4_allowed) {
    if (text.empty()) {
        return 0;
    }
    const auto parts = split(text, ':');
    int count = 0;
    for (size_t i = 0; i < parts.size(); ++i) {
        const bool last = i + 1 == parts.size();
        if (last && v4_allowed && is_ipv4(parts[i])) {
            count += 2;
        } else if (is_hex_group(parts[i])) {
            count += 1;
        } else {
            return -1;
        }
    }
    return count;
}

bool is_dcontent(char c) { return c >= 33 && c <= 126 && c != '[' && c != '\\' && c != ']'; }

/// The "@" between local part and domain: the last one outside quotes.
size_t find_at(std::string_view mailbox) {
    if (mailbox.empty() || mailbox.front() != '"') {
        return mailbox.rfind('@');
    }
    for (size_t i = 1; i < mailbox.size(); ++i) {
        if (mailbox[i] == '\\') {
            ++i;
        } else if (mailbox[i] == '"') {
            return i + 1 < mailbox.size() && mailbox[i + 1] == '@' ? i + 1 : std::string_view::npos;
        }
    }
    return std::string_view::npos;
}

}  // namespace

bool is_domain(std::string_view text, Charset charset) {
    if (text.size() > max_domain || (charset == Charset::utf8 && !is_utf8(text))) {
        return false;
    }
    const auto labels = split(text, '.');
    return std::all_of(
        labels.begin(), labels.end(), [charset](std::string_view label) { return is_label(label, charset); });
}

bool is_ipv4(std::string_view text) {
    const auto parts = split(text, '.');
    return parts.size() == 4 && std::all_of(parts.begin(), parts.end(), [](std::string_view part) {
               return !part.empty() && part.size() <= 3 &&
                      std::all_of(part.begin(), part.end(), [](char c) { return is_digit(c); }) &&
                      std::stoi(std::string(part)) <= 255;
           });
}

bool is_ipv6(std::string_view text) {
    const size_t gap = text.find("::");
    if (gap == std::string_view::npos) {
        return count_groups(text, true) == 8;
    }
    const std::string_view after = text.substr(gap + 2);
    const int left = count_groups(text.substr(0, gap), false);
    const int right = count_groups(after, true);
    return left >= 0 && right >= 0 &&
           left + right <= 6;  // "::" stands for two groups or more (RFC 5321 §4.1.3)
}

bool is_address_literal(std::string_view text) {
    if (text.size() < 2 || text.front() != '[' || text.back() != ']') {
        return false;
    }
    const std::string_view content = text.substr(1, text.size() - 2);
    if (istarts_with(content, "IPv6:")) {
        return is_ipv6(content.substr(5));
    }
    const size_t colon = content.find(':');
    if (colon == std::string_view::npos) {
        return is_ipv4(content);
    }
    const std::string_view tag = content.substr(0, colon);
    const std::string_view rest = content.substr(colon + 1);
    const bool tag_ok = !tag.empty() && is_alnum(tag.back()) &&
                        std::all_of(tag.begin(), tag.end(), [](char c) { return is_alnum(c) || c == '-'; });
    return tag_ok && !rest.empty() && std::all_of(rest.begin(), rest.end(), is_dcontent);
}

bool is_ehlo_argument(std::string_view text) { return is_domain(text) || is_address_literal(text); }

bool is_local_part(std::string_view text, Charset charset) {
    if (text.empty() || text.size() > max_local_part || (charset == Charset::utf8 && !is_utf8(text))) {
        return false;
    }
    return text.front() == '"' ? is_quoted_string(text, charset) : is_dot_string(text, charset);
}

bool is_mailbox(std::string_view text, Charset charset) {
    const size_t at = find_at(text);
    if (at == std::string_view::npos) {
        return false;
    }
    const std::string_view domain = text.substr(at + 1);
    return is_local_part(text.substr(0, at), charset) &&
           (is_domain(domain, charset) || is_address_literal(domain));
}

std::string unquote_local_part(std::string_view local_part) {
    if (local_part.size() < 2 || local_part.front() != '"' || local_part.back() != '"') {
        return std::string(local_part);
    }
    std::string out;
    const std::string_view content = local_part.substr(1, local_part.size() - 2);
    for (size_t i = 0; i < content.size(); ++i) {
        if (content[i] == '\\' && i + 1 < content.size()) {
            ++i;
        }
        out += content[i];
    }
    return out;
}

std::string xtext_encode(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c >= 33 && c <= 126 && c != '+' && c != '=') {
            out += c;
        } else {
            out += '+' + to_upper(hex_encode(std::string_view(&c, 1)));
        }
    }
    return out;
}

tl::expected<std::string, std::string> xtext_decode(std::string_view text) {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c < 33 || c > 126 || c == '=') {
            return tl::unexpected("not an xtext character at offset " + std::to_string(i));
        }
        if (c != '+') {
            out += c;
            continue;
        }
        const std::string_view digits = text.substr(i + 1, 2);
        const auto octet = hex_decode(digits);
        if (digits.size() != 2 || !octet ||
            to_upper(digits) != digits) {  // upper-case digits only (RFC 3461 §4)
            return tl::unexpected("\"+\" without two upper-case hexadecimal digits at offset " +
                                  std::to_string(i));
        }
        out += *octet;
        i += 2;
    }
    return out;
}

}  // namespace smtpspec::smtp
