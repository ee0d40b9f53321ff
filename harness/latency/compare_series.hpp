#pragma once

#include <vector>

#include "harness/latency/result.hpp"

/// Inside of harness/latency: what the blocks of a result say.
namespace smtpspec::latency {

/// Values of one document's blocks for a port and stage, in the order of time. Figures that are none (0,
/// negative, infinite) are left out.
struct Series {
    std::vector<double> endpoint;
    std::vector<double> calibration;
};

Series series_of(const LatencyResult& result, int port, Stage stage, int percent);

/// How much longer the embedded server took for the same in the second document, at best; 1 when that is not
/// known. A TLS handshake is arithmetic for the most part, and so the same work on every day; the message as
/// a whole, which waits for the scheduler a dozen times, stands in where there is none.
double machine_ratio(const LatencyResult& before, const LatencyResult& after);

}  // namespace smtpspec::latency
