#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "protocol/script/environment.hpp"
#include "protocol/script/scenario.hpp"

namespace smtpspec::script {

/// One label that a script reached, with what reached it.
struct Reached {
    std::string label;
    Position at;                                            ///< line of the scenario
    std::size_t transcript_first = 0, transcript_last = 0;  ///< entries of the transcript
};

/// How a script came to its end.
enum class ScriptEnd {
    finished,      ///< last line, or `!`
    unexpected,    ///< an event that no alternative names
    timeout,       ///< no event within the step's budget
    start_failed,  ///< the start state was not reached; `reason` names the step
    total_over,    ///< the cell's total budget is over
    rate_limited,  ///< a start step was answered as the profile describes a rate limit
    error,         ///< our own fault
};

struct Measurement {
    std::string name;  ///< the expression as written
    std::string value;
};

/// What running a script gave; judged by harness/run. Immutable.
struct ScriptResult {
    std::vector<Reached> labels;
    ScriptEnd end = ScriptEnd::finished;
    Position at;                ///< where it ended, when not finished
    std::string expected, got;  ///< for unexpected, timeout, start_failed: in words, secrets masked
    std::string reason;         ///< one sentence for people
    bool no_oracle = false;     ///< a check was unknown because an oracle is missing
    std::vector<Measurement> measurements;
    std::string
        first_reply_problem;  ///< when a start step got a 4yz/5yz: that reply, for rate-limit judgement
};

/// Runs the script of one cell. Never throws for what a peer does; a bug is an exception and the caller's
/// `error`.
wire::Awaitable<ScriptResult> run_script(const Scenario& scenario,
                                         const CellParams& cell,
                                         Environment& environment);

/// Rules of --fault / --faults / a scenario's limiter-free `serve` block as an overlay, usable from several
/// threads (it locks). `seed` feeds chance(). Counts of fits per rule are kept.
std::unique_ptr<Overlay> make_overlay(std::vector<Rule> rules, std::uint64_t seed);

/// A text of the head (`client`, `dns`, `web`) with its `${…}` filled in for one cell. Throws EvalError
/// (eval.hpp) when a value is missing.
std::string expand_for_cell(const Template& text,
                            const Scenario& scenario,
                            const CellParams& cell,
                            Environment& environment);

}  // namespace smtpspec::script
