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

void Pacing::limited(const Cell& cell, Clock::time_point begun, int open) {
    if (here_ && limit_replies_ > 0 && begun < limited_at_) {
        return;  // it was under way when another one met the same limit
    }
    limited_at_ = Clock::now();
    ++limit_replies_;
    if (here_) {
        most_ = std::max(1, (most_ > 0 ? std::min(most_, std::max(open, 1)) : open) / 2);
        through_ = 0;
    }
    const auto first = here_ ? first_pause_here : first_pause;
    const auto pause = std::min(longest_pause, first * (1 << std::min(limit_replies_ - 1, 4)));
    paused_until_ = std::max(paused_until_, Clock::now() + pause);
    notices_.push_back(fmt::format(
        "port {}: {}; no conversation began for {} s after it", cell.port, cell.reason, pause.count()));
}

/// As TCP does it: one more at a time where all is well, half as many where it is not.
void Pacing::got_through() {
    if (!here_ || limit_replies_ + most_ == 0) {
        return;
    }
    limit_replies_ = 0;
    if (++through_ >= most_) {
        ++most_;
        through_ = 0;
    }
}

int Pacing::most_connections() const {
    const std::lock_guard lock(mutex_);
    return most_;
}

void Pacing::finished(const Cell& cell, Clock::time_point begun, int open) {
    const std::lock_guard lock(mutex_);
    if (cell.error_kind == "rate-limited") {
        limited(cell, begun, open);
    } else if (cell.verdict != Verdict::Inconclusive) {
        got_through();
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
        return GivenUp{fmt::format("rate-limited: the endpoint limited us {} times in {}; try later",
                                   limit_replies_,
                                   here_ ? "a row" : "this run"),
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
