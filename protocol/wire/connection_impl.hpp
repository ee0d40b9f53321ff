#pragma once

#include <array>

#include <boost/asio/steady_timer.hpp>

#include "protocol/wire/connection.hpp"
#include "protocol/wire/tls_engine.hpp"
#include "protocol/wire/tls_records.hpp"

namespace smtpspec::wire {

/// The socket, its watchdog, and what has been read. Public operations are in connection.cpp, waiting and raw
/// octets in connection_io.cpp, the TLS switch in connection_tls.cpp.
struct Connection::Impl : std::enable_shared_from_this<Connection::Impl> {
    using Socket = boost::asio::ip::tcp::socket;
    using ErrorCode = boost::system::error_code;

    /// A line, a reply, a TLS record of either: what is awaited as a rule. Each connection has the room for
    /// it.
    static constexpr std::size_t small_read = 256;

    enum class Mode { clear, handshake, tls, broken };
    /// What a wait for the socket ended with.
    enum class Ready { yes, timeout, cancelled };
    /// One direction's wait, as the watchdog sees it.
    struct Wait {
        Deadline deadline;
        bool active = false;
        bool expired = false;
    };

    Impl(Socket opened, Transcript& record_to, ConnectionOptions with);
    void prepare_socket();

    // connection_io.cpp: waiting
    Awaitable<Ready> wait_for(Socket::wait_type what, Deadline deadline);
    void watch(Wait& wait, Deadline deadline);
    void on_watchdog();
    /// True when something new was read (octets or the end), false when time was over.
    Awaitable<bool> fill(Deadline deadline);
    Awaitable<Ready> await_octets(Deadline deadline);
    Awaitable<bool> settle(Clock::duration late);

    // connection_io.cpp: raw octets
    std::size_t room_for_octets(std::size_t most = small_read) const;
    bool read_once();
    void read_the_rest();
    void digest_read(const ErrorCode& ec, std::string_view octets);
    void accept_octets(std::string_view octets);
    void note_end(PeerEnd how, std::string_view detail);
    ErrorCode write_once(std::string_view& octets);
    bool nothing_queued() const { return outgoing.empty() && !writer_active; }
    /// Queues and writes everything, behind what is already queued.
    Awaitable<IoResult<void>> write_all(std::string_view octets, Deadline deadline);
    void flush_without_waiting();

    // connection_io.cpp: what has been read, digested
    std::optional<ReadEvent> progress(std::uint64_t grown_before);
    bool decrypt_next();
    void break_tls(std::string reason, std::string_view tail);

    // connection_tls.cpp
    Awaitable<IoResult<TlsInfo>> handshake(std::unique_ptr<TlsEngine> made,
                                           Clock::time_point begun,
                                           Deadline deadline);
    Awaitable<IoResult<bool>> feed_handshake(Deadline deadline);
    Awaitable<IoResult<ClientHello>> read_client_hello(Deadline deadline);
    bool set_aside_clear_octets();
    void split_input(Leftover policy);
    IoError handshake_error(IoError::Kind kind, const std::string& why);
    IoError handshake_cut_off(bool timed_out);

    std::string_view input_view() const { return std::string_view(input).substr(input_taken); }
    bool input_full() const { return input_view().size() >= options.input_limit; }
    std::string remote_text() const;
    IoError error(IoError::Kind kind, std::string_view step, std::string_view detail) const;
    IoError error(const ErrorCode& ec, std::string_view step) const;
    void shut_down(std::string_view how);

    Socket socket;
    boost::asio::steady_timer watchdog;
    boost::asio::steady_timer pause;
    Transcript& transcript;
    ConnectionOptions options;
    boost::asio::ip::tcp::endpoint remote, local;

    Mode mode = Mode::clear;
    PeerEnd peer_end = PeerEnd::none;
    bool raw_end = false;  // FIN or RST seen; a close_notify alone is not it
    bool closed_by_us = false;
    bool write_failed = false;
    bool reset_on_write = false;
    bool cancel_requested = false;

    Wait reading, writing;
    Deadline armed_for = Deadline::max();
    unsigned watchdog_cancels = 0;

    std::array<char, small_read> arriving{};
    std::size_t last_count = 0;  // octets of the last read
    std::string input;
    std::size_t input_taken = 0;
    std::uint64_t grown = 0;   // octets ever added to input
    bool broken_news = false;  // TLS broke, or raw_tail grew, and receive() has not said so yet
    std::string outgoing;      // raw octets that the kernel has not taken yet
    bool writer_active = false;

    RecordBuffer records;
    std::unique_ptr<TlsEngine> engine;
    Leftover leftover = Leftover::discard;
    bool seen_record = false;
    std::unique_ptr<TlsInfo> info;  // null in clear
    std::string plain_leftover, raw_tail, tls_error, raw_client_hello;

    std::uint64_t sent = 0, received = 0;
    Clock::time_point last_receive, last_send;
};

}  // namespace smtpspec::wire
