#pragma once

#include <map>
#include <optional>
#include <string>

#include "harness/run/context.hpp"
#include "harness/run/pacing.hpp"
#include "harness/run/plan.hpp"
#include "harness/run/probe.hpp"
#include "harness/run/run_cell.hpp"

namespace smtpspec::run {

/// Cells whose verdict is known before they run: presets, ports that were not usable, needs that are not
/// offered. Thread-safe; all three references outlive it.
class Foregone {
  public:
    Foregone(const RunContext& context, const std::map<int, PortProbe>& probes, const Pacing& pacing)
        : context_(context), probes_(probes), pacing_(pacing) {}

    /// Nothing: the cell has to run.
    std::optional<CellRun> look_at(const PlannedCell& planned) const;

  private:
    /// A cell that begins inside TLS, on a port where STARTTLS is listed and TLS does not begin: the port
    /// itself says so once.
    std::optional<Cell> without_tls(const PlannedCell& planned, const PortProbe& probe) const;
    /// What is known about a cell when the port has refused the profile's login.
    std::optional<Cell> without_login(const PlannedCell& planned, const std::string& refused) const;

    const RunContext& context_;
    const std::map<int, PortProbe>& probes_;
    const Pacing& pacing_;
};

}  // namespace smtpspec::run
