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

std::string event_text(const script::Reached& reached, const wire::Transcript& transcript) {
    const auto& entries = transcript.entries();
    if (entries.empty()) {
        return {};
    }
    for (std::size_t i = std::min(reached.transcript_last, entries.size() - 1) + 1;
         i-- > reached.transcript_first;) {
        const wire::Entry& entry = entries[i];
        if (entry.kind == wire::EntryKind::received) {
            return "\"" + last_line(entry.octets) + "\"";
        }
        if (entry.kind == wire::EntryKind::end) {
            return "the connection ended: " + smtp::printable(entry.octets, shown_octets);
        }
    }
    return {};
}

}  // namespace

std::string what_came(const script::ScriptResult& result,
                      const std::string& label,
                      const wire::Transcript& transcript) {
    for (const script::Reached& reached : result.labels) {
        if (reached.label == label) {
            const std::string event = event_text(reached, transcript);
            return fmt::format("{}outcome \"{}\" by line {} of the scenario",
                               event.empty() ? "" : event + ": ",
                               label,
                               reached.at.line);
        }
    }
    return {};
}

}  // namespace smtpspec::run
