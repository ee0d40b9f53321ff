#pragma once

#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/wire/connection.hpp"

namespace smtpspec::wire {

/// Addresses of `host`, in the system's order (RFC 6724): at once for a numeric address (also "[::1]"), by
/// getaddrinfo otherwise. Errors are `unreachable` (the name has no address) and `timeout`, and name the
/// host.
Awaitable<IoResult<std::vector<boost::asio::ip::tcp::endpoint>>> resolve(Connection::Executor executor,
                                                                         std::string host,
                                                                         std::uint16_t port,
                                                                         Deadline deadline);

/// IPv4 first: several providers publish AAAA records that lead nowhere (docs/decisions.md). `found` is what
/// resolve() gave, never empty.
boost::asio::ip::tcp::endpoint preferred(const std::vector<boost::asio::ip::tcp::endpoint>& found);

/// "127.0.0.1:25", "[::1]:25".
std::string to_string(const boost::asio::ip::tcp::endpoint& endpoint);

}  // namespace smtpspec::wire
