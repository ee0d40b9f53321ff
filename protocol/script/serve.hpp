#pragma once

#include "protocol/script/interpreter_state.hpp"

namespace smtpspec::script {

/// `serve { rules }`: gives the present connection of the client, and all later ones, to the faithful server
/// with the rules laid over it (scenario-language.md §6), until the client has finished, or a rule's goal
/// ends the script.
wire::Awaitable<void> run_serve(ScriptState& state,
                                const std::vector<Rule>& rules,
                                std::optional<Duration> time);

}  // namespace smtpspec::script
