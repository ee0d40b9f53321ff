#include "harness/cli/bench_server.hpp"

#include <stdexcept>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include "harness/run/embedded_server.hpp"

namespace smtpspec::cli {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::milliseconds forget_interval{50};

}  // namespace

BenchServer::BenchServer(const run::RunContext& context) : timer_(loop_) {
    server_ = std::make_unique<mock::Server>(
        loop_.get_executor(), run::embedded_server_config(context), context.pki);
    server_->store().on_add([this](const mock::Mail&) {
        messages_.fetch_add(1, std::memory_order_relaxed);
        return tl::expected<void, std::string>();
    });
    if (auto up = server_->start(); !up) {
        throw std::runtime_error(up.error());
    }
    for (const mock::PortInfo& port : server_->ports()) {
        ports_[port.logical] = port.actual;
    }
    server_->serve();
    forget();
    thread_ = std::thread([this] { loop_.run(); });
}

void BenchServer::forget() {
    timer_.expires_after(forget_interval);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) {
            server_->store().clear();
            forget();
        }
    });
}

BenchServer::~BenchServer() {
    asio::post(loop_, [this] {
        timer_.cancel();
        asio::co_spawn(loop_, server_->stop(), [](std::exception_ptr) {});
    });
    thread_.join();
    server_.reset();
}

}  // namespace smtpspec::cli
