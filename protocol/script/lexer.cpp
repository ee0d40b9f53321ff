#include "protocol/script/lexer.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>

namespace smtpspec::script {
namespace {

constexpr auto none = std::string_view::npos;

bool is_name_character(char c) { return is_letter(c) || is_digit(c) || c == '_'; }

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

struct UnitWord {
    std::string_view word;
    Unit unit;
    std::int64_t factor;
};

constexpr UnitWord units[] = {{"KiB", Unit::Octets, 1024},
                              {"MiB", Unit::Octets, 1024 * 1024},
                              {"ms", Unit::Time, 1000},
                              {"s", Unit::Time, 1'000'000},
                              {"m", Unit::Time, 60'000'000},
                              {"%", Unit::Percent, 1}};

}  // namespace

bool is_blank(char c) { return c == ' ' || c == '\t'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::size_t name_length(std::string_view text) {
    if (text.empty() || !is_letter(text[0])) {
        return 0;
    }
    std::size_t i = 1;
    while (i < text.size()) {
        const bool inner = (text[i] == '-' || text[i] == '.') && i + 1 < text.size() &&
                           (is_letter(text[i + 1]) || is_digit(text[i + 1]));
        if (!is_name_character(text[i]) && !inner) {
            break;
        }
        ++i;
    }
    return i;
}

Lexer::Lexer(Reporter& reporter, std::string_view text, std::size_t begin, std::vector<std::uint32_t> origin)
    : reporter_(reporter), text_(text), at_(begin), token_end_(begin), origin_(std::move(origin)) {}

bool Lexer::at_newline() const { return peek() == '\n' || (peek() == '\r' && peek(1) == '\n'); }

void Lexer::advance(std::size_t octets) {
    at_ = std::min(at_ + octets, text_.size());
    token_end_ = at_;
}

bool Lexer::comment_starts(std::size_t offset) const {
    return offset < text_.size() && text_[offset] == '#' &&
           (offset == 0 || is_blank(text_[offset - 1]) || text_[offset - 1] == '\n');
}

std::size_t Lexer::past_newline(std::size_t offset) const {
    const std::size_t found = text_.find('\n', offset);
    return found == none ? text_.size() : found + 1;
}

/// The offset of the `|` with which the next line that is not empty begins, or npos.
std::size_t Lexer::continuation_after(std::size_t newline) {
    if (newline == asked_newline_) {
        return asked_answer_;
    }
    std::size_t i = past_newline(newline);
    while (i < text_.size()) {
        const char c = text_[i];
        if (is_blank(c) || c == '\n' || c == '\r') {
            ++i;
        } else if (comment_starts(i)) {
            i = past_newline(i);
        } else {
            break;
        }
    }
    asked_newline_ = newline;
    asked_answer_ = i < text_.size() && text_[i] == '|' ? i : none;
    return asked_answer_;
}

void Lexer::skip_blanks() {
    while (true) {
        while (is_blank(peek())) {
            ++at_;
        }
        if (insertions_ != 0) {
            return;
        }
        if (comment_starts(at_)) {
            at_ = std::min(text_.find('\n', at_), text_.size());
        }
        if (!at_newline()) {
            return;
        }
        const std::size_t next = continuation_after(at_);
        if (next == none) {
            return;
        }
        at_ = next;
    }
}

void Lexer::skip_continuation_mark() {
    skip_blanks();
    if (peek() == '|' && asked_answer_ == at_ && asked_newline_ != none) {
        ++at_;
        skip_blanks();
    }
}

bool Lexer::at_statement_end() {
    skip_blanks();
    return at_end_of_input() || at_newline();
}

bool Lexer::to_next_statement() {
    while (!at_end_of_input()) {
        const char c = peek();
        if (is_blank(c) || at_newline() || c == '\n') {
            ++at_;
        } else if (comment_starts(at_)) {
            at_ = past_newline(at_);
        } else {
            return true;
        }
    }
    return false;
}

void Lexer::skip_statement() {
    insertions_ = 0;
    while (!at_end_of_input()) {
        at_ = std::min(text_.find('\n', at_), text_.size());
        const std::size_t next = continuation_after(at_);
        if (next == none) {
            return;
        }
        at_ = next;
    }
}

bool Lexer::line_opens_block() const {
    const std::size_t begin = at_ == 0 ? 0 : text_.rfind('\n', at_ - 1) + 1;  // npos + 1 is 0
    const std::size_t end = std::min(text_.find('\n', at_), text_.size());
    std::size_t last = begin;
    for (std::size_t i = begin; i < end && !comment_starts(i); ++i) {
        if (!is_blank(text_[i]) && text_[i] != '\r') {
            last = i;
        }
    }
    return last < end && text_[last] == '{';
}

bool Lexer::accept(std::string_view symbol) {
    skip_blanks();
    if (!looking_at(symbol)) {
        return false;
    }
    advance(symbol.size());
    return true;
}

std::string_view Lexer::peek_name() {
    skip_blanks();
    return text_.substr(at_, name_length(text_.substr(at_)));
}

std::string_view Lexer::take_name() {
    const std::string_view name = peek_name();
    advance(name.size());
    return name;
}

bool Lexer::sees_word(std::string_view word) { return peek_name() == word; }

bool Lexer::accept_word(std::string_view word) {
    if (!sees_word(word)) {
        return false;
    }
    advance(word.size());
    return true;
}

bool Lexer::sees_number() {
    skip_blanks();
    return is_digit(peek()) || (peek() == '-' && is_digit(peek(1)));
}

Quantity Lexer::take_number() {
    skip_blanks();
    const std::size_t begin = at_;
    const bool negative = peek() == '-';
    std::size_t i = at_ + (negative ? 1U : 0U);
    constexpr std::int64_t limit = std::numeric_limits<std::int64_t>::max() / 100'000'000 / 10;
    Quantity quantity;
    while (i < text_.size() && is_digit(text_[i])) {
        quantity.value = quantity.value > limit ? limit + 1 : quantity.value * 10 + (text_[i] - '0');
        ++i;
    }
    if (i == begin + (negative ? 1U : 0U)) {
        fail_expected("a number");
    }
    std::size_t end = i;
    while (end < text_.size() && (is_name_character(text_[end]) || text_[end] == '%')) {
        ++end;
    }
    const std::string_view word = text_.substr(i, end - i);
    const auto* unit =
        std::find_if(std::begin(units), std::end(units), [&](const auto& u) { return u.word == word; });
    if (!word.empty() && unit == std::end(units)) {
        fail(begin,
             end - begin,
             fmt::format("`{}` is not a number", text_.substr(begin, end - begin)),
             "digits, then KiB, MiB, ms, s, m, % or nothing");
    }
    if (quantity.value > limit) {
        fail(begin, end - begin, "the number is too large");
    }
    if (unit != std::end(units)) {
        quantity.unit = unit->unit;
        quantity.value *= unit->factor;
    }
    quantity.value = negative ? -quantity.value : quantity.value;
    advance(end - at_);
    return quantity;
}

Duration Lexer::take_time() {
    skip_blanks();
    const std::size_t begin = at_;
    if (!sees_number()) {
        fail_expected("a time, like 250ms, 5s or 2m");
    }
    const Quantity quantity = take_number();
    if (quantity.unit != Unit::Time) {
        fail(begin, at_ - begin, "a time always has a unit", "a time, like 250ms, 5s or 2m");
    }
    constexpr std::int64_t longest = std::int64_t{7} * 24 * 3600 * 1'000'000;
    if (quantity.value < 0 || quantity.value > longest) {
        fail(begin, at_ - begin, "a time is not negative and at most a week");
    }
    return Duration(quantity.value);
}

std::string_view Lexer::take_loose_word() {
    skip_blanks();
    std::size_t i = at_;
    const std::string_view marks = "._=+:/-@*";
    while (i < text_.size() && text_.substr(i, 2) != "=>" && text_.substr(i, 2) != "->" &&
           (is_name_character(text_[i]) || marks.find(text_[i]) != none)) {
        ++i;
    }
    const std::string_view word = text_.substr(at_, i - at_);
    advance(word.size());
    return word;
}

Position Lexer::position(std::size_t offset) {
    std::size_t in_file = std::min(offset, text_.size());
    if (!origin_.empty()) {
        in_file = in_file < origin_.size() ? origin_[in_file] : origin_.back() + 1;
    }
    return cursor_.at(*reporter_.source(), in_file);
}

std::size_t Lexer::token_length(std::size_t offset) const {
    const std::string_view rest = text_.substr(std::min(offset, text_.size()));
    if (const std::size_t name = name_length(rest); name != 0) {
        return name;
    }
    std::size_t length = 0;
    const std::string_view stops = "|\n\r\t ,)]}";
    constexpr std::size_t longest = 60;
    while (length < rest.size() && length < longest && stops.find(rest[length]) == none) {
        ++length;
    }
    while (length < rest.size() && length > 1 && continues_character(rest[length])) {
        --length;
    }
    return std::max<std::size_t>(length, 1);
}

std::string Lexer::found() {
    if (at_statement_end()) {
        return "end of the line";
    }
    return fmt::format("`{}`", text_.substr(at_, token_length(at_)));
}

void Lexer::error(
    std::size_t offset, std::size_t length, std::string message, std::string expected, std::string hint) {
    const std::string_view part = text_.substr(std::min(offset, text_.size()), length);
    const auto bytes = std::count_if(part.begin(), part.end(), continues_character);
    const std::size_t characters = std::max<std::size_t>(1, length - static_cast<std::size_t>(bytes));
    reporter_.error(position(offset), characters, std::move(message), std::move(expected), std::move(hint));
}

void Lexer::fail(
    std::size_t offset, std::size_t length, std::string message, std::string expected, std::string hint) {
    error(offset, length, std::move(message), std::move(expected), std::move(hint));
    throw SyntaxAbandoned{};
}

void Lexer::fail_expected(std::string expected, std::string hint) {
    const std::string what = found();
    const bool at_end = at_end_of_input() || at_newline();
    const std::size_t place = at_end ? token_end_ : at_;
    fail(place,
         at_end ? 1 : token_length(at_),
         fmt::format("unexpected {}", what),
         std::move(expected),
         std::move(hint));
}

}  // namespace smtpspec::script
