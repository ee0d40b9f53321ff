#include "harness/cli/interrupt.hpp"

#include <time.h>
#include <unistd.h>

#include <array>
#include <csignal>

namespace smtpspec::cli {

namespace {

constexpr std::array<int, 3> handled{SIGINT, SIGTERM, SIGHUP};
constexpr long long same_press_ms =
    1000;  // a terminal, a shell and a CI runner often pass on one Ctrl-C twice

std::atomic<std::atomic<bool>*> target{nullptr};
std::atomic<InterruptGuard::LastAct> at_last{nullptr};
constexpr long long none = -1;
std::atomic<long long> first_ms{none};
static_assert(std::atomic<std::atomic<bool>*>::is_always_lock_free, "used in a signal handler");
static_assert(std::atomic<InterruptGuard::LastAct>::is_always_lock_free, "used in a signal handler");
static_assert(std::atomic<long long>::is_always_lock_free, "used in a signal handler");

long long now_ms() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);  // async-signal-safe
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

extern "C" void on_interrupt(int) {
    std::atomic<bool>* flag = target.load();
    if (flag == nullptr) {
        ::_exit(130);
    }
    const long long now = now_ms();
    long long first = none;
    if (first_ms.compare_exchange_strong(first, now)) {
        *flag = true;
    } else if (now - first >= same_press_ms) {
        if (const InterruptGuard::LastAct act = at_last) {
            act();
        }
        ::_exit(130);
    }
}

}  // namespace

InterruptGuard::InterruptGuard(std::atomic<bool>& flag, LastAct last_act) {
    first_ms = none;
    at_last = last_act;
    target = &flag;
    for (const int number : handled) {
        // nohup means it; that a shell script has SIGINT ignored in its background jobs means nothing.
        if (std::signal(number, on_interrupt) == SIG_IGN && number == SIGHUP) {
            std::signal(number, SIG_IGN);
        }
    }
}

InterruptGuard::~InterruptGuard() {
    for (const int number : handled) {
        if (std::signal(number, SIG_DFL) == SIG_IGN) {
            std::signal(number, SIG_IGN);
        }
    }
    target = nullptr;
    at_last = nullptr;
}

}  // namespace smtpspec::cli
