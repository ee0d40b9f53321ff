#include "harness/run/server_environment.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "protocol/smtp/text.hpp"

namespace smtpspec::run {

namespace asio = boost::asio;

ServerEnvironment::ServerEnvironment(const RunContext& context,
                                     const PlannedCell& cell,
                                     asio::any_io_executor executor,
                                     wire::Transcript& transcript,
                                     std::map<int, asio::ip::tcp::endpoint> addresses,
                                     std::unique_ptr<script::StoreOracle> store)
    : CellEnvironment(context, cell, std::move(executor), transcript, context.masker),
      addresses_(std::move(addresses)),
      store_(std::move(store)) {}

wire::Awaitable<wire::IoResult<std::unique_ptr<wire::Connection>>> ServerEnvironment::open(
    script::OpenRequest request, wire::Deadline deadline) {
    const int port = request.port == 0 ? cell_.port : request.port;
    const auto found = addresses_.find(port);
    const bool other_host = !request.host.empty() && request.host != context_.profile.host;
    if (found == addresses_.end() || other_host) {
        missing_port_ = found == addresses_.end() ? port : missing_port_;
        co_return not_offered(fmt::format("the scenario asks for {}:{}, which the endpoint does not have",
                                          other_host ? request.host : context_.profile.host,
                                          port));
    }
    asked_elsewhere_ = asked_elsewhere_ || port != cell_.port;
    wire::ConnectionOptions options;
    options.name = request.name;
    auto connection = std::make_unique<wire::Connection>(executor_, transcript_, options);
    ++connections_;
    auto connected = co_await connection->connect(found->second, deadline);
    if (!connected) {
        if (port == cell_.port) {  // another port may well be refused: that is what some scenarios ask
            connect_error_ = connected.error();
        }
        co_return tl::make_unexpected(connected.error());
    }
    co_return connection;
}

int ServerEnvironment::lost_connections() const {
    switch (context_.surroundings) {
        case Surroundings::embedded:
            return 0;
        case Surroundings::loopback:
            return 5;
        case Surroundings::remote:
            break;
    }
    return 2;
}

namespace {

constexpr std::string_view mail = "MAIL FROM:";

/// Whether a MAIL command comes to be known as such in these octets; pipelined ones count once, they are one
/// write. `line`: the beginning of the line that earlier writes have left open, and then that of this one.
bool begins_transaction(const std::string& octets, std::string& line) {
    bool begins = false;
    for (const char c : octets) {
        if (c == '\n') {
            line.clear();
        } else if (line.size() < mail.size()) {
            line += c;
            begins = begins || smtp::istarts_with(line, mail);
        }
    }
    return begins;
}

}  // namespace

wire::Awaitable<void> ServerEnvironment::before_send(const std::string& octets) {
    const double pace = context_.pace();
    if (pace <= 0 || !begins_transaction(octets, line_)) {
        co_return;
    }
    const auto gap =
        std::chrono::duration_cast<MailGate::Clock::duration>(std::chrono::duration<double>(1 / pace));
    asio::steady_timer timer(executor_, context_.gate->next(gap));
    co_await timer.async_wait(asio::use_awaitable);
}

script::Mode ServerEnvironment::mode_of_port(int port) const {
    const auto known = context_.profile.ports.find(port);
    return known == context_.profile.ports.end() ? mode() : known->second;
}

wire::TlsClientSettings ServerEnvironment::client_tls() const {
    wire::TlsClientSettings settings;
    settings.context = context_.client_tls;
    settings.server_name =
        context_.profile.server_name.empty() ? context_.profile.host : context_.profile.server_name;
    return settings;
}

wire::Awaitable<wire::IoResult<std::unique_ptr<script::PlayedSession>>> ServerEnvironment::accept(
    std::string, wire::Deadline) {
    co_return not_offered("a server cell has no client under test");
}

wire::Awaitable<void> ServerEnvironment::serve(std::unique_ptr<script::PlayedSession>,
                                               script::Overlay&,
                                               script::SessionObserver&,
                                               std::optional<std::chrono::milliseconds>,
                                               wire::Deadline) {
    co_return;
}

}  // namespace smtpspec::run
