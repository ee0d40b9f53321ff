#pragma once

#include "protocol/script/scenario.hpp"

namespace smtpspec::script {

/// Which waits of a script are added up: those that a good peer cannot spare us (a `silent` whose label is
/// bad is not waited for), or all. Of several `when` blocks the longest counts, for they mostly exclude one
/// another.
enum class Waiting { OfGoodPeer, Longest };

Duration sum_of_waits(const Scenario& scenario, Waiting waiting);

}  // namespace smtpspec::script
