#include "harness/run/shown_line.hpp"

#include <re2/re2.h>

#include <algorithm>

#include "protocol/smtp/escape.hpp"

namespace smtpspec::run {

namespace {

constexpr std::size_t before_caret = 44, behind_caret = 24;  // columns

/// What is escaped at most: an escaped octet is four columns at the most, a character four octets.
constexpr std::size_t window = 400;

std::string_view line_at(std::string_view source, int number) {
    while (number-- > 0) {
        const std::size_t end = source.find('\n');
        if (end == std::string_view::npos) {
            return {};
        }
        source.remove_prefix(end + 1);
    }
    std::string_view line = source.substr(0, source.find('\n'));
    return line.substr(0, line.find_last_not_of('\r') + 1);
}

/// Where the value of a secret begins that stands on the line, or npos.
std::size_t secret_at(std::string_view line) {
    static const RE2 secret(R"((?i)((?:pass|pwd|pw|secret|token|api_?key)[\w-]*)["']?\s*:)");
    re2::StringPiece rest(line.data(), line.size());
    re2::StringPiece key;
    while (RE2::FindAndConsume(&rest, secret, &key)) {
        if (key != "password_env" && key != "password_file") {
            return static_cast<std::size_t>(rest.data() - line.data());
        }
    }
    return std::string_view::npos;
}

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80; }

std::size_t characters(std::string_view text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return !continues(c); }));
}

std::string last_columns(std::string text, std::size_t most) {
    if (characters(text) <= most) {
        return text;
    }
    while (characters(text) >= most || continues(text.front())) {
        text.erase(0, 1);
    }
    return "…" + text;
}

std::string first_columns(std::string text, std::size_t most) {
    if (characters(text) <= most) {
        return text;
    }
    while (characters(text) >= most) {
        text.pop_back();
    }
    return text + "…";
}

}  // namespace

std::string shown_line(std::string_view source, int line, int column) {
    std::string_view whole = line_at(source, line);
    const std::size_t secret = secret_at(whole);
    whole = whole.substr(0, std::min(secret, whole.size()));
    const std::size_t caret = std::min(static_cast<std::size_t>(column), whole.size());
    const std::size_t from = caret > window ? caret - window : 0;
    const std::string left = last_columns(smtp::printable(whole.substr(from, caret - from)), before_caret);
    std::string right = smtp::printable(whole.substr(caret, window));
    if (secret != std::string_view::npos) {
        right += caret == whole.size() ? " …" : "…";
    }
    right = first_columns(right, behind_caret);
    const std::size_t indent = characters(left) + (caret == whole.size() && !right.empty() ? 1 : 0);
    return "    " + left + right + "\n    " + std::string(indent, ' ') + "^\n";
}

}  // namespace smtpspec::run
