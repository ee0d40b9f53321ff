#pragma once

#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <string>

#include "protocol/wire/connection.hpp"

namespace smtpspec::wire {

/// A listening TCP socket. Pass what accept() gives to Connection.
class Listener {
  public:
    /// `address` is numeric ("127.0.0.1", "::1"); port 0 takes a free one. The error names both and says what
    /// to do.
    static IoResult<Listener> open(Connection::Executor executor,
                                   const std::string& address,
                                   std::uint16_t port);

    std::uint16_t port() const { return local_.port(); }
    boost::asio::ip::tcp::endpoint local() const { return local_; }

    /// The next connection, on the listener's executor or on `onto`. After close(): error `closed`.
    Awaitable<IoResult<boost::asio::ip::tcp::socket>> accept();
    Awaitable<IoResult<boost::asio::ip::tcp::socket>> accept(Connection::Executor onto);

    /// Ends a pending accept(). Same thread.
    void close();

  private:
    explicit Listener(boost::asio::ip::tcp::acceptor acceptor);

    boost::asio::ip::tcp::acceptor acceptor_;
    boost::asio::ip::tcp::endpoint local_;
};

}  // namespace smtpspec::wire
