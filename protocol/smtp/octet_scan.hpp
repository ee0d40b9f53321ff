#pragma once

#include <cstddef>
#include <string_view>

/// Inside of protocol/smtp: what a message's text is searched for, many octets at a time. Loops of a fixed
/// length without branches, which compilers turn into vector instructions.
namespace smtpspec::smtp {

/// Where the first CRLF "." is: the offset of its dot, npos without one. A dot at the very front is the
/// caller's.
size_t find_leading_dot(std::string_view text);

/// How many octets at the front are text in whole lines as they should be: each CR before an LF, each LF
/// behind a CR, no NUL, no dot at the start of a line. The last of them is neither CR nor LF, and so is, for
/// the caller, the one before the first. Not always the most; 0 is an honest answer.
size_t clean_text(std::string_view octets);

}  // namespace smtpspec::smtp
