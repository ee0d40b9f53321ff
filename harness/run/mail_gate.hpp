#pragma once

#include <algorithm>
#include <chrono>
#include <mutex>

namespace smtpspec::run {

/// Keeps the MAIL commands of all cells of a run apart: `Pacing` spaces the beginnings of cells, which take
/// their own time to come to MAIL, and may have several. Thread-safe.
class MailGate {
  public:
    using Clock = std::chrono::steady_clock;

    /// When the next transaction may begin, at least `gap` after the one before; reserves its place.
    Clock::time_point next(Clock::duration gap) {
        const std::lock_guard lock(mutex_);
        last_ = std::max(Clock::now(), last_ + gap);
        return last_;
    }

  private:
    std::mutex mutex_;
    Clock::time_point last_{};
};

}  // namespace smtpspec::run
