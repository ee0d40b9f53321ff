#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>

/// The message as it may go on the wire. No I/O.
namespace smtpspec::client {

/// All line ends become CRLF: CRLF, LF, and CR alone (RFC 5321 §2.3.8). A last line without end gets one.
std::string normalise_line_ends(std::string_view text);

/// Without Bcc fields (RFC 5322 §3.6.3: recipients of the copy must not see them). CRLF line ends.
std::string without_bcc(std::string_view message);

bool has_long_line(std::string_view message);  ///< a line over 998 octets (RFC 5322 §2.1.1)

/// Quoted-printable (RFC 2045 §6.7) for a message whose body is plain text without transfer encoding; header
/// lines over 998 octets are folded at blanks. The error says why it cannot be done.
tl::expected<std::string, std::string> to_seven_bit(std::string_view message);

/// What the transport must know of a message.
struct ContentNeeds {
    bool eight_bit = false;
    bool long_lines = false;
};
ContentNeeds needs_of(std::string_view message);

}  // namespace smtpspec::client
