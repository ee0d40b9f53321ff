#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "protocol/script/rules.hpp"
#include "protocol/script/words.hpp"
#include "protocol/wire/connection.hpp"

namespace smtpspec::script {

/// A message that arrived, as an oracle shows it.
struct StoredMail {
    std::string raw;  ///< as stored, CRLF line ends, with the trace header fields the server added
    std::string from;
    std::vector<std::string> recipients;
};

/// What is known about delivered messages: the embedded server's store, a Maildir, or nothing.
class StoreOracle {
  public:
    virtual ~StoreOracle() = default;
    /// All messages, asked again until nothing has changed for a while (at most until the deadline).
    virtual wire::Awaitable<std::vector<StoredMail>> settled(wire::Deadline deadline) = 0;
    virtual int lost() const = 0;  ///< messages the client under test says it sent, or was asked to send and
                                   ///< did not report, and that are not there
    virtual int doubled() const = 0;  ///< messages that are there more than once
};

/// What is known about the client under test (`client.…`).
class ClientOracle {
  public:
    virtual ~ClientOracle() = default;
    virtual std::string says() const = 0;    ///< sent temporary permanent running crashed unknown
    virtual std::string output() const = 0;  ///< what it wrote, secrets masked
    virtual double peak() const = 0;         ///< most connections at once
    /// Waits until the client has finished, at most until the deadline: asked before a check looks at
    /// `client.…` when no connection of the script is open any more.
    virtual wire::Awaitable<void> settled(wire::Deadline) { co_return; }
};

/// A connection of the client under test that we answer as the faithful server, until the script takes over.
class PlayedSession {
  public:
    virtual ~PlayedSession() = default;
    virtual wire::Connection& connection() = 0;
    /// The faithful server answers until the client has reached `state` (the reply that completes it has been
    /// sent). Error: why it never got there.
    virtual wire::Awaitable<tl::expected<void, std::string>> play_until(State state,
                                                                        wire::Deadline deadline) = 0;
    /// Server side of STARTTLS / implicit TLS now, with `options` (cert= min= max= …).
    virtual wire::Awaitable<wire::IoResult<wire::TlsInfo>> start_tls(
        std::vector<std::pair<std::string, std::string>> options, wire::Deadline deadline) = 0;
    virtual SessionFacts facts() const = 0;
};

/// How `connection NAME host= port= family=` and `from` open a connection to the server under test.
struct OpenRequest {
    std::string name;
    std::string host;    ///< "" = the endpoint's
    int port = 0;        ///< 0 = the cell's
    std::string family;  ///< "", "ipv4", "ipv6"
};

/// Everything that the interpreter needs from the world, made by harness/run for one cell. One thread;
/// outlives the script.
class Environment {
  public:
    virtual ~Environment() = default;

    // -- values (scenario-language.md §9 "given"); a missing key is unknown
    virtual const std::map<std::string, std::string>& given() const = 0;
    virtual std::string recipient(int n) const = 0;  ///< the profile's n-th, counted from 1
    virtual Mode mode() const = 0;
    /// The mode of another logical port of the endpoint (`connection b port=465`); 0 is the cell's.
    virtual Mode mode_of_port(int /*port*/) const { return mode(); }
    virtual bool loopback() const = 0;  ///< the peer is this machine
    virtual std::chrono::milliseconds quiet() const = 0;
    virtual double time_scale() const = 0;  ///< >= 1: a profile may lengthen budgets
    /// A reply may take so long whatever the scenario's `step` is; `total` grows with it. 0: as the scenario
    /// says.
    virtual std::chrono::milliseconds least_step() const { return std::chrono::milliseconds(0); }
    /// The whole script may take so long whatever its `total` is. 0: as the scenario says.
    virtual std::chrono::milliseconds least_total() const { return std::chrono::milliseconds(0); }
    /// >= 1: the times written in a scenario pass so much faster, and `since(mark)` shows them as written.
    /// Only where both ends are ours and the other one's limits shrink with it.
    virtual double time_lapse() const { return 1.0; }
    virtual std::uint64_t seed() const = 0;
    virtual wire::Transcript& transcript() = 0;
    virtual const wire::Masker& masker() const = 0;
    virtual boost::asio::any_io_executor executor() = 0;

    // -- side server: we are the client
    virtual wire::Awaitable<wire::IoResult<std::unique_ptr<wire::Connection>>> open(
        OpenRequest request, wire::Deadline deadline) = 0;
    /// How many connections of a script may be lost before the peer's first octet, and are made again.
    virtual int lost_connections() const { return 0; }
    /// Awaited before these octets go out: the place of a pace that the profile promises.
    virtual wire::Awaitable<void> before_send(const std::string& /*octets*/) { co_return; }
    virtual wire::TlsClientSettings client_tls()
        const = 0;  ///< CA and server name; not verifying unless asked

    // -- side client: we are the server
    /// Starts the client under test on first use and waits for its next connection.
    virtual wire::Awaitable<wire::IoResult<std::unique_ptr<PlayedSession>>> accept(
        std::string name, wire::Deadline deadline) = 0;
    /// `serve`: hands `current` (may be null) and all later connections to the faithful server with the rules
    /// laid over it, until the client has finished and all is quiet, or `at_most` is over.
    virtual wire::Awaitable<void> serve(std::unique_ptr<PlayedSession> current,
                                        Overlay& overlay,
                                        SessionObserver& observer,
                                        std::optional<std::chrono::milliseconds> at_most,
                                        wire::Deadline deadline) = 0;
    /// All sessions that `accept` gave report to it as well (watches in a script without `serve`).
    virtual void observe(SessionObserver* observer) = 0;

    // -- oracles; null: the endpoint has none
    virtual StoreOracle* store() = 0;
    virtual ClientOracle* client() = 0;
    virtual std::optional<std::string> spki(const std::string& certificate) const = 0;
    virtual std::optional<std::vector<std::string>> dns(const std::string& type, const std::string& name) = 0;
    virtual std::optional<std::string> web(const std::string& url) = 0;
    virtual std::optional<std::string> file(const std::string& name) = 0;  ///< beside the scenario
};

}  // namespace smtpspec::script
