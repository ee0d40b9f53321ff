#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "harness/client/client_under_test.hpp"

namespace smtpspec::client {

/// Where a conversation is; the stages that latency is measured of.
enum class Stage {
    wait,  ///< from the time at which a message was meant to begin until it did (open load)
    dns,
    connect,
    greeting,
    ehlo,
    starttls,     ///< from the command to the 220
    tls,          ///< the handshake
    tls_resumed,  ///< a handshake that resumed an earlier session
    ehlo_tls,     ///< EHLO inside TLS after STARTTLS
    auth,
    mail,
    rcpt,
    data,      ///< from the command to the 354
    content,   ///< writing the content, from its first octet to the final dot
    accepted,  ///< from the final dot to its reply
    rset,
    quit,
    service,  ///< the whole from its real beginning: what a closed loop would have reported
    total,    ///< the whole, from the time at which it was meant to begin
};
/// "greeting", "EHLO", "TLS handshake" … as a report shows it.
std::string_view to_string(Stage stage);

/// How far a failure reaches.
enum class Reach {
    message,  ///< this transaction; the session goes on after RSET
    session,  ///< the connection is of no more use
    port,     ///< nothing can be sent over this port (no TLS, wrong certificate, refused host)
    account,  ///< these credentials are refused, wherever they are tried
};

/// What kind of thing went wrong.
enum class Cause {
    reply,      ///< the server said so
    closed,     ///< the connection was lost
    timeout,    ///< no answer in time
    protocol,   ///< what came is no reply, or was not asked for
    handshake,  ///< no TLS
    policy,     ///< TLS is not as the policy wants it
    login,      ///< no mechanism, or the exchange went wrong
    local,      ///< the message cannot be sent as it is
    stopped,    ///< our own end
};

/// Why a step of a conversation did not succeed, and what that means for the mail.
struct Failure {
    Delivery state = Delivery::temporary;
    Reach reach = Reach::session;
    Cause cause = Cause::reply;
    Stage stage = Stage::connect;
    int code = 0;            ///< of the reply, 0 without one
    std::string text;        ///< for the user: the server's words or ours, safe to show
    std::string reply;       ///< "451 4.7.1 try later", on one line and safe to show; "" without a reply
    bool ambiguous = false;  ///< the message may have been taken over: the reply to its final dot is missing
    bool again = true;       ///< a temporary failure may be tried again by itself

    bool is_4yz() const { return cause == Cause::reply && code / 100 == 4; }
    bool is_5yz() const { return cause == Cause::reply && code / 100 == 5; }
};

template <class T>
using Step = tl::expected<T, Failure>;

/// A failure that passes.
inline Failure temporary(Cause cause, Reach reach, Stage stage, std::string text) {
    Failure failure;
    failure.cause = cause;
    failure.reach = reach;
    failure.stage = stage;
    failure.text = std::move(text);
    return failure;
}

/// A failure that stays.
inline Failure permanent(Cause cause, Reach reach, Stage stage, std::string text) {
    Failure failure = temporary(cause, reach, stage, std::move(text));
    failure.state = Delivery::permanent;
    return failure;
}

}  // namespace smtpspec::client
