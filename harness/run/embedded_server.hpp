#pragma once

#include "harness/run/context.hpp"
#include "mockserver/config.hpp"

namespace smtpspec::run {

/// The faithful server of one cell: its port (or all five), the run's account, the cell's defect when the
/// server is the side under test.
mock::ServerConfig embedded_server_config(const RunContext& context, const PlannedCell& cell);

/// The same on all ports of the context, without a defect: for measurements.
mock::ServerConfig embedded_server_config(const RunContext& context);

}  // namespace smtpspec::run
