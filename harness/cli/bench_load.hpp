#pragma once

#include <map>

#include "harness/cli/arguments.hpp"
#include "harness/cli/bench_server.hpp"
#include "harness/latency/result.hpp"
#include "harness/run/context.hpp"

namespace smtpspec::cli {

/// Loads the ports of the endpoint one after the other, or of `server` when the context is embedded. Ports of
/// `unusable` are left out, with that reason. Ends early when context.interrupted is set. load_objection()
/// has nothing against it.
latency::LatencyResult measure_load(run::RunContext& context,
                                    const Arguments& arguments,
                                    const BenchServer* server,
                                    const std::map<int, std::string>& unusable);

}  // namespace smtpspec::cli
