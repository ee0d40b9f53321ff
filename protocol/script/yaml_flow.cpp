#include <utility>

#include <fmt/format.h>

#include "protocol/script/lexer.hpp"
#include "protocol/script/yaml_reader.hpp"

/// Flow collections of the head: `{a: b, c: [d, e]}`, over several lines if need be.
namespace smtpspec::script {

void YamlReader::skip_flow_space(std::size_t opening) {
    while (true) {
        skip_blanks();
        if (done()) {
            fail(opening,
                 fmt::format("this `{}` is not closed", text_[opening]),
                 text_[opening] == '{' ? "`}`" : "`]`");
        }
        if (!at_line_end()) {
            return;
        }
        to_next_line();
    }
}

YamlNode YamlReader::read_flow(std::size_t depth) {
    check_depth(depth);
    const std::size_t opening = at_;
    YamlNode node;
    node.at = position(at_);
    node.kind = peek() == '{' ? YamlNode::Kind::Map : YamlNode::Kind::List;
    ++at_;
    if (node.kind == YamlNode::Kind::Map) {
        read_flow_map(node, opening, depth);
    } else {
        read_flow_list(node, opening, depth);
    }
    ++at_;
    return node;
}

/// After a value: `,` or the end of the collection.
void YamlReader::read_flow_separator(std::size_t opening, char closing) {
    skip_flow_space(opening);
    if (peek() == ',') {
        ++at_;
        skip_flow_space(opening);
        return;
    }
    if (peek() == ':') {
        fail(at_, "`: ` inside a value that is not quoted", {}, "put the value into double quotes");
    }
    if (peek() != closing) {
        fail(at_,
             fmt::format("unexpected `{}`", peek()),
             fmt::format("`,` or `{}`", closing),
             "a value with one of , [ ] { } in it stands in double quotes");
    }
}

void YamlReader::read_flow_map(YamlNode& map, std::size_t opening, std::size_t depth) {
    skip_flow_space(opening);
    while (peek() != '}') {
        const YamlNode key = read_key(true);
        skip_flow_space(opening);
        YamlNode value;
        value.at = key.at;
        value.length = key.length;
        if (peek() != ',' && peek() != '}') {
            value = read_flow_value(opening, depth + 1);
        }
        add_entry(map, key, std::move(value));
        read_flow_separator(opening, '}');
    }
}

void YamlReader::read_flow_list(YamlNode& list, std::size_t opening, std::size_t depth) {
    skip_flow_space(opening);
    while (peek() != ']') {
        list.items.push_back(read_flow_value(opening, depth + 1));
        read_flow_separator(opening, ']');
    }
}

YamlNode YamlReader::read_flow_value(std::size_t opening, std::size_t depth) {
    skip_flow_space(opening);
    if (peek() == '{' || peek() == '[') {
        return read_flow(depth);
    }
    if (peek() == '"' || peek() == '\'') {
        return read_quoted();
    }
    refuse_special(peek(), true);
    return read_plain(true);
}

}  // namespace smtpspec::script
