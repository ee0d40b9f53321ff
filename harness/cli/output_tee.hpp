#pragma once

#include <array>
#include <string>

#include <tl/expected.hpp>

namespace smtpspec::cli {

/// What a command writes to its standard output and error goes on to ours, and is kept as evidence:
/// `client.output` of a scenario. One thread.
class OutputTee {
  public:
    /// Two pipes. Error: the system's reason.
    static tl::expected<OutputTee, std::string> create();
    OutputTee(OutputTee&& other) noexcept;
    OutputTee& operator=(OutputTee&&) = delete;
    ~OutputTee();

    /// In the child, before exec: its standard output and error lead to us.
    void become_child() const noexcept;
    /// In the parent, when the child runs: only the child writes.
    void started();
    /// Passes on and keeps a piece of what has been written, at most 64 KiB of each, and none of what our own
    /// output would have to wait for: it stays in the pipe, and the command waits. True: something was there.
    bool pump();
    /// What came until now, both together, at most the first 64 KiB.
    const std::string& text() const { return text_; }

  private:
    struct Way {
        int from = -1, into = -1;  ///< the pipe's ends; -1: closed
    };
    OutputTee() = default;

    std::array<Way, 2> ways_;  ///< standard output, standard error
    std::string text_;
};

}  // namespace smtpspec::cli
