#include "protocol/script/await.hpp"
#include "protocol/script/interpreter_run.hpp"

namespace smtpspec::script {

namespace {

constexpr Duration patience = std::chrono::milliseconds(500);

/// What has come and was not read still counts for the watches.
void drain(ScriptState& state, Link& link) {
    if (state.server_side()) {
        while (link.peek_reply() != nullptr) {
            state.take_reply(link);
        }
    } else {
        while (!link.peek_line().empty()) {
            state.take_line(link);
        }
    }
}

wire::Awaitable<void> say_quit(ScriptState& state, Link& link) {
    const wire::Deadline deadline = wire::Clock::now() + patience;
    link.sent("QUIT\r\n");
    const wire::IoResult<void> sent = co_await link.connection().send("QUIT\r\n", deadline);
    if (sent) {
        co_await next_reply(state, link, deadline);
    }
}

wire::Awaitable<void> end_connection(ScriptState& state, Link& link) {
    drain(state, link);
    if (!link.connection().is_open()) {
        co_return;
    }
    if (link.stalled) {
        link.connection().drop_fin();
        co_return;
    }
    if (link.session() == nullptr && link.tracker.idle()) {
        co_await say_quit(state, link);
    }
    const wire::Deadline deadline = wire::Clock::now() + patience / 5;
    co_await link.connection().close(deadline);
}

}  // namespace

wire::Awaitable<void> end_connections(ScriptState& state) {
    for (const auto& link : state.links) {
        if (!link->given_away()) {
            co_await end_connection(state, *link);
        }
    }
}

}  // namespace smtpspec::script
