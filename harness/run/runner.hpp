#pragma once

#include <vector>

#include "harness/run/catalog.hpp"
#include "harness/run/context.hpp"
#include "harness/run/result.hpp"
#include "harness/run/schedule.hpp"
#include "harness/run/waivers.hpp"

namespace smtpspec::run {

/// The cells of a run: server scenarios against the endpoint; without one, also client scenarios with the
/// reference client.
Plan plan_run(const RunContext& context, const Catalog& catalog);

/// Probes the ports, runs the plan, judges, waives, and gives the one document that every report reads.
/// Blocks. On `context.interrupted` the result holds the cells that are done.
Result execute(RunContext& context,
               const Catalog& catalog,
               const Plan& plan,
               const std::vector<Waiver>& waivers,
               const Progress& progress);

/// What `--plan` prints: connections, logins, messages and duration, per port. Nothing is sent.
std::string describe_plan(const RunContext& context, const Plan& plan);

/// RFC 3339, UTC, with seconds.
std::string now_utc();

}  // namespace smtpspec::run
