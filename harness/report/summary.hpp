#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "harness/report/matrix.hpp"

/// What is said of a run as a whole, before it is laid out for a terminal or a page. All texts are safe to
/// show.
namespace smtpspec::report {

/// "30 cells in 3.21 s: 16 pass, 1 fail (1 of them waived)".
std::string counts_text(const run::Result& result);

/// "22 slow (--slow), 3 intrusive (--intrusive)"; "" when nothing was left out.
std::string left_out_text(const run::Result& result);

/// Cells that were unsupported or skipped for one reason.
struct NotJudged {
    std::size_t count = 0;
    std::string verdict;    ///< "" in the last one, which stands for the rest
    std::string scenarios;  ///< "a.b, a.c and 3 more"
    std::string why;
};

/// The most frequent reasons first, of many the first eight and one for the rest.
std::vector<NotJudged> not_judged(const run::Result& result);

/// The cells of all subjects, in their order.
std::vector<const run::Cell*> all_cells(const std::vector<Subject>& subjects);

}  // namespace smtpspec::report
