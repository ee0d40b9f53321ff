#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mockserver/config.hpp"
#include "mockserver/log.hpp"
#include "mockserver/store.hpp"
#include "protocol/script/environment.hpp"
#include "protocol/script/rules.hpp"
#include "protocol/wire/pki.hpp"

namespace smtpspec::mock {

class Session;
struct Shared;

/// A listener that is up.
struct PortInfo {
    int logical = 0;
    script::Mode mode = script::Mode::Starttls;
    std::string address;
    std::uint16_t actual = 0;
};

/// The faithful server: listeners, sessions and a store on one executor, whose thread alone calls everything
/// here. Cheap: one may be made per cell. Sessions end with stop(); a server that is destroyed without it
/// aborts them, and they then touch nothing that belongs to the caller.
///
///     Server server(executor, config, pki);
///     server.start();                       // sessions run by themselves
///     … server.ports()[0].actual …
///     co_await server.stop();
class Server {
  public:
    Server(boost::asio::any_io_executor executor,
           ServerConfig config,
           std::shared_ptr<const wire::TestPki> pki);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// Binds all ports and begins to accept. The error names address and port.
    tl::expected<void, std::string> start();
    /// Closes the listeners, ends all sessions and waits until they are gone.
    wire::Awaitable<void> stop();

    const std::vector<PortInfo>& ports() const;
    const PortInfo* port(int logical) const;  ///< null: there is none
    const ServerConfig& config() const;
    MessageStore& store();
    Limiters& limiters();

    int sessions() const;        ///< open now, waiting ones included
    int sessions_total() const;  ///< accepted so far
    int peak() const;            ///< most at once

    /// Rules laid over all sessions, watches, and where the octets are recorded; null: none (a small
    /// transcript of its own per session). They are asked afresh for each event, and must outlive their being
    /// set; the transcript must outlive the sessions.
    void set_overlay(script::Overlay* overlay);
    void set_observer(script::SessionObserver* observer);
    void set_transcript(wire::Transcript* transcript);
    /// One line per event, secrets masked, everything escaped.
    void set_log(LogSink sink);

    /// Serve mode (the beginning): accepted connections become sessions that run by themselves. Those that
    /// were waiting begin to run.
    void serve();
    /// Manual mode: accepted connections wait for next_session().
    void manual();
    /// The next connection that was accepted in manual mode, oldest first; `name` is what the transcript
    /// calls it.
    wire::Awaitable<wire::IoResult<std::unique_ptr<script::PlayedSession>>> next_session(
        std::string name, wire::Deadline deadline);
    /// Lets a session that next_session() gave go on by itself to its end. Null is allowed.
    void adopt(std::unique_ptr<script::PlayedSession> session);
    /// Waits until no session has been open (or waiting) for `quiet`; false: the deadline came first.
    wire::Awaitable<bool> wait_idle(std::chrono::milliseconds quiet, wire::Deadline deadline);

  private:
    std::shared_ptr<Shared> shared_;
};

}  // namespace smtpspec::mock
