#include "mockserver/content.hpp"

#include <algorithm>

namespace smtpspec::mock {

void Content::begin_data(smtp::EndOfDataRules rules, std::size_t limit, Wrong wrong) {
    clear();
    wrong_ = wrong;
    kind_ = Kind::data;
    limit_ = limit;
    decoder_ = smtp::DataDecoder(rules, limit);
}

void Content::begin_chunk(std::uint64_t octets, bool last, bool keep, std::size_t limit, Wrong wrong) {
    wrong_ = wrong;
    kind_ = Kind::chunk;
    remaining_ = chunk_size_ = octets;
    last_ = last;
    keep_ = keep;
    limit_ = limit;
}

std::size_t Content::feed(std::string_view octets, std::size_t at_most) {
    octets = octets.substr(0, at_most);
    if (kind_ == Kind::data) {
        return feed_data(octets);
    }
    if (wrong_ == Wrong::chunk_ends_with_segment) {
        remaining_ = octets.size();
    }
    const bool edge = remaining_ == chunk_size_;
    const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(octets.size(), remaining_));
    remaining_ -= taken;
    if (!keep_) {
        return taken;
    }
    octets = octets.substr(0, taken);
    chunks_total_ += taken;
    inspect(octets);
    if (wrong_ == Wrong::chunk_edge_loses_lf && edge && octets.starts_with('\n')) {
        octets.remove_prefix(1);
    }
    if (chunks_.size() < limit_) {
        chunks_.append(octets.substr(0, limit_ - chunks_.size()));
    }
    return taken;
}

std::size_t Content::feed_data(std::string_view octets) {
    if (wrong_ == Wrong::needs_one_segment) {
        return feed_one_segment(octets);
    }
    if (wrong_ == Wrong::unstuff_misses_split) {
        keep_dot(octets);
    }
    if (wrong_ != Wrong::first_dot_ignored || begun_) {
        return decoder_.feed(octets).consumed;
    }
    constexpr std::string_view lone_dot = ".\r\n";
    std::size_t taken = 0;
    while (taken < octets.size() && held_.size() < lone_dot.size()) {
        held_ += octets[taken++];
    }
    if (lone_dot.starts_with(held_) && held_.size() < lone_dot.size()) {
        return taken;
    }
    begun_ = true;
    (void)decoder_.feed(held_ == lone_dot ? "..\r\n" : held_);
    return taken;
}

/// The defect: a dot that comes first in a segment is not seen to stand at the beginning of a line.
void Content::keep_dot(std::string_view octets) {
    if (after_line_ && octets.size() > 1 && octets.starts_with("..")) {
        (void)decoder_.feed(".");
    }
    after_line_ = octets.ends_with('\n');
}

std::size_t Content::feed_one_segment(std::string_view octets) {
    constexpr std::string_view end = "\r\n.\r\n";
    const auto at = octets.find(end);
    const auto size = at == std::string_view::npos ? octets.size() : at + 2;
    inspect(octets.substr(0, size));
    chunks_.append(octets.substr(0, std::min(size, limit_ - std::min(limit_, chunks_.size()))));
    chunks_total_ += size;
    if (at == std::string_view::npos) {
        return size;
    }
    begun_ = true;  // complete
    chunks_ = smtp::dot_unstuff(chunks_);
    return at + end.size();
}

void Content::inspect(std::string_view octets) {
    for (const char c : octets) {
        bare_ = bare_ || (after_cr_ != (c == '\n'));
        nul_ = nul_ || c == '\0';
        after_cr_ = c == '\r';
    }
}

bool Content::by_decoder() const { return kind_ == Kind::data && wrong_ != Wrong::needs_one_segment; }

bool Content::complete() const {
    if (kind_ == Kind::data && wrong_ == Wrong::needs_one_segment) {
        return begun_;
    }
    return kind_ == Kind::data ? decoder_.complete() : remaining_ == 0;
}

std::uint64_t Content::octets() const { return by_decoder() ? decoder_.octets() : chunks_total_; }

bool Content::overflow() const {
    return by_decoder() ? decoder_.overflow() || decoder_.octets() > limit_ : chunks_total_ > limit_;
}

bool Content::bare_line_ends() const {
    return by_decoder() ? decoder_.saw_bare_lf() || decoder_.saw_bare_cr() : bare_ || (after_cr_ && last());
}

bool Content::nul() const { return by_decoder() ? decoder_.saw_nul() : nul_; }

const std::string& Content::message() const { return by_decoder() ? decoder_.message() : chunks_; }

void Content::clear() {
    decoder_ = smtp::DataDecoder();
    chunks_.clear();
    chunks_total_ = remaining_ = chunk_size_ = 0;
    after_line_ = true;
    last_ = after_cr_ = bare_ = nul_ = begun_ = false;
    wrong_ = Wrong::nothing;
    held_.clear();
    keep_ = true;
}

}  // namespace smtpspec::mock
