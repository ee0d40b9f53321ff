#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "protocol/script/diagnostic.hpp"

namespace smtpspec::script {

/// A node of the head as it is written. Scalars keep their source text: `0250` and `no` are text, and the
/// string rules of §1 are applied to what stands in the file, not to what YAML makes of it.
struct YamlNode {
    /// Broken: there is something, but it could not be read; it is reported already.
    enum class Kind { Missing, Broken, Scalar, Map, List };
    enum class Style { Plain, SingleQuoted, DoubleQuoted, Literal };
    struct Entry;

    Kind kind = Kind::Missing;
    Style style = Style::Plain;
    Position at;
    std::size_t length = 1;                ///< characters, for the caret
    std::string raw;                       ///< Scalar: the text; of a double-quoted one with its escapes
    std::vector<std::uint32_t> origin;     ///< Scalar: where each octet of `raw` stands in the file
    std::unordered_set<std::string> keys;  ///< Map: the keys of the entries
    std::vector<Entry> entries;            ///< Map, in the order of the file
    std::vector<YamlNode> items;           ///< List

    bool is_scalar() const { return kind == Kind::Scalar; }
    /// The text of a scalar; in a double-quoted one `\"` and `\\` are resolved.
    std::string text() const;
    const YamlNode* find(std::string_view key) const;
};

struct YamlNode::Entry {
    std::string key;
    Position at;
    YamlNode value;
};

/// Reads the part of YAML that a head may use: block and flow maps and lists, plain, quoted and `|` scalars,
/// comments. Anchors, aliases, tags, doubled keys and everything else are mistakes, each reported with its
/// place. Own code and not yaml-cpp because that passes over doubled keys and unterminated quotes, follows
/// aliases, and has resolved the escapes before one can look at them.
class YamlReader {
  public:
    /// Reads the octets [begin, end) of the file.
    YamlReader(Reporter& reporter, std::size_t begin, std::size_t end);

    /// The top-level map; what could not be read is left out and reported.
    YamlNode read();

  private:
    struct Content {
        bool found = false;
        std::size_t indent = 0;
    };

    Content to_content();
    YamlNode read_block(std::size_t indent, std::size_t depth);
    YamlNode read_block_map(std::size_t indent, std::size_t depth);
    void read_block_entry(YamlNode& map, std::size_t indent, std::size_t depth);
    void read_entry_value(YamlNode& value, std::size_t indent, std::size_t depth);
    YamlNode read_nested(std::size_t indent, std::size_t depth);
    YamlNode read_block_list(std::size_t indent, std::size_t depth);
    YamlNode read_inline(std::size_t indent, std::size_t depth);
    YamlNode read_block_scalar(std::size_t indent);
    YamlNode read_quoted();
    YamlNode read_plain(bool in_flow);
    YamlNode read_flow(std::size_t depth);
    void read_flow_map(YamlNode& map, std::size_t opening, std::size_t depth);
    void read_flow_list(YamlNode& list, std::size_t opening, std::size_t depth);
    YamlNode read_flow_value(std::size_t opening, std::size_t depth);
    void read_flow_separator(std::size_t opening, char closing);
    YamlNode read_key(bool in_flow);
    void add_entry(YamlNode& map, const YamlNode& key, YamlNode value);

    bool done() const { return at_ >= end_; }
    char peek(std::size_t ahead = 0) const { return at_ + ahead < end_ ? text_[at_ + ahead] : '\0'; }
    bool at_line_end() const;
    bool colon_here(bool in_flow) const;
    void skip_blanks();
    void skip_flow_space(std::size_t opening);
    void to_next_line();
    void expect_line_end();
    void skip_entry(std::size_t indent);
    void refuse_special(char first, bool in_flow);
    void check_depth(std::size_t depth);
    void take(YamlNode& scalar, std::size_t octets);
    Position position(std::size_t offset) { return cursor_.at(*reporter_.source(), offset); }
    [[noreturn]] void fail(std::size_t offset,
                           std::string message,
                           std::string expected = {},
                           std::string hint = {});

    Reporter& reporter_;
    std::string_view text_;
    std::size_t at_;
    std::size_t end_;
    PositionCursor cursor_;
};

}  // namespace smtpspec::script
