#include "protocol/wire/listener.hpp"

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
    tcp::endpoint endpoint(numeric, port);
    tcp::acceptor acceptor(executor);
    acceptor.open(endpoint.protocol(), ec);
    close_on_exec(acceptor.native_handle());
    if (!ec)
        acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
    if (!ec)
        acceptor.bind(endpoint, ec);
    if (!ec)
        acceptor.listen(asio::socket_base::max_listen_connections, ec);
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
