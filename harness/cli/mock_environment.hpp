#pragma once

#include <atomic>

#include "harness/run/cell_environment.hpp"
#include "harness/run/oracles.hpp"
#include "mockserver/server.hpp"

namespace smtpspec::cli {

/// The world of `mock --scenario`: the scenario's server is played for whoever connects, until `stop`.
class MockEnvironment : public run::CellEnvironment {
  public:
    MockEnvironment(const run::RunContext& context,
                    const run::PlannedCell& cell,
                    boost::asio::any_io_executor executor,
                    wire::Transcript& transcript,
                    mock::Server& server,
                    const std::atomic<bool>& stop);

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
    script::ClientOracle* client() override { return nullptr; }
    /// A person may take a while to start a client.
    double time_scale() const override { return 1000.0; }

  private:
    mock::Server& server_;
    const std::atomic<bool>& stop_;
    run::EmbeddedStore mails_;
};

}  // namespace smtpspec::cli
