#pragma once

#include "protocol/script/interpreter_state.hpp"

namespace smtpspec::script {

/// `S: …` / `C: …` of the side under test: waits for the next event on the present connection and takes the
/// first alternative that fits (scenario-language.md §5, Await).
wire::Awaitable<void> run_await(ScriptState& state, const AwaitStatement& statement, Position at);

/// The next complete reply on a connection, the end, or time. For the steps that a start state takes.
struct NextReply {
    LinkEvent event = LinkEvent::time;
    smtp::Reply reply;  ///< with `octets`
};
wire::Awaitable<NextReply> next_reply(ScriptState& state, Link& link, wire::Deadline deadline);

}  // namespace smtpspec::script
