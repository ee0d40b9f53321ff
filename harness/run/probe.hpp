#pragma once

#include <map>
#include <optional>
#include <string>

#include "harness/run/context.hpp"
#include "harness/run/result.hpp"
#include "protocol/smtp/capabilities.hpp"
#include "protocol/wire/connection.hpp"

namespace smtpspec::run {

/// What one clean conversation with a port showed, before any scenario: the "sane before" of design.md §4.
struct PortProbe {
    enum class State {
        ok,
        unreachable,  ///< refused, no route, or no answer to the SYN
        silent,       ///< it accepts and says nothing
        not_smtp,     ///< what it says is no SMTP greeting
        turned_away,  ///< a 4yz or 5yz greeting
        no_ehlo,      ///< it greets, but does not answer EHLO with a whole 2yz or 5yz reply
        no_tls,       ///< it answers the ClientHello, and the TLS handshake fails
        wrong_mode,   ///< TLS where the profile says STARTTLS, or the reverse
    };
    int port = 0;
    script::Mode mode = script::Mode::Starttls;
    State state = State::unreachable;
    std::string detail;  ///< a sentence: what was tried, on which host and port, what came back, what to do
    std::string greeting;
    std::optional<smtp::Capabilities> clear, secure;  ///< EHLO before and inside TLS
    std::string tls_problem;                          ///< why TLS did not begin, if it did not
    std::string certificate_problem;  ///< why the certificate does not prove the host; "" when it does
    int starttls_code = 0;            ///< of the reply to STARTTLS; 0: none came, or it was not asked
    std::string
        login_refused;  ///< a sentence, when the profile's login was refused or not tried (login_probe.hpp)
    bool lost = false;  ///< the connection ended before one octet came: some lose one in three
    bool login_tried = false;  ///< `login_refused` is the server's answer: one wrong login is spent

    bool usable() const { return state == State::ok; }
    /// True when EHLO was answered where a login belongs (inside TLS, or in clear on a plain port) and does
    /// not offer AUTH.
    bool lacks_auth() const;
    /// "" when the port offers what a word of `needs` asks for, else a sentence.
    std::string lacks(const std::string& need) const;
};

/// One conversation: greeting, EHLO, TLS by the port's mode, EHLO, QUIT. A reply may take the profile's
/// `time.step` (8 s), the greeting 30 s on another machine: about a minute at most.
/// What is lost is looked at again, three times at most.
wire::Awaitable<PortProbe> probe_port(const RunContext& context, int port);

/// All ports of the context, at once or as many as RunContext::most_connections() allows, on a loop of its
/// own.
std::map<int, PortProbe> probe_ports(const RunContext& context);

}  // namespace smtpspec::run
