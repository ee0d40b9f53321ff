#include "protocol/script/yaml_reader.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "protocol/script/lexer.hpp"

namespace smtpspec::script {
namespace {

constexpr std::size_t max_depth = 16;
constexpr const char* quote_hint = "put the value into double quotes";

}  // namespace

std::string YamlNode::text() const {
    if (style != Style::DoubleQuoted) {
        return raw;
    }
    std::string out;
    for (std::size_t i = 0; i < raw.size(); ++i) {
        const bool escaped =
            raw[i] == '\\' && i + 1 < raw.size() && (raw[i + 1] == '"' || raw[i + 1] == '\\');
        out += raw[escaped ? ++i : i];
    }
    return out;
}

const YamlNode* YamlNode::find(std::string_view key) const {
    const auto found =
        std::find_if(entries.begin(), entries.end(), [&](const Entry& e) { return e.key == key; });
    return found == entries.end() ? nullptr : &found->value;
}

YamlReader::YamlReader(Reporter& reporter, std::size_t begin, std::size_t end)
    : reporter_(reporter), text_(reporter.source()->text()), at_(begin), end_(std::min(end, text_.size())) {}

void YamlReader::fail(std::size_t offset, std::string message, std::string expected, std::string hint) {
    reporter_.error(position(offset), 1, std::move(message), std::move(expected), std::move(hint));
    throw SyntaxAbandoned{};
}

bool YamlReader::at_line_end() const {
    return done() || peek() == '\n' || (peek() == '\r' && peek(1) == '\n');
}

void YamlReader::skip_blanks() {
    const std::size_t begin = at_;
    while (!done() && is_blank(peek())) {
        ++at_;
    }
    const bool comment = peek() == '#' && (at_ > begin || at_ == 0 || text_[at_ - 1] == '\n');
    while (comment && !at_line_end()) {
        ++at_;
    }
}

void YamlReader::to_next_line() { at_ = std::min(text_.find('\n', at_), end_ - 1) + 1; }

void YamlReader::check_depth(std::size_t depth) {
    if (depth > max_depth) {
        fail(at_, fmt::format("nested more than {} deep", max_depth));
    }
}

/// Passes empty lines and comments; stands at the first character of the next line that has something.
YamlReader::Content YamlReader::to_content() {
    while (!done()) {
        std::size_t i = at_;
        while (i < end_ && text_[i] == ' ') {
            ++i;
        }
        const std::size_t indent = i - at_;
        std::size_t j = i;
        while (j < end_ && is_blank(text_[j])) {
            ++j;
        }
        const char c = j < end_ ? text_[j] : '\n';
        if (c == '\n' || c == '#' || c == '\r') {
            to_next_line();
            continue;
        }
        if (j != i) {
            const std::size_t tab = i;
            to_next_line();
            reporter_.error(position(tab), 1, "a tab cannot indent", "blanks");
            continue;
        }
        at_ = i;
        return {true, indent};
    }
    return {};
}

YamlNode YamlReader::read() {
    YamlNode root;
    root.kind = YamlNode::Kind::Map;
    if (end_ == 0 || at_ >= end_) {
        return root;
    }
    const Content content = to_content();
    if (!content.found) {
        return root;
    }
    if (content.indent != 0) {
        reporter_.error(position(at_), 1, "the keys of the head begin at the start of the line");
    }
    at_ -= content.indent;
    return read_block_map(content.indent, 0);
}

/// Passes the rest of an entry that was not understood: all lines that are indented deeper.
void YamlReader::skip_entry(std::size_t indent) {
    if (done()) {
        return;
    }
    to_next_line();
    while (true) {
        const std::size_t line = at_;
        const Content content = to_content();
        if (!content.found) {
            return;
        }
        if (content.indent <= indent) {
            at_ = std::max(line, at_ - content.indent);
            return;
        }
        to_next_line();
    }
}

YamlNode YamlReader::read_block_map(std::size_t indent, std::size_t depth) {
    check_depth(depth);
    YamlNode map;
    map.kind = YamlNode::Kind::Map;
    bool first = true;
    while (!reporter_.full()) {
        const Content content = to_content();
        if (!content.found) {
            break;
        }
        if (content.indent < indent) {
            at_ -= content.indent;
            break;
        }
        if (first) {
            map.at = position(at_);
            first = false;
        }
        try {
            if (content.indent > indent) {
                fail(at_,
                     "this line is indented deeper than the entry above it",
                     "the next key, or the end of the head",
                     "a value stands on one line, in quotes, or after `|`");
            }
            read_block_entry(map, indent, depth);
        } catch (const SyntaxAbandoned&) {
            skip_entry(indent);
        }
    }
    return map;
}

void YamlReader::add_entry(YamlNode& map, const YamlNode& key, YamlNode value) {
    std::string name = key.text();
    if (!map.keys.insert(name).second) {
        reporter_.error(key.at, key.length, fmt::format("the key `{}` is there twice", name));
        return;
    }
    map.entries.push_back({std::move(name), key.at, std::move(value)});
}

/// `key: value`, where the value may be on the following lines.
void YamlReader::read_block_entry(YamlNode& map, std::size_t indent, std::size_t depth) {
    if (peek() == '-' && (is_blank(peek(1)) || peek(1) == '\n')) {
        fail(at_, "a list item among the keys of a map", "`key: value`");
    }
    const YamlNode key = read_key(false);
    skip_blanks();
    YamlNode value;
    value.at = key.at;
    value.length = key.length;
    try {
        read_entry_value(value, indent, depth);
    } catch (const SyntaxAbandoned&) {
        value.kind = YamlNode::Kind::Broken;
        add_entry(map, key, std::move(value));
        throw;
    }
    add_entry(map, key, std::move(value));
}

void YamlReader::read_entry_value(YamlNode& value, std::size_t indent, std::size_t depth) {
    if (!at_line_end()) {
        value = read_inline(indent, depth + 1);
        return;
    }
    to_next_line();
    YamlNode nested = read_nested(indent, depth + 1);
    if (nested.kind != YamlNode::Kind::Missing) {
        value = std::move(nested);
    }
}

/// What stands on the lines below `key:`.
YamlNode YamlReader::read_nested(std::size_t indent, std::size_t depth) {
    const Content content = to_content();
    if (!content.found) {
        return {};
    }
    const bool item = peek() == '-' && (is_blank(peek(1)) || peek(1) == '\n' || peek(1) == '\r');
    at_ -= content.indent;
    if (content.indent > indent) {
        return item ? read_block_list(content.indent, depth) : read_block(content.indent, depth);
    }
    if (item && content.indent == indent) {
        return read_block_list(indent, depth);
    }
    return {};
}

/// A map on lines of its own, or a flow collection or quoted scalar that begins below its key.
YamlNode YamlReader::read_block(std::size_t indent, std::size_t depth) {
    const char first = text_[at_ + indent];
    if (first == '{' || first == '[') {
        at_ += indent;
        return read_inline(indent, depth);
    }
    return read_block_map(indent, depth);
}

YamlNode YamlReader::read_block_list(std::size_t indent, std::size_t depth) {
    check_depth(depth);
    YamlNode list;
    list.kind = YamlNode::Kind::List;
    while (!reporter_.full()) {
        const Content content = to_content();
        if (!content.found) {
            break;
        }
        const bool item = peek() == '-' && (is_blank(peek(1)) || peek(1) == '\n' || peek(1) == '\r');
        if (content.indent < indent || (content.indent == indent && !item)) {
            at_ -= content.indent;
            break;
        }
        if (list.items.empty()) {
            list.at = position(at_);
        }
        try {
            if (content.indent > indent) {
                fail(at_, "this line is indented deeper than the item above it", "`- item`");
            }
            const std::size_t dash = at_;
            ++at_;
            skip_blanks();
            if (at_line_end()) {
                fail(dash, "the list item is empty", "`- item` on one line");
            }
            list.items.push_back(read_inline(indent, depth + 1));
        } catch (const SyntaxAbandoned&) {
            skip_entry(indent);
        }
    }
    return list;
}

void YamlReader::expect_line_end() {
    skip_blanks();
    if (!at_line_end()) {
        fail(at_, "something follows the value", "the end of the line", quote_hint);
    }
    if (!done()) {
        to_next_line();
    }
}

/// Anchors, aliases, tags and the other characters with which a plain scalar cannot begin.
void YamlReader::refuse_special(char first, bool in_flow) {
    if (first == '&') {
        fail(at_, "anchors are not allowed in a head", {}, quote_hint);
    }
    if (first == '*') {
        fail(at_, "aliases are not allowed in a head", {}, quote_hint);
    }
    if (first == '!') {
        fail(at_, "tags are not allowed in a head", {}, quote_hint);
    }
    if (first == '>' || (first == '|' && in_flow)) {
        fail(at_, fmt::format("a value cannot begin with `{}` here", first), "quotes, or a block scalar `|`");
    }
    const bool indicator =
        (first == '?' || first == ':' || first == '-') && (is_blank(peek(1)) || peek(1) == '\n');
    if (indicator || std::string_view(",[]{}#%@`").find(first) != std::string_view::npos) {
        fail(at_, fmt::format("a value cannot begin with `{}`", first), {}, quote_hint);
    }
}

YamlNode YamlReader::read_inline(std::size_t indent, std::size_t depth) {
    check_depth(depth);
    const char first = peek();
    if (first == '|') {
        return read_block_scalar(indent);
    }
    YamlNode value;
    if (first == '[' || first == '{') {
        value = read_flow(depth);
    } else if (first == '"' || first == '\'') {
        value = read_quoted();
        skip_blanks();
        if (peek() == ':') {
            fail(at_,
                 "a `:` after a quoted value",
                 "the end of the line",
                 "a map stands on lines of its own, or in `{ }`");
        }
    } else {
        refuse_special(first, false);
        value = read_plain(false);
        if (peek() == ':') {
            fail(at_, "`: ` inside a value that is not quoted", "the end of the line", quote_hint);
        }
    }
    expect_line_end();
    return value;
}

}  // namespace smtpspec::script
