#include "protocol/wire/mask.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

namespace smtpspec::wire {
namespace {

constexpr std::size_t kShortest = 4;  // by value; shorter secrets would mask half of every text
constexpr std::size_t kLineHeld =
    8192;  // no AUTH line is longer (RFC 4954 §4 asks for 12288 with its CRLF; the rest is by value)
constexpr std::string_view kStars = "********";
constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

using Ranges = std::vector<std::pair<std::size_t, std::size_t>>;

bool is_ascii_alnum(char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool is_base64(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '+' || c == '/' || c == '-' || c == '_';
}

/// The characters of base64 text that depend on nothing but `secret`, when `before` octets stand before it.
std::string base64_core(std::string_view secret, std::size_t before) {
    std::string bits_from(before, '\0');
    bits_from += secret;
    std::string core;
    std::size_t first = (before * 8 + 5) / 6, last = bits_from.size() * 8 / 6;
    for (std::size_t at = first; at < last; ++at) {
        unsigned value = 0;
        for (std::size_t bit = at * 6; bit < at * 6 + 6; ++bit)
            value = value << 1 | (static_cast<unsigned char>(bits_from[bit / 8]) >> (7 - bit % 8) & 1U);
        core += kBase64[value];
    }
    return core;
}

std::string url_alphabet(std::string base64) {
    std::replace(base64.begin(), base64.end(), '+', '-');
    std::replace(base64.begin(), base64.end(), '/', '_');
    return base64;
}

std::string hex(std::string_view secret, std::string_view digits, std::string_view prefix = {}) {
    std::string text;
    for (unsigned char c : secret) {
        text += prefix;
        text += digits[c >> 4];
        text += digits[c & 15];
    }
    return text;
}
constexpr std::string_view kUpper = "0123456789ABCDEF", kLower = "0123456789abcdef";

std::string url_escaped(std::string_view secret, std::string_view digits, std::string_view safe, bool plus) {
    std::string text;
    for (char c : secret) {
        bool plain = std::isalnum(static_cast<unsigned char>(c)) || safe.find(c) != std::string_view::npos;
        if (plain)
            text += c;
        else if (plus && c == ' ')
            text += '+';
        else
            text += hex(std::string_view(&c, 1), digits, "%");
    }
    return text;
}

struct JsonStyle {
    std::string_view digits;
    bool slash = false;      // \/
    bool html_safe = false;  // \u003c \u003e \u0026 \u0027
};

/// The code points of UTF-8 text; nothing for other octets.
std::optional<std::vector<unsigned>> code_points(std::string_view text) {
    std::vector<unsigned> points;
    for (std::size_t at = 0; at < text.size();) {
        const auto lead = static_cast<unsigned char>(text[at++]);
        const std::size_t more = lead < 0x80 ? 0 : lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 9;
        if (more > text.size() - at)
            return std::nullopt;
        unsigned point = more == 0 ? lead : lead & (0x3fU >> more);
        for (std::size_t i = 0; i < more; ++i) {
            const auto octet = static_cast<unsigned char>(text[at++]);
            if ((octet & 0xc0U) != 0x80)
                return std::nullopt;
            point = point << 6 | (octet & 0x3fU);
        }
        points.push_back(point);
    }
    return points;
}

std::string utf16_escape(unsigned unit, std::string_view digits) {
    std::string text = "\\u";
    for (int shift = 12; shift >= 0; shift -= 4)
        text += digits[unit >> shift & 15U];
    return text;
}

std::string json_escaped(std::string_view secret, JsonStyle style) {
    std::string text;
    for (char c : secret) {
        static constexpr std::string_view kControls = "\b\f\n\r\t", kLetters = "bfnrt";
        auto control = kControls.find(c);
        bool markup = style.html_safe && std::string_view("<>&'").find(c) != std::string_view::npos;
        if (c == '"' || c == '\\' || (style.slash && c == '/'))
            text.append("\\").append(1, c);
        else if (control != std::string_view::npos)
            text.append("\\").append(1, kLetters[control]);
        else if (static_cast<unsigned char>(c) < 32 || c == 127 || markup)
            text += "\\u00" + hex(std::string_view(&c, 1), style.digits);
        else
            text += c;
    }
    return text;
}

/// JSON text with ASCII alone; nothing when the secret is ASCII anyway, or no UTF-8.
std::string json_ascii(std::string_view secret, JsonStyle style) {
    const auto points = code_points(secret);
    if (!points || std::all_of(points->begin(), points->end(), [](unsigned point) { return point < 0x80; }))
        return {};
    std::string text;
    for (const unsigned point : *points) {
        const char octet = static_cast<char>(point);
        if (point < 0x80)
            text += json_escaped(std::string_view(&octet, 1), style);
        else if (point < 0x10000)
            text += utf16_escape(point, style.digits);
        else
            text += utf16_escape(0xd800 + ((point - 0x10000) >> 10), style.digits) +
                    utf16_escape(0xdc00 + ((point - 0x10000) & 0x3ffU), style.digits);
    }
    return text;
}

std::string html_escaped(std::string_view secret, std::string_view apostrophe, std::string_view quote) {
    std::string text;
    for (char c : secret)
        switch (c) {
            case '&':
                text += "&amp;";
                break;
            case '<':
                text += "&lt;";
                break;
            case '>':
                text += "&gt;";
                break;
            case '"':
                text += quote;
                break;
            case '\'':
                text += apostrophe;
                break;
            default:
                text += c;
        }
    return text;
}

/// The octets of every run of base64 characters in `text`, both alphabets; only complete groups of six bits
/// count.
std::vector<std::string> decoded_runs(std::string_view text) {
    std::vector<std::string> found;
    for (std::size_t at = 0; at < text.size();) {
        unsigned bits = 0, have = 0;
        std::string octets;
        for (; at < text.size() && is_base64(text[at]); ++at) {
            char c = text[at] == '-' ? '+' : text[at] == '_' ? '/' : text[at];
            bits = (bits << 6 | static_cast<unsigned>(kBase64.find(c))) & 0xffff;
            have += 6;
            if (have >= 8)
                octets += static_cast<char>(bits >> (have -= 8) & 0xff);
        }
        if (!octets.empty())
            found.push_back(std::move(octets));
        ++at;
    }
    return found;
}

bool starts_with_auth(std::string_view line) {
    static constexpr std::string_view kAuth = "AUTH";
    if (line.size() < 5 || (line[4] != ' ' && line[4] != '\t'))
        return false;
    return std::equal(kAuth.begin(), kAuth.end(), line.begin(), [](char a, char b) {
        return a == std::toupper(static_cast<unsigned char>(b));
    });
}

/// Where in an AUTH line the initial response begins (RFC 4954 §4); the line's length when there is none.
std::size_t initial_response(std::string_view line) {
    static constexpr std::string_view kBlank = " \t";
    auto mechanism = line.find_first_not_of(kBlank, 4);
    auto end = line.find_first_of(kBlank, std::min(mechanism, line.size()));
    auto response = line.find_first_not_of(kBlank, std::min(end, line.size()));
    return std::min(response, line.size());
}

/// Cancelling an exchange and an empty response say nothing secret and a lot to the reader.
bool harmless_answer(std::string_view answer) { return answer.empty() || answer == "*" || answer == "="; }

std::string with_stars(std::string_view text, std::size_t from, Ranges ranges) {
    std::sort(ranges.begin(), ranges.end());
    std::string out;
    std::size_t at = from;
    bool starred = false;
    for (auto [begin, end] : ranges) {
        begin = std::max(begin, from);
        if (end <= begin || end <= at)
            continue;
        if (begin > at || !starred) {
            out += text.substr(at, begin > at ? begin - at : 0);
            out += kStars;
        }
        starred = true;
        at = end;
    }
    out += text.substr(std::min(at, text.size()));
    return out;
}

}  // namespace

void Masker::add_needle(std::string text, bool base64) {
    bool known =
        std::any_of(needles_.begin(), needles_.end(), [&](const Needle& n) { return n.text == text; });
    if (text.size() < kShortest || known)
        return;
    longest_ = std::max(longest_, text.size());
    Needle needle;
    needle.text = std::move(text);
    needle.base64 = base64;
    auto longer = [](const Needle& a, const Needle& b) { return a.text.size() > b.text.size(); };
    needles_.insert(std::upper_bound(needles_.begin(), needles_.end(), needle, longer), needle);
}

void Masker::add(std::string_view secret) {
    if (secret.empty())
        return;
    secrets_.emplace_back(secret);
    if (secret.size() < kShortest)
        return;
    add_needle(std::string(secret), false);
    for (std::size_t before : {0, 1, 2}) {
        auto core = base64_core(secret, before);
        add_needle(url_alphabet(core), true);
        add_needle(core, true);
    }
    for (auto digits : {kUpper, kLower}) {
        add_needle(hex(secret, digits), false);
        add_needle(hex(secret, digits, "%"), false);
    }
    if (std::all_of(secret.begin(), secret.end(), is_ascii_alnum))
        return;  // no escape alters it, and a matrix makes a masker for each cell
    for (auto digits : {kUpper, kLower}) {
        for (std::string_view safe : {"-._~", "-_.!~*'()", "*-._", "-._~/", ""})
            for (bool plus : {false, true})
                add_needle(url_escaped(secret, digits, safe, plus), false);
        for (bool slash : {false, true})
            for (bool html_safe : {false, true}) {
                JsonStyle style;
                style.digits = digits;
                style.slash = slash;
                style.html_safe = html_safe;
                add_needle(json_escaped(secret, style), false);
                add_needle(json_ascii(secret, style), false);
            }
    }
    for (std::string_view apostrophe : {"'", "&#39;", "&#039;", "&#x27;", "&apos;"})
        for (std::string_view quote : {"\"", "&quot;", "&#34;"})
            add_needle(html_escaped(secret, apostrophe, quote), false);
}

void Masker::mark_values(std::string_view text, bool open_end, Ranges& ranges) const {
    for (const auto& needle : needles_) {
        for (auto at = text.find(needle.text); at != std::string_view::npos;
             at = text.find(needle.text, at + 1)) {
            std::size_t from = at, to = at + needle.text.size();
            // The characters beside it hold up to four bits of the secret.
            if (needle.base64 && from > 0 && is_base64(text[from - 1]))
                --from;
            if (needle.base64 && to < text.size() && is_base64(text[to]))
                ++to;
            ranges.emplace_back(from, to);
        }
        bool may_go_on =
            open_end && (text.empty() || text.back() != '\n' || needle.text.find('\n') != std::string::npos);
        if (!may_go_on)
            continue;
        auto most = std::min(needle.text.size() - 1, text.size());
        for (auto length = most; length >= kShortest; --length)
            if (text.compare(text.size() - length, length, needle.text, 0, length) == 0) {
                ranges.emplace_back(text.size() - length, text.size());
                break;
            }
    }
}

std::string Masker::by_value(std::string_view text) const {
    Ranges ranges;
    mark_values(text, false, ranges);
    return ranges.empty() ? std::string(text) : with_stars(text, 0, std::move(ranges));
}

std::string Masker::by_value(std::string_view before, std::string_view text) const {
    auto context = before.substr(before.size() - std::min(before.size(), longest_));
    std::string whole(context);
    whole += text;
    Ranges ranges;
    mark_values(whole, true, ranges);
    return with_stars(whole, context.size(), std::move(ranges));
}

std::string Masker::client_octets(std::string_view octets, MaskState& state) const {
    std::string whole = state.held;
    auto seen = whole.size();
    whole += octets;
    std::string_view view(whole);
    Ranges ranges;
    std::size_t line_from = 0;
    for (std::size_t next; line_from < view.size(); line_from = next) {
        auto line_feed = view.find('\n', line_from);
        bool complete = line_feed != std::string_view::npos;
        next = complete ? line_feed + 1 : view.size();
        auto line = view.substr(line_from, next - line_from);
        while (!line.empty() && (line.back() == '\n' || line.back() == '\r'))
            line.remove_suffix(1);
        bool known_start = !state.held_is_cut || line_from != 0;
        bool auth = known_start && starts_with_auth(line);
        auto secret_from = auth ? initial_response(line) : state.inside_auth ? 0 : line.size();
        if (secret_from < line.size() && !harmless_answer(line.substr(secret_from)))
            ranges.emplace_back(line_from + secret_from, line_from + line.size());
        if (!complete)
            break;
        state.inside_auth = state.inside_auth || auth;
        if (known_start && state.inside_auth && line == "*")
            state.inside_auth = false;  // the client gave up (RFC 4954 §4)
        state.held_is_cut = false;
    }
    mark_values(view, true, ranges);
    auto masked = with_stars(view, seen, std::move(ranges));
    auto unfinished = view.substr(std::min(line_from, view.size()));
    if (unfinished.size() > kLineHeld) {
        // An initial response of that length goes on being one.
        state.inside_auth = state.inside_auth || (!state.held_is_cut && starts_with_auth(unfinished));
        unfinished = unfinished.substr(unfinished.size() - std::min(longest_, unfinished.size()));
        state.held_is_cut = true;
    }
    state.held = std::string(unfinished);
    return masked;
}

std::string Masker::server_octets(std::string_view octets, MaskState& state) const {
    auto masked = by_value(state.server_held, octets);
    std::string whole = state.server_held;
    whole += octets;
    std::size_t line_from = 0;
    for (auto feed = whole.find('\n'); feed != std::string::npos; feed = whole.find('\n', line_from)) {
        auto line = std::string_view(whole).substr(line_from, feed - line_from);
        line_from = feed + 1;
        bool code = line.size() >= 3 && std::all_of(line.begin(), line.begin() + 3, [](unsigned char c) {
                        return std::isdigit(c) != 0;
                    });
        if (code)
            state.inside_auth = line.substr(0, 3) == "334" || (state.inside_auth && line[0] == '3');
    }
    whole.erase(0, line_from);
    // Of a line that does not end its code is kept, and the tail in which a secret may have begun.
    constexpr std::size_t code = 3;
    if (whole.size() > kLineHeld)
        whole.erase(code, whole.size() - kLineHeld);
    state.server_held = std::move(whole);
    return masked;
}

bool Masker::reveals(std::string_view text) const {
    auto holds = [](std::string_view where, std::string_view what) {
        return where.find(what) != std::string_view::npos;
    };
    for (const auto& secret : secrets_)
        if (holds(text, secret))
            return true;
    for (const auto& needle : needles_)
        if (holds(text, needle.text))
            return true;
    for (const auto& octets : decoded_runs(text))
        for (const auto& secret : secrets_)
            if (secret.size() >= kShortest ? holds(octets, secret)
                                           : octets == secret || holds(octets, '\0' + secret))
                return true;
    return false;
}

}  // namespace smtpspec::wire
