#include "harness/run/time_lapse.hpp"

namespace smtpspec::run {

double time_lapse(const RunContext& context, const PlannedCell& cell) {
    constexpr double factor = 60.0;
    const bool both_ours = cell.scenario->head.side == script::Side::Client || context.embedded();
    return both_ours && cell.scenario->slow() ? factor : 1.0;
}

}  // namespace smtpspec::run
