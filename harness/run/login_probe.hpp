#pragma once

#include <map>

#include "harness/run/context.hpp"
#include "harness/run/plan.hpp"
#include "harness/run/probe.hpp"

namespace smtpspec::run {

/// True when the run has cells on this port that log in with the right password, so that it is tried once
/// before them.
bool wants_login(const Plan& plan, int port);

/// Logs in once on each usable port where cells need it, one port after the other, and fills `login_refused`
/// where the server said 5yz. A wrong password in the profile then costs one attempt for each port and not
/// one for each cell: servers lock accounts out (design.md §8). Blocks; stops early on `context.interrupted`.
void probe_logins(const RunContext& context, const Plan& plan, std::map<int, PortProbe>& probes);

}  // namespace smtpspec::run
