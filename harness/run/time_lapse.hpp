#pragma once

#include <chrono>
#include <cstdint>

#include "harness/run/context.hpp"

namespace smtpspec::run {

/// How much faster than written the times of this cell pass. 60 for a scenario marked slow whose two ends are
/// both our own, so that ten minutes (RFC 5321 §4.5.3.2.6) take ten seconds: the model peer's own limits
/// shrink by the same factor. Else 1, and a real peer is always waited for in full.
double time_lapse(const RunContext& context, const PlannedCell& cell);

/// A limit of a model peer, as it passes in such a cell.
inline std::chrono::milliseconds lapsed(std::chrono::milliseconds limit, double lapse) {
    return std::chrono::milliseconds(static_cast<std::int64_t>(static_cast<double>(limit.count()) / lapse));
}

}  // namespace smtpspec::run
