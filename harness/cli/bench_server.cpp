#include "harness/cli/bench_server.hpp"

#include <stdexcept>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include "harness/run/embedded_server.hpp"

namespace smtpspec::cli {

namespace asio = boost::asio;

BenchServer::BenchServer(const run::RunContext& context) {
    server_ = std::make_unique<mock::Server>(
        loop_.get_executor(), run::embedded_server_config(context), context.pki);
    server_->store().discard();
    if (auto up = server_->start(); !up) {
        throw std::runtime_error(up.error());
    }
    for (const mock::PortInfo& port : server_->ports()) {
        ports_[port.logical] = port.actual;
    }
    server_->serve();
    thread_ = std::thread([this] { loop_.run(); });
}

BenchServer::~BenchServer() {
    asio::post(loop_, [this] { asio::co_spawn(loop_, server_->stop(), [](std::exception_ptr) {}); });
    thread_.join();
    server_.reset();
}

}  // namespace smtpspec::cli
