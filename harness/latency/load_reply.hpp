#pragma once

#include <cstddef>
#include <string_view>

namespace smtpspec::latency {

/// What stands at the beginning of some octets that a server sent.
struct ReplyGlance {
    enum class State {
        incomplete,  ///< more octets are needed
        complete,    ///< one reply, `length` octets long
        malformed,   ///< no reply (RFC 5321 §4.2), or longer than most_octets
    };
    State state = State::incomplete;
    int code = 0;            ///< of its lines, which all have the same one
    std::size_t length = 0;  ///< with the last CRLF
};

/// A reply longer than this is malformed.
inline constexpr std::size_t most_octets = 256 * 1024;

/// Finds the end of a reply and its code without copying anything: a load generator reads millions of them,
/// and needs no more of most. Strict: three digits, then a blank, a hyphen or the end; CRLF; one code. What
/// is stricter than smtp::ReplyParser is only that nothing is described.
ReplyGlance glance(std::string_view octets);

}  // namespace smtpspec::latency
