#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/client/session.hpp"
#include "harness/latency/latency.hpp"

namespace smtpspec::latency {

/// One port: its messages, one after the other. `task` and `transcript` outlive it.
class PortRun {
  public:
    PortRun(wire::Connection::Executor executor,
            const LatencyTask& task,
            int port,
            std::shared_ptr<SSL_CTX> tls,
            wire::Transcript& transcript);

    /// Sends the message with this number (counted from 1) and books it; why it was not sent, if it was not.
    wire::Awaitable<std::optional<client::Failure>> message(int number);
    /// Ends the connection that stayed.
    wire::Awaitable<void> finish();
    /// No more messages follow.
    void stop(Trouble cause, std::string reason);
    const PortLatency& so_far() const { return result_; }
    /// What the messages since the last call took.
    Block take_block();
    /// Messages lost one after the other, until now, because the connection was not made, ended or was
    /// silent.
    int lost_in_a_row() const { return lost_in_a_row_; }

  private:
    wire::Awaitable<client::Step<void>> open();
    wire::Awaitable<client::Step<std::string>> address();
    wire::Awaitable<client::Step<void>> send(int number);
    wire::Awaitable<void> hang_up();
    client::SessionPlan plan(std::string address);
    client::Envelope envelope(int number) const;
    Place place() const;
    void record(const client::Step<void>& outcome);
    Trouble trouble_of(const client::Failure& failure) const;

    wire::Connection::Executor executor_;
    const LatencyTask& task_;
    std::shared_ptr<SSL_CTX> tls_;
    wire::Transcript& transcript_;
    PortLatency result_;
    int lost_in_a_row_ = 0;
    std::vector<StageSample> samples_;  ///< of the present message
    std::map<Stage, Histogram> block_;
    std::unique_ptr<client::Session> session_;
};

/// The login itself was refused for good: to repeat it measures nothing and locks accounts (design.md §8).
bool login_refused(const client::Failure& failure);

/// The reply means "too fast".
bool limits_us(const Manners& manners, const client::Failure& failure);

}  // namespace smtpspec::latency
