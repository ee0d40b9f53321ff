#include <algorithm>

#include <fmt/format.h>

#include "protocol/script/lexer.hpp"
#include "protocol/script/yaml_reader.hpp"

/// Keys and scalars of the head: plain, quoted, and block scalars.
namespace smtpspec::script {

void YamlReader::take(YamlNode& scalar, std::size_t octets) {
    for (std::size_t i = 0; i < octets; ++i) {
        scalar.origin.push_back(static_cast<std::uint32_t>(at_));
        scalar.raw += text_[at_++];
    }
}

YamlNode YamlReader::read_quoted() {
    YamlNode scalar;
    scalar.kind = YamlNode::Kind::Scalar;
    scalar.at = position(at_);
    const std::size_t opening = at_;
    const char quote = text_[at_++];
    scalar.style = quote == '"' ? YamlNode::Style::DoubleQuoted : YamlNode::Style::SingleQuoted;
    while (true) {
        if (at_line_end()) {
            fail(opening, "the quoted value is not closed", fmt::format("`{}` on the same line", quote));
        }
        if (quote == '"' && peek() == '\\' && peek(1) != '\n' && peek(1) != '\0') {
            take(scalar, 2);
        } else if (quote == '\'' && peek() == '\'' && peek(1) == '\'') {
            ++at_;
            take(scalar, 1);
        } else if (peek() == quote) {
            ++at_;
            break;
        } else {
            take(scalar, 1);
        }
    }
    scalar.origin.push_back(static_cast<std::uint32_t>(at_ - 1));
    scalar.length = at_ - opening;
    return scalar;
}

bool YamlReader::colon_here(bool in_flow) const {
    const char next = peek(1);
    const bool ends = is_blank(next) || next == '\n' || next == '\r' || next == '\0';
    return peek() == ':' && (ends || (in_flow && (next == ',' || next == '}' || next == ']')));
}

YamlNode YamlReader::read_plain(bool in_flow) {
    YamlNode scalar;
    scalar.kind = YamlNode::Kind::Scalar;
    scalar.at = position(at_);
    while (!at_line_end()) {
        const bool comment = peek() == '#' && !scalar.raw.empty() && is_blank(scalar.raw.back());
        const bool structure = in_flow && std::string_view(",[]{}").find(peek()) != std::string_view::npos;
        if (comment || structure || colon_here(in_flow)) {
            break;
        }
        take(scalar, 1);
    }
    while (!scalar.raw.empty() && is_blank(scalar.raw.back())) {
        scalar.raw.pop_back();
        scalar.origin.pop_back();
    }
    const bool comment = peek() == '#';
    while (comment && !at_line_end()) {
        ++at_;
    }
    scalar.origin.push_back(scalar.origin.empty() ? static_cast<std::uint32_t>(at_)
                                                  : scalar.origin.back() + 1);
    const auto continuation = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; };
    const auto extra = std::count_if(scalar.raw.begin(), scalar.raw.end(), continuation);
    scalar.length = scalar.raw.size() - static_cast<std::size_t>(extra);
    return scalar;
}

YamlNode YamlReader::read_key(bool in_flow) {
    const std::size_t begin = at_;
    YamlNode key;
    if (peek() == '"' || peek() == '\'') {
        key = read_quoted();
        while (is_blank(peek())) {
            ++at_;
        }
    } else {
        refuse_special(peek(), in_flow);
        key = read_plain(in_flow);
    }
    if (key.raw.empty()) {
        fail(begin, "the key is empty", "`key: value`");
    }
    if (peek() != ':') {
        reporter_.error(key.at,
                        key.length,
                        fmt::format("`{}` has no value", key.raw.substr(0, 60)),
                        "`key: value`",
                        "there is a blank after the colon");
        throw SyntaxAbandoned{};
    }
    ++at_;
    return key;
}

/// `|`, `|-` or `|+`: the lines below that are indented deeper than the key.
YamlNode YamlReader::read_block_scalar(std::size_t indent) {
    YamlNode scalar;
    scalar.kind = YamlNode::Kind::Scalar;
    scalar.style = YamlNode::Style::Literal;
    scalar.at = position(at_);
    ++at_;
    const char chomp = peek() == '-' || peek() == '+' ? text_[at_++] : 'c';
    expect_line_end();
    std::size_t inner = 0;
    while (!done()) {
        const std::size_t line = at_;
        std::size_t blanks = 0;
        while (line + blanks < end_ && text_[line + blanks] == ' ' && (inner == 0 || blanks < inner)) {
            ++blanks;
        }
        at_ = line + blanks;
        const bool empty = at_line_end();
        if (!empty && (blanks <= indent || blanks < inner)) {
            at_ = line;
            break;
        }
        inner = empty || inner != 0 ? inner : blanks;
        while (!at_line_end()) {
            take(scalar, 1);
        }
        if (done()) {
            break;
        }
        scalar.origin.push_back(static_cast<std::uint32_t>(at_));
        scalar.raw += '\n';
        to_next_line();
    }
    while (chomp != '+' && !scalar.raw.empty() && scalar.raw.back() == '\n' &&
           (chomp == '-' || (scalar.raw.size() > 1 && scalar.raw[scalar.raw.size() - 2] == '\n'))) {
        scalar.raw.pop_back();
        scalar.origin.pop_back();
    }
    scalar.origin.push_back(scalar.origin.empty() ? static_cast<std::uint32_t>(at_)
                                                  : scalar.origin.back() + 1);
    return scalar;
}

}  // namespace smtpspec::script
