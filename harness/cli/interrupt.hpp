#pragma once

#include <atomic>

namespace smtpspec::cli {

/// While it lives, SIGINT and SIGTERM set `flag`; a second one ends the program at once with 130.
class InterruptGuard {
  public:
    explicit InterruptGuard(std::atomic<bool>& flag);
    ~InterruptGuard();
    InterruptGuard(const InterruptGuard&) = delete;
    InterruptGuard& operator=(const InterruptGuard&) = delete;
};

}  // namespace smtpspec::cli
