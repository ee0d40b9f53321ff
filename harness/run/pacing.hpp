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
constexpr std::chrono::seconds first_pause_here{1};  ///< by a server on this machine
constexpr std::chrono::seconds longest_pause{60};
/// So many of them end the run.
constexpr int limit_replies_to_give_up = 5;

/// Keeps the profile's pace and looks after rate limits and dying ports (design.md §8). Thread-safe.
class Pacing {
  public:
    using Clock = std::chrono::steady_clock;

    /// `messages_per_second` 0: no pace. `here`: the server is on this machine, and its limits are nobody
    /// else's: the pauses are shorter and count anew once cells get through, and only five in a row end the
    /// run.
    explicit Pacing(double messages_per_second, bool here = false)
        : per_second_(messages_per_second), here_(here) {}

    /// How many turns of the pace a cell takes: one for each transaction or wrong login, a fifth at least.
    static double turns(const PlannedCell& cell);
    /// When the cell may begin; reserves its place.
    Clock::time_point begin_at(const PlannedCell& cell);
    /// Whether a pause that began since then forbids this moment.
    bool paused_at(Clock::time_point moment) const;
    /// Looks at a finished cell that had begun at `begun`, when `open` connections were open: a rate-limit
    /// reply pauses everything and, here, halves how many connections may be open, for it may be these that
    /// are limited; a connection that failed counts for its port.
    void finished(const Cell& cell, Clock::time_point begun = Clock::now(), int open = 0);
    /// How many connections may be open at once; 0: nothing is known against any number.
    int most_connections() const;
    /// Why no more cells are tried on this port; empty: go on.
    struct GivenUp {
        std::string reason;  ///< a sentence
        std::string cause;   ///< Cell::error_kind: "rate-limited" or "died"
    };
    std::optional<GivenUp> given_up(int port) const;
    std::vector<std::string> notices() const;

  private:
    void limited(const Cell& cell, Clock::time_point begun, int open);
    void got_through();

    double per_second_;
    bool here_;
    mutable std::mutex mutex_;
    Clock::time_point next_free_{};
    Clock::time_point paused_until_{};
    Clock::time_point limited_at_{};
    int limit_replies_ = 0;  ///< here: in a row
    int most_ = 0;           ///< connections at once; 0: any number
    int through_ = 0;        ///< cells since `most_` has changed
    std::map<int, int> failed_in_a_row_;
    std::vector<std::string> notices_;
};

}  // namespace smtpspec::run
