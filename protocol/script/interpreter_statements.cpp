#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "protocol/script/await.hpp"
#include "protocol/script/interpreter_run.hpp"
#include "protocol/script/serve.hpp"

namespace smtpspec::script {

/// After `serve` a statement that speaks needs the client's next connection.
wire::Awaitable<void> Interpreter::need_connection(Position at) {
    if (state_.current == nullptr) {
        co_await start(at);
    }
}

wire::Awaitable<void> Interpreter::pause(Duration time) {
    boost::asio::steady_timer timer(state_.environment.executor(), state_.within(state_.lapsed(time)));
    co_await timer.async_wait(boost::asio::use_awaitable);
}

wire::Awaitable<void> Interpreter::send_writes(std::vector<Write> writes) {
    for (Write& write : writes) {
        if (write.pause.count() > 0) {
            co_await pause(write.pause);
        }
        if (wire::Clock::now() >= state_.total) {
            co_return;
        }
        if (!write.octets.empty()) {
            co_await send_octets(state_, *state_.current, std::move(write.octets));
        }
    }
}

wire::Awaitable<void> Interpreter::carry_out(const SendStatement& node, Position at) {
    co_await need_connection(at);
    if (state_.stopped()) {
        co_return;
    }
    if (node.form == SendStatement::Form::Line) {
        const std::string line = expand(node.text, state_.scope);
        co_await send_octets(state_, *state_.current, line + "\r\n");
        co_return;
    }
    std::vector<Write> writes = writes_of(node.bytes, state_.scope);
    co_await send_writes(std::move(writes));
}

wire::Awaitable<void> Interpreter::carry_out(const AwaitStatement& node, Position at) {
    co_await need_connection(at);
    if (!state_.stopped()) {
        co_await run_await(state_, node, at);
    }
}

wire::Awaitable<void> Interpreter::ask_store() {
    StoreOracle* const store = state_.environment.store();
    if (store == nullptr) {
        co_return;
    }
    const wire::Deadline deadline = state_.within(state_.step);
    std::vector<StoredMail> mails = co_await store->settled(deadline);
    state_.mails = std::move(mails);
}

/// The store is asked again whenever an expression looks into it. The client is waited for when no connection
/// of ours holds it up.
wire::Awaitable<void> Interpreter::ask_oracles(const Expression& expression) {
    static const std::set<std::string> of_store = {"mail", "copies", "store."};
    static const std::set<std::string> of_client = {"client."};
    if (mentions(expression, of_store)) {
        co_await ask_store();
    }
    if (state_.environment.client() == nullptr || !mentions(expression, of_client)) {
        co_return;
    }
    for (const auto& link : state_.links) {
        if (!link->given_away() && link->connection().is_open()) {
            co_return;
        }
    }
    const wire::Deadline deadline = state_.within(state_.step);
    co_await state_.environment.client()->settled(deadline);
}

wire::Awaitable<void> Interpreter::carry_out(const CheckStatement& node, Position) {
    for (const CheckBranch& branch : node.branches) {
        co_await ask_oracles(*branch.condition);
    }
    const TranscriptIndex first = state_.position();
    bool all_known = true;
    state_.scope.measure(true);
    for (const CheckBranch& branch : node.branches) {
        const Value value = condition(*branch.condition, state_.scope);
        if (value.is_unknown()) {
            all_known = false;
            state_.result.no_oracle = state_.result.no_oracle || value.unknown().why != Unknown::Why::peer;
            state_.note("a check is neither true nor false: not known: " + value.unknown().what);
        } else if (*value.truth()) {
            state_.scope.measure(false);
            state_.reach(branch.goal, first);
            co_return;
        }
    }
    state_.scope.measure(false);
    if (all_known) {
        state_.reach(node.otherwise, first);
    }
}

wire::Awaitable<void> Interpreter::carry_out(const OtherwiseStatement& node, Position) {
    // A client judged by elimination, when what would have spoken against it could not be asked, is not
    // judged.
    const bool blind = !state_.server_side() && state_.result.no_oracle;
    if (!state_.has_verdict() && !blind) {
        state_.reach(node.goal, state_.position());
    }
    co_return;
}

wire::Awaitable<bool> Interpreter::is_true(const Expression& expression) {
    co_await ask_oracles(expression);
    const Value value = condition(expression, state_.scope);
    if (value.is_unknown()) {
        state_.result.no_oracle = state_.result.no_oracle || value.unknown().why != Unknown::Why::peer;
        co_return false;
    }
    co_return *value.truth();
}

wire::Awaitable<void> Interpreter::carry_out(const WhenStatement& node, Position) {
    const bool taken = co_await is_true(*node.condition);
    if (taken) {
        co_await block(node.block);
    }
}

namespace {

ValueList items_of(const ForStatement& node, ScriptScope& scope, Position at) {
    constexpr std::int64_t most_rounds = 1'000'000;
    const Value first = evaluate(*node.first, scope);
    if (node.last == nullptr) {
        if (first.list() == nullptr) {
            throw EvalError(
                EvalError::Kind::wrong, at, "`for` goes through a list, and this is " + first.kind());
        }
        return *first.list();
    }
    const std::int64_t from = as_number(first, at);
    const std::int64_t to = as_number(evaluate(*node.last, scope), at);
    if (to - from >= most_rounds) {
        throw EvalError(EvalError::Kind::wrong, at, "`for` has more than a million rounds");
    }
    ValueList items;
    for (std::int64_t i = from; i <= to; ++i) {
        items.emplace_back(i);
    }
    return items;
}

}  // namespace

wire::Awaitable<void> Interpreter::carry_out(const ForStatement& node, Position at) {
    co_await ask_oracles(*node.first);
    const ValueList items = items_of(node, state_.scope, at);
    for (const Value& item : items) {
        if (state_.out_of_time(at)) {
            co_return;
        }
        state_.scope.set(node.variable, item);
        if (node.until != nullptr) {
            const bool enough = co_await is_true(*node.until);
            if (enough) {
                co_return;
            }
        }
        co_await block(node.block);
    }
}

wire::Awaitable<void> Interpreter::carry_out(const WatchStatement& node, Position) {
    state_.watches.add(node);
    co_return;
}

wire::Awaitable<void> Interpreter::carry_out(const ServeStatement& node, Position at) {
    co_await run_serve(state_, node.rules, node.time);
    state_.out_of_time(at);
}

wire::Awaitable<void> Interpreter::carry_out(const LetStatement& node, Position) {
    co_await ask_oracles(*node.value);
    state_.scope.set(node.name, evaluate(*node.value, state_.scope));
}

wire::Awaitable<void> Interpreter::carry_out(const ActionStatement& node, Position at) {
    const bool needs_connection =
        !std::holds_alternative<WaitAction>(node.action) && !std::holds_alternative<MarkAction>(node.action);
    if (needs_connection) {
        co_await need_connection(at);
    }
    if (state_.stopped() || (needs_connection && state_.current->given_away())) {
        co_return;
    }
    wire::Awaitable<void> work = std::visit([&](const auto& action) { return act(action, at); }, node.action);
    co_await std::move(work);
}

wire::Awaitable<void> Interpreter::act(const WaitAction& action, Position at) {
    co_await pause(action.time);
    state_.out_of_time(at);
}

wire::Awaitable<void> Interpreter::act(const CloseAction&, Position) {
    constexpr Duration patience = std::chrono::seconds(1);
    const wire::Deadline deadline = state_.within(std::min(state_.step, patience));
    co_await state_.current->connection().close(deadline);
}

wire::Awaitable<void> Interpreter::act(const DropAction& action, Position) {
    if (action.how == DropHow::Fin) {
        state_.current->connection().drop_fin();
    } else {
        state_.current->connection().drop_rst();
    }
    co_return;
}

wire::Awaitable<void> Interpreter::act(const StallAction&, Position) {
    state_.current->stalled = true;
    co_return;
}

wire::Awaitable<void> Interpreter::act(const MarkAction& action, Position) {
    state_.mark(action.name);
    co_return;
}

}  // namespace smtpspec::script
