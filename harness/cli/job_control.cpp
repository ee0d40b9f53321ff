#include "harness/cli/job_control.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>

#include <atomic>

namespace smtpspec::cli {

namespace {

std::atomic<pid_t> current{0};
std::atomic<bool> has_terminal{false};
std::atomic<int> terminal{-1};  ///< the controlling one, whatever standard input is
static_assert(std::atomic<pid_t>::is_always_lock_free, "used in a signal handler");

bool in_foreground() { return ::tcgetpgrp(terminal) == ::getpgrp(); }

void take_terminal_back() noexcept {
    if (has_terminal.exchange(false)) {
        ::tcsetpgrp(terminal, ::getpgrp());
    }
}

extern "C" void on_suspend(int);

void catch_suspend() noexcept {
    struct sigaction action{};
    action.sa_handler = on_suspend;
    action.sa_flags = SA_RESTART | SA_RESETHAND | SA_NODEFER;
    ::sigaction(SIGTSTP, &action, nullptr);
}

/// Ctrl-Z: the command stops with us and goes on with us. SA_RESETHAND has brought back the default action,
/// which knows better than SIGSTOP: it does nothing where no shell could ever continue us.
extern "C" void on_suspend(int) {
    const int before = errno;  // of what was interrupted
    const pid_t group = current;
    if (group > 0) {
        ::kill(-group, SIGTSTP);
    }
    ::raise(SIGTSTP);
    if (group > 0) {
        ::kill(-group, SIGCONT);
    }
    catch_suspend();
    errno = before;
}

}  // namespace

Job::Job(pid_t group) : group_(group) {
    current = group;
    terminal = ::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal < 0) {
        return;
    }
    if (::signal(SIGTSTP, SIG_IGN) != SIG_IGN) {
        catch_suspend();
    }
    // Without it we could neither take the terminal back nor, after `stty tostop`, write to it meanwhile.
    ::signal(SIGTTOU, SIG_IGN);
}

void Job::stopped_by(int signal) {
    if (terminal < 0 || signal == SIGSTOP) {  // nobody's key: who stops it so will let it go on
        return;
    }
    if (signal != SIGTSTP && !has_terminal && in_foreground()) {
        has_terminal = true;
        ::tcsetpgrp(terminal, group_);
    } else {
        take_terminal_back();
        ::kill(0, SIGTSTP);  // the shell is to see its whole job stopped; we go on here after fg or bg
    }
    ::kill(-group_, SIGCONT);
}

void Job::ended_by(int signal) {
    const bool by_key = signal == SIGINT || signal == SIGQUIT;
    if (by_key && has_terminal) {
        take_terminal_back();
        ::kill(0, SIGINT);
    }
}

void Job::send(int signal) const {
    ::kill(-group_, signal);
    ::kill(-group_, SIGCONT);
}

void Job::over() {
    current = 0;
    take_terminal_back();
    if (terminal >= 0) {
        ::close(terminal.exchange(-1));
    }
}

void Job::kill_now() noexcept {
    const pid_t group = current;
    if (group > 0) {
        ::kill(-group, SIGKILL);
    }
    take_terminal_back();
}

}  // namespace smtpspec::cli
