#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "protocol/script/ast.hpp"
#include "protocol/script/diagnostic.hpp"
#include "protocol/script/head.hpp"
#include "protocol/script/source.hpp"

namespace smtpspec::script {

/// One scenario file, read and checked for syntax. `lint` (lint.hpp) looks for what makes no sense.
struct Scenario {
    SourcePtr source;
    Head head;
    Block script;
    std::size_t script_lines = 0;  ///< lines of the script that are not blank and not only a comment

    const std::string& id() const { return head.id.text; }
    /// A script of nothing but `watch`, `check` and `otherwise` (§5, Watch).
    bool passive() const;
    /// Runs only with `--slow`: it has to wait more than 2 s, or its total is over 60 s (§3, `time`).
    bool slow() const;
    /// The `silent` and `wait` times that cannot be avoided, added up.
    Duration waits() const;
    /// What a conversation with a good peer lasts at least, as far as the text tells: waits(), the silence
    /// that a `serve` block listens for, and limiters that have to fill again. For the order of a schedule.
    Duration lasts() const;
};

/// Limits on hostile input.
inline constexpr std::size_t max_scenario_octets = 1024 * 1024;
inline constexpr std::size_t max_nesting = 64;
inline constexpr std::size_t max_cells = 500;

/// Reads a scenario. All mistakes are collected; the result is a scenario only if there is no error.
tl::expected<Scenario, Diagnostics> load_scenario(std::string_view text, std::string file_name);

/// Reads rules, one on each line, as `mock --fault` and `PUT /faults` take them (§6). Goals are errors there.
tl::expected<std::vector<Rule>, Diagnostics> parse_rules(std::string_view text, std::string name);

/// Reads one pattern of the side under test, as a head's parameter holds it.
tl::expected<Pattern, Diagnostics> parse_pattern(std::string_view text, Side side);

/// Reads one expression (for tests and for `waive` conditions).
tl::expected<ExpressionPtr, Diagnostics> parse_expression(std::string_view text);

// ---------------------------------------------------------------------------------------------------------------
// Cells (§7)
// ---------------------------------------------------------------------------------------------------------------

/// One combination of parameter values: (parameter name, value name) in the order of the head.
struct CellParams {
    std::string scenario;
    std::vector<std::pair<std::string, std::string>> values;

    /// `id[a=x,b=y]`; only `id` without parameters.
    std::string name() const;
    /// The value name of a parameter; empty if there is no such parameter.
    std::string_view value(std::string_view parameter) const;
};

/// All combinations in the order of the head (the last parameter changes fastest), without those of `except`.
/// At most `max_cells + 1` are made.
std::vector<CellParams> expand_cells(const Head& head);

/// Reads `id[key=glob,…]`, `key=glob,…` or a bare id glob (if `text` has neither `=` nor `[`).
CellFilter parse_cell_filter(std::string_view text);

/// True if the id fits (or none is asked for) and every key named is a parameter of the cell whose value
/// fits.
bool filter_matches(const CellFilter& filter, const CellParams& cell);

/// The same for a filter as a person types it: `--only 'data.eod.*[eod=lf-*]'`.
bool filter_matches(std::string_view filter, const CellParams& cell);

/// The requirement ids that this cell settles by `covers`, besides its own id.
std::vector<std::string> covered_by(const Head& head, const CellParams& cell);

/// The value of a parameter in this cell; null if the cell or the head does not know it.
const ParamValue* cell_value(const Head& head, const CellParams& cell, std::string_view parameter);

/// The pattern behind `${param}` in this cell; null if there is none.
const Pattern* cell_pattern(const ParameterPattern& pattern, const CellParams& cell);

}  // namespace smtpspec::script
