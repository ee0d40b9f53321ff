#pragma once

namespace smtpspec::cli {

/// Raises the soft limit of open files to the hard one (at most 65536): two hundred conversations at once
/// need more than the usual 1024. Remembers the limit and the descriptors that were ours at the beginning, so
/// it is called before anything is opened. A standard descriptor that is closed leads to nowhere from here
/// on.
void prepare_descriptors();

/// In a child, before exec: what the command gets is what we were given, the old limit and the descriptors
/// that a caller left open (`3<file`, `<(…)`), and nothing that we opened ourselves.
void hand_on_descriptors() noexcept;

}  // namespace smtpspec::cli
