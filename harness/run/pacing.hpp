#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "harness/run/plan.hpp"
#include "harness/run/result.hpp"

namespace smtpspec::run {

/// After a reply that means "too fast" nothing is sent for so long, twice as long after each further one.
constexpr std::chrono::seconds first_pause{10};
constexpr std::chrono::seconds longest_pause{60};
/// So many of them end the run.
constexpr int limit_replies_to_give_up = 5;

/// Keeps the profile's pace and looks after rate limits and dying ports (design.md §8). Thread-safe.
class Pacing {
  public:
    using Clock = std::chrono::steady_clock;

    /// `messages_per_second` 0: no pace.
    explicit Pacing(double messages_per_second) : per_second_(messages_per_second) {}

    /// How many turns of the pace a cell takes: one for each transaction or wrong login, a fifth at least.
    static double turns(const PlannedCell& cell);
    /// When the cell may begin; reserves its place.
    Clock::time_point begin_at(const PlannedCell& cell);
    /// Whether a pause that began since then forbids this moment.
    bool paused_at(Clock::time_point moment) const;
    /// Looks at a finished cell: a rate-limit reply pauses everything, a connection that failed counts for
    /// its port.
    void finished(const Cell& cell);
    /// Why no more cells are tried on this port; empty: go on.
    struct GivenUp {
        std::string reason;  ///< a sentence
        std::string cause;   ///< Cell::error_kind: "rate-limited" or "died"
    };
    std::optional<GivenUp> given_up(int port) const;
    std::vector<std::string> notices() const;

  private:
    void limited(const Cell& cell);

    double per_second_;
    mutable std::mutex mutex_;
    Clock::time_point next_free_{};
    Clock::time_point paused_until_{};
    int limit_replies_ = 0;
    std::map<int, int> failed_in_a_row_;
    std::vector<std::string> notices_;
};

}  // namespace smtpspec::run
