#pragma once

#include <string>
#include <string_view>

namespace smtpspec::smtp {

/// Octets as one line of text that is safe to show: \r \n \t \0 \\ and \xHH, everything else that is
/// printable ASCII or valid UTF-8 stays. Control characters (C0, DEL, C1), bidirectional overrides, line
/// separators and octets that are not UTF-8 never come out raw, so a peer cannot drive the reader's terminal,
/// nor the commands that a CI job's log obeys (GitHub's ::error::, ##[group], Azure's ##vso[).
/// The one escaping function of the program.
std::string printable(std::string_view octets);

/// The same, cut after about `limit` octets of input, with "… (N octets more)" when something was left out.
std::string printable(std::string_view octets, size_t limit);

/// True where a CI job's log would obey what stands at `at`: GitHub's "::command::…" where a line begins,
/// which may be anywhere once text is wrapped, and "##[command]…" and Azure's "##vso[…" anywhere. printable()
/// leaves none.
bool commands_a_log(std::string_view text, size_t at);

}  // namespace smtpspec::smtp
