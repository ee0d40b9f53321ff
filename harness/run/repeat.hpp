#pragma once

#include <map>

#include "harness/run/plan.hpp"
#include "harness/run/run_cell.hpp"

namespace smtpspec::run {

/// True for what has to come twice: a finding that hangs on a connection that ended or was never made, for
/// one in many is lost on any network and some servers close every n-th (real-peers.md 13); and a cell that
/// lost its connection before it had asked anything.
bool is_doubtful(const CellRun& run);

/// A run of a cell that another one replaces.
Attempt attempt_of(Cell cell);

/// The first run when the second agrees; the second when the first asked nothing or the second found a
/// vulnerability; else the first, inconclusive. Where they differ, what each came to stays in
/// `Cell::attempts`.
CellRun agreed(CellRun first, CellRun second);

/// A doubtful run that cannot be repeated: no finding.
CellRun unconfirmed(CellRun run);

/// What of the endpoint's budget is left for running cells again. For one thread where there is a budget;
/// both references outlive it.
class Repeats {
  public:
    Repeats(const RunContext& context, const Plan& plan) : context_(context), plan_(plan) {}

    /// Whether the cell may be run once more; what it sends again is then taken from its port's budget.
    bool take(const PlannedCell& planned);

  private:
    const RunContext& context_;
    const Plan& plan_;
    std::map<int, Traffic> left_;  ///< by port
};

}  // namespace smtpspec::run
