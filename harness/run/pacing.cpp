#include "harness/run/pacing.hpp"

#include <algorithm>

namespace smtpspec::run {

namespace {

constexpr int failures_to_give_up = 3;

}  // namespace

double Pacing::turns(const PlannedCell& cell) {
    return std::max(0.2, static_cast<double>(cell.traffic.transactions + cell.traffic.bad_logins));
}

Pacing::Clock::time_point Pacing::begin_at(const PlannedCell& cell) {
    const std::lock_guard lock(mutex_);
    const auto now = Clock::now();
    auto begin = std::max(now, paused_until_);
    if (per_second_ <= 0) {
        return begin;
    }
    // Every conversation waits its turn; one that sends mail takes as many turns as it begins transactions.
    begin = std::max(begin, next_free_);
    next_free_ = begin + std::chrono::duration_cast<Clock::duration>(
                             std::chrono::duration<double>(turns(cell) / per_second_));
    return begin;
}

bool Pacing::paused_at(Clock::time_point moment) const {
    const std::lock_guard lock(mutex_);
    return moment < paused_until_;
}

void Pacing::limited(const Cell& cell) {
    ++limit_replies_;
    const auto pause = std::min(longest_pause, first_pause * (1 << std::min(limit_replies_ - 1, 4)));
    paused_until_ = std::max(paused_until_, Clock::now() + pause);
    notices_.push_back(fmt::format(
        "port {}: {}; no conversation began for {} s after it", cell.port, cell.reason, pause.count()));
}

void Pacing::finished(const Cell& cell) {
    const std::lock_guard lock(mutex_);
    if (cell.error_kind == "rate-limited") {
        limited(cell);
    }
    int& failed = failed_in_a_row_[cell.port];
    failed = cell.error_kind == "died" ? failed + 1 : 0;
    if (failed == failures_to_give_up) {
        notices_.push_back(fmt::format("port {}: given up after {} failed connections in a row; last: {}",
                                       cell.port,
                                       failed,
                                       cell.reason));
    }
}

std::optional<Pacing::GivenUp> Pacing::given_up(int port) const {
    const std::lock_guard lock(mutex_);
    if (limit_replies_ >= limit_replies_to_give_up) {
        return GivenUp{fmt::format("rate-limited: the endpoint limited us {} times in this run; try later",
                                   limit_replies_),
                       "rate-limited"};
    }
    const auto failed = failed_in_a_row_.find(port);
    if (failed != failed_in_a_row_.end() && failed->second >= failures_to_give_up) {
        return GivenUp{
            fmt::format("the port stopped answering during the run ({} connections in a row failed)",
                        failed->second),
            "died"};
    }
    return std::nullopt;
}

std::vector<std::string> Pacing::notices() const {
    const std::lock_guard lock(mutex_);
    return notices_;
}

}  // namespace smtpspec::run
