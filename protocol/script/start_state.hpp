#pragma once

#include <string>
#include <utility>
#include <vector>

#include "protocol/script/interpreter_state.hpp"

namespace smtpspec::script {

/// Why a start state was not reached, or a handshake or a connection failed.
struct StepFailure {
    std::string step;     ///< "EHLO", "the TLS handshake" …
    std::string reason;   ///< what came instead, in words
    bool silent = false;  ///< nothing came in time
    bool lost = false;    ///< the connection ended before the peer had sent one octet of SMTP or TLS
    int code = 0;         ///< of the reply that refused it, 0 without one
    std::string reply;    ///< that reply, escaped
};
using StepResult = tl::expected<void, StepFailure>;

/// Does what is still missing on the way to `wanted` (scenario-language.md §4), from wherever the connection
/// stands.
wire::Awaitable<StepResult> reach_state(ScriptState& state, Link& link, State wanted);

/// Opens (side client: accepts) connection `name` and makes it the present one. TCP only.
struct OpenOptions {
    std::string host, family;
    int port = 0;
};
/// And brings it to `from`. Side server: what the peer ends before it has said anything answers nothing; such
/// a connection is made again, as often as Environment::lost_connections() allows.
wire::Awaitable<StepResult> open_link(ScriptState& state, std::string name, OpenOptions options, State from);

/// TLS on the present connection now, as client or as server. `time` bounds it.
using TlsOptions = std::vector<std::pair<std::string, std::string>>;
wire::Awaitable<StepResult> start_tls(ScriptState& state, Link& link, TlsOptions options, Duration time);

/// Sends a line and CRLF in one write and waits for its reply, `step` long. A reply is a failure when its
/// code is not `wanted` (0: any; one digit: that class).
struct StepReply {
    smtp::Reply reply;
};
wire::Awaitable<tl::expected<StepReply, StepFailure>> exchange(
    ScriptState& state, Link& link, std::string line, std::string step, int wanted);

/// AUTH with the best mechanism that both sides have.
wire::Awaitable<StepResult> authenticate(ScriptState& state, Link& link);

/// Sends octets in one write; on a closed connection only a note.
wire::Awaitable<void> send_octets(ScriptState& state, Link& link, std::string octets);

}  // namespace smtpspec::script
