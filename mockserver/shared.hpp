#pragma once

#include <boost/asio/steady_timer.hpp>

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "mockserver/server.hpp"
#include "protocol/wire/listener.hpp"

namespace smtpspec::mock {

/// What the sessions of one server share. Kept alive by them, so that a server may be destroyed while they
/// end.
struct Shared {
    /// A connection that was accepted in manual mode and waits for next_session().
    struct Waiting {
        boost::asio::ip::tcp::socket socket;
        PortInfo port;
    };

    Shared(boost::asio::any_io_executor executor_,
           ServerConfig config_,
           std::shared_ptr<const wire::TestPki> pki_);

    /// Something has changed: sessions, the queue, the mode.
    void notify();
    /// Sleeps until something has changed, at the latest at the deadline.
    static wire::Awaitable<void> wait_for_change(std::shared_ptr<Shared> shared, wire::Deadline deadline);
    std::string next_name() const;
    void log(const LogContext& context, std::string_view who, std::string_view text) const;

    boost::asio::any_io_executor executor;
    ServerConfig config;
    std::shared_ptr<const wire::TestPki> pki;
    wire::Masker masker;
    MessageStore store;
    Limiters limiters;
    script::Overlay* overlay = nullptr;
    script::SessionObserver* observer = nullptr;
    wire::Transcript* transcript = nullptr;
    LogSink sink;

    std::vector<std::shared_ptr<wire::Listener>> listeners;
    std::vector<PortInfo> ports;
    std::deque<Waiting> waiting;
    std::vector<Session*> sessions;  ///< all that exist
    std::vector<boost::asio::steady_timer*> waiters;
    wire::Deadline last_change{};
    int accepted = 0;
    int peak = 0;
    bool refuse_next = false;  ///< defect: after a failed handshake
    bool flooded = false;      ///< defect: a line without end is coming in
    bool manual = false;
    bool stopping = false;
};

}  // namespace smtpspec::mock
