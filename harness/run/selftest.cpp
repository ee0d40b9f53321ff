#include "harness/run/selftest.hpp"

#include <algorithm>
#include <set>

#include "harness/run/judge.hpp"

namespace smtpspec::run {

using script::Scenario;
using ScenarioPtr = std::shared_ptr<const Scenario>;

namespace {

constexpr double allowed_share = 0.10;

bool reached(const CellRun& run, const std::string& label) {
    return std::any_of(run.script.labels.begin(), run.script.labels.end(), [&](const script::Reached& one) {
        return one.label == label;
    });
}

bool fits(const script::SelftestEntry& entry, const script::CellParams& params) {
    return !entry.filter || script::filter_matches(*entry.filter, params);
}

/// The first port of each mode, where a bad peer is tried; 0 stays 0.
std::set<int> one_port_per_mode(const Plan& plan) {
    std::set<script::Mode> seen;
    std::set<int> ports{0};
    for (const PlannedCell& cell : plan.cells) {
        if (cell.port != 0 && seen.insert(cell.mode).second) {
            ports.insert(cell.port);
        }
    }
    return ports;
}

class Selftest {
  public:
    Selftest(RunContext& context, const Catalog& catalog, Mutate mutate)
        : context_(context), mutate_(mutate) {
        context_.options.slow =
            true;  // every scenario proves itself; between our own peers the waits are short
        plan_for(catalog, script::Side::Server);
        plan_for(catalog, script::Side::Client);
    }

    SelftestReport run(const Progress& progress) {
        ScheduleOutcome outcome = run_plan(context_, plan_, {}, progress);
        report_.interrupted = outcome.interrupted;
        if (outcome.interrupted) {
            keep_cells(outcome.runs);
            return report_;
        }
        for (std::size_t i = 0; i < outcome.runs.size(); ++i) {
            by_scenario_[plan_.cells[i].scenario->id()].push_back(i);
        }
        for (const ScenarioPtr& scenario : scenarios_) {
            judge_scenario(*scenario, outcome.runs);
        }
        keep_cells(outcome.runs);
        return report_;
    }

  private:
    void plan_for(const Catalog& catalog, script::Side side) {
        Plan good = make_plan(catalog, context_.profile, context_.options, Surroundings::embedded, side);
        for (const ScenarioPtr& scenario : catalog.scenarios()) {
            if (scenario->head.side != side) {
                continue;
            }
            const auto of = [&](const PlannedCell& cell) { return cell.scenario == scenario; };
            if (std::any_of(good.cells.begin(), good.cells.end(), of)) {
                scenarios_.push_back(scenario);
            }
        }
        for (const PlannedCell& cell : good.cells) {
            plan_.cells.push_back(cell);
            trials_.push_back(nullptr);
            ++report_.good_cells;
        }
        add_bad_peers(good);
        report_.scenarios = static_cast<int>(scenarios_.size());
    }

    void add_bad_peers(const Plan& good) {
        std::map<std::string, std::set<int>> ports;
        std::map<std::string, Plan> plans;
        for (const PlannedCell& cell : good.cells) {
            plans[cell.scenario->id()].cells.push_back(cell);
        }
        for (auto& [id, plan] : plans) {
            ports[id] = one_port_per_mode(plan);
        }
        for (const PlannedCell& cell : good.cells) {
            if (ports[cell.scenario->id()].count(cell.port) == 0) {
                continue;
            }
            for (const script::SelftestEntry& entry : cell.scenario->head.selftest) {
                PlannedCell bad = cell;
                bad.defect = entry.defect;
                plan_.cells.push_back(std::move(bad));
                trials_.push_back(&entry);
                ++report_.bad_cells;
            }
        }
    }

    void fail(const Scenario& scenario, std::string what) {
        report_.failures.push_back(SelftestFinding{scenario.id(), std::move(what)});
    }

    std::string describe(std::size_t index, const CellRun& run) const {
        return fmt::format("{} on port {}: {}{}{}",
                           run.cell.name(),
                           plan_.cells[index].port,
                           script::to_string(run.cell.verdict),
                           run.cell.outcome.empty() ? "" : " (" + run.cell.outcome + ")",
                           run.cell.reason.empty() ? "" : ": " + run.cell.reason);
    }

    void judge_scenario(const Scenario& scenario, const std::vector<CellRun>& runs) {
        const std::vector<std::size_t>& cells = by_scenario_[scenario.id()];
        std::set<std::string> turned, proved;
        for (const std::size_t index : cells) {
            if (trials_[index] == nullptr) {
                judge_good(scenario, index, runs[index], proved);
            } else {
                note_turned(scenario, index, runs[index], turned);
                note_variant(scenario, *trials_[index], runs[index], proved);
            }
        }
        for (const script::SelftestEntry& entry : scenario.head.selftest) {
            judge_entry(scenario, entry, cells, runs);
        }
        list_unturned(scenario, cells, runs, turned);
        list_unproved(scenario, proved);
        if (mutate_ == Mutate::yes) {
            mutate(scenario, cells, runs);
        }
    }

    void judge_good(const Scenario& scenario,
                    std::size_t index,
                    const CellRun& run,
                    std::set<std::string>& proved) {
        for (const script::Reached& one : run.script.labels) {
            proved.insert(one.label);
        }
        if (run.cell.verdict != Verdict::Pass && run.cell.verdict != Verdict::Unsupported) {
            fail(scenario, "the good peer is not good: " + describe(index, run));
        }
    }

    static void note_turned(const Scenario& scenario,
                            std::size_t,
                            const CellRun& run,
                            std::set<std::string>& turned) {
        const script::Outcome* outcome = scenario.head.outcome(run.cell.outcome);
        if (outcome != nullptr && outcome->verdict != Verdict::Pass) {
            turned.insert(run.cell.name());
        }
    }

    /// An entry that maps to a pass label is a variant: a peer that differs and is right as well.
    static void note_variant(const Scenario& scenario,
                             const script::SelftestEntry& entry,
                             const CellRun& run,
                             std::set<std::string>& proved) {
        const script::Outcome* outcome = scenario.head.outcome(entry.label);
        if (outcome != nullptr && outcome->verdict == Verdict::Pass && reached(run, entry.label)) {
            proved.insert(entry.label);
        }
    }

    void judge_entry(const Scenario& scenario,
                     const script::SelftestEntry& entry,
                     const std::vector<std::size_t>& cells,
                     const std::vector<CellRun>& runs) {
        bool any = false;
        std::string example;
        std::set<std::string> must, did;
        for (const std::size_t index : cells) {
            if (trials_[index] != &entry) {
                continue;
            }
            const CellRun& run = runs[index];
            if (run.cell.verdict == Verdict::Error) {
                fail(scenario, fmt::format("defect {}: {}", entry.defect, describe(index, run)));
            }
            const bool hit = reached(run, entry.label);
            any = any || hit;
            if (entry.filter && fits(entry, plan_.cells[index].params)) {
                must.insert(run.cell.name());
                if (hit) {
                    did.insert(run.cell.name());
                }
            }
            example = describe(index, run);
        }
        if (!any) {
            fail(scenario,
                 fmt::format("defect {} never reached \"{}\"; last: {}", entry.defect, entry.label, example));
        }
        for (const std::string& name : must) {
            if (did.count(name) == 0) {
                fail(scenario,
                     fmt::format(
                         "defect {} must turn {} to \"{}\" and did not", entry.defect, name, entry.label));
            }
        }
    }

    void list_unturned(const Scenario& scenario,
                       const std::vector<std::size_t>& cells,
                       const std::vector<CellRun>& runs,
                       const std::set<std::string>& turned) {
        std::set<std::string> listed;
        for (const std::size_t index : cells) {
            const std::string name = runs[index].cell.name();
            names_.insert(name);
            const bool judged = runs[index].cell.verdict != Verdict::Unsupported;
            if (trials_[index] == nullptr && judged && turned.count(name) == 0 &&
                listed.insert(name).second) {
                report_.unturned.push_back(SelftestFinding{scenario.id(), name});
            }
        }
        report_.parameter_cells = static_cast<int>(names_.size());
    }

    void list_unproved(const Scenario& scenario, const std::set<std::string>& proved) {
        for (const script::Outcome& outcome : scenario.head.outcomes) {
            if (outcome.verdict != Verdict::Pass) {
                continue;
            }
            ++report_.pass_outcomes;
            if (proved.count(outcome.label) == 0) {
                report_.unproved.push_back(SelftestFinding{
                    scenario.id(),
                    fmt::format("\"{}\": the good peer does something else that is right as well",
                                outcome.label)});
            }
        }
    }

    /// Turns each non-pass outcome into pass and judges the recorded runs again: a bad peer must now look
    /// better than the file as it stands says.
    void mutate(const Scenario& scenario,
                const std::vector<std::size_t>& cells,
                const std::vector<CellRun>& runs) {
        for (std::size_t i = 0; i < scenario.head.outcomes.size(); ++i) {
            if (scenario.head.outcomes[i].verdict == Verdict::Pass) {
                continue;
            }
            script::Head mutant = scenario.head;
            mutant.outcomes[i].verdict = Verdict::Pass;
            ++report_.mutations;
            const bool noticed = std::any_of(cells.begin(), cells.end(), [&](std::size_t index) {
                const Judgement original = judge(scenario.head, runs[index].script);
                return trials_[index] != nullptr &&
                       script::worse(original.verdict, judge(mutant, runs[index].script).verdict);
            });
            if (!noticed) {
                report_.surviving.push_back(
                    SelftestFinding{scenario.id(),
                                    fmt::format("outcome \"{}\" as pass: no bad peer looks different",
                                                mutant.outcomes[i].label)});
            }
        }
    }

    void keep_cells(std::vector<CellRun>& runs) {
        for (CellRun& run : runs) {
            report_.result.cells.push_back(std::move(run.cell));
        }
    }

    RunContext& context_;
    Mutate mutate_;
    Plan plan_;
    std::vector<const script::SelftestEntry*> trials_;  ///< beside plan_.cells
    std::vector<ScenarioPtr> scenarios_;
    std::map<std::string, std::vector<std::size_t>> by_scenario_;
    std::set<std::string> names_;
    SelftestReport report_;
};

}  // namespace

bool SelftestReport::green() const {
    return failures.empty() && surviving.empty() && !interrupted &&
           static_cast<double>(unturned.size()) <= allowed_share * parameter_cells &&
           static_cast<double>(unproved.size()) <= allowed_share * pass_outcomes;
}

SelftestReport selftest(RunContext& context,
                        const Catalog& catalog,
                        Mutate mutate,
                        const Progress& progress) {
    return Selftest(context, catalog, mutate).run(progress);
}

}  // namespace smtpspec::run
