#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "protocol/script/eval.hpp"
#include "protocol/script/scenario.hpp"
#include "protocol/smtp/reply.hpp"
#include "protocol/wire/connection.hpp"

/// Patterns of the side under test against what it sent (scenario-language.md §5). No I/O.
namespace smtpspec::script {

/// Side server: one complete reply. Patterns that are not about replies do not fit. Regular expressions see
/// the raw octets of the whole reply; the named groups of a reply that fits become variables.
bool fits_reply(const ReplyPattern& pattern, const smtp::Reply& reply, Scope& scope);

/// What a line of the client means in the conversation so far, where the octets alone do not say it.
struct LineContext {
    bool inside_auth = false;  ///< our last reply was 334: the line is a SASL answer
    bool inside_data = false;  ///< our last reply was 354: the line is content
};

/// Side client: one line, without its line end. `raw` has the line end.
struct ClientLine {
    std::string_view line;
    std::string_view raw;
    LineContext context;
};
bool fits_line(const Pattern& pattern, const ClientLine& line, const wire::Masker& masker, Scope& scope);

/// `EHLO *`: a star in the literal pieces is any run of octets, inserted text has none; the first word fits
/// in any letter case.
bool fits_glob(const GlobPattern& pattern, std::string_view line, Scope& scope);

/// `close notify|fin|rst`: how the other side ended it. What we closed ourselves fits only a plain `close`.
bool fits_close(const ClosePattern& pattern, wire::PeerEnd end);

/// A series of replies against `[a, b, *]`.
struct SeriesState {
    bool complete = false;  ///< the replies so far, and the end if it has come, are exactly such a series
    bool viable = false;    ///< it fits now, or may with more replies or the end
};
/// Captures of the elements become variables only when `complete` and `keep` says so (the alternative is
/// taken).
enum class Captures { drop, keep };
SeriesState fits_series(const SeriesPattern& pattern,
                        const std::vector<smtp::Reply>& replies,
                        bool ended,
                        Scope& scope,
                        Captures captures);
/// `[*]`: "anything else".
bool is_anything(const SeriesPattern& pattern);

/// The pattern that stands behind `${param}` in this cell; the pattern itself if it is none. Null: no such
/// value.
const Pattern* resolved(const Pattern& pattern, const CellParams& cell);

}  // namespace smtpspec::script
