#pragma once

#include <map>
#include <memory>

#include "harness/client/client_under_test.hpp"
#include "harness/run/cell_environment.hpp"
#include "harness/run/oracles.hpp"
#include "mockserver/server.hpp"

namespace smtpspec::run {

/// The world of a cell whose side under test is a client: we are the server. Owns the faithful server of the
/// cell and starts the client when the script first waits for it. One cell, one thread. `finish()` must be
/// awaited before it is destroyed.
class ClientEnvironment : public CellEnvironment, public script::ClientOracle {
  public:
    ClientEnvironment(const RunContext& context,
                      const PlannedCell& cell,
                      boost::asio::any_io_executor executor,
                      wire::Transcript& transcript,
                      const wire::Masker& masker);
    ~ClientEnvironment() override;

    /// Binds the server. The error names address and port.
    tl::expected<void, std::string> start(const std::map<std::string, std::string>& client_values);
    /// Ends the client and the server.
    wire::Awaitable<void> finish();
    /// Words of `needs` that the client has.
    std::set<std::string> features() const;

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
    void observe(script::SessionObserver* observer) override;
    script::StoreOracle* store() override { return &store_; }
    script::ClientOracle* client() override { return this; }

    // ClientOracle
    std::string says() const override;
    std::string output() const override;
    double peak() const override;

    wire::Awaitable<void> settled(wire::Deadline deadline) override;

  private:
    /// The store, compared with what the client was asked to send.
    class Store : public script::StoreOracle {
      public:
        explicit Store(ClientEnvironment& owner) : owner_(owner) {}
        wire::Awaitable<std::vector<script::StoredMail>> settled(wire::Deadline deadline) override;
        int lost() const override;
        int doubled() const override;

      private:
        ClientEnvironment& owner_;
    };

    void start_client();
    wire::Awaitable<void> wait_for_client(wire::Deadline deadline);

    std::unique_ptr<mock::Server> server_;
    std::unique_ptr<client::ClientUnderTest> client_;
    std::unique_ptr<EmbeddedStore> mails_;
    Store store_{*this};
    boost::asio::steady_timer finished_timer_;
    bool started_ = false, finished_ = false, crashed_ = false;
};

}  // namespace smtpspec::run
