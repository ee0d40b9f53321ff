#pragma once

#include "protocol/script/interpreter_state.hpp"
#include "protocol/script/start_state.hpp"

namespace smtpspec::script {

/// Carries out the statements of a script, one after the other, on one thread.
class Interpreter {
  public:
    explicit Interpreter(ScriptState& state) : state_(state) {}

    wire::Awaitable<void> run();

  private:
    wire::Awaitable<void> passive();
    wire::Awaitable<void> deliver();
    wire::Awaitable<void> start(Position at);
    wire::Awaitable<void> block(const Block& block);
    wire::Awaitable<void> statement(const Statement& statement);

    wire::Awaitable<void> carry_out(const SendStatement& node, Position at);
    wire::Awaitable<void> carry_out(const AwaitStatement& node, Position at);
    wire::Awaitable<void> carry_out(const AttemptStatement& node, Position at);
    wire::Awaitable<void> carry_out(const CheckStatement& node, Position at);
    wire::Awaitable<void> carry_out(const OtherwiseStatement& node, Position at);
    wire::Awaitable<void> carry_out(const WhenStatement& node, Position at);
    wire::Awaitable<void> carry_out(const ForStatement& node, Position at);
    wire::Awaitable<void> carry_out(const WatchStatement& node, Position at);
    wire::Awaitable<void> carry_out(const ServeStatement& node, Position at);
    wire::Awaitable<void> carry_out(const LetStatement& node, Position at);
    wire::Awaitable<void> carry_out(const ActionStatement& node, Position at);

    wire::Awaitable<void> act(const WaitAction& action, Position at);
    wire::Awaitable<void> act(const CloseAction& action, Position at);
    wire::Awaitable<void> act(const DropAction& action, Position at);
    wire::Awaitable<void> act(const StallAction& action, Position at);
    wire::Awaitable<void> act(const MarkAction& action, Position at);

    wire::Awaitable<StepResult> attempt(const TlsAttempt& what, const AttemptStatement& node);
    wire::Awaitable<StepResult> attempt(const ReachAttempt& what, const AttemptStatement& node);
    wire::Awaitable<StepResult> attempt(const ConnectionAttempt& what, const AttemptStatement& node);
    void judge(const AttemptStatement& node, const StepResult& result, TranscriptIndex first, Position at);
    void start_failed(const StepFailure& failure, Position at);

    wire::Awaitable<void> need_connection(Position at);
    wire::Awaitable<void> send_writes(std::vector<Write> writes);
    wire::Awaitable<void> pause(Duration time);
    wire::Awaitable<void> ask_oracles(const Expression& expression);
    wire::Awaitable<void> ask_store();
    wire::Awaitable<bool> is_true(const Expression& expression);
    TlsOptions options(const Options& options);

    ScriptState& state_;
};

/// Ends what is still open: QUIT where it makes sense, then an orderly close. What came and was not read is
/// shown to the watches first.
wire::Awaitable<void> end_connections(ScriptState& state);

}  // namespace smtpspec::script
