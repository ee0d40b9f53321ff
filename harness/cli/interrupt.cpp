#include "harness/cli/interrupt.hpp"

#include <unistd.h>

#include <csignal>

namespace smtpspec::cli {

namespace {

std::atomic<std::atomic<bool>*> target{nullptr};
static_assert(std::atomic<std::atomic<bool>*>::is_always_lock_free, "used in a signal handler");

extern "C" void on_interrupt(int) {
    std::atomic<bool>* flag = target.load();
    if (flag == nullptr || flag->exchange(true)) {
        ::_exit(130);
    }
}

}  // namespace

InterruptGuard::InterruptGuard(std::atomic<bool>& flag) {
    target = &flag;
    std::signal(SIGINT, on_interrupt);
    std::signal(SIGTERM, on_interrupt);
}

InterruptGuard::~InterruptGuard() {
    std::signal(SIGINT, SIG_DFL);
    std::signal(SIGTERM, SIG_DFL);
    target = nullptr;
}

}  // namespace smtpspec::cli
