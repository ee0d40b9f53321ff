#include "harness/run/defect_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <numeric>
#include <set>

#include "mockserver/defects.hpp"

namespace smtpspec::run {

namespace {

using script::Scenario;
using ScenarioPtr = std::shared_ptr<const Scenario>;

/// How many cells are under way at once. All of them are run once, and most of them wait and do not compute.
/// What is not a pass is run again at leisure, since a busy machine makes a good peer look slow; and what
/// came out differently then, once more alone, which decides.
constexpr int wide = 400, calm = 48, alone = 1;

bool turned(Verdict verdict) { return is_red(verdict) || verdict == Verdict::Warn; }

bool names(const Scenario& scenario, const std::string& defect) {
    return std::any_of(scenario.head.selftest.begin(),
                       scenario.head.selftest.end(),
                       [&](const script::SelftestEntry& entry) { return entry.defect == defect; });
}

/// Its verdict hangs on how long something took.
bool is_about_time(const Scenario& scenario) {
    const std::string_view text = scenario.source->text();
    return scenario.slow() || text.find("since(") != std::string_view::npos;
}

class Table {
  public:
    Table(RunContext& context, const Catalog& catalog) : context_(context) {
        context_.options.slow = false;
        context_.options.transcripts = KeepTranscripts::none;
        add_cells(make_plan(
            catalog, context_.profile, context_.options, Surroundings::embedded, script::Side::Server));
        for (const ScenarioPtr& scenario : catalog.scenarios()) {
            if (scenario->slow() && scenario->head.side == script::Side::Server) {
                left_out_.insert(scenario->id());
            }
        }
    }

    DefectTable run(const Progress& progress) {
        std::vector<std::size_t> all(plan_.cells.size());
        std::iota(all.begin(), all.end(), std::size_t{0});
        cells_.resize(plan_.cells.size());
        carry_out(all, wide, progress);
        std::vector<std::size_t> doubtful;
        std::copy_if(all.begin(), all.end(), std::back_inserter(doubtful), [&](std::size_t index) {
            return cells_[index].verdict != Verdict::Pass && cells_[index].verdict != Verdict::Unsupported;
        });
        carry_out(carry_out(doubtful, calm, progress), alone, progress);
        table_.interrupted = context_.interrupted;
        if (!table_.interrupted) {
            judge();
        }
        table_.left_out.assign(left_out_.begin(), left_out_.end());
        return std::move(table_);
    }

  private:
    /// Runs these cells; gives those that came out in another way than before.
    std::vector<std::size_t> carry_out(const std::vector<std::size_t>& indices,
                                       int at_once,
                                       const Progress& progress) {
        Plan part;
        for (const std::size_t index : indices) {
            part.cells.push_back(plan_.cells[index]);
        }
        if (part.cells.empty() || context_.interrupted) {
            return {};
        }
        context_.options.jobs = at_once;
        ScheduleOutcome outcome = run_plan(context_, part, {}, progress);
        if (outcome.interrupted) {
            return {};
        }
        table_.conversations += outcome.runs.size();
        std::vector<std::size_t> changed;
        for (std::size_t i = 0; i < indices.size(); ++i) {
            Cell& known = cells_[indices[i]];
            if (known.verdict != outcome.runs[i].cell.verdict) {
                changed.push_back(indices[i]);
            }
            known = std::move(outcome.runs[i].cell);
        }
        return changed;
    }

    void add_cells(const Plan& good) {
        std::map<std::string, int> ports;
        for (const PlannedCell& cell : good.cells) {
            const std::string& id = cell.scenario->id();
            if (is_about_time(*cell.scenario)) {
                left_out_.insert(id);
                continue;
            }
            int& port = ports.try_emplace(id, cell.port).first->second;
            if (cell.mode == script::Mode::Starttls && mode_of(port) != script::Mode::Starttls) {
                port = cell.port;
            }
        }
        table_.scenarios = ports.size();
        std::vector<PlannedCell> chosen;
        for (const PlannedCell& cell : good.cells) {
            const auto port = ports.find(cell.scenario->id());
            if (port != ports.end() && port->second == cell.port) {
                chosen.push_back(cell);
            }
        }
        add_peers(chosen);
    }

    script::Mode mode_of(int port) const {
        const auto known = context_.profile.ports.find(port);
        return known == context_.profile.ports.end() ? script::Mode::Starttls : known->second;
    }

    void add_peers(const std::vector<PlannedCell>& chosen) {
        std::vector<std::string> peers{""};  // the good one first
        for (const mock::DefectInfo& defect : mock::server_defects()) {
            peers.emplace_back(defect.name);
        }
        for (const std::string& peer : peers) {
            for (PlannedCell cell : chosen) {
                cell.defect = peer;
                plan_.cells.push_back(std::move(cell));
            }
        }
    }

    void judge() {
        std::map<std::string, std::map<std::string, TurnedScenario>> found;
        for (std::size_t i = 0; i < cells_.size(); ++i) {
            const PlannedCell& planned = plan_.cells[i];
            const Cell& cell = cells_[i];
            const bool good = planned.defect.empty();
            if (cell.verdict == Verdict::Error || (good && turned(cell.verdict))) {
                table_.errors.push_back(fmt::format("{} against {}: {} ({})",
                                                    cell.name(),
                                                    good ? "the good peer" : planned.defect,
                                                    script::to_string(cell.verdict),
                                                    cell.reason));
            } else if (turned(cell.verdict)) {
                note(found[planned.defect], *planned.scenario, planned.defect, cell.verdict);
            }
        }
        for (const mock::DefectInfo& defect : mock::server_defects()) {
            DefectRow row{std::string(defect.name), {}};
            for (auto& [id, scenario] : found[row.defect]) {
                row.turned.push_back(std::move(scenario));
            }
            table_.rows.push_back(std::move(row));
        }
    }

    static void note(std::map<std::string, TurnedScenario>& row,
                     const Scenario& scenario,
                     const std::string& defect,
                     Verdict verdict) {
        TurnedScenario& entry = row[scenario.id()];
        entry.verdict =
            entry.scenario.empty() || script::worse(verdict, entry.verdict) ? verdict : entry.verdict;
        entry.scenario = scenario.id();
        entry.named = names(scenario, defect);
    }

    RunContext& context_;
    Plan plan_;
    std::vector<Cell> cells_;  ///< beside plan_.cells, as they came out last
    std::set<std::string> left_out_;
    DefectTable table_;
};

}  // namespace

DefectTable defect_table(RunContext& context, const Catalog& catalog, const Progress& progress) {
    return Table(context, catalog).run(progress);
}

}  // namespace smtpspec::run
