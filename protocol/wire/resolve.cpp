#include "protocol/wire/resolve.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace smtpspec::wire {

namespace asio = boost::asio;
using asio::ip::tcp;
using Endpoints = std::vector<tcp::endpoint>;

std::string to_string(const tcp::endpoint& endpoint) {
    auto address = endpoint.address().to_string();
    if (endpoint.address().is_v6())
        address = "[" + address + "]";
    return address + ":" + std::to_string(endpoint.port());
}

Awaitable<IoResult<Endpoints>> resolve(Connection::Executor executor,
                                       std::string host,
                                       std::uint16_t port,
                                       Deadline deadline) {
    Endpoints found;
    bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    boost::system::error_code not_numeric;
    auto address = asio::ip::make_address(bracketed ? host.substr(1, host.size() - 2) : host, not_numeric);
    if (!not_numeric) {
        found.emplace_back(address, port);
        co_return found;
    }
    auto resolver = std::make_shared<tcp::resolver>(executor);
    auto expired = std::make_shared<bool>(false);
    asio::steady_timer timer(executor, deadline);
    timer.async_wait(
        [resolver, expired](boost::system::error_code ec) {  // may run after the coroutine has ended
            if (ec)
                return;
            *expired = true;
            resolver->cancel();
        });
    auto [ec, results] = co_await resolver->async_resolve(
        host, std::to_string(port), tcp::resolver::numeric_service, asio::as_tuple(asio::use_awaitable));
    timer.cancel();
    IoError why;
    if (*expired && ec) {
        why.kind = IoError::Kind::timeout;
        why.what = "resolve " + host + ": no answer from the resolver until the deadline";
        co_return tl::unexpected(std::move(why));
    }
    for (const auto& result : results)
        found.push_back(result.endpoint());
    if (!ec && !found.empty())
        co_return found;
    why.kind = IoError::Kind::unreachable;
    why.what = "resolve " + host + ": " + (ec ? ec.message() : "the name has no address");
    co_return tl::unexpected(std::move(why));
}

}  // namespace smtpspec::wire
