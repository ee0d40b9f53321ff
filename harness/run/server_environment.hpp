#pragma once

#include <map>
#include <memory>

#include "harness/run/cell_environment.hpp"

namespace smtpspec::run {

/// The world of a cell whose side under test is a server: we are the client.
class ServerEnvironment : public CellEnvironment {
  public:
    /// `addresses`: logical port -> where to connect. `store` may be null.
    ServerEnvironment(const RunContext& context,
                      const PlannedCell& cell,
                      boost::asio::any_io_executor executor,
                      wire::Transcript& transcript,
                      std::map<int, boost::asio::ip::tcp::endpoint> addresses,
                      std::unique_ptr<script::StoreOracle> store);

    wire::Awaitable<wire::IoResult<std::unique_ptr<wire::Connection>>> open(script::OpenRequest request,
                                                                            wire::Deadline deadline) override;
    /// Keeps the profile's pace where a transaction begins.
    wire::Awaitable<void> before_send(const std::string& octets) override;
    /// Of a foreign server. One in three is lost by some (real-peers.md); on other machines as many as
    /// manners allow.
    int lost_connections() const override;
    script::Mode mode_of_port(int port) const override;
    std::chrono::milliseconds least_step() const override {
        return context_.profile.step.value_or(std::chrono::milliseconds(0));
    }
    wire::TlsClientSettings client_tls() const override;
    wire::Awaitable<wire::IoResult<std::unique_ptr<script::PlayedSession>>> accept(
        std::string name, wire::Deadline deadline) override;
    wire::Awaitable<void> serve(std::unique_ptr<script::PlayedSession> current,
                                script::Overlay& overlay,
                                script::SessionObserver& observer,
                                std::optional<std::chrono::milliseconds> at_most,
                                wire::Deadline deadline) override;
    void observe(script::SessionObserver*) override {}
    script::StoreOracle* store() override { return store_.get(); }
    script::ClientOracle* client() override { return nullptr; }

    /// Connections that could not be made: why, for the verdict "died" or "unreachable".
    const std::optional<wire::IoError>& connect_error() const { return connect_error_; }

    /// A port that the script asked for and that is not part of this run; 0: none, or another that it asked
    /// for beside its own is.
    int missing_port() const { return asked_elsewhere_ ? 0 : missing_port_; }
    /// How many connections the script has asked for.
    int connections() const { return connections_; }

  private:
    std::map<int, boost::asio::ip::tcp::endpoint> addresses_;
    std::unique_ptr<script::StoreOracle> store_;
    std::optional<wire::IoError> connect_error_;
    int missing_port_ = 0;
    int connections_ = 0;
    bool asked_elsewhere_ = false;
    std::string line_;  ///< the beginning of the line that is being sent
};

}  // namespace smtpspec::run
