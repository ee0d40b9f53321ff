#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "protocol/wire/tls.hpp"
#include "protocol/wire/transcript.hpp"

namespace smtpspec::wire {

template <class T>
using Awaitable = boost::asio::awaitable<T>;
using Clock = std::chrono::steady_clock;
using Deadline = Clock::time_point;

/// How the other side ended a connection.
enum class PeerEnd {
    none,    ///< it has not
    notify,  ///< TLS close_notify, then (perhaps) FIN
    fin,     ///< FIN without close_notify (or in clear)
    rst,     ///< reset
};

/// Why an operation did not do its work. `what` names the step, the address and port, and what came back.
struct IoError {
    enum class Kind { timeout, closed, reset, refused, unreachable, tls, limit, other };
    Kind kind = Kind::other;
    std::string what;
};
template <class T>
using IoResult = tl::expected<T, IoError>;

/// What a wait for the peer brought.
enum class ReadEvent {
    octets,   ///< input() has grown
    end,      ///< the peer has ended the connection; see peer_end(). Repeats for ever
    timeout,  ///< not one octet until the deadline
    broken,   ///< inside TLS: what came is no TLS record, or a fatal alert (or input_limit); see tls_error(),
              ///< raw_tail(). A further receive() adds to raw_tail() and gives `broken` again, until `end`
};

struct ConnectionOptions {
    std::string name = "a";  ///< as the transcript shows it
    /// Octets not yet consumed. When input() is that long, receive() reads no further and gives `broken`
    /// until something is consumed; tls_error() says so.
    std::size_t input_limit = 4 << 20;
    /// Before `timeout` is reported, the event loop is given this many turns: a peer that lives on the same
    /// loop has then done everything it could, however busy the machine is. A timer that fires late (a
    /// starved machine) is followed by a wait of twice its lateness, at most a second.
    int settle_turns = 8;
};

/// A TCP stream that may become TLS in mid-stream. Every operation has a deadline; every write is recorded as
/// one; what arrived in clear before the switch stays visible in plain_leftover() and never reaches the TLS
/// side by accident (RFC 3207 §4.2, CVE-2011-0411). TLS runs over memory BIOs, so the raw octets stay in our
/// hands. Everything happens on the executor's thread; one reader and one writer at a time.
class Connection {
  public:
    using Executor = boost::asio::any_io_executor;

    Connection(Executor executor, Transcript& transcript, ConnectionOptions options = {});
    /// A connection that a listener accepted.
    Connection(boost::asio::ip::tcp::socket accepted, Transcript& transcript, ConnectionOptions options = {});
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// TCP connect. Errors: refused, unreachable, timeout. After an error it may be tried again with another
    /// address.
    Awaitable<IoResult<void>> connect(boost::asio::ip::tcp::endpoint to, Deadline deadline);

    /// Octets received and not yet consumed (clear text, or decrypted).
    std::string_view input() const;
    void consume(std::size_t octets);
    /// Waits until input() grows, the peer ends, or time. Returns at once when the peer has already ended.
    Awaitable<ReadEvent> receive(Deadline deadline);

    /// One write (inside TLS: one record when it fits), continued when the kernel takes less. On a closed
    /// connection: error `closed`, and a note. A time-out inside TLS is fatal: half a record may be on the
    /// wire.
    Awaitable<IoResult<void>> send(std::string octets, Deadline deadline);

    /// Client handshake. Clear octets in input() are moved to plain_leftover() first.
    Awaitable<IoResult<TlsInfo>> start_tls_client(TlsClientSettings settings, Deadline deadline);

    /// What to do with clear octets that arrived before the server side's handshake.
    enum class Leftover {
        discard,  ///< moved to plain_leftover(); correct. Octets that begin a TLS record still go to the
                  ///< handshake
        keep_as_plaintext,  ///< deliberately wrong: they are the first octets of input() inside TLS
    };
    /// Chooses the settings when the ClientHello is known; may return an error text "alert NAME" to answer
    /// with that alert (handshake_failure, …) and fail.
    using ChooseTls = std::function<tl::expected<TlsServerSettings, std::string>(const ClientHello&)>;
    /// Server handshake in mid-stream.
    Awaitable<IoResult<TlsInfo>> start_tls_server(ChooseTls choose, Leftover leftover, Deadline deadline);
    /// For a deliberately wrong client: keep clear octets as the first input inside TLS.
    void set_client_leftover(Leftover leftover) { client_leftover_ = leftover; }

    /// Orderly: close_notify inside TLS, then FIN; reads on until the peer closes, at most until the
    /// deadline.
    Awaitable<void> close(Deadline deadline);
    void drop_fin();  ///< FIN without close_notify
    void drop_rst();
    /// TLS alert by its name, as the last thing sent; then FIN. Always as a plaintext record, except that
    /// `close_notify` inside TLS is the real one. An unknown name is handshake_failure.
    Awaitable<void> send_alert(std::string name, Deadline deadline);

    bool is_open() const;  ///< we have not closed and the peer has not ended
    bool closed_by_us() const;
    PeerEnd peer_end() const;
    bool inside_tls() const;
    const TlsInfo* tls_info() const;            ///< null in clear; lives as long as the connection
    const std::string& plain_leftover() const;  ///< clear octets that were waiting when TLS began
    const std::string& raw_tail() const;  ///< raw octets that broke TLS (a plaintext reply, real-peers.md 3)
    const std::string& tls_error() const;
    const std::string& raw_client_hello() const;
    std::string channel_binding()
        const;  ///< tls-exporter (RFC 9266) as octets; tls-unique is not offered. "" in clear
    SSL_SESSION* tls_session() const;  ///< for resumption; the caller owns one reference; null if none

    boost::asio::ip::tcp::endpoint remote() const;
    boost::asio::ip::tcp::endpoint local() const;
    Transcript& transcript();
    const std::string& name() const;
    Executor executor() const;
    /// Cancels a pending operation (it returns timeout or an error). Same thread.
    void cancel();
    /// Octets so far in each direction.
    std::uint64_t octets_sent() const;
    std::uint64_t octets_received() const;
    Clock::time_point last_receive() const;  ///< when the octets of the last successful receive() arrived
    Clock::time_point last_send() const;     ///< when the last send() was handed to the kernel

  private:
    struct Impl;
    std::shared_ptr<Impl>
        impl_;  // shared with the watchdog timer's handler, which outlives a destroyed connection
    Leftover client_leftover_ = Leftover::discard;
};

}  // namespace smtpspec::wire
