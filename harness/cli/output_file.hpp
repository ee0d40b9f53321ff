#pragma once

#include <string>

namespace smtpspec::cli {

/// Puts `text` into the file at `path`, whole or not at all: what is there stays as it is until everything
/// has been written beside it. What cannot be
/// replaced without a trace is written in place: a device, a pipe, somebody else's file, one with several
/// names, one that is mounted or in a folder that is not writable. /dev/stdout and /dev/stderr are written
/// where they stand. Gives "", or the system's reason. Any thread.
std::string write_file(const std::string& path, const std::string& text);

/// Removes a file that an earlier run left, so that nobody takes it for this one's. Anything but a regular
/// file stays.
void remove_stale(const std::string& path);

/// True when both name the same regular file, or would make the same one.
bool same_file(const std::string& a, const std::string& b);

}  // namespace smtpspec::cli
