#pragma once

#include <string>
#include <vector>

#include "harness/report/finding.hpp"

/// What is said of a finding, before it is laid out for a terminal or a page.
namespace smtpspec::report {

/// How much there is to say.
enum class FindingKind {
    brief,  ///< tolerated: one sentence
    port,   ///< the port's trouble, not the scenario's: one reason for all its cells
    full    ///< everything, with the transcript
};

/// All texts are one line and safe to show; "" where there is nothing to say.
struct FindingText {
    FindingKind kind = FindingKind::full;
    std::string name;   ///< "data.eod[eod=a]", or "12 cells"
    std::string where;  ///< "ports 25, 587 (starttls)"
    std::string title, level;
    std::string verdict;  ///< "fail, MUST, severity high, outcome executed"
    std::vector<std::string> refs;
    std::string expected, got, why;
    std::string means;  ///< what people notice; of a red cell and a warning only
    std::string waiver;
    std::string attempts;  ///< "inconclusive (no answer), then pass" of a cell that was run again
    std::string also;      ///< "[eod=lf-dot-lf] port 25": the other parameter values that it is about
};

FindingText text_of(const Finding& finding);

/// What people notice of this cell's failure; "" where nothing has failed.
std::string means_text(const run::Cell& cell);

/// Why a finding has no transcript to show; "" where there was no conversation.
std::string transcript_note(const run::Cell& cell);

/// "data.eod[eod=a]" for one value; "data.eod" when it is about several.
std::string finding_name(const Finding& finding);

/// "ports 25, 587 (starttls)".
std::string where(const std::vector<const run::Cell*>& cells);

/// The trouble is the port's (unreachable, gone, not what the profile says), not the scenario's: said once.
bool is_about_the_port(const run::Cell& cell);

/// What the attempts of a cell came to; "" when it was run once.
std::string attempts_text(const run::Cell& cell);

/// "the fix comes with 2.4; anna; https://…; until 2027-01-31".
std::string waived_text(const run::WaiverNote& waiver);

/// The cells whose verdict changed when they were run again.
std::vector<const run::Cell*> flaky(const std::vector<const run::Cell*>& cells);

/// The waived cells that are not green, those with one name, verdict and reason together.
std::vector<Finding> waived(const std::vector<const run::Cell*>& cells);

}  // namespace smtpspec::report
