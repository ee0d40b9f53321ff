#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/script/ast.hpp"

namespace smtpspec::script {

/// What rules and watches may look at in a session that we serve (`session.…` of scenario-language.md §9).
struct SessionFacts {
    int number = 0;          ///< 1 for the first session of the run
    bool clear = true;       ///< not in TLS
    int mails = 0;           ///< MAIL commands accepted so far
    int rcpts = 0;           ///< RCPT commands accepted so far in all transactions
    std::string user;        ///< login, "" before AUTH
    std::string address;     ///< of the peer, without port
    int port = 0;            ///< logical port
    std::string connection;  ///< name in the transcript
    std::string sni, alpn;
};

enum class ServerEventKind { connect, client_hello, tls, command, auth_line, data, end_of_data, idle, end };

/// One thing that happened in a session, before the faithful server reacts to it (scenario-language.md §6).
struct ServerEvent {
    ServerEventKind kind = ServerEventKind::connect;
    std::string verb;                   ///< upper case, for command
    std::string line;                   ///< the client's line without line end (command, auth_line)
    std::string address;                ///< of MAIL or RCPT, without <>
    std::size_t octets = 0;             ///< content so far (data, end_of_data), else length of the line
    std::chrono::milliseconds idle{0};  ///< how long nothing has come (idle)
    SessionFacts session;
};

/// Octets cut into writes, each after a pause.
struct Write {
    std::chrono::milliseconds pause{0};
    std::string octets;
};

namespace act {
struct Reply {
    std::vector<Write> writes;
    std::string octets;
};  ///< "451 …": whole text with CRLF; has the effect it claims
struct Raw {
    std::vector<Write> writes;
    std::string octets;
};  ///< `send`: exact octets; the first complete reply in them counts
struct Pass {
    std::optional<std::size_t> piece;
    std::chrono::milliseconds every{0};
};  ///< the faithful reply
struct Swallow {};
struct Keep {};  ///< do not close after a scripted 421
struct Omit {
    std::string keyword;
};
struct Offer {
    std::string line;
};  ///< adds or replaces an EHLO line
struct Tls {
    std::vector<std::pair<std::string, std::string>> options;
};  ///< cert= min= max= ciphers= alpn=
struct Alert {
    std::string name;
};
struct Wait {
    std::chrono::milliseconds time;
};
struct Close {};
struct DropFin {};
struct DropRst {};
struct Stall {};
}  // namespace act

using PlayedAct = std::variant<act::Reply,
                               act::Raw,
                               act::Pass,
                               act::Swallow,
                               act::Keep,
                               act::Omit,
                               act::Offer,
                               act::Tls,
                               act::Alert,
                               act::Wait,
                               act::Close,
                               act::DropFin,
                               act::DropRst,
                               act::Stall>;

/// What the rules say about one event: the acts of all rules that fit, in order, evaluated. Marks and goals
/// have already been recorded. `answered`: the faithful server does not answer by itself (it still does what
/// `pass` or `swallow` ask for).
struct Decision {
    std::vector<PlayedAct> acts;
    bool answered = false;
};

/// A rule as it was written, and how often its event has fitted so far.
struct RuleFits {
    std::string rule;
    std::uint64_t fits = 0;
};

/// Decides about events. Implemented by the rules of a scenario or of --fault, and by chaos. One per run or
/// cell; called from the sessions' thread(s); implementations that are shared over threads lock.
class Overlay {
  public:
    virtual ~Overlay() = default;
    virtual Decision decide(const ServerEvent& event) = 0;
    /// The smallest idle time above `idle` that a rule asks about, if any.
    virtual std::optional<std::chrono::milliseconds> next_idle(std::chrono::milliseconds idle) const = 0;
    /// The smallest content size above `octets` that a rule `on data SIZE` asks about, if any.
    virtual std::optional<std::size_t> next_data_size(std::size_t octets) const = 0;
    /// The rules as written, in order, and how often the event of each has fitted (`GET /faults`).
    virtual std::vector<RuleFits> fits() const { return {}; }
};

/// Sees everything that passes through a session that we serve: watches are built on it. Same thread as the
/// session.
class SessionObserver {
  public:
    virtual ~SessionObserver() = default;
    virtual void client_line(const SessionFacts& session,
                             std::string_view line) = 0;  ///< also lines inside AUTH
    virtual void client_content(const SessionFacts& session, std::string_view octets) = 0;
    virtual void server_octets(const SessionFacts& session, std::string_view octets) = 0;
    virtual void session_event(const ServerEvent& event) = 0;  ///< every event, before its decision
};

}  // namespace smtpspec::script
