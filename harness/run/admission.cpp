#include "harness/run/admission.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>

namespace smtpspec::run {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::microseconds turn{1500};  // of processor time a conversation takes about as much
constexpr std::chrono::milliseconds tolerable{10};
constexpr std::chrono::milliseconds pulse_interval{10};
constexpr std::chrono::milliseconds too_late{100};  // half of the silence that is waited for here

}  // namespace

wire::Awaitable<void> Admission::enter() {
    asio::steady_timer timer(loop_);
    while (inside_ >= at_least_) {
        next_turn_ = std::max(next_turn_ + turn, Clock::now());
        timer.expires_at(next_turn_);
        const Clock::time_point due = next_turn_;
        co_await timer.async_wait(asio::use_awaitable);
        if (Clock::now() - due <= tolerable) {
            break;
        }
    }
    ++inside_;
}

wire::Awaitable<void> Admission::watch() {
    while (!stopped_) {
        const Clock::time_point due = Clock::now() + pulse_interval;
        pulse_.expires_at(due);
        co_await pulse_.async_wait(asio::as_tuple(asio::use_awaitable));
        const Clock::time_point now = Clock::now();
        if (!stopped_ && now - due > too_late) {
            last_late_ = now;
        }
    }
}

void Admission::stop() {
    stopped_ = true;
    pulse_.cancel();
}

}  // namespace smtpspec::run
