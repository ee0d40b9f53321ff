#include "protocol/script/await.hpp"
#include "protocol/script/interpreter_run.hpp"

namespace smtpspec::script {

TlsOptions Interpreter::options(const Options& options) {
    TlsOptions list;
    for (const Option& option : options) {
        list.emplace_back(option.name, expand(option.value, state_.scope));
    }
    return list;
}

namespace {

Duration patience(const ScriptState& state, const AttemptStatement& node) {
    for (const AttemptAlternative& alternative : node.alternatives) {
        if (alternative.kind == AttemptAlternative::Kind::Silent && alternative.time) {
            return state.scaled(*alternative.time);
        }
    }
    return state.step;
}

}  // namespace

wire::Awaitable<StepResult> Interpreter::attempt(const TlsAttempt& what, const AttemptStatement& node) {
    TlsOptions wanted = options(what.options);
    co_return co_await start_tls(state_, *state_.current, std::move(wanted), patience(state_, node));
}

wire::Awaitable<StepResult> Interpreter::attempt(const ReachAttempt& what, const AttemptStatement&) {
    co_return co_await reach_state(state_, *state_.current, what.state);
}

wire::Awaitable<StepResult> Interpreter::attempt(const ConnectionAttempt& what, const AttemptStatement&) {
    if (Link* const known = state_.find(what.name)) {
        state_.current = known;
        co_return StepResult();
    }
    OpenOptions wanted;
    for (const auto& [name, value] : options(what.options)) {
        if (name == "host") {
            wanted.host = value;
        } else if (name == "family") {
            wanted.family = value;
        } else if (name == "port") {
            wanted.port = static_cast<int>(as_number(Value(value), state_.scenario.head.from_at));
        }
    }
    co_return co_await open_link(state_, what.name, std::move(wanted), what.from.value_or(State::Connected));
}

wire::Awaitable<void> Interpreter::carry_out(const AttemptStatement& node, Position at) {
    const bool opens = std::holds_alternative<ConnectionAttempt>(node.what);
    if (!opens) {
        co_await need_connection(at);
    }
    if (state_.stopped()) {
        co_return;
    }
    const TranscriptIndex first = state_.position();
    wire::Awaitable<StepResult> work =
        std::visit([&](const auto& what) { return attempt(what, node); }, node.what);
    const StepResult result = co_await std::move(work);
    judge(node, result, first, at);
}

/// `fail` is any refusal by the other side; `silent` is no answer in time.
void Interpreter::judge(const AttemptStatement& node,
                        const StepResult& result,
                        TranscriptIndex first,
                        Position at) {
    if (result) {
        state_.reach(node.goal, first);
        return;
    }
    const StepFailure& failure = result.error();
    if (failure.silent && state_.out_of_time(at)) {
        return;
    }
    state_.note(failure.step + ": " + failure.reason);
    for (const AttemptAlternative& alternative : node.alternatives) {
        const bool silent = alternative.kind == AttemptAlternative::Kind::Silent;
        if (silent != failure.silent) {
            continue;
        }
        if (!alternative.reason || search(*alternative.reason, failure.reason, state_.scope)) {
            state_.last_event = wire::Clock::now();
            state_.reach(alternative.goal, first);
            return;
        }
    }
    if (!std::holds_alternative<TlsAttempt>(node.what)) {
        start_failed(failure, at);
        return;
    }
    state_.stop(failure.silent ? ScriptEnd::timeout : ScriptEnd::unexpected,
                at,
                "TLS",
                failure.reason,
                failure.step + " did not succeed: " + failure.reason);
}

}  // namespace smtpspec::script
