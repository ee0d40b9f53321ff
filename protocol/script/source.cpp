#include "protocol/script/source.hpp"

#include <algorithm>
#include <utility>

namespace smtpspec::script {
namespace {

/// True for the second and further octets of a UTF-8 character.
bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

}  // namespace

SourceFile::SourceFile(std::string name, std::string text) : name_(std::move(name)), text_(std::move(text)) {
    starts_.push_back(0);
    for (std::size_t i = 0; i < text_.size(); ++i) {
        if (text_[i] == '\n' && i + 1 < text_.size()) {
            starts_.push_back(i + 1);
        }
    }
}

std::size_t SourceFile::line_start(std::size_t number) const {
    if (number == 0 || number > starts_.size()) {
        return text_.size();
    }
    return starts_[number - 1];
}

std::string_view SourceFile::line(std::size_t number) const {
    if (number == 0 || number > starts_.size()) {
        return {};
    }
    const std::size_t begin = starts_[number - 1];
    std::size_t end = number < starts_.size() ? starts_[number] : text_.size();
    while (end > begin && (text_[end - 1] == '\n' || text_[end - 1] == '\r')) {
        --end;
    }
    return std::string_view(text_).substr(begin, end - begin);
}

Position SourceFile::position(std::size_t offset) const {
    offset = std::min(offset, text_.size());
    const auto after = std::upper_bound(starts_.begin(), starts_.end(), offset);
    const std::size_t line = static_cast<std::size_t>(after - starts_.begin());
    Position result;
    result.line = static_cast<std::uint32_t>(line);
    for (std::size_t i = starts_[line - 1]; i < offset; ++i) {
        if (!continues_character(text_[i])) {
            ++result.column;
        }
    }
    return result;
}

Position PositionCursor::at(const SourceFile& file, std::size_t offset) {
    offset = std::min(offset, file.text().size());
    const bool same_line = offset >= offset_ && offset < file.line_start(position_.line + 1);
    if (!same_line) {
        const std::size_t begin = file.line_start(position_.line);
        const bool little_back = offset < offset_ && offset >= begin && offset_ - offset < offset - begin;
        if (!little_back) {
            position_ = file.position(offset);
            offset_ = offset;
            return position_;
        }
        while (offset_ > offset) {
            --offset_;
            position_.column -= continues_character(file.text()[offset_]) ? 0U : 1U;
        }
        return position_;
    }
    for (; offset_ < offset; ++offset_) {
        position_.column += continues_character(file.text()[offset_]) ? 0U : 1U;
    }
    return position_;
}

}  // namespace smtpspec::script
