#pragma once

#include <fcntl.h>

namespace smtpspec::wire {

/// Keeps a socket of ours out of the programs that we start: Asio of Boost 1.81 opens and accepts without
/// SOCK_CLOEXEC. That it fails means that there is no such descriptor.
inline void close_on_exec(int descriptor) { (void)::fcntl(descriptor, F_SETFD, FD_CLOEXEC); }

}  // namespace smtpspec::wire
