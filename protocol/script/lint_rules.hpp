#pragma once

#include <string_view>

#include "protocol/script/diagnostic.hpp"
#include "protocol/script/lint.hpp"
#include "protocol/script/lint_survey.hpp"
#include "protocol/script/scenario.hpp"

/// Inside of protocol/script: the groups of rules of §10.
namespace smtpspec::script {

struct LintInput {
    const Scenario& scenario;
    const Survey& survey;
    const LintVocabulary& vocabulary;
    Reporter& reporter;
    bool head_whole = true;  ///< if not: nothing is said about what may stand in the part that was left out
    bool outcomes_whole = true;
    bool script_whole = true;  ///< the same for statements
};

/// Names: unknown, set twice, used before they are set, unused, not there in this place.
void lint_names(const LintInput& input);
/// Calls of functions and comparisons.
void lint_expressions(const LintInput& input);
/// True if the language has a function of this name.
bool is_function(std::string_view name);
/// Labels, outcomes and the self-test.
void lint_labels(const LintInput& input);
/// Statements after a sure end, alternatives never taken, series, states, connections, times.
void lint_flow(const LintInput& input);
/// One await: series with other alternatives, alternatives that can never be taken.
void lint_alternatives(const LintInput& input, const AwaitStatement& await);
/// Rules of `serve`.
void lint_serve(const LintInput& input);
/// The head: id, needs, defects, cells, filters, budgets.
void lint_head(const LintInput& input);
/// TLS options and certificates, wherever they stand.
void lint_options(const LintInput& input, const Options& options);
/// Addresses and domains that are not reserved for tests (RFC 2606).
void lint_addresses(const LintInput& input);

}  // namespace smtpspec::script
