#include <re2/re2.h>

#include <algorithm>
#include <functional>
#include <map>

#include "harness/run/plan.hpp"

namespace smtpspec::run {

namespace {

using script::State;

/// Walks a script and adds up what it asks of the endpoint. Loops count as often as they can run.
class Estimator {
  public:
    Estimator(const script::Scenario& scenario, bool has_credentials)
        : scenario_(scenario), has_credentials_(has_credentials) {}

    Traffic estimate() {
        collect_lets(scenario_.script);
        enter(scenario_.head.from, 1);
        traffic_.connections = 1;
        walk(scenario_.script, 1);
        if (sends_secret_ && traffic_.logins == 0) {
            traffic_.logins = 1;
        }
        return traffic_;
    }

  private:
    void enter(State state, int times) {
        if (state >= State::Authenticated && has_credentials_) {
            traffic_.logins += times;
        }
        if (state >= State::Envelope) {
            traffic_.messages += times;  // a transaction that may become a message
            traffic_.transactions += times;
        }
    }

    /// What a variable may stand for: all that a `let` anywhere gives it.
    void collect_lets(const script::Block& block) {
        for (const script::Statement& statement : block) {
            if (const auto* let = std::get_if<script::LetStatement>(&statement.node)) {
                lets_[let->name].push_back(let->value.get());
            } else if (const auto* when = std::get_if<script::WhenStatement>(&statement.node)) {
                collect_lets(when->block);
            } else if (const auto* loop = std::get_if<script::ForStatement>(&statement.node)) {
                collect_lets(loop->block);
            }
        }
    }

    static bool mentions(const script::Template& text, std::string_view word) {
        return text.literal().find(word) != std::string::npos;
    }

    using Fits = std::function<bool(const script::Expression&)>;

    /// Whether what is inserted has a part that fits; variables stand for what was given to them.
    bool inserts(const script::Template& text, const Fits& fits, int depth = 0) const {
        return std::any_of(text.pieces.begin(), text.pieces.end(), [&](const auto& piece) {
            return piece.expression && has(*piece.expression, fits, depth);
        });
    }

    bool has(const script::Expression& expression, const Fits& fits, int depth) const {
        constexpr int deepest = 20;  // a variable is set before it is used; this is for one that is not
        if (fits(expression) || depth > deepest) {
            return true;
        }
        if (const auto* variable = std::get_if<script::NameExpression>(&expression.node)) {
            const auto known = lets_.find(variable->name);
            return known != lets_.end() &&
                   std::any_of(known->second.begin(), known->second.end(), [&](const auto* value) {
                       return value != nullptr && has(*value, fits, depth + 1);
                   });
        }
        if (const auto* call = std::get_if<script::CallExpression>(&expression.node)) {
            return std::any_of(call->arguments.begin(), call->arguments.end(), [&](const auto& argument) {
                return argument && has(*argument, fits, depth + 1);
            });
        }
        if (const auto* binary = std::get_if<script::BinaryExpression>(&expression.node)) {
            return (binary->left && has(*binary->left, fits, depth + 1)) ||
                   (binary->right && has(*binary->right, fits, depth + 1));
        }
        if (const auto* text = std::get_if<script::StringLiteral>(&expression.node)) {
            return inserts(text->text, fits, depth + 1);
        }
        return false;
    }

    static bool is_name(const script::Expression& expression, std::string_view name) {
        const auto* variable = std::get_if<script::NameExpression>(&expression.node);
        return variable != nullptr && variable->name == name;
    }

    /// `plain(…)` or `base64(…)`, but for `base64(user)`: a name is no password.
    static bool is_credentials(const script::Expression& expression) {
        const auto* call = std::get_if<script::CallExpression>(&expression.node);
        if (call == nullptr || (call->function != "plain" && call->function != "base64")) {
            return false;
        }
        const auto& given = call->arguments;
        const bool is_user = given.size() == 1 && given.front() && is_name(*given.front(), "user");
        return !is_user;
    }

    /// AUTH with PLAIN and an initial response that is written out.
    static bool is_literal_login(const script::Template& text) {
        static const RE2 login("AUTH PLAIN [^\\r\\n ]");
        return RE2::PartialMatch(text.literal(), login);
    }

    /// An AUTH command alone is no login: it may be refused, cancelled or never answered. What is sent for it
    /// is one, in the command or after a challenge.
    void look_for_login(const script::Template& text, int times) {
        const bool command = mentions(text, "AUTH ");
        in_exchange_ = in_exchange_ || command;
        counted_ = counted_ && !command;
        const bool right = inserts(text, [](const auto& part) { return is_name(part, "secret"); });
        const bool wrong = !right && (inserts(text, is_credentials) || (command && is_literal_login(text)));
        sends_secret_ = sends_secret_ || right;
        if (right && (command || (in_exchange_ && !counted_))) {
            traffic_.logins += times;
            counted_ = true;
        } else if (wrong && in_exchange_ && !counted_) {
            traffic_.bad_logins += times;
            counted_ = true;
        }
    }

    void look_at(const script::Template& text, int times) {
        look_for_login(text, times);
        if (mentions(text, "MAIL FROM")) {
            traffic_.transactions += times;
        }
        if (mentions(text, "DATA") || mentions(text, "BDAT")) {
            traffic_.messages += times;
        }
    }

    void send(const script::SendStatement& statement, int times) {
        look_at(statement.text, times);
        for (const auto& item : statement.bytes.items) {
            const auto* expression = std::get_if<script::ExpressionPtr>(&item);
            if (expression == nullptr || *expression == nullptr) {
                continue;
            }
            if (const auto* text = std::get_if<script::StringLiteral>(&(*expression)->node)) {
                look_at(text->text, times);
            }
        }
    }

    static int rounds(const script::ForStatement& loop) {
        const auto number = [](const script::ExpressionPtr& expression) -> int {
            const auto* literal =
                expression ? std::get_if<script::NumberLiteral>(&expression->node) : nullptr;
            return literal != nullptr ? static_cast<int>(literal->quantity.value) : 10;
        };
        if (loop.last) {
            return std::max(1, number(loop.last) - number(loop.first) + 1);
        }
        const auto* list = loop.first ? std::get_if<script::ListExpression>(&loop.first->node) : nullptr;
        return list != nullptr ? std::max<int>(1, static_cast<int>(list->items.size())) : 10;
    }

    static std::string label_of(const script::Statement& statement) {
        const auto* when = std::get_if<script::WhenStatement>(&statement.node);
        const auto* name = when != nullptr && when->condition
                               ? std::get_if<script::NameExpression>(&when->condition->node)
                               : nullptr;
        return name != nullptr ? name->name : std::string();
    }

    /// The costliest of `when a { } when b { } …` whose labels are alternatives of the await before them: one
    /// of them is carried out. Gives the place behind the last.
    std::size_t walk_alternatives(const script::Block& block, std::size_t at, int times) {
        const auto* await = at > 0 ? std::get_if<script::AwaitStatement>(&block[at - 1].node) : nullptr;
        std::size_t end = at;
        while (await != nullptr && end < block.size() && reaches(*await, label_of(block[end]))) {
            ++end;
        }
        if (end < at + 2) {
            return at;
        }
        const Traffic before = traffic_;
        Traffic most = before;
        for (std::size_t i = at; i < end; ++i) {
            traffic_ = before;
            walk(std::get<script::WhenStatement>(block[i].node).block, times);
            most.connections = std::max(most.connections, traffic_.connections);
            most.logins = std::max(most.logins, traffic_.logins);
            most.bad_logins = std::max(most.bad_logins, traffic_.bad_logins);
            most.messages = std::max(most.messages, traffic_.messages);
            most.transactions = std::max(most.transactions, traffic_.transactions);
        }
        traffic_ = most;
        return end;
    }

    static bool reaches(const script::AwaitStatement& await, const std::string& label) {
        return !label.empty() &&
               std::any_of(
                   await.alternatives.begin(), await.alternatives.end(), [&](const auto& alternative) {
                       return alternative.goal && alternative.goal->label == label;
                   });
    }

    void walk(const script::Block& block, int times) {
        for (std::size_t i = 0; i < block.size(); ++i) {
            if (const std::size_t end = walk_alternatives(block, i, times); end > i) {
                i = end - 1;
                continue;
            }
            const script::Statement& statement = block[i];
            if (const auto* sent = std::get_if<script::SendStatement>(&statement.node)) {
                send(*sent, times);
            } else if (const auto* attempt = std::get_if<script::AttemptStatement>(&statement.node)) {
                attempted(*attempt, times);
            } else if (const auto* when = std::get_if<script::WhenStatement>(&statement.node)) {
                walk(when->block, times);
            } else if (const auto* loop = std::get_if<script::ForStatement>(&statement.node)) {
                walk(loop->block, times * rounds(*loop));
            }
        }
    }

    void attempted(const script::AttemptStatement& attempt, int times) {
        if (const auto* reach = std::get_if<script::ReachAttempt>(&attempt.what)) {
            enter(reach->state, times);
        } else if (const auto* other = std::get_if<script::ConnectionAttempt>(&attempt.what)) {
            traffic_.connections += times;
            enter(other->from.value_or(scenario_.head.from), times);
        }
    }

    const script::Scenario& scenario_;
    bool has_credentials_;
    bool sends_secret_ = false;
    bool in_exchange_ = false;  ///< an AUTH command has been sent
    bool counted_ = false;      ///< what it leads to has been counted
    std::map<std::string, std::vector<const script::Expression*>> lets_;
    Traffic traffic_;
};

}  // namespace

Traffic estimate_traffic(const script::Scenario& scenario, bool has_credentials) {
    return Estimator(scenario, has_credentials).estimate();
}

}  // namespace smtpspec::run
