#include "protocol/smtp/reply.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "protocol/smtp/text.hpp"

namespace smtpspec::smtp {

namespace {

constexpr size_t code_digits = 3;

/// Reply-code = %x32-35 %x30-35 %x30-39 (RFC 5321 §4.2).
bool in_code_range(std::string_view code) { return code[0] >= '2' && code[0] <= '5' && code[1] <= '5'; }

std::string_view without_line_end(std::string_view line) {
    if (line.empty() || line.back() != '\n') {
        return line;
    }
    line.remove_suffix(1);
    if (!line.empty() && line.back() == '\r') {
        line.remove_suffix(1);
    }
    return line;
}

ReplyLine split_line(std::string_view raw) {
    const std::string_view content = without_line_end(raw);
    size_t digits = 0;
    while (digits < content.size() && digits < code_digits && is_digit(content[digits])) {
        ++digits;
    }
    ReplyLine line;
    line.raw = raw;
    line.code = content.substr(0, digits);
    if (digits < code_digits) {
        line.text = content.substr(digits);  // there is no code, so there is no separator
    } else if (content.size() > code_digits) {
        line.separator = content[code_digits];
        line.text = content.substr(code_digits + 1);
    }
    return line;
}

int code_of(const ReplyLine& line) { return line.code.size() == code_digits ? std::stoi(line.code) : 0; }

}  // namespace

std::string_view to_string(ReplyViolation violation) {
    constexpr std::array<std::string_view, 14> names{"bad_code",
                                                     "code_range",
                                                     "mixed_codes",
                                                     "bare_lf",
                                                     "bare_cr",
                                                     "nul",
                                                     "control",
                                                     "eight_bit",
                                                     "utf8",
                                                     "no_separator",
                                                     "line_too_long",
                                                     "too_many_lines",
                                                     "too_many_octets",
                                                     "truncated"};
    return names.at(static_cast<size_t>(violation));
}

bool Reply::well_formed() const {
    return !lines.empty() && std::all_of(violations.begin(), violations.end(), [](ReplyViolation violation) {
        return violation == ReplyViolation::utf8 || violation == ReplyViolation::code_range;
    });
}

bool Reply::has(ReplyViolation violation) const {
    return std::find(violations.begin(), violations.end(), violation) != violations.end();
}

std::string Reply::text() const {
    std::string out;
    for (const ReplyLine& line : lines) {
        if (&line != &lines.front()) {
            out += '\n';
        }
        out += line.text;
    }
    return out;
}

std::optional<EnhancedCode> Reply::enhanced() const {
    for (const ReplyLine& line : lines) {
        if (auto found = leading_enhanced(line.text)) {
            return found;
        }
    }
    return std::nullopt;
}

int Reply::severity() const { return code / 100; }

ReplyParser::ReplyParser(ReplyLimits limits) : limits_(limits) {
    limits_.line = std::max<size_t>(limits_.line, 1);
    limits_.octets = std::max<size_t>(limits_.octets, 1);
}

size_t ReplyParser::feed(std::string_view octets) {
    size_t consumed = 0;
    while (!complete_ && consumed < octets.size()) {
        const size_t line_room = limits_.line - (reply_.raw.size() - line_start_);
        const size_t room = std::min(line_room, limits_.octets - reply_.raw.size());
        const std::string_view window = octets.substr(consumed, room);
        const size_t line_feed = window.find('\n');
        const size_t taken = line_feed == std::string_view::npos ? window.size() : line_feed + 1;
        reply_.raw += window.substr(0, taken);
        consumed += taken;
        if (line_feed != std::string_view::npos) {
            add_line();
        } else if (taken == line_room) {
            violate(ReplyViolation::line_too_long);
            add_line();
            complete_ = true;
        }
        enforce_limits();
    }
    return consumed;
}

/// Decided at the very octet that reaches a bound, so that the split of the input cannot matter.
void ReplyParser::enforce_limits() {
    if (complete_) {
        return;
    }
    if (reply_.lines.size() >= limits_.lines) {
        violate(ReplyViolation::too_many_lines);
        complete_ = true;
    }
    if (reply_.raw.size() >= limits_.octets) {
        violate(ReplyViolation::too_many_octets);
        if (line_start_ < reply_.raw.size()) {
            add_line();
        }
        complete_ = true;
    }
}

Reply ReplyParser::take() {
    complete_ = false;
    line_start_ = 0;
    return std::exchange(reply_, Reply());
}

std::string_view ReplyParser::pending() const {
    return complete_ ? std::string_view() : std::string_view(reply_.raw);
}

std::optional<Reply> ReplyParser::abandon() {
    if (complete_) {
        return take();
    }
    if (reply_.raw.empty()) {
        return std::nullopt;
    }
    violate(ReplyViolation::truncated);
    if (line_start_ < reply_.raw.size()) {
        add_line();
    }
    return take();
}

void ReplyParser::violate(ReplyViolation violation) {
    if (!reply_.has(violation)) {
        reply_.violations.push_back(violation);
    }
}

/// Takes the octets since line_start_ as one line and decides whether the reply ends with it (RFC 5321
/// §4.2.1).
void ReplyParser::add_line() {
    const std::string_view raw = std::string_view(reply_.raw).substr(line_start_);
    ReplyLine line = split_line(raw);
    inspect_octets(raw);
    inspect_code(line);
    line_start_ = reply_.raw.size();
    reply_.code = code_of(line);
    complete_ = line.code.size() < code_digits || line.separator != '-';
    reply_.lines.push_back(std::move(line));
}

void ReplyParser::inspect_code(const ReplyLine& line) {
    if (line.code.size() < code_digits) {
        violate(ReplyViolation::bad_code);
        return;
    }
    if (!in_code_range(line.code)) {
        violate(ReplyViolation::code_range);
    }
    if (!reply_.lines.empty() && reply_.lines.front().code != line.code) {
        violate(ReplyViolation::mixed_codes);
    }
    const bool ends_after_code = without_line_end(line.raw).size() == code_digits;
    if (!ends_after_code && line.separator != ' ' && line.separator != '-') {
        violate(ReplyViolation::no_separator);
    }
}

/// textstring = 1*(%d09 / %d32-126) (RFC 5321 §4.2), line ends CRLF (§2.3.8).
void ReplyParser::inspect_octets(std::string_view raw) {
    const std::string_view content = without_line_end(raw);
    if (raw.size() - content.size() == 1) {
        violate(ReplyViolation::bare_lf);
    }
    bool eight_bit = false;
    for (const char c : content) {
        if (c == '\r') {
            violate(ReplyViolation::bare_cr);
        } else if (c == '\0') {
            violate(ReplyViolation::nul);
        } else if (is_control(c) && c != '\t') {
            violate(ReplyViolation::control);
        }
        eight_bit = eight_bit || is_eight_bit(c);
    }
    if (eight_bit) {
        violate(is_utf8(content) ? ReplyViolation::utf8 : ReplyViolation::eight_bit);
    }
}

namespace {

void add_line(std::string& out, int code, char separator, std::string_view enhanced, std::string_view text) {
    constexpr std::size_t longest_code = 12;
    std::array<char, longest_code> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), code).ptr;
    out.append(digits.data(), end).append(1, separator).append(enhanced);
    if (!enhanced.empty()) {
        out.append(1, ' ');
    }
    out.append(text).append("\r\n");
}

}  // namespace

std::string format_reply(int code, std::string_view enhanced, const std::vector<std::string>& lines) {
    std::string out;
    if (lines.empty()) {
        add_line(out, code, ' ', {}, enhanced);
    }
    for (std::size_t i = 0; i < lines.size(); ++i) {
        add_line(out, code, i + 1 < lines.size() ? '-' : ' ', enhanced, lines[i]);
    }
    return out;
}

std::string format_reply_line(int code, std::string_view enhanced, std::string_view text) {
    std::string out;
    constexpr std::size_t more = 16;
    out.reserve(enhanced.size() + text.size() + more);
    add_line(out, code, ' ', enhanced, text);
    return out;
}

}  // namespace smtpspec::smtp
