#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/wire/mask.hpp"

namespace smtpspec::wire {

/// What one entry of a transcript records.
enum class EntryKind {
    sent,      ///< octets that we wrote in one write
    received,  ///< octets that one read gave us
    tls,       ///< the connection became TLS here; `octets`: version, cipher, "resumed" if it is, as text
    end,   ///< the connection ended; `octets` says how and by whom ("peer fin", "peer reset", "we closed" …)
    note,  ///< a remark of ours: a step of a scenario, a send that did nothing, a time-out
};

/// One event on the wire. Secrets in `octets` are already masked.
struct Entry {
    EntryKind kind = EntryKind::note;
    std::chrono::microseconds at{0};  ///< since the transcript began
    std::string connection;           ///< "a", "b" …: which connection of the cell
    bool inside_tls = false;
    std::string octets;
};

/// Which end of the conversation we play: it says whose octets hold SASL answers.
enum class Side { client, server };

/// Everything that happened on the connections of one cell, in order, bounded in size. Secrets are masked
/// where bytes are recorded, so that nothing behind this class ever sees one. One thread.
class Transcript {
  public:
    /// `masker` may be null; it must outlive the transcript. At most `limit` octets are kept, a longer entry
    /// or what follows is cut and a note says how many octets were left out. With limit 0 nothing is recorded
    /// at all.
    explicit Transcript(const Masker* masker = nullptr, std::size_t limit = 256 * 1024);

    /// Default: we are the client, so what we sent are the client's octets. Call before the first record().
    void we_are(Side side) { side_ = side; }
    Side side() const { return side_; }

    void record(EntryKind kind, std::string_view connection, bool inside_tls, std::string_view octets);
    void note(std::string_view connection, std::string_view text);
    /// False: it was made to keep nothing, so that nobody need prepare a text.
    bool keeps_anything() const { return limit_ != 0; }

    const std::vector<Entry>& entries() const { return entries_; }
    /// Index of the next entry: what reached a label is kept as such an index.
    std::size_t position() const { return entries_.size(); }
    std::chrono::microseconds now() const;
    /// When the transcript began; `at` of every entry counts from here.
    std::chrono::steady_clock::time_point start() const { return start_; }
    /// Octets (not entries) that were left out so far.
    std::uint64_t left_out() const { return left_out_; }

  private:
    MaskState& state_of(std::string_view connection);
    std::string masked(EntryKind kind, std::string_view connection, std::string_view octets);
    void append(EntryKind kind, std::string_view connection, bool inside_tls, std::string octets);
    void leave_out(std::string_view connection, bool inside_tls, std::size_t octets);

    Side side_ = Side::client;
    const Masker* masker_;
    std::size_t limit_;
    std::size_t kept_ = 0;
    std::chrono::steady_clock::time_point start_;
    std::vector<Entry> entries_;
    std::vector<std::pair<std::string, MaskState>> states_;
    std::uint64_t left_out_ = 0;
    std::uint64_t full_from_ = 0;           // left_out_ when it was written
    std::optional<std::size_t> full_note_;  // index of the note that counts what is left out at the end
};

}  // namespace smtpspec::wire
