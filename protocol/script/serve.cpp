#include "protocol/script/serve.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace smtpspec::script {

namespace {

namespace asio = boost::asio;

std::chrono::milliseconds lapsed(const ScriptState& state, std::chrono::milliseconds written) {
    return std::chrono::ceil<std::chrono::milliseconds>(state.lapsed(written));
}

/// The times that the rules have written, as they pass here (Environment::time_lapse).
void lapse(const ScriptState& state, Decision& decision) {
    const auto shorten = [&](std::vector<Write>& writes) {
        for (Write& write : writes) {
            write.pause = lapsed(state, write.pause);
        }
    };
    for (PlayedAct& played : decision.acts) {
        if (auto* wait = std::get_if<act::Wait>(&played)) {
            wait->time = lapsed(state, wait->time);
        } else if (auto* pass = std::get_if<act::Pass>(&played)) {
            pass->every = lapsed(state, pass->every);
        } else if (auto* reply = std::get_if<act::Reply>(&played)) {
            shorten(reply->writes);
        } else if (auto* raw = std::get_if<act::Raw>(&played)) {
            shorten(raw->writes);
        }
    }
}

/// The rules of one `serve` block in the scope of the script. `over` is cancelled when a goal ends the
/// script.
class ScriptOverlay : public Overlay {
  public:
    ScriptOverlay(ScriptState& state, const std::vector<Rule>& rules, asio::steady_timer& over)
        : state_(state),
          over_(over),
          engine_(rules, state.scope, state.limiters, state.environment.seed(), hooks()) {}

    Decision decide(const ServerEvent& event) override {
        if (state_.stopped()) {
            over_.expires_at(asio::steady_timer::time_point::min());  // also when nobody waits yet
            return Decision();
        }
        const wire::Clock::time_point before = state_.last_event;
        const std::size_t labels = state_.result.labels.size();
        state_.last_event = wire::Clock::now();  // since(mark) in a rule measures to the present event
        try {
            Decision decision = decide_as_written(event);
            if (decision.acts.empty() && labels == state_.result.labels.size()) {
                state_.last_event = before;
            }
            return decision;
        } catch (const EvalError& error) {
            state_.stop(ScriptEnd::error, error.at(), error.what());
            over_.expires_at(asio::steady_timer::time_point::min());  // also when nobody waits yet
            return Decision();
        }
    }
    std::optional<std::chrono::milliseconds> next_idle(std::chrono::milliseconds idle) const override {
        const auto next = engine_.next_idle(written(idle));
        return next ? std::optional(lapsed(state_, *next)) : std::nullopt;
    }
    std::optional<std::size_t> next_data_size(std::size_t octets) const override {
        return engine_.next_data_size(octets);
    }
    std::vector<RuleFits> fits() const override { return engine_.fits(); }

  private:
    std::chrono::milliseconds written(std::chrono::milliseconds measured) const {
        return std::chrono::duration_cast<std::chrono::milliseconds>(state_.as_written(measured));
    }
    Decision decide_as_written(const ServerEvent& event) {
        ServerEvent seen = event;
        seen.idle = written(event.idle);
        Decision decision = engine_.decide(seen);
        lapse(state_, decision);
        return decision;
    }
    RuleEngine::Hooks hooks() {
        RuleEngine::Hooks hooks;
        hooks.reached = [this](const Goal& goal, const ServerEvent&) {
            state_.reach(goal, state_.position());
            if (state_.stopped()) {
                over_.expires_at(asio::steady_timer::time_point::min());  // also when nobody waits yet
            }
        };
        hooks.marked = [this](const std::string& name) { state_.mark(name); };
        return hooks;
    }

    ScriptState& state_;
    asio::steady_timer& over_;
    RuleEngine engine_;
};

}  // namespace

wire::Awaitable<void> run_serve(ScriptState& state,
                                const std::vector<Rule>& rules,
                                std::optional<Duration> time) {
    std::unique_ptr<PlayedSession> session;
    if (state.current != nullptr) {
        session = state.current->release();
    }
    std::optional<std::chrono::milliseconds> at_most;
    if (time) {
        at_most = std::chrono::duration_cast<std::chrono::milliseconds>(state.lapsed(*time));
    }
    asio::steady_timer over(state.environment.executor(), state.total);
    ScriptOverlay overlay(state, rules, over);
    wire::Awaitable<void> serving = state.environment.serve(
        std::move(session), static_cast<Overlay&>(overlay), state.watches, at_most, state.total);
    auto spawned = asio::co_spawn(state.environment.executor(), std::move(serving), asio::deferred);
    auto group = asio::experimental::make_parallel_group(std::move(spawned), over.async_wait(asio::deferred));
    const auto [order, failed, waited] =
        co_await group.async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
    if (failed && order[0] == 0) {
        std::rethrow_exception(failed);
    }
}

}  // namespace smtpspec::script
