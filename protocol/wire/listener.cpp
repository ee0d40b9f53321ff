#include "protocol/wire/listener.hpp"

#include <atomic>
#include <random>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "protocol/wire/close_on_exec.hpp"
#include "protocol/wire/resolve.hpp"

namespace smtpspec::wire {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

IoError listen_error(const std::string& address, std::uint16_t port, const boost::system::error_code& ec) {
    IoError why;
    why.what = "listen on " + address + " port " + std::to_string(port) + ": " + ec.message();
    if (ec == asio::error::access_denied && port != 0 && port < 1024)
        why.what += " (ports below 1024 need root or CAP_NET_BIND_SERVICE; choose a port above 1023)";
    else if (ec == asio::error::address_in_use)
        why.what += " (another program has this port: `ss -ltnp` shows which; or choose another port)";
    else if (ec == boost::system::errc::address_not_available)
        why.what += " (this machine has no such address; `ip address` shows which it has)";
    return why;
}

/// The next port to try, going round IANA's dynamic ports as far as Linux gives them out (RFC 6335 §6).
std::uint16_t next_candidate() {
    constexpr std::uint32_t first = 49152;
    constexpr std::uint32_t count = 60999 - first + 1;
    static std::atomic<std::uint32_t> turn{std::random_device{}()};
    return static_cast<std::uint16_t>(first + turn.fetch_add(1, std::memory_order_relaxed) % count);
}

tcp::acceptor listen_at(const Connection::Executor& executor,
                        const tcp::endpoint& endpoint,
                        boost::system::error_code& ec) {
    tcp::acceptor acceptor(executor);
    acceptor.open(endpoint.protocol(), ec);
    close_on_exec(acceptor.native_handle());
    if (!ec)
        acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
    if (!ec)
        acceptor.bind(endpoint, ec);
    if (!ec)
        acceptor.listen(asio::socket_base::max_listen_connections, ec);
    return acceptor;
}

/// Listens on a free port. Asked for port 0, the kernel searches among all ports that connections in
/// TIME_WAIT still hold; with the thousands that a matrix leaves behind, that search was a fifth of a run's
/// CPU time.
tcp::acceptor listen_somewhere(const Connection::Executor& executor,
                               tcp::endpoint endpoint,
                               boost::system::error_code& ec) {
    constexpr int candidates = 64;
    for (int i = 0; i < candidates; ++i) {
        endpoint.port(next_candidate());
        tcp::acceptor acceptor = listen_at(executor, endpoint, ec);
        if (ec != asio::error::address_in_use)
            return acceptor;
    }
    endpoint.port(0);
    return listen_at(executor, endpoint, ec);
}

}  // namespace

Listener::Listener(tcp::acceptor acceptor) : acceptor_(std::move(acceptor)) {
    boost::system::error_code ignored;
    local_ = acceptor_.local_endpoint(ignored);
}

IoResult<Listener> Listener::open(Connection::Executor executor,
                                  const std::string& address,
                                  std::uint16_t port) {
    boost::system::error_code ec;
    auto numeric = asio::ip::make_address(address, ec);
    if (ec) {
        IoError why;
        why.what = "listen on " + address + ": this is no numeric address such as 127.0.0.1 or ::1";
        return tl::unexpected(std::move(why));
    }
    const tcp::endpoint endpoint(numeric, port);
    tcp::acceptor acceptor =
        port == 0 ? listen_somewhere(executor, endpoint, ec) : listen_at(executor, endpoint, ec);
    if (ec)
        return tl::unexpected(listen_error(address, port, ec));
    return Listener(std::move(acceptor));
}

Awaitable<IoResult<tcp::socket>> Listener::accept() { return accept(acceptor_.get_executor()); }

Awaitable<IoResult<tcp::socket>> Listener::accept(Connection::Executor onto) {
    auto [ec, socket] = co_await acceptor_.async_accept(onto, asio::as_tuple(asio::use_awaitable));
    if (!ec) {
        close_on_exec(socket.native_handle());
        co_return std::move(socket);
    }
    IoError why;
    bool closed = ec == asio::error::operation_aborted || ec == asio::error::bad_descriptor;
    why.kind = closed ? IoError::Kind::closed : IoError::Kind::other;
    why.what = "accept on " + to_string(local_) + ": " + (closed ? "no longer listening" : ec.message());
    co_return tl::unexpected(std::move(why));
}

void Listener::close() {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
}

}  // namespace smtpspec::wire
