#include "protocol/script/diagnostic.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include <fmt/format.h>

namespace smtpspec::script {
namespace {

constexpr std::size_t excerpt_width = 120;

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

/// One character of a line as a person may see it: control characters are written out.
std::string visible(std::string_view character) {
    const auto first = static_cast<unsigned char>(character.front());
    if (first == '\t') {
        return " ";
    }
    if (first < 0x20 || first == 0x7F) {
        return fmt::format("\\x{:02X}", first);
    }
    return std::string(character);
}

struct Excerpt {
    std::string text;
    std::size_t caret = 0;  ///< characters before the caret
};

/// The part of a line around a column (from 1), not longer than a terminal likes.
Excerpt excerpt(std::string_view line, std::size_t column) {
    Excerpt result;
    const std::size_t first = column > excerpt_width * 2 / 3 ? column - excerpt_width * 2 / 3 : 1;
    std::size_t number = 0;
    std::size_t shown = 0;
    for (std::size_t i = 0; i < line.size() && number < first + excerpt_width;) {
        std::size_t length = 1;
        while (i + length < line.size() && continues(line[i + length])) {
            ++length;
        }
        ++number;
        if (number >= first) {
            const std::string character = visible(line.substr(i, length));
            if (number < column) {
                shown += character.size() == length ? 1 : character.size();
            }
            result.text += character;
        }
        i += length;
    }
    if (number < column && number + 1 >= first) {
        shown += column - number - 1;
    }
    result.caret = shown;
    return result;
}

}  // namespace

std::string Diagnostic::render() const {
    const char* word = kind == Kind::Error ? "error" : "warning";
    std::string out = fmt::format("{}:{}:{}: {}: {}\n", file, at.line, at.column, word, message);
    if (!source_line.empty()) {
        const Excerpt part = excerpt(source_line, at.column);
        const std::size_t marks = std::clamp<std::size_t>(length, 1, excerpt_width);
        out +=
            fmt::format("  {}\n  {}{}\n", part.text, std::string(part.caret, ' '), std::string(marks, '^'));
    }
    if (!expected.empty()) {
        out += fmt::format("  expected: {}\n", expected);
    }
    if (!hint.empty()) {
        out += fmt::format("  hint: {}\n", hint);
    }
    return out;
}

std::size_t Diagnostics::error_count() const {
    return static_cast<std::size_t>(std::count_if(
        list_.begin(), list_.end(), [](const Diagnostic& d) { return d.kind == Diagnostic::Kind::Error; }));
}

void Diagnostics::add(Diagnostic diagnostic) { list_.push_back(std::move(diagnostic)); }

void Diagnostics::append(const Diagnostics& other) {
    list_.insert(list_.end(), other.list_.begin(), other.list_.end());
}

void Diagnostics::sort() {
    const auto key = [](const Diagnostic& d) { return std::tie(d.file, d.at, d.kind, d.message); };
    std::sort(list_.begin(), list_.end(), [&](const auto& a, const auto& b) { return key(a) < key(b); });
    const auto same = [](const Diagnostic& a, const Diagnostic& b) {
        return a.at == b.at && a.file == b.file && a.message == b.message;
    };
    list_.erase(std::unique(list_.begin(), list_.end(), same), list_.end());
}

std::string Diagnostics::render() const {
    std::string out;
    for (const Diagnostic& diagnostic : list_) {
        out += diagnostic.render();
    }
    return out;
}

Diagnostic& Reporter::add(Diagnostic::Kind kind,
                          Position at,
                          std::size_t length,
                          std::string message,
                          std::string expected,
                          std::string hint) {
    if (full()) {
        overflow_ = Diagnostic{};
        return overflow_;
    }
    Diagnostic diagnostic;
    diagnostic.kind = kind;
    diagnostic.file = source_->name();
    diagnostic.at = at;
    diagnostic.length = length;
    diagnostic.message = std::move(message);
    diagnostic.expected = std::move(expected);
    diagnostic.hint = std::move(hint);
    constexpr std::size_t line_limit = 2000;
    const std::string_view line = source_->line(at.line);
    diagnostic.source_line = line.size() > line_limit ? std::string() : std::string(line);
    diagnostics_.add(std::move(diagnostic));
    return diagnostics_.last();
}

Diagnostic& Reporter::error(
    Position at, std::size_t length, std::string message, std::string expected, std::string hint) {
    return add(Diagnostic::Kind::Error, at, length, std::move(message), std::move(expected), std::move(hint));
}

Diagnostic& Reporter::warning(
    Position at, std::size_t length, std::string message, std::string expected, std::string hint) {
    return add(
        Diagnostic::Kind::Warning, at, length, std::move(message), std::move(expected), std::move(hint));
}

bool Reporter::has_error_in(std::size_t first_line, std::size_t last_line) const {
    return std::any_of(diagnostics_.begin(), diagnostics_.end(), [&](const Diagnostic& found) {
        return found.kind == Diagnostic::Kind::Error && found.at.line >= first_line &&
               found.at.line <= last_line;
    });
}

Diagnostics Reporter::take() {
    Diagnostics result = std::exchange(diagnostics_, {});
    result.sort();
    return result;
}

}  // namespace smtpspec::script
