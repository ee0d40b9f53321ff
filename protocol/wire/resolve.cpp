#include "protocol/wire/resolve.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <unistd.h>
#include <algorithm>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <array>
#include <atomic>
#include <cstring>
#include <system_error>
#include <thread>

namespace smtpspec::wire {

namespace asio = boost::asio;
using asio::ip::tcp;
using Endpoints = std::vector<tcp::endpoint>;

namespace {

/// One getaddrinfo(), which cannot be interrupted. It has a thread of its own, so that neither a deadline nor
/// the end of the event loop has to wait for a name server that is silent (Asio's resolver joins its thread).
struct Lookup {
    std::string host, port;
    std::array<int, 2> pipe{-1, -1};
    std::atomic<bool> done = false;
    int status = 0;
    int system_error = 0;
    Endpoints found;

    ~Lookup() {
        for (int end : pipe)
            if (end >= 0)
                ::close(end);
    }
    void run() {
        addrinfo hints{};
        hints.ai_family = AF_UNSPEC;
        hints.ai_socktype = SOCK_STREAM;
        hints.ai_flags = AI_NUMERICSERV;
        addrinfo* list = nullptr;
        status = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &list);
        system_error = errno;
        for (auto* entry = list; entry != nullptr; entry = entry->ai_next) {
            tcp::endpoint endpoint;
            if (entry->ai_addrlen > endpoint.capacity())
                continue;
            std::memcpy(endpoint.data(), entry->ai_addr, entry->ai_addrlen);
            endpoint.resize(entry->ai_addrlen);
            found.push_back(endpoint);
        }
        if (list != nullptr)
            ::freeaddrinfo(list);
        done = true;
        (void)!::write(pipe[1], "x", 1);
    }
    std::string problem() const {
        if (status == EAI_SYSTEM)
            return std::generic_category().message(system_error);
        return status == 0 ? "the name has no address" : ::gai_strerror(status);
    }
};

IoError lookup_error(IoError::Kind kind, const std::string& host, const std::string& why) {
    IoError error;
    error.kind = kind;
    error.what = "resolve " + host + ": " + why;
    return error;
}

tl::expected<std::shared_ptr<Lookup>, std::string> start_lookup(const std::string& host, std::uint16_t port) {
    auto lookup = std::make_shared<Lookup>();
    lookup->host = host;
    lookup->port = std::to_string(port);
    if (::pipe2(lookup->pipe.data(), O_CLOEXEC) != 0)
        return tl::unexpected(std::generic_category().message(errno));
    try {
        std::thread([lookup] { lookup->run(); }).detach();  // owns its share; may outlive everybody else's
    } catch (const std::system_error& error) {
        return tl::unexpected(std::string(error.what()));
    }
    return lookup;
}

/// Waits until the lookup is done or time is over.
Awaitable<void> wait_until_done(Connection::Executor executor,
                                std::shared_ptr<Lookup> lookup,
                                Deadline deadline) {
    auto answer = std::make_shared<asio::posix::stream_descriptor>(executor, ::dup(lookup->pipe[0]));
    asio::steady_timer timer(executor, deadline);
    timer.async_wait([answer](boost::system::error_code ec) {  // may run after the coroutine has ended
        if (!ec)
            answer->cancel();
    });
    (void)co_await answer->async_wait(asio::posix::stream_descriptor::wait_read,
                                      asio::as_tuple(asio::use_awaitable));
    timer.cancel();
}

}  // namespace

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
    bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    boost::system::error_code not_numeric;
    auto address = asio::ip::make_address(bracketed ? host.substr(1, host.size() - 2) : host, not_numeric);
    if (!not_numeric) {
        Endpoints numeric(1, tcp::endpoint(address, port));
        co_return numeric;
    }
    auto lookup = start_lookup(host, port);
    if (!lookup)
        co_return tl::unexpected(lookup_error(IoError::Kind::other, host, lookup.error()));
    co_await wait_until_done(executor, *lookup, deadline);
    if (!(*lookup)->done)
        co_return tl::unexpected(
            lookup_error(IoError::Kind::timeout, host, "no answer from the resolver until the deadline"));
    if ((*lookup)->found.empty())
        co_return tl::unexpected(lookup_error(IoError::Kind::unreachable, host, (*lookup)->problem()));
    co_return std::move((*lookup)->found);
}

boost::asio::ip::tcp::endpoint preferred(const std::vector<boost::asio::ip::tcp::endpoint>& found) {
    const auto v4 = std::find_if(
        found.begin(), found.end(), [](const auto& endpoint) { return endpoint.address().is_v4(); });
    return v4 == found.end() ? found.front() : *v4;
}

}  // namespace smtpspec::wire
