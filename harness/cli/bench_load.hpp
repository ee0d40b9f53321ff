#pragma once

#include <map>

#include "harness/cli/arguments.hpp"
#include "harness/cli/bench_server.hpp"
#include "harness/latency/load.hpp"
#include "harness/run/context.hpp"

namespace smtpspec::cli {

/// Measures the embedded server in between, so that two results can be compared by what they have in common.
/// Not shared between threads.
class Calibration {
  public:
    Calibration();
    /// A few messages, each over a connection of its own, over the embedded server's port of this mode; about
    /// 50 ms.
    std::map<latency::Stage, latency::Quantiles> measure(script::Mode mode);

  private:
    std::unique_ptr<run::RunContext> context_;
    std::unique_ptr<BenchServer> server_;
    std::uint64_t first_ = 0;
};

/// The options of a load, in words of the result.
latency::LoadShape shape_of(const BenchArguments& arguments);

/// The machine that we run on.
latency::Machine this_machine();

/// Why this load must not be brought to this endpoint, as a complete sentence; empty: it may.
std::string load_objection(const run::RunContext& context, const Arguments& arguments);

/// Loads the ports of the endpoint one after the other, or of `server` when the context is embedded. Ports of
/// `unusable` are left out, with that reason. Ends early when context.interrupted is set.
latency::LatencyResult measure_load(run::RunContext& context,
                                    const Arguments& arguments,
                                    const BenchServer* server,
                                    const std::map<int, std::string>& unusable);

}  // namespace smtpspec::cli
