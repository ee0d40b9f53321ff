#pragma once

#include <vector>

#include "protocol/script/interpreter_state.hpp"

namespace smtpspec::script {

/// One alternative of an await, its `${param}` resolved.
struct Choice {
    const Alternative* alternative = nullptr;
    const Pattern* pattern = nullptr;
};
using Choices = std::vector<Choice>;

/// Throws EvalError when a parameter has no such pattern.
Choices choices_of(const AwaitStatement& statement, const CellParams& cell);
/// The alternatives in words.
std::string expected_text(const Choices& choices);
bool has_series(const Choices& choices);

/// Waits for one event.
wire::Awaitable<void> await_event(ScriptState& state, Link& link, const Choices& choices, Position at);
/// Waits for a series of replies.
wire::Awaitable<void> await_series(ScriptState& state, Link& link, const Choices& choices, Position at);

}  // namespace smtpspec::script
