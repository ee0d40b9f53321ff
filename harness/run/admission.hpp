#pragma once

#include <chrono>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "protocol/wire/connection.hpp"

namespace smtpspec::run {

/// Lets conversations begin on a loop as fast as the loop carries them. Both ends of an embedded conversation
/// run here, so that a loop with a long queue makes a peer look slow or silent that only waits for its turn.
/// Everything on the loop's thread; outlives what it lets in.
class Admission {
  public:
    using Clock = std::chrono::steady_clock;

    /// `at_least`: so many at once begin whatever the loop is like. > 0.
    Admission(boost::asio::io_context& loop, int at_least) : loop_(loop), pulse_(loop), at_least_(at_least) {}
    Admission(const Admission&) = delete;
    Admission& operator=(const Admission&) = delete;

    /// Waits for a turn: one at a time, and only when the loop came back from the wait in time.
    wire::Awaitable<void> enter();
    /// Once for each enter().
    void leave() { --inside_; }

    /// Feels the loop's pulse until stop().
    wire::Awaitable<void> watch();
    void stop();
    /// The loop was away for so long, at some time since then, that silence of a peer meant nothing.
    bool was_late_since(Clock::time_point time) const { return last_late_ >= time; }

  private:
    boost::asio::io_context& loop_;
    boost::asio::steady_timer pulse_;
    int at_least_;
    int inside_ = 0;
    bool stopped_ = false;
    Clock::time_point next_turn_{};
    Clock::time_point last_late_{};
};

}  // namespace smtpspec::run
