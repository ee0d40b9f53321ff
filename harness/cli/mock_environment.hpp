#pragma once

#include <atomic>
#include <optional>

#include "harness/cli/output_tee.hpp"
#include "harness/run/cell_environment.hpp"
#include "harness/run/oracles.hpp"
#include "mockserver/server.hpp"

namespace smtpspec::cli {

/// What `--scenario` can know of the command that is the client under test.
struct CommandState {
    bool given = false;            ///< without one, whoever connects is judged by what is seen alone
    std::optional<int> code;       ///< when it has ended
    std::optional<OutputTee> tee;  ///< what it writes
};

/// The world of `mock --scenario`: the scenario's server is played for whoever connects, until `stop`.
class MockEnvironment : public run::CellEnvironment, public script::ClientOracle {
  public:
    /// All references outlive it; the sessions that it leaves behind go on writing to `transcript`.
    MockEnvironment(const run::RunContext& context,
                    const run::PlannedCell& cell,
                    boost::asio::any_io_executor executor,
                    wire::Transcript& transcript,
                    mock::Server& server,
                    const std::atomic<bool>& stop,
                    const CommandState& command);
    /// The server forgets the script's rules and watches, which end with the script.
    ~MockEnvironment() override;

    wire::Awaitable<wire::IoResult<std::unique_ptr<wire::Connection>>> open(script::OpenRequest request,
                                                                            wire::Deadline deadline) override;
    wire::TlsClientSettings client_tls() const override { return {}; }
    wire::Awaitable<wire::IoResult<std::unique_ptr<script::PlayedSession>>> accept(
        std::string name, wire::Deadline deadline) override;
    wire::Awaitable<void> serve(std::unique_ptr<script::PlayedSession> current,
                                script::Overlay& overlay,
                                script::SessionObserver& observer,
                                std::optional<std::chrono::milliseconds> at_most,
                                wire::Deadline deadline) override;
    void observe(script::SessionObserver* observer) override { server_.set_observer(observer); }
    script::StoreOracle* store() override { return &mails_; }
    script::ClientOracle* client() override { return command_.given ? this : nullptr; }
    // ClientOracle, by the command's exit code: 0 is "sent", 75 (EX_TEMPFAIL) "temporary", 69 and 77
    // (EX_UNAVAILABLE, EX_NOPERM) "permanent", a signal "crashed", anything else "unknown".
    std::string says() const override;
    std::string output() const override { return command_.tee ? command_.tee->text() : std::string(); }
    double peak() const override { return static_cast<double>(server_.peak()); }
    wire::Awaitable<void> settled(wire::Deadline deadline) override;
    double time_scale() const override { return 1.0; }
    /// A person types slower than a program; a command is judged by the scenario's own times.
    std::chrono::milliseconds least_step() const override {
        return command_.given ? std::chrono::milliseconds(0) : std::chrono::minutes(10);
    }
    /// A command may do much else and retry late, and ends the scenario by its own end.
    std::chrono::milliseconds least_total() const override { return std::chrono::hours(24); }

  private:
    /// The store, compared with what the command says of itself.
    class Store : public run::EmbeddedStore {
      public:
        explicit Store(MockEnvironment& owner)
            : EmbeddedStore(owner.server_.store(), std::chrono::milliseconds(100)), owner_(owner) {}
        /// 1 when the command says that it sent, and nothing is there. How many it had to send is not known.
        int lost() const override;
        /// Messages that are there again: the same Message-ID for the same recipients.
        int doubled() const override;

      private:
        MockEnvironment& owner_;
    };

    mock::Server& server_;
    const std::atomic<bool>& stop_;
    const CommandState& command_;
    Store mails_;
};

}  // namespace smtpspec::cli
