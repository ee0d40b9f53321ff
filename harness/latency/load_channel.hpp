#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "protocol/wire/tls_engine.hpp"

namespace smtpspec::latency {

/// One TCP connection of a load generator, in clear or with TLS, and after its end the next one. It calls its
/// owner back; nothing is recorded, no timer is set, and what it receives is not copied more often than TLS
/// asks for: it has to cost less than what it measures. wire::Connection is the one that judges.
///
/// One thread: that of its loop, which must outlive it. The owner's functions may call any function here,
/// close() included.
class LoadChannel {
  public:
    class Owner {
      public:
        virtual ~Owner() = default;
        virtual void connected() = 0;
        /// More octets are in input().
        virtual void received() = 0;
        /// The TLS handshake is complete.
        virtual void secured() = 0;
        /// All octets of send() are with the kernel; only after a send() that gave false.
        virtual void drained() = 0;
        /// The other side closed in order (`why` is empty), or something went wrong: a sentence. The channel
        /// is closed.
        virtual void ended(const std::string& why) = 0;
    };

    LoadChannel(boost::asio::io_context& loop, Owner& owner);
    LoadChannel(const LoadChannel&) = delete;
    LoadChannel& operator=(const LoadChannel&) = delete;

    void connect(const boost::asio::ip::tcp::endpoint& to);
    /// The handshake as a client. Octets that came in clear before it end the connection.
    void start_tls(const wire::TlsClientSettings& settings);
    /// False: some octets have to wait for the peer, drained() follows. The rest is kept here.
    bool send(std::string_view octets);
    /// What was received and not yet consumed.
    std::string_view input() const { return std::string_view(input_).substr(consumed_); }
    void consume(std::size_t octets);
    /// No call of the owner follows for this connection.
    void close();

    bool is_open() const { return socket_.is_open(); }
    bool inside_tls() const { return tls_ != nullptr && !handshaking_; }
    SSL* tls() const { return tls_ ? tls_->ssl() : nullptr; }

  private:
    void listen();
    void take(std::size_t octets);
    void take_records(std::string_view octets);
    bool write(std::string_view octets);
    void wait_until_writable();
    void fail(const std::string& why);
    void step_handshake();

    boost::asio::ip::tcp::socket socket_;
    Owner& owner_;
    std::unique_ptr<wire::TlsEngine> tls_;
    bool handshaking_ = false;
    std::uint64_t life_ = 0;  ///< handlers of an earlier connection find another number
    std::string input_;
    std::size_t consumed_ = 0;
    std::string waiting_;  ///< to be written
    std::array<char, 2048> buffer_;
};

}  // namespace smtpspec::latency
