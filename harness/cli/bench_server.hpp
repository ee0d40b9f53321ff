#pragma once

#include <map>
#include <memory>
#include <thread>

#include <boost/asio/io_context.hpp>

#include "harness/run/context.hpp"
#include "mockserver/server.hpp"

namespace smtpspec::cli {

/// The embedded server on a thread of its own, for loads and calibration. Messages are counted and then
/// forgotten.
class BenchServer {
  public:
    /// The ports, the account and the certificates of an embedded context. Throws std::runtime_error when a
    /// port cannot be bound.
    explicit BenchServer(const run::RunContext& context);
    ~BenchServer();
    BenchServer(const BenchServer&) = delete;
    BenchServer& operator=(const BenchServer&) = delete;

    /// Logical port -> port to connect to.
    const std::map<int, int>& ports() const { return ports_; }
    /// Taken so far.
    std::uint64_t messages() const { return server_->store().accepted(); }

  private:
    boost::asio::io_context loop_{1};
    std::unique_ptr<mock::Server> server_;
    std::map<int, int> ports_;
    std::thread thread_;
};

}  // namespace smtpspec::cli
