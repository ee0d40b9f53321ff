#pragma once

#include <string>
#include <vector>

#include "harness/run/schedule.hpp"

namespace smtpspec::run {

/// A scenario that a defect turns.
struct TurnedScenario {
    std::string scenario;
    Verdict verdict = Verdict::Warn;  ///< the worst of its cells: vulnerable, fail or warn
    bool named = false;               ///< its `selftest` names the defect
};

struct DefectRow {
    std::string defect;
    std::vector<TurnedScenario> turned;  ///< by id
};

/// What `smtpspec selftest --by-defect` reports.
struct DefectTable {
    std::vector<DefectRow> rows;  ///< in the order of the defects
    std::vector<std::string>
        left_out;  ///< scenarios that tell a good peer from a bad one by time, which a busy machine changes
    std::vector<std::string>
        errors;  ///< sentences: cells that are our own fault, good peers that are not good
    std::size_t scenarios = 0, conversations = 0;
    bool interrupted = false;
};

/// Every server scenario against the good model server and against one with each defect: which of them turn
/// red or warn. On one port: the first for STARTTLS, else the first that the scenario has. With the budgets
/// of a run; takes minutes.
DefectTable defect_table(RunContext& context, const Catalog& catalog, const Progress& progress);

}  // namespace smtpspec::run
