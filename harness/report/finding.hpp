#pragma once

#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "harness/report/matrix.hpp"
#include "harness/report/report.hpp"

namespace smtpspec::report {

/// Cells of one scenario that came to the same: one block below the matrix.
struct Finding {
    std::vector<const run::Cell*> cells;  ///< at least one; the first is shown in full

    const run::Cell& shown() const { return *cells.front(); }
};

/// What is not green in these cells, waived cells left out, the worst first. Cells of one scenario are one
/// finding when verdict, outcome and severity are the same (and, where no outcome decided, the reason but for
/// numbers).
std::vector<Finding> findings(const std::vector<const run::Cell*>& cells);

/// The block of one finding: in full for what is red, an error or inconclusive, in short for warn and
/// tolerated.
std::string render_finding(const Finding& finding, const run::Result& result, const RenderOptions& options);

/// The waived cells as a short list with their reasons; "" without any.
std::string render_waived(const std::vector<const run::Cell*>& cells, const RenderOptions& options);

/// The cells whose verdict changed when they were run again, as a short list; "" without any.
std::string render_flaky(const std::vector<const run::Cell*>& cells, const RenderOptions& options);

/// The words of the command that runs this one cell again, not yet quoted.
std::vector<std::string> rerun_words(const run::Result& result,
                                     const run::Cell& cell,
                                     const std::string& program);

/// One word of a command does not fit into a line.
struct Overlong {};

/// The command in lines that a shell reads as one (a backslash at the end of all but the last), each word
/// quoted for a POSIX shell; control characters and 8-bit octets as $'…', which bash, zsh and ksh know.
tl::expected<std::vector<std::string>, Overlong> shell_lines(const std::vector<std::string>& words,
                                                             int width);

/// The same for words of any length: they are broken where a shell joins them again, which it does only when
/// nothing stands before the next line.
std::vector<std::string> broken_shell_lines(const std::vector<std::string>& words, int width);

}  // namespace smtpspec::report
