#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "harness/run/context.hpp"
#include "harness/run/plan.hpp"
#include "harness/run/probe.hpp"
#include "harness/run/result.hpp"
#include "harness/run/run_cell.hpp"

namespace smtpspec::run {

/// Told about each finished cell, one call at a time, from any thread.
using Progress = std::function<void(const Cell& cell, std::size_t done, std::size_t of)>;

/// How a plan was carried out.
struct ScheduleOutcome {
    std::vector<CellRun> runs;         ///< in the order of the plan; cells that never ran are missing
    std::vector<std::string> notices;  ///< pauses, ports given up
    bool interrupted = false;
};

/// Runs the cells: in parallel on one loop per core against our own peers, a few at a time against a server
/// on this machine, paced with pauses after rate-limit replies against anything else (design.md §8). `probes`
/// may be empty (embedded). Blocks until done or `context.interrupted`.
ScheduleOutcome run_plan(RunContext& context,
                         const Plan& plan,
                         const std::map<int, PortProbe>& probes,
                         const Progress& progress);

}  // namespace smtpspec::run
