#include "harness/client/queue.hpp"

#include <algorithm>
#include <cmath>

namespace smtpspec::client {

namespace {
constexpr int hurried_attempts = 60;
}

Queue::Queue(RetryPolicy policy, std::uint64_t seed, Time now, Haste haste)
    : policy_(policy), random_(seed), began_(now), haste_(haste), until_(now), refused_at_(Time::min()) {}

void Queue::add(Job job) { jobs_.push_back(std::move(job)); }

void Queue::add_first(Job job) { jobs_.push_front(std::move(job)); }

std::optional<Job> Queue::take(Time now) {
    if (jobs_.empty() || exhausted_ || now < until_ || waits_for_others())
        return std::nullopt;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    ++job.attempts;
    ++under_way_;
    return job;
}

bool Queue::failed(Job job, Time started, Time now) {
    --under_way_;
    if (haste_ == Haste::hurried) {
        if (job.attempts >= hurried_attempts)
            return false;
        jobs_.push_front(std::move(job));
        return true;
    }
    most_under_way_ = 1;
    if (started >= refused_at_) {  // attempts that ran side by side count once
        ++streak_;
        refused_at_ = now;
        until_ = now + next_delay();
    }
    if (streak_ >= policy_.max_attempts || now - began_ >= policy_.give_up) {
        exhausted_ = true;
        return false;
    }
    jobs_.push_back(std::move(job));
    return true;
}

std::deque<Job> Queue::drain() {
    std::deque<Job> rest;
    rest.swap(jobs_);
    return rest;
}

Queue::Time::duration Queue::next_delay() {
    const double most = static_cast<double>(policy_.max_delay.count());
    const double grown =
        static_cast<double>(policy_.first_delay.count()) * std::pow(policy_.factor, streak_ - 1);
    const double spread = std::uniform_real_distribution<double>(0.0, policy_.jitter)(random_);
    const double milliseconds = std::min(grown, most) * (1.0 + spread);
    return std::chrono::duration_cast<Time::duration>(
        std::chrono::duration<double, std::milli>(milliseconds));
}

}  // namespace smtpspec::client
