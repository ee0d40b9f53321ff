#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "harness/client/defect.hpp"
#include "harness/client/failure.hpp"
#include "protocol/smtp/reply.hpp"
#include "protocol/wire/connection.hpp"

namespace smtpspec::client {

/// Told the time of each stage that succeeded: from our first octet to the reply's last; content has no reply
/// and ends when it is written.
using StageObserver = std::function<void(Stage, std::chrono::microseconds)>;

/// Commands and replies over one connection, one step at a time (RFC 5321 §4.2, §4.3). What is no reply, and
/// what comes without having been asked for, is an error: a reply is never credited to a later command.
class Conversation {
  public:
    using Limit = std::chrono::milliseconds;

    Conversation(wire::Connection& connection, const Defects& defects, StageObserver observer);

    /// The next complete reply, whatever its code. `limit` bounds the whole reply, not each octet.
    wire::Awaitable<Step<smtp::Reply>> reply(Stage stage, Limit limit);
    /// Sends the line and CRLF, awaits the reply.
    wire::Awaitable<Step<smtp::Reply>> command(std::string line, Stage stage, Limit limit);
    /// Sends octets; nothing is awaited.
    wire::Awaitable<Step<void>> send(std::string octets, Stage stage, Limit limit);

    /// Fails when octets are here that nothing has asked for; reads what the kernel has, without waiting.
    wire::Awaitable<Step<void>> nothing_unread(Stage stage);
    /// The same, from what has been read already.
    Step<void> nothing_buffered(Stage stage) const;
    /// The connection still stands and nothing has come: it may be used again.
    wire::Awaitable<bool> idle();

    void observe(Stage stage, wire::Clock::time_point begin, wire::Clock::time_point end) const;
    wire::Connection& connection() { return connection_; }

  private:
    Failure broken(Stage stage) const;

    wire::Connection& connection_;
    const Defects& defects_;
    StageObserver observer_;
};

/// A reply that refuses, as a failure: 4yz is temporary, 5yz permanent, anything else a protocol error (RFC
/// 5321 §4.2.1). 421 always ends the session.
Failure refusal(const smtp::Reply& reply, Stage stage, Reach reach);

/// "451 4.7.1 try later" on one line, safe to show.
std::string words_of(const smtp::Reply& reply);

}  // namespace smtpspec::client
