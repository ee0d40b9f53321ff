#include "protocol/script/interpreter.hpp"

#include "protocol/script/await.hpp"
#include "protocol/script/interpreter_run.hpp"
#include "protocol/script/serve.hpp"
#include "protocol/script/words.hpp"
#include "protocol/smtp/data.hpp"

namespace smtpspec::script {

namespace {

bool is_watch(const Statement& statement) { return std::holds_alternative<WatchStatement>(statement.node); }

/// The first statement that does something on a connection is `serve`: the faithful server then has the
/// client from its first octet, so that rules on `connect` and `client-hello` see it.
bool begins_with_serve(const Block& script) {
    for (const Statement& statement : script) {
        const bool declares = is_watch(statement) || std::holds_alternative<LetStatement>(statement.node);
        if (!declares) {
            return std::holds_alternative<ServeStatement>(statement.node);
        }
    }
    return false;
}

}  // namespace

wire::Awaitable<void> Interpreter::run() {
    if (!state_.server_side()) {
        state_.environment.observe(&state_.watches);
    }
    if (state_.scenario.passive()) {
        co_await passive();
        co_return;
    }
    const bool served_from_start = !state_.server_side() && begins_with_serve(state_.scenario.script) &&
                                   state_.scenario.head.from <= State::Connected;
    if (!served_from_start) {
        co_await start(state_.scenario.head.from_at);
    }
    if (!state_.stopped()) {
        co_await block(state_.scenario.script);
    }
}

/// A script of nothing but watches and checks: one plain delivery under its eyes.
wire::Awaitable<void> Interpreter::passive() {
    for (const Statement& each : state_.scenario.script) {
        if (is_watch(each)) {
            co_await statement(each);
        }
    }
    if (state_.server_side()) {
        co_await deliver();
    } else {
        const std::vector<Rule> no_rules;
        co_await run_serve(state_, no_rules, std::nullopt);
    }
    for (const Statement& each : state_.scenario.script) {
        if (state_.stopped()) {
            co_return;
        }
        if (!is_watch(each)) {
            co_await statement(each);
        }
    }
}

wire::Awaitable<void> Interpreter::deliver() {
    const Position at = state_.scenario.head.from_at;
    co_await start(at);
    if (state_.stopped()) {
        co_return;
    }
    StepResult ready = co_await reach_state(state_, *state_.current, State::Data);
    if (!ready) {
        start_failed(ready.error(), at);
        co_return;
    }
    const auto& given = state_.environment.given();
    const std::string nonce = given.contains("nonce") ? given.at("nonce") : "";
    const std::string message = "Subject: smtpspec " + nonce + "\r\nMessage-ID: <" + nonce +
                                "@smtpspec.invalid>\r\n\r\nA test message of smtpspec.\r\n";
    co_await send_octets(state_, *state_.current, smtp::encode_data(message));
    const wire::Deadline deadline = state_.within(state_.step);
    const NextReply reply = co_await next_reply(state_, *state_.current, deadline);
    if (reply.event == LinkEvent::octets) {
        co_return;
    }
    StepFailure failure;
    failure.step = "the end of the message";
    failure.reason = reply.event == LinkEvent::end ? "the connection was closed" : "no answer";
    start_failed(failure, at);
}

wire::Awaitable<void> Interpreter::start(Position at) {
    OpenOptions none;
    const StepResult done = co_await open_link(state_, "a", std::move(none), state_.scenario.head.from);
    if (!done) {
        start_failed(done.error(), at);
    }
}

void Interpreter::start_failed(const StepFailure& failure, Position at) {
    if (state_.out_of_time(at)) {
        return;
    }
    state_.note("start failed: " + failure.step + ": " + failure.reason);
    state_.stop(ScriptEnd::start_failed,
                at,
                failure.step,
                failure.reason,
                failure.step + " did not succeed: " + failure.reason);
    if (failure.code >= 400 && state_.result.first_reply_problem.empty()) {
        state_.result.first_reply_problem = failure.reply;
    }
}

wire::Awaitable<void> Interpreter::block(const Block& block) {
    for (const Statement& each : block) {
        if (state_.out_of_time(each.at)) {
            co_return;
        }
        co_await statement(each);
    }
}

wire::Awaitable<void> Interpreter::statement(const Statement& statement) {
    const Position at = statement.at;
    wire::Awaitable<void> work =
        std::visit([&](const auto& node) { return carry_out(node, at); }, statement.node);
    co_await std::move(work);
}

namespace {

/// What went wrong in the scenario, in the profile, or in what the peer sent.
void stop_for(ScriptState& state, const EvalError& error) {
    switch (error.kind()) {
        case EvalError::Kind::wrong:
            state.stop(ScriptEnd::error, error.at(), error.what());
            break;
        case EvalError::Kind::missing:
            state.stop(ScriptEnd::start_failed, error.at(), error.what());
            break;
        case EvalError::Kind::peer:
            state.stop(ScriptEnd::unexpected, error.at(), error.what());
            break;
    }
}

wire::Awaitable<void> run_all(ScriptState& state) {
    try {
        Interpreter interpreter(state);
        co_await interpreter.run();
    } catch (const EvalError& error) {
        stop_for(state, error);
    }
    co_await end_connections(state);
}

}  // namespace

wire::Awaitable<ScriptResult> run_script(const Scenario& scenario,
                                         const CellParams& cell,
                                         Environment& environment) {
    const auto state = std::make_unique<ScriptState>(scenario, cell, environment);
    co_await run_all(*state);
    if (!state->server_side()) {
        environment.observe(nullptr);
    }
    co_return std::move(state->result);
}

std::string expand_for_cell(const Template& text,
                            const Scenario& scenario,
                            const CellParams& cell,
                            Environment& environment) {
    ScriptState state(scenario, cell, environment);
    return expand(text, state.scope);
}

}  // namespace smtpspec::script
