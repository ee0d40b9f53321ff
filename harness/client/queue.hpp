#pragma once

#include <deque>
#include <optional>
#include <random>
#include <vector>

#include "harness/client/client_under_test.hpp"

namespace smtpspec::client {

/// A message on its way to some of its recipients.
struct Job {
    size_t message = 0;
    std::vector<size_t> recipients;  ///< of the message
    int port = 0;                    ///< logical
    int attempts = 0;
    bool reported = true;  ///< false: a copy or a notification that nobody asked for
};

/// What is to be sent, and when. A refusal delays everything, since providers count over all connections; the
/// delay doubles with each failure in a row, and one message at a time tries whether the server is willing
/// again. No I/O and no clock of its own.
class Queue {
  public:
    using Time = wire::Clock::time_point;
    enum class Haste {
        patient,
        hurried
    };  ///< hurried is a defect: no delay, and many more attempts of a message

    Queue(RetryPolicy policy, std::uint64_t seed, Time now, Haste haste = Haste::patient);

    void add(Job job);
    /// The same, before all others.
    void add_first(Job job);
    /// The next job that may be tried now. It is under way until done() or failed().
    std::optional<Job> take(Time now);
    /// Some recipient was accepted: the back-off is over, and one more connection may try beside the others.
    void progress() {
        streak_ = 0;
        ++most_under_way_;
    }
    /// An attempt is over and nothing is left to do for its job now.
    void done() { --under_way_; }
    /// A temporary failure of an attempt that began at `started`. True: it is in the queue again; false:
    /// given up.
    bool failed(Job job, Time started, Time now);

    bool empty() const { return jobs_.empty(); }
    /// Nothing will be tried any more: what is left may be taken with drain().
    bool exhausted() const { return exhausted_; }
    std::deque<Job> drain();
    /// Not before this time may take() give something.
    Time due() const { return until_; }
    /// Only the end of an attempt that is under way can make take() give something.
    bool waits_for_others() const { return under_way_ >= most_under_way_; }
    /// Refusals in a row.
    int streak() const { return streak_; }

  private:
    Time::duration next_delay();

    RetryPolicy policy_;
    std::mt19937_64 random_;
    Time began_;
    Haste haste_;
    std::deque<Job> jobs_;
    Time until_;
    Time refused_at_;
    int under_way_ = 0;
    int most_under_way_ = 1'000'000;  ///< after a refusal 1, then growing
    int streak_ = 0;
    bool exhausted_ = false;
};

}  // namespace smtpspec::client
