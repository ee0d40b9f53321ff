#include "mockserver/content.hpp"

#include <algorithm>

namespace smtpspec::mock {

void Content::begin_data(smtp::EndOfDataRules rules, std::size_t limit) {
    clear();
    kind_ = Kind::data;
    limit_ = limit;
    decoder_ = smtp::DataDecoder(rules, limit);
}

void Content::begin_chunk(std::uint64_t octets, bool last, bool keep, std::size_t limit) {
    kind_ = Kind::chunk;
    remaining_ = chunk_size_ = octets;
    last_ = last;
    keep_ = keep;
    limit_ = limit;
}

std::size_t Content::feed(std::string_view octets, std::size_t at_most) {
    octets = octets.substr(0, at_most);
    if (kind_ == Kind::data) {
        return decoder_.feed(octets).consumed;
    }
    const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(octets.size(), remaining_));
    remaining_ -= taken;
    if (!keep_) {
        return taken;
    }
    octets = octets.substr(0, taken);
    chunks_total_ += taken;
    inspect(octets);
    if (chunks_.size() < limit_) {
        chunks_.append(octets.substr(0, limit_ - chunks_.size()));
    }
    return taken;
}

void Content::inspect(std::string_view octets) {
    for (const char c : octets) {
        bare_ = bare_ || (after_cr_ != (c == '\n'));
        nul_ = nul_ || c == '\0';
        after_cr_ = c == '\r';
    }
}

bool Content::complete() const { return kind_ == Kind::data ? decoder_.complete() : remaining_ == 0; }

std::uint64_t Content::octets() const { return kind_ == Kind::data ? decoder_.octets() : chunks_total_; }

bool Content::overflow() const {
    return kind_ == Kind::data ? decoder_.overflow() || decoder_.octets() > limit_ : chunks_total_ > limit_;
}

bool Content::bare_line_ends() const {
    return kind_ == Kind::data ? decoder_.saw_bare_lf() || decoder_.saw_bare_cr() : bare_ || after_cr_;
}

bool Content::nul() const { return kind_ == Kind::data ? decoder_.saw_nul() : nul_; }

const std::string& Content::message() const { return kind_ == Kind::data ? decoder_.message() : chunks_; }

void Content::clear() {
    decoder_ = smtp::DataDecoder();
    chunks_.clear();
    chunks_total_ = remaining_ = chunk_size_ = 0;
    last_ = after_cr_ = bare_ = nul_ = false;
    keep_ = true;
}

}  // namespace smtpspec::mock
