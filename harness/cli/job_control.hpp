#pragma once

#include <sys/types.h>

namespace smtpspec::cli {

/// A process group of ours as a shell sees its jobs. At a terminal we stay in the foreground, so that Ctrl-C
/// reaches us and the rest of a pipeline; a command that wants to read from the terminal or to change it is
/// stopped by the kernel (SIGTTIN, SIGTTOU), and then gets it, and Ctrl-C with it. Ctrl-Z stops both. One at
/// a time, because the signal handlers know it.
class Job {
  public:
    /// `group`: its process group, made just now.
    explicit Job(pid_t group);

    /// The group was stopped by this signal: gives it the terminal, or stops us with it until `fg` or `bg`.
    void stopped_by(int signal);
    /// Its leader was ended by this signal. Ctrl-C at a terminal that we had given away means us as well, and
    /// whoever started us.
    void ended_by(int signal);
    /// For the whole group; one that is stopped goes on, so that it can act on it.
    void send(int signal) const;
    /// There is nothing left to signal; the terminal is ours again.
    void over();

    /// SIGKILL for the group that there is, and the terminal is ours again. Async-signal-safe.
    static void kill_now() noexcept;

  private:
    pid_t group_;
};

}  // namespace smtpspec::cli
