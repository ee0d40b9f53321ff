#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "protocol/script/parser.hpp"
#include "protocol/script/regex.hpp"

/// Texts, strings and regular expressions: literal octets with `${…}` in them (§1).
namespace smtpspec::script {
namespace {

void append_utf8(std::string& out, std::uint32_t code) {
    if (code < 0x80) {
        out += static_cast<char>(code);
    } else if (code < 0x800) {
        out += static_cast<char>(0xC0U | (code >> 6U));
        out += static_cast<char>(0x80U | (code & 0x3FU));
    } else if (code < 0x10000) {
        out += static_cast<char>(0xE0U | (code >> 12U));
        out += static_cast<char>(0x80U | ((code >> 6U) & 0x3FU));
        out += static_cast<char>(0x80U | (code & 0x3FU));
    } else {
        out += static_cast<char>(0xF0U | (code >> 18U));
        out += static_cast<char>(0x80U | ((code >> 12U) & 0x3FU));
        out += static_cast<char>(0x80U | ((code >> 6U) & 0x3FU));
        out += static_cast<char>(0x80U | (code & 0x3FU));
    }
}

}  // namespace

void Parser::add_insertion(Template& text, std::string& literal, ExpressionPtr expression) {
    if (!literal.empty()) {
        text.pieces.push_back({std::exchange(literal, {}), nullptr});
    }
    text.pieces.push_back({{}, std::move(expression)});
}

ExpressionPtr Parser::parse_insertion() {
    const std::size_t begin = lexer_.offset();
    lexer_.advance(2);
    lexer_.enter_insertion();
    ExpressionPtr expression = parse_expression();
    if (!lexer_.accept("}")) {
        if (lexer_.at_end_of_input() || lexer_.at_newline()) {
            lexer_.fail(begin,
                        2,
                        "`${` is not closed",
                        "`}` after the expression",
                        "a dollar that is meant as such is written `$$`");
        }
        lexer_.fail_expected("`}` after the expression");
    }
    lexer_.leave_insertion();
    return expression;
}

void Parser::parse_unicode_escape(std::string& out) {
    const std::size_t begin = lexer_.offset() - 2;
    std::size_t end = lexer_.offset() + 1;
    const std::string_view ahead = lexer_.slice(end, end + 8);
    std::uint32_t code = 0;
    const auto [rest, error] = std::from_chars(ahead.data(), ahead.data() + ahead.size(), code, 16);
    const std::size_t digits = static_cast<std::size_t>(rest - ahead.data());
    end += digits;
    const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
    const bool closed = lexer_.peek() == '{' && digits < ahead.size() && ahead[digits] == '}';
    if (error != std::errc{} || !closed || digits > 6 || code > 0x10FFFF || surrogate) {
        lexer_.fail(
            begin, 3, "malformed `\\u{…}`", "up to six hexadecimal digits of a Unicode character in braces");
    }
    append_utf8(out, code);
    lexer_.advance(end + 1 - lexer_.offset());
}

/// At the backslash of an escape sequence.
void Parser::parse_escape(std::string& out) {
    const std::size_t begin = lexer_.offset();
    const char kind = lexer_.peek(1);
    constexpr std::string_view letters = "rnt0\"\\";
    constexpr std::string_view octets("\r\n\t\0\"\\", 6);
    if (const std::size_t index = letters.find(kind); kind != '\0' && index != std::string_view::npos) {
        out += octets[index];
        lexer_.advance(2);
        return;
    }
    if (kind == 'x') {
        const std::string_view digits = lexer_.slice(begin + 2, begin + 4);
        unsigned value = 0;
        const auto [rest, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
        if (error != std::errc{} || digits.size() != 2 || rest != digits.data() + 2) {
            lexer_.fail(begin, 2, "malformed `\\x`", "two hexadecimal digits, as in \\x0D");
        }
        out += static_cast<char>(value);
        lexer_.advance(4);
        return;
    }
    if (kind == 'u') {
        lexer_.advance(2);
        parse_unicode_escape(out);
        return;
    }
    lexer_.fail(begin,
                2,
                "unknown escape sequence",
                "\\r \\n \\t \\0 \\\" \\\\ \\xHH or \\u{H…}",
                "a backslash itself is written `\\\\`");
}

/// Reads up to the end that is asked for, which is left for the caller (a closing quote is passed).
Template Parser::parse_template(TemplateEnd end, std::size_t opening) {
    Template text;
    text.at = lexer_.position(opening);
    std::string literal;
    while (true) {
        const bool newline = lexer_.at_newline();
        if (end == TemplateEnd::Quote && (lexer_.at_end_of_input() || newline)) {
            lexer_.fail(opening, 1, "the string is not closed", "`\"` on the same line");
        }
        if (lexer_.at_end_of_input() || (end == TemplateEnd::Line && newline)) {
            break;
        }
        const char c = lexer_.peek();
        const bool comment =
            end == TemplateEnd::Line && c == '#' && !literal.empty() && is_blank(literal.back());
        if (comment || (end == TemplateEnd::Quote && c == '"')) {
            break;
        }
        if (lexer_.looking_at("$$")) {
            literal += '$';
            lexer_.advance(2);
        } else if (lexer_.looking_at("${")) {
            add_insertion(text, literal, parse_insertion());
        } else if (c == '\\' && end != TemplateEnd::Line) {
            parse_escape(literal);
        } else {
            literal += c;
            lexer_.advance(1);
        }
    }
    while (end == TemplateEnd::Line && !literal.empty() && is_blank(literal.back())) {
        literal.pop_back();
    }
    if (!literal.empty()) {
        text.pieces.push_back({std::move(literal), nullptr});
    }
    return text;
}

Template Parser::parse_string() {
    lexer_.skip_blanks();
    const std::size_t opening = lexer_.offset();
    if (lexer_.peek() != '"') {
        lexer_.fail_expected("a string in double quotes");
    }
    const Depth guard(*this, opening);
    lexer_.advance(1);
    lexer_.enter_insertion();
    Template text = parse_template(TemplateEnd::Quote, opening);
    lexer_.leave_insertion();
    lexer_.advance(1);
    return text;
}

Template Parser::parse_value_text() { return parse_template(TemplateEnd::Input, lexer_.offset()); }

void Parser::read_regex_body(Regex& regex, std::size_t begin) {
    std::string literal;
    while (lexer_.peek() != '/') {
        if (lexer_.at_end_of_input() || lexer_.at_newline()) {
            lexer_.fail(begin, 1, "the regular expression is not closed", "`/` on the same line");
        }
        if (lexer_.looking_at("\\/")) {
            literal += '/';
            lexer_.advance(2);
        } else if (lexer_.peek() == '\\' && lexer_.peek(1) != '\n' && lexer_.peek(1) != '\r') {
            literal += lexer_.slice(lexer_.offset(), lexer_.offset() + 2);
            lexer_.advance(2);
        } else if (lexer_.looking_at("${")) {
            add_insertion(regex.source, literal, parse_insertion());
        } else {
            literal += lexer_.peek();
            lexer_.advance(1);
        }
    }
    if (!literal.empty()) {
        regex.source.pieces.push_back({std::move(literal), nullptr});
    }
}

Regex Parser::parse_regex() {
    lexer_.skip_blanks();
    const std::size_t begin = lexer_.offset();
    if (lexer_.peek() != '/') {
        lexer_.fail_expected("a regular expression `/…/`");
    }
    const Depth guard(*this, begin);
    Regex regex;
    regex.at = lexer_.position(begin);
    regex.source.at = regex.at;
    lexer_.advance(1);
    lexer_.enter_insertion();
    read_regex_body(regex, begin);
    lexer_.leave_insertion();
    lexer_.advance(1);
    if (lexer_.peek() == 'i') {
        regex.ignore_case = true;
        lexer_.advance(1);
    }
    if (is_letter(lexer_.peek()) || is_digit(lexer_.peek())) {
        lexer_.fail(
            lexer_.offset(), 1, "unknown flag of a regular expression", "`i` or nothing after the slash");
    }
    std::string source;
    for (const TemplatePiece& piece : regex.source.pieces) {
        source += piece.expression ? std::string("x") : piece.literal;
    }
    constexpr std::size_t most_regexes = 5000;
    if (++regexes_ > most_regexes) {
        lexer_.fail(begin, 1, fmt::format("more than {} regular expressions in one file", most_regexes));
    }
    const auto compiled = compile_regex_source(source, regex.ignore_case);
    if (!compiled) {
        lexer_.error(begin, lexer_.offset() - begin, "malformed regular expression: " + compiled.error());
    } else {
        regex.captures = compiled->group_names();
    }
    return regex;
}

}  // namespace smtpspec::script
