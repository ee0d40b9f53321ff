#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/smtp/data.hpp"

namespace smtpspec::mock {

/// The content of a message as it comes, after DATA or in BDAT chunks (RFC 3030). Bounded: of what is over
/// the limit, octets are only counted.
class Content {
  public:
    enum class Kind { data, chunk };
    /// Deliberate mistakes that DataDecoder has no rule for.
    enum class Wrong {
        nothing,
        first_dot_ignored,
        needs_one_segment,
        unstuff_misses_split,
        chunk_edge_loses_lf,
        chunk_ends_with_segment
    };

    /// After 354.
    void begin_data(smtp::EndOfDataRules rules, std::size_t limit, Wrong wrong = Wrong::nothing);
    /// After a BDAT command; `keep` is false for a chunk that was refused and is only read away.
    void begin_chunk(
        std::uint64_t octets, bool last, bool keep, std::size_t limit, Wrong wrong = Wrong::nothing);
    /// Takes what belongs to the content, at most `at_most` octets; returns how many.
    std::size_t feed(std::string_view octets, std::size_t at_most);

    Kind kind() const { return kind_; }
    /// The final dot, or the end of this chunk.
    bool complete() const;
    /// Nothing follows: the final dot, or the end of the chunk marked LAST.
    bool last() const { return kind_ == Kind::data || last_; }
    bool kept() const { return keep_; }
    /// Of the whole message so far.
    std::uint64_t octets() const;
    std::uint64_t chunk_octets() const { return chunk_size_; }
    bool overflow() const;
    /// A CR that ends a chunk may have its LF in the next one.
    bool bare_line_ends() const;
    bool nul() const;
    const std::string& message() const;
    void clear();

  private:
    bool by_decoder() const;
    void inspect(std::string_view octets);
    std::size_t feed_data(std::string_view octets);
    void keep_dot(std::string_view octets);
    std::size_t feed_one_segment(std::string_view octets);

    Wrong wrong_ = Wrong::nothing;
    bool begun_ = false;
    std::string held_;  ///< the first octets, as long as they may be a lone dot

    Kind kind_ = Kind::data;
    smtp::DataDecoder decoder_;
    std::string chunks_;
    std::uint64_t chunks_total_ = 0;
    std::uint64_t remaining_ = 0;
    std::uint64_t chunk_size_ = 0;
    std::size_t limit_ = 0;
    bool last_ = false;
    bool keep_ = true;
    bool after_cr_ = false;
    bool after_line_ = true;  ///< of the data, at the end of a feed
    bool bare_ = false;
    bool nul_ = false;
};

}  // namespace smtpspec::mock
