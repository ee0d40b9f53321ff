#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/script/scenario.hpp"

/// Inside of protocol/script: what the linter has to know about a scenario, collected in one walk.
namespace smtpspec::script {

enum class NameKind { Parameter, Variable, Capture, LoopVariable, Mark, Connection, Label, Limiter };
std::string_view to_string(NameKind kind);

/// Where an expression stands: some names and functions exist only in some places (§9).
enum class Where { Script, Check, Rule, Watch, Head };

struct Survey {
    struct Declaration {
        std::string name;
        NameKind kind = NameKind::Label;
        Position at;
        std::size_t order = 0;
        std::size_t block = 0;
        std::size_t statement = 0;
        std::size_t length = 1;  ///< under the caret
    };
    /// A name in an expression.
    struct Use {
        std::string name;
        Position at;
        std::size_t order = 0;
        std::size_t block = 0;
        Where where = Where::Script;
        enum class As { Value, Mark, Limiter } as = As::Value;
    };
    struct Call {
        const CallExpression* call = nullptr;
        Position at;
        Where where = Where::Script;
    };
    struct BlockInfo {
        std::size_t parent = 0;
        bool unordered =
            false;  ///< a loop or the rules of a `serve`: what stands below may have happened already
    };
    struct TextUse {
        const Template* text = nullptr;
        enum class As { Octets, Zone } as = As::Octets;
    };

    std::vector<Declaration> declarations;
    std::vector<Use> uses;
    std::vector<Call> calls;
    std::vector<BlockInfo> blocks;
    std::vector<TextUse> texts;
    std::vector<const Goal*> goals;
    std::vector<const AttemptStatement*> attempts;
    std::vector<Position> attempt_places;
    std::vector<const ServeStatement*> serves;
    std::vector<const BinaryExpression*> comparisons;
    std::vector<Position> comparison_places;
    std::set<std::string, std::less<>> asked;  ///< names used in any expression
    State furthest = State::Tcp;               ///< the last state that a `from` or `reach` names

    bool shares_unordered_block(std::size_t a, std::size_t b) const;
    bool encloses(std::size_t outer, std::size_t inner) const;
};

Survey survey(const Scenario& scenario);

/// True if the expression asks the store, the client or the world: it may be unknown (§5, Look).
bool asks_oracle(const Expression& expression);

}  // namespace smtpspec::script
