#include <cstdlib>

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

    static bool mentions(const script::Template& text, std::string_view word) {
        return text.literal().find(word) != std::string::npos;
    }

    static bool inserts(const script::Template& text, std::string_view name) {
        for (const auto& piece : text.pieces) {
            if (piece.expression && uses(*piece.expression, name)) {
                return true;
            }
        }
        return false;
    }

    static bool uses(const script::Expression& expression, std::string_view name) {
        if (const auto* variable = std::get_if<script::NameExpression>(&expression.node)) {
            return variable->name == name;
        }
        if (const auto* call = std::get_if<script::CallExpression>(&expression.node)) {
            for (const auto& argument : call->arguments) {
                if (argument && uses(*argument, name)) {
                    return true;
                }
            }
        }
        if (const auto* text = std::get_if<script::StringLiteral>(&expression.node)) {
            return inserts(text->text, name);
        }
        return false;
    }

    void look_at(const script::Template& text, int times) {
        sends_secret_ = sends_secret_ || inserts(text, "secret");  // perhaps after a challenge
        if (mentions(text, "AUTH ")) {
            const bool right = inserts(text, "secret");
            (right ? traffic_.logins : traffic_.bad_logins) += times;
        }
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

    void walk(const script::Block& block, int times) {
        for (const script::Statement& statement : block) {
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
    Traffic traffic_;
};

}  // namespace

Traffic estimate_traffic(const script::Scenario& scenario, bool has_credentials) {
    return Estimator(scenario, has_credentials).estimate();
}

}  // namespace smtpspec::run
