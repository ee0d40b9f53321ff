#pragma once

#include <map>

#include "harness/cli/bench_server.hpp"
#include "harness/latency/load.hpp"
#include "harness/run/context.hpp"

/// What a measurement needs besides the endpoint's figures to be compared with one of another day.
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

/// A load of one port as the endpoint's profile has it, but for the address.
latency::LoadPlan load_plan(const run::RunContext& context, int port, const latency::LoadShape& shape);

/// Lets the load go to a server on this machine.
void aim_at(latency::LoadPlan& plan, int actual_port);

/// The machine that we run on.
latency::Machine this_machine();

}  // namespace smtpspec::cli
