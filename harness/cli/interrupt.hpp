#pragma once

#include <atomic>

namespace smtpspec::cli {

/// While it lives, SIGINT, SIGTERM and SIGHUP set `flag`; one that comes more than a second later ends the
/// program at once with 130. SIGHUP stays ignored when it was (nohup). One at a time.
class InterruptGuard {
  public:
    /// What must not be left behind even then. Called in the signal handler: async-signal-safe.
    using LastAct = void (*)();
    explicit InterruptGuard(std::atomic<bool>& flag, LastAct last_act = nullptr);
    ~InterruptGuard();
    InterruptGuard(const InterruptGuard&) = delete;
    InterruptGuard& operator=(const InterruptGuard&) = delete;
};

}  // namespace smtpspec::cli
