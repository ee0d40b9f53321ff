#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "protocol/script/eval.hpp"
#include "protocol/script/head.hpp"
#include "protocol/script/rules.hpp"

namespace smtpspec::script {

/// The token buckets of one scenario (`limiter:` in the head, scenario-language.md §6), shared by all
/// sessions.
class Limiters {
  public:
    using Time = std::chrono::steady_clock::time_point;

    Limiters() = default;
    explicit Limiters(std::vector<Limiter> limiters);
    /// Takes one token for the session's login, address or connection; true if there was none. Empty: there
    /// is no limiter of that name.
    std::optional<bool> over(const std::string& name, const SessionFacts& session, Time now);

  private:
    struct Bucket {
        double tokens = 0;
        Time filled{};
    };
    std::vector<Limiter> limiters_;
    std::map<std::pair<std::string, std::string>, Bucket> buckets_;
};

/// The facts that only rules and watches know, laid over a scope: `session.…`, `command.…`, chance(), over().
class EventScope : public Scope {
  public:
    EventScope(Scope& below, const ServerEvent& event, Limiters& limiters, std::mt19937_64& random)
        : below_(below), event_(event), limiters_(limiters), random_(random) {}

    Value name(const std::string& name, Position at) override;
    bool has_variable(const std::string& name) const override { return below_.has_variable(name); }
    std::optional<Value> call(const std::string& function,
                              const std::vector<Value>& arguments,
                              Position at) override;
    void capture(const std::string& name, std::string octets) override {
        below_.capture(name, std::move(octets));
    }

  private:
    Scope& below_;
    const ServerEvent& event_;
    Limiters& limiters_;
    std::mt19937_64& random_;
};

/// `session.NAME`; empty: there is no such fact.
std::optional<Value> session_fact(const SessionFacts& session, const std::string& name);

/// A list of rules over events (scenario-language.md §6). No I/O, one thread.
class RuleEngine {
  public:
    /// What rules do besides answering.
    struct Hooks {
        std::function<void(const Goal& goal, const ServerEvent& event)> reached;
        std::function<void(const std::string& name)> marked;
    };

    /// `rules`, `scope` and `limiters` outlive the engine.
    RuleEngine(
        const std::vector<Rule>& rules, Scope& scope, Limiters& limiters, std::uint64_t seed, Hooks hooks);

    Decision decide(const ServerEvent& event);
    std::optional<std::chrono::milliseconds> next_idle(std::chrono::milliseconds idle) const;
    std::optional<std::size_t> next_data_size(std::size_t octets) const;
    std::vector<RuleFits> fits() const;

  private:
    struct State {
        std::uint64_t fits = 0;
        std::map<int, std::int64_t> last_amount;  ///< by session: where its idle time or content stood
    };

    bool event_fits(const Rule& rule, State& state, const ServerEvent& event, Scope& scope);
    static bool crosses(const Rule& rule, State& state, const ServerEvent& event);
    void carry_out(const Rule& rule, Scope& scope, Decision& decision);

    const std::vector<Rule>& rules_;
    Scope& scope_;
    Limiters& limiters_;
    std::mt19937_64 random_;
    Hooks hooks_;
    std::vector<State> states_;
};

}  // namespace smtpspec::script
