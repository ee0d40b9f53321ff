#include "harness/cli/mock_child.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <boost/asio/steady_timer.hpp>

#include "harness/cli/descriptors.hpp"

namespace smtpspec::cli {

namespace asio = boost::asio;

namespace {

constexpr int cannot_run = 127;
constexpr std::chrono::seconds patience{5};   // between SIGTERM and SIGKILL
constexpr std::chrono::seconds last_look{1};  // a zombie that nobody reaps stays in its group for ever

/// What only a child may do: everything here is of the command, and no longer ours.
void leave_parent(pid_t parent) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) {  // it died before it could be the one whose death counts
        ::_exit(cannot_run);
    }
    for (const int number : {SIGPIPE, SIGINT, SIGTERM}) {
        ::signal(number, SIG_DFL);
    }
    if (::signal(SIGHUP, SIG_DFL) == SIG_IGN) {  // nohup
        ::signal(SIGHUP, SIG_IGN);
    }
    hand_on_descriptors();
}

[[noreturn]] void become(const std::vector<std::string>& command,
                         const std::map<std::string, std::string>& environment,
                         int report,
                         const sigset_t& mask) {
    for (const auto& [name, value] : environment) {
        ::setenv(name.c_str(), value.c_str(), 1);
    }
    std::vector<char*> words;
    for (const std::string& word : command) {
        words.push_back(
            const_cast<char*>(word.c_str()));  // NOLINT: execvp's old signature; it does not write
    }
    words.push_back(nullptr);
    ::sigprocmask(SIG_SETMASK, &mask, nullptr);
    ::execvp(words[0], words.data());
    const int problem = errno;
    [[maybe_unused]] const auto written = ::write(report, &problem, sizeof problem);
    ::_exit(cannot_run);
}

/// fork(), with all signals blocked in the child, because our handlers are not for it.
pid_t fork_blocked(sigset_t& before) {
    sigset_t all;
    ::sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, &before);
    const pid_t id = ::fork();
    if (id != 0) {
        ::sigprocmask(SIG_SETMASK, &before, nullptr);
    }
    return id;
}

}  // namespace

tl::expected<ChildProcess, std::string> ChildProcess::start(
    const std::vector<std::string>& command,
    const std::map<std::string, std::string>& environment,
    OutputTee* tee) {
    int report[2];
    if (::pipe2(report, O_CLOEXEC) != 0) {
        return tl::make_unexpected(std::string("pipe: ") + std::strerror(errno));
    }
    ::signal(SIGCHLD, SIG_DFL);            // ignored, as some callers leave it, there is nothing to wait for
    ::prctl(PR_SET_CHILD_SUBREAPER, 1UL);  // else who lives on in the group is waited for by somebody else
    const pid_t parent = ::getpid();
    sigset_t mask;
    const pid_t id = fork_blocked(mask);
    if (id == 0) {
        leave_parent(parent);
        if (tee != nullptr) {
            tee->become_child();
        }
        become(command, environment, report[1], mask);
    }
    ::close(report[1]);
    if (tee != nullptr) {
        tee->started();
    }
    int problem = 0;
    const auto got = id > 0 ? ::read(report[0], &problem, sizeof problem) : 0;
    ::close(report[0]);
    if (id < 0) {
        return tl::make_unexpected(std::string("fork: ") + std::strerror(errno));
    }
    if (got > 0) {
        ::waitpid(id, nullptr, 0);
        return tl::make_unexpected("cannot run \"" + command.front() + "\": " + std::strerror(problem));
    }
    return ChildProcess(id, tee);
}

/// What has become of it, and of the orphans that came to us.
void ChildProcess::look() {
    int status = 0;
    while (const pid_t changed = ::waitpid(-1, &status, WNOHANG | WUNTRACED)) {
        if (changed < 0) {
            return;
        }
        if (changed != id_) {
            continue;
        }
        if (WIFSTOPPED(status)) {
            job_.stopped_by(WSTOPSIG(status));
        } else if (WIFSIGNALED(status)) {
            code_ = 128 + WTERMSIG(status);
            job_.ended_by(WTERMSIG(status));
        } else {
            code_ = WEXITSTATUS(status);
        }
    }
}

bool ChildProcess::leaves_nobody() const { return ::kill(-id_, 0) != 0; }

wire::Awaitable<int> ChildProcess::wait(const std::atomic<bool>& stop) {
    asio::any_io_executor executor = co_await asio::this_coro::executor;
    asio::steady_timer timer(executor);
    std::optional<wire::Deadline> kill_at;
    while (true) {
        look();
        if (tee_ != nullptr) {
            tee_->pump();
        }
        const auto now = wire::Clock::now();
        if (code_ && (!stop || leaves_nobody() || (kill_at && now > *kill_at + last_look))) {
            break;
        }
        if (stop && !kill_at) {
            job_.send(SIGTERM);
            kill_at = now + patience;
        } else if (stop && now >= *kill_at) {
            job_.send(SIGKILL);
        }
        timer.expires_after(std::chrono::milliseconds(20));
        co_await timer.async_wait(asio::use_awaitable);
    }
    constexpr int last_pieces = 64;  // who lives on in the background may write for ever
    for (int i = 0; i < last_pieces && tee_ != nullptr && tee_->pump(); ++i) {
    }
    job_.over();
    co_return *code_;
}

}  // namespace smtpspec::cli
