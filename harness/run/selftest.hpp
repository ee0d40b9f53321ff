#pragma once

#include <string>
#include <vector>

#include "harness/run/schedule.hpp"

namespace smtpspec::run {

/// One thing that a self-test found wrong, or could not prove.
struct SelftestFinding {
    std::string scenario;
    std::string what;  ///< a sentence
};

/// What `smtpspec selftest` reports.
struct SelftestReport {
    int scenarios = 0, good_cells = 0, bad_cells = 0;
    std::vector<SelftestFinding> failures;
    std::vector<SelftestFinding> unturned;  ///< cells that no defect turns (at most 10 %)
    std::vector<SelftestFinding> unproved;  ///< pass outcomes that no good peer reaches (at most 10 %)
    int parameter_cells = 0;                ///< cells without their ports
    int pass_outcomes = 0;
    int mutations = 0;                       ///< --mutate: outcomes that were turned into pass
    std::vector<SelftestFinding> surviving;  ///< mutations that nobody noticed
    bool interrupted = false;
    Result result;  ///< all cells, for reports and evidence

    bool green() const;
};

/// Every scenario against the good model peer on every port, and against each bad one on one port per mode
/// (scenario-language.md §8). With `mutate`, each non-pass outcome is turned into pass, one at a time, and
/// everything is judged again: somebody must notice.
enum class Mutate { no, yes };
SelftestReport selftest(RunContext& context, const Catalog& catalog, Mutate mutate, const Progress& progress);

}  // namespace smtpspec::run
