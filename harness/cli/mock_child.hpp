#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/cli/job_control.hpp"
#include "harness/cli/output_tee.hpp"
#include "protocol/wire/connection.hpp"

namespace smtpspec::cli {

/// The command behind `mock … -- CMD`: started with extra environment variables in a process group of its
/// own, awaited, and ended with everything in that group. It does not outlive us. One at a time.
class ChildProcess {
  public:
    /// Starts it. `tee`: null, or what its output goes through; outlives it. Error: the program cannot be
    /// run.
    static tl::expected<ChildProcess, std::string> start(
        const std::vector<std::string>& command,
        const std::map<std::string, std::string>& environment,
        OutputTee* tee);
    /// Its exit code, 128 + signal when a signal ended it. `stop` becoming true sends the group SIGTERM, and
    /// SIGKILL 5 s later; then it also waits for the rest of the group. What a command that ends by itself
    /// leaves behind is let live.
    wire::Awaitable<int> wait(const std::atomic<bool>& stop);

  private:
    ChildProcess(pid_t id, OutputTee* tee) : id_(id), job_(id), tee_(tee) {}
    void look();
    bool leaves_nobody() const;

    pid_t id_;  ///< of the process and of its group
    Job job_;
    OutputTee* tee_;
    std::optional<int> code_;
};

}  // namespace smtpspec::cli
