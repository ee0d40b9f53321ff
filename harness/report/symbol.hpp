#pragma once

#include <string>
#include <vector>

#include "harness/report/text.hpp"
#include "harness/run/result.hpp"

/// How one cell looks in a matrix: letters that can be told apart without colour.
namespace smtpspec::report {

/// True for what a folded row may hide: pass, unsupported and skipped, unless a waiver expected something
/// else.
bool is_green(const run::Cell& cell);

/// True for unsupported and skipped: nothing was judged.
bool is_void(const run::Cell& cell);

/// `ok`, `tol`, `WARN`, `FAIL`, `VULN`, `?`, `-`, `skip`, `ERR`, `XPASS`; with a `w` behind it when waived.
std::string symbol(const run::Cell& cell);

/// The word of the verdict, `unexpected pass` for a cell that a waiver thought red.
std::string verdict_word(const run::Cell& cell);

Tone tone(const run::Cell& cell);

/// The order in which findings are shown: the worst first. 0 is the worst.
int rank(const run::Cell& cell);

/// The cell that stands for several: the worst.
const run::Cell& worst(const std::vector<const run::Cell*>& cells);

}  // namespace smtpspec::report
