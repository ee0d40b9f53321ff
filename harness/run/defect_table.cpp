#include "harness/run/defect_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>

#include "mockserver/defects.hpp"

namespace smtpspec::run {

namespace {

using script::Scenario;
using ScenarioPtr = std::shared_ptr<const Scenario>;

/// Most cells wait and do not compute.
constexpr int cells_at_once = 200;
/// How long an answer is awaited, instead of the ten seconds of a run: the model server answers at once.
constexpr std::chrono::seconds step{2};

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

/// The same scenario with less patience.
ScenarioPtr impatient(const Scenario& scenario) {
    auto copy = script::load_scenario(scenario.source->text(), scenario.source->name());
    if (!copy) {
        throw std::logic_error("a scenario of the catalogue cannot be read again: " + scenario.id());
    }
    copy->head.time.step = std::min<script::Duration>(copy->head.time.step, step);
    return std::make_shared<const Scenario>(std::move(*copy));
}

class Table {
  public:
    Table(RunContext& context, const Catalog& catalog) : context_(context) {
        context_.options.slow = false;
        context_.options.transcripts = KeepTranscripts::none;
        if (context_.options.jobs == 0) {
            context_.options.jobs = cells_at_once;
        }
        add_cells(make_plan(
            catalog, context_.profile, context_.options, Surroundings::embedded, script::Side::Server));
        for (const ScenarioPtr& scenario : catalog.scenarios()) {
            if (scenario->slow() && scenario->head.side == script::Side::Server) {
                left_out_.insert(scenario->id());
            }
        }
    }

    DefectTable run(const Progress& progress) {
        const ScheduleOutcome outcome = run_plan(context_, plan_, {}, progress);
        table_.interrupted = outcome.interrupted;
        if (!outcome.interrupted) {
            judge(outcome.runs);
        }
        table_.conversations = outcome.runs.size();
        table_.left_out.assign(left_out_.begin(), left_out_.end());
        return std::move(table_);
    }

  private:
    void add_cells(const Plan& good) {
        std::map<std::string, int> ports;
        std::map<std::string, ScenarioPtr> scenarios;
        for (const PlannedCell& cell : good.cells) {
            const std::string& id = cell.scenario->id();
            if (is_about_time(*cell.scenario)) {
                left_out_.insert(id);
                continue;
            }
            ScenarioPtr& scenario = scenarios[id];
            scenario = scenario ? scenario : impatient(*cell.scenario);
            int& port = ports.try_emplace(id, cell.port).first->second;
            if (cell.mode == script::Mode::Starttls && mode_of(port) != script::Mode::Starttls) {
                port = cell.port;
            }
        }
        table_.scenarios = scenarios.size();
        std::vector<PlannedCell> chosen;
        for (const PlannedCell& cell : good.cells) {
            const auto port = ports.find(cell.scenario->id());
            if (port != ports.end() && port->second == cell.port) {
                chosen.push_back(cell);
                chosen.back().scenario = scenarios[cell.scenario->id()];
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

    void judge(const std::vector<CellRun>& runs) {
        std::map<std::string, std::map<std::string, TurnedScenario>> found;
        for (std::size_t i = 0; i < runs.size(); ++i) {
            const PlannedCell& planned = plan_.cells[i];
            const Cell& cell = runs[i].cell;
            const bool wrong =
                cell.verdict == Verdict::Error || (planned.defect.empty() && turned(cell.verdict));
            if (wrong) {
                table_.errors.push_back(fmt::format("{} against {}: {} ({})",
                                                    cell.name(),
                                                    planned.defect.empty() ? "the good peer" : planned.defect,
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
    std::set<std::string> left_out_;
    DefectTable table_;
};

}  // namespace

DefectTable defect_table(RunContext& context, const Catalog& catalog, const Progress& progress) {
    return Table(context, catalog).run(progress);
}

}  // namespace smtpspec::run
