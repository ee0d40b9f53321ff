#pragma once

#include <map>
#include <vector>

#include "harness/run/probe.hpp"

namespace smtpspec::run {

/// The verdicts about the profile's promise (design.md §4: a mode is a promise): a failed cell per port and
/// broken promise, none when it is kept. A certificate that does not prove the host is a `warn`: which CAs a
/// client trusts is its user's decision (RFC 8314 §5.2).
std::vector<Cell> mode_cells(const RunContext& context, const std::map<int, PortProbe>& probes);

}  // namespace smtpspec::run
