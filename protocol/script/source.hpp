#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace smtpspec::script {

/// A place in a file; line and column count from 1, columns in characters (UTF-8 code points).
struct Position {
    std::uint32_t line = 1;
    std::uint32_t column = 1;

    friend bool operator==(const Position&, const Position&) = default;
    friend auto operator<=>(const Position&, const Position&) = default;
};

/// The text of one file with an index of its lines. Immutable, shared by everything that points into it.
class SourceFile {
  public:
    SourceFile(std::string name, std::string text);

    const std::string& name() const { return name_; }
    std::string_view text() const { return text_; }
    std::size_t line_count() const { return starts_.size(); }
    /// The line with this number (from 1) without its line end; empty if there is no such line.
    std::string_view line(std::size_t number) const;
    /// Where the octet with this offset stands.
    Position position(std::size_t offset) const;
    /// The offset of the first octet of a line.
    std::size_t line_start(std::size_t number) const;

  private:
    std::string name_;
    std::string text_;
    std::vector<std::size_t> starts_;
};

/// Finds positions in a file; cheap if they are asked for roughly in the order of the text.
class PositionCursor {
  public:
    Position at(const SourceFile& file, std::size_t offset);

  private:
    std::size_t offset_ = 0;
    Position position_;
};

using SourcePtr = std::shared_ptr<const SourceFile>;

}  // namespace smtpspec::script
