#include "harness/run/evidence.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "protocol/smtp/escape.hpp"

namespace smtpspec::run {

namespace {

constexpr std::size_t shown_octets = 120;

/// The last line of several, without its line end.
std::string last_line(std::string_view octets) {
    while (!octets.empty() && (octets.back() == '\n' || octets.back() == '\r')) {
        octets.remove_suffix(1);
    }
    const std::size_t before = octets.rfind('\n');
    return smtp::printable(before == std::string_view::npos ? octets : octets.substr(before + 1),
                           shown_octets);
}

/// The last entry that the peer caused up to where `reached` was; null: none.
const wire::Entry* last_event(const script::Reached& reached, const wire::Transcript& transcript) {
    const auto& entries = transcript.entries();
    if (entries.empty()) {
        return nullptr;
    }
    for (std::size_t i = std::min(reached.transcript_last, entries.size() - 1) + 1;
         i-- > reached.transcript_first;) {
        if (entries[i].kind == wire::EntryKind::received || entries[i].kind == wire::EntryKind::end) {
            return &entries[i];
        }
    }
    return nullptr;
}

const script::Reached* find_label(const script::ScriptResult& result, const std::string& label) {
    const auto found = std::find_if(result.labels.begin(),
                                    result.labels.end(),
                                    [&](const script::Reached& one) { return one.label == label; });
    return found == result.labels.end() ? nullptr : &*found;
}

/// A 4yz or 5yz reply where nothing was received before it on that connection.
bool is_refused_greeting(const wire::Entry& event, const wire::Transcript& transcript) {
    if (event.kind != wire::EntryKind::received || event.octets.empty() ||
        (event.octets.front() != '4' && event.octets.front() != '5')) {
        return false;
    }
    const auto& entries = transcript.entries();
    const auto first = std::find_if(entries.begin(), entries.end(), [&](const wire::Entry& entry) {
        return entry.kind == wire::EntryKind::received && entry.connection == event.connection;
    });
    return &*first == &event;
}

std::string event_text(const wire::Entry* entry) {
    if (entry == nullptr) {
        return {};
    }
    return entry->kind == wire::EntryKind::received
               ? "\"" + last_line(entry->octets) + "\": "
               : "the connection ended, " + smtp::printable(entry->octets, shown_octets) + ": ";
}

}  // namespace

std::string what_came(const script::ScriptResult& result,
                      const std::string& label,
                      const wire::Transcript& transcript) {
    const script::Reached* const reached = find_label(result, label);
    if (reached == nullptr) {
        return {};
    }
    return fmt::format("{}outcome \"{}\" by line {} of the scenario",
                       event_text(last_event(*reached, transcript)),
                       label,
                       reached->at.line);
}

bool decided_by_end(const script::ScriptResult& result,
                    const std::string& label,
                    const wire::Transcript& transcript) {
    const script::Reached* const reached = find_label(result, label);
    const wire::Entry* const event = reached == nullptr ? nullptr : last_event(*reached, transcript);
    return event != nullptr &&
           (event->kind == wire::EntryKind::end || is_refused_greeting(*event, transcript));
}

}  // namespace smtpspec::run
