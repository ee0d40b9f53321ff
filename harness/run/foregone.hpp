#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "harness/run/context.hpp"
#include "harness/run/pacing.hpp"
#include "harness/run/plan.hpp"
#include "harness/run/probe.hpp"
#include "harness/run/run_cell.hpp"

namespace smtpspec::run {

/// Cells whose verdict is known before they run: presets, ports that were not usable, needs that are not
/// offered. Thread-safe; all references outlive it.
class Foregone {
  public:
    Foregone(const RunContext& context,
             const Plan& plan,
             const std::map<int, PortProbe>& probes,
             const Pacing& pacing);

    /// Nothing: the cell has to run.
    std::optional<CellRun> look_at(const PlannedCell& planned) const;

  private:
    /// A cell that begins inside TLS, on a port where STARTTLS is listed and TLS does not begin: the port
    /// itself says so once.
    std::optional<Cell> without_tls(const PlannedCell& planned, const PortProbe& probe) const;
    /// What is known about a cell when the port has refused the profile's login.
    std::optional<Cell> without_login(const PlannedCell& planned, const std::string& refused) const;

    /// Takes cells off the port until its wrong logins fit what the profile's own has left of the budget.
    void leave_out(const Plan& plan, int port);

    const RunContext& context_;
    std::set<const PlannedCell*> over_budget_;  ///< because the profile's own login was a wrong one
    const std::map<int, PortProbe>& probes_;
    const Pacing& pacing_;
};

}  // namespace smtpspec::run
