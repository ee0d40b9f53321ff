#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "protocol/script/lint_rules.hpp"
#include "protocol/script/print.hpp"

/// The order of statements: what comes after a sure end, states and TLS, connections.
namespace smtpspec::script {
namespace {

/// True if nothing can follow the statement: whatever happens, the script ends in it.
bool surely_ends(const Statement& statement) {
    if (const auto* await = std::get_if<AwaitStatement>(&statement.node)) {
        return std::all_of(await->alternatives.begin(), await->alternatives.end(), [](const Alternative& a) {
            return a.goal && a.goal->ends;
        });
    }
    if (const auto* attempt = std::get_if<AttemptStatement>(&statement.node)) {
        return attempt->goal && attempt->goal->ends &&
               std::all_of(attempt->alternatives.begin(),
                           attempt->alternatives.end(),
                           [](const AttemptAlternative& a) { return a.goal.ends; });
    }
    if (const auto* check = std::get_if<CheckStatement>(&statement.node)) {
        return check->otherwise && check->otherwise->ends &&
               std::all_of(check->branches.begin(), check->branches.end(), [](const CheckBranch& branch) {
                   return branch.goal.ends && !asks_oracle(*branch.condition);
               });
    }
    return false;
}

class FlowChecker {
  public:
    explicit FlowChecker(const LintInput& input) : in_(input), head_(input.scenario.head) {}

    void run() {
        block(in_.scenario.script, Nesting::Top);
        if (in_.script_whole) {
            finish_connections();
        }
    }

  private:
    enum class Nesting { Top, Inside };

    void error(Position at,
               std::size_t length,
               std::string message,
               std::string expected = {},
               std::string hint = {}) {
        in_.reporter.error(at, length, std::move(message), std::move(expected), std::move(hint));
    }

    void block(const Block& statements, Nesting nesting) {
        const Statement* end = nullptr;
        for (std::size_t i = 0; i < statements.size(); ++i) {
            const Statement& statement = statements[i];
            if (end != nullptr) {
                error(statement.at,
                      1,
                      "this is never reached",
                      {},
                      fmt::format("the script surely ends in line {}", end->at.line));
                end = nullptr;
            } else if (surely_ends(statement)) {
                end = &statement;
            }
            const Statement* next = i + 1 < statements.size() ? &statements[i + 1] : nullptr;
            check_before_send(statement, next);
            std::visit([&](const auto& node) { look(node, statement.at, nesting); }, statement.node);
        }
    }

    /// An await that takes anything and goes on, then a send: a close would be missed.
    void check_before_send(const Statement& statement, const Statement* next) {
        const auto* await = std::get_if<AwaitStatement>(&statement.node);
        if (await == nullptr || next == nullptr || !std::holds_alternative<SendStatement>(next->node)) {
            return;
        }
        bool any_goes_on = false;
        bool sees_close = false;
        for (const Alternative& a : await->alternatives) {
            const auto* reply = std::get_if<ReplyPattern>(&a.pattern.node);
            const bool any = std::holds_alternative<AnyLinePattern>(a.pattern.node) ||
                             (reply != nullptr && reply->kind == ReplyPattern::Kind::Any);
            any_goes_on = any_goes_on || (any && !(a.goal && a.goal->ends));
            sees_close = sees_close || std::holds_alternative<ClosePattern>(a.pattern.node);
        }
        if (any_goes_on && !sees_close) {
            in_.reporter.warning(statement.at,
                                 2,
                                 "an await with `any` but no `close` stands before a send",
                                 "`| close => label`",
                                 "a connection that is closed here shows only later");
        }
    }

    template <class Other>
    void look(const Other& /*node*/, Position /*at*/, Nesting /*nesting*/) {}
    void look(const SendStatement& /*node*/, Position /*at*/, Nesting /*nesting*/) { use_connection(); }
    void look(const AwaitStatement& node, Position /*at*/, Nesting /*nesting*/) {
        use_connection();
        lint_alternatives(in_, node);
    }
    void look(const ServeStatement& /*node*/, Position /*at*/, Nesting /*nesting*/) { use_connection(); }
    void look(const ActionStatement& node, Position /*at*/, Nesting /*nesting*/) {
        if (!std::holds_alternative<MarkAction>(node.action) &&
            !std::holds_alternative<WaitAction>(node.action)) {
            use_connection();
        }
    }
    void look(const WhenStatement& node, Position /*at*/, Nesting /*nesting*/) {
        block(node.block, Nesting::Inside);
    }
    void look(const ForStatement& node, Position at, Nesting /*nesting*/) {
        const auto* first = std::get_if<NumberLiteral>(&node.first->node);
        const auto* last = node.last ? std::get_if<NumberLiteral>(&node.last->node) : nullptr;
        if (first != nullptr && last != nullptr && first->quantity.value > last->quantity.value) {
            error(at, 3, "this loop never goes round", "the smaller number first");
        }
        block(node.block, Nesting::Inside);
    }
    void look(const WatchStatement& node, Position /*at*/, Nesting /*nesting*/) {
        const bool no_line = std::holds_alternative<SilentPattern>(node.pattern.node) ||
                             std::holds_alternative<SeriesPattern>(node.pattern.node);
        if (no_line) {
            error(node.pattern.at,
                  to_text(node.pattern).size(),
                  "a watch sees single lines, replies and octets",
                  "a pattern other than silent and a series");
        }
    }
    void look(const CheckStatement& node, Position /*at*/, Nesting /*nesting*/) {
        std::set<std::string> seen;
        for (const CheckBranch& branch : node.branches) {
            if (!seen.insert(to_text(*branch.condition)).second) {
                error(branch.at, 1, "this can never be taken: the same condition stands before it");
            }
        }
    }
    void look(const AttemptStatement& node, Position at, Nesting nesting) {
        check_attempt_alternatives(node);
        if (const auto* tls = std::get_if<TlsAttempt>(&node.what)) {
            use_connection();
            check_tls(at, nesting);
            lint_options(in_, tls->options);
            tls_started_ = true;
        } else if (const auto* reach = std::get_if<ReachAttempt>(&node.what)) {
            use_connection();
            check_state(reach->state, at, "reach");
            tls_started_ = tls_started_ || reach->state >= State::Tls;
        } else {
            connection(std::get<ConnectionAttempt>(node.what), at, node);
        }
    }
    void check_attempt_alternatives(const AttemptStatement& node) {
        bool fail = false;
        bool silent = false;
        for (const AttemptAlternative& a : node.alternatives) {
            const bool is_fail = a.kind == AttemptAlternative::Kind::Fail;
            if ((is_fail && fail) || (!is_fail && silent)) {
                error(a.at, is_fail ? 4 : 6, "this can never be taken: one before it takes the same");
            }
            fail = fail || (is_fail && !a.reason);
            silent = silent || !is_fail;
        }
    }

    // states and TLS
    void check_state(State state, Position at, std::string_view word) {
        if (state == State::Tls && head_.modes_at.line > 1 && head_.has_mode(Mode::Plain)) {
            error(at,
                  word.size(),
                  "the state `tls` is not reachable on a plain port",
                  {},
                  "`modes` names `plain`");
        }
        if (state == State::Tcp && word == "reach") {
            error(at, word.size(), "`tcp` is where every connection begins; it cannot be reached");
        }
    }
    /// Only at the top of the script: `when mode == …` may look after the rest.
    void check_tls(Position at, Nesting nesting) {
        if (nesting == Nesting::Inside || current_ != "a") {
            return;
        }
        if (head_.has_mode(Mode::Tls) && head_.from >= State::Connected) {
            error(at,
                  3,
                  fmt::format("`tls` after `from: {}`: on an implicit-TLS port TLS is there already",
                              to_string(head_.from)),
                  "`modes` without tls, or `from: tcp`");
        } else if (head_.from >= State::Tls || tls_started_) {
            error(at,
                  3,
                  "TLS is there already",
                  {},
                  fmt::format("`from: {}` or a line above has started it", to_string(head_.from)));
        }
    }

    // connections
    struct Use {
        Position at;
        bool used = false;
    };
    void connection(const ConnectionAttempt& node, Position at, const AttemptStatement& attempt) {
        check_state(node.from.value_or(State::Connected), at, "connection");
        for (const Option& option : node.options) {
            if (option.name != "host" && option.name != "port" && option.name != "family") {
                error(option.at,
                      option.name.size(),
                      fmt::format("unknown option `{}` of `connection`", option.name),
                      "host, port or family");
            }
        }
        current_ = node.name;
        tls_started_ = node.from.value_or(State::Connected) >= State::Tls;
        const auto [entry, fresh] = connections_.emplace(node.name, Use{at, false});
        const bool asks = attempt.goal || !attempt.alternatives.empty();
        entry->second.used = entry->second.used || asks || (!fresh && node.name == "a");
    }
    void use_connection() { connections_[current_].used = true; }
    void finish_connections() {
        for (const auto& [name, use] : connections_) {
            if (!use.used && name != "a") {
                error(use.at,
                      10,
                      fmt::format("the connection `{}` is never used", name),
                      "lines that speak on it");
            }
        }
    }

    const LintInput& in_;
    const Head& head_;
    std::string current_ = "a";
    bool tls_started_ = false;
    std::map<std::string, Use> connections_;
};

void check_start(const LintInput& in) {
    const Head& head = in.scenario.head;
    if (head.from == State::Tls && head.modes_at.line > 1 && head.has_mode(Mode::Plain)) {
        in.reporter.error(
            head.from_at, 3, "the state `tls` is not reachable on a plain port", {}, "`modes` names `plain`");
    }
}

}  // namespace

void lint_flow(const LintInput& input) {
    check_start(input);
    FlowChecker(input).run();
}

}  // namespace smtpspec::script
