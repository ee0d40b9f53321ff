#include "protocol/wire/transcript.hpp"

#include <algorithm>

namespace smtpspec::wire {
namespace {

constexpr std::size_t kEntryCost = 64;  // what an entry takes beside its octets
constexpr std::size_t kRemarksBeyondLimit =
    200;  // notes, ends and switches are evidence even when there is no room

bool carries_octets(EntryKind kind) { return kind == EntryKind::sent || kind == EntryKind::received; }

}  // namespace

Transcript::Transcript(const Masker* masker, std::size_t limit)
    : masker_(masker), limit_(limit), start_(std::chrono::steady_clock::now()) {}

std::chrono::microseconds Transcript::now() const {
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start_);
}

MaskState& Transcript::state_of(std::string_view connection) {
    auto found =
        std::find_if(states_.begin(), states_.end(), [&](const auto& s) { return s.first == connection; });
    if (found != states_.end())
        return found->second;
    return states_.emplace_back(std::string(connection), MaskState()).second;
}

std::string Transcript::masked(EntryKind kind, std::string_view connection, std::string_view octets) {
    if (!masker_)
        return std::string(carries_octets(kind) ? octets.substr(0, limit_) : octets);
    if (!carries_octets(kind))
        return masker_->by_value(octets);
    bool from_client = (kind == EntryKind::sent) == (side_ == Side::client);
    auto& state = state_of(connection);
    if (octets.size() > limit_) {  // what is left out need not be searched; but the line goes on
        auto head = masked(kind, connection, octets.substr(0, limit_));
        (from_client ? state.held : state.server_held).clear();
        state.held_is_cut = state.held_is_cut || from_client;
        return head;
    }
    return from_client ? masker_->client_octets(octets, state) : masker_->server_octets(octets, state);
}

void Transcript::record(EntryKind kind,
                        std::string_view connection,
                        bool inside_tls,
                        std::string_view octets) {
    if (limit_ == 0)
        return;
    if (!carries_octets(kind)) {
        append(kind, connection, inside_tls, masked(kind, connection, octets));
        return;
    }
    std::size_t room = kept_ + kEntryCost < limit_ ? limit_ - kept_ - kEntryCost : 0;
    if (full_note_ || room == 0) {
        leave_out(connection, inside_tls, octets.size());
        return;
    }
    auto text = masked(kind, connection, octets);
    std::size_t beyond = octets.size() - std::min(octets.size(), limit_);
    // One long entry must not take the place of all that follows it.
    std::size_t most = std::min(room, std::max<std::size_t>(limit_ / 4, 1024));
    std::size_t cut = text.size() > most ? text.size() - most : 0;
    text.resize(text.size() - cut);
    append(kind, connection, inside_tls, std::move(text));
    cut += beyond;
    left_out_ += cut;
    if (cut != 0)
        append(EntryKind::note,
               connection,
               inside_tls,
               std::to_string(cut) + " more octets of this entry are left out");
}

void Transcript::note(std::string_view connection, std::string_view text) {
    record(EntryKind::note, connection, false, text);
}

void Transcript::append(EntryKind kind, std::string_view connection, bool inside_tls, std::string octets) {
    bool remark = !carries_octets(kind);
    std::size_t cost = octets.size() + kEntryCost;
    if (remark && kept_ + cost > limit_ + kRemarksBeyondLimit * kEntryCost)
        return;
    kept_ += cost;
    Entry entry;
    entry.kind = kind;
    entry.at = now();
    entry.connection = connection;
    entry.inside_tls = inside_tls;
    entry.octets = std::move(octets);
    entries_.push_back(std::move(entry));
}

/// The one note that says so counts on.
void Transcript::leave_out(std::string_view connection, bool inside_tls, std::size_t octets) {
    left_out_ += octets;
    if (!full_note_) {
        full_note_ = entries_.size();
        append(EntryKind::note, connection, inside_tls, "");
        if (entries_.size() == *full_note_) {
            full_note_.reset();
            return;
        }
        full_from_ = left_out_ - octets;
    }
    entries_[*full_note_].octets = "the transcript is full: " + std::to_string(left_out_ - full_from_) +
                                   " octets from here on are left out";
}

}  // namespace smtpspec::wire
