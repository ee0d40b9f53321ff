#include "harness/latency/compare_series.hpp"

#include <algorithm>
#include <cmath>

namespace smtpspec::latency {

namespace {

double value_of(const Quantiles& found, int percent) { return percent == 50 ? found.p50_us : found.p99_us; }

bool usable(double value) { return std::isfinite(value) && value > 0; }

/// The fastest block of the calibration: what this machine can do when nobody else is on it. 0: unknown.
double best(const LatencyResult& result, int port, Stage stage) {
    double found = 0;
    for (const Block& block : result.blocks) {
        const auto its = block.calibration.find(stage);
        if (block.port != port || its == block.calibration.end() || !usable(its->second.p50_us))
            continue;
        found = found > 0 ? std::min(found, its->second.p50_us) : its->second.p50_us;
    }
    return found;
}

}  // namespace

Series series_of(const LatencyResult& result, int port, Stage stage, int percent) {
    Series series;
    for (const Block& block : result.blocks) {
        const auto endpoint = block.endpoint.find(stage);
        if (block.port != port || endpoint == block.endpoint.end())
            continue;
        // Not every stage is one of the embedded server's (DNS): then a message as a whole stands for it.
        auto calibration = block.calibration.find(stage);
        if (calibration == block.calibration.end())
            calibration = block.calibration.find(Stage::total);
        if (calibration == block.calibration.end())
            continue;
        const double ours = value_of(endpoint->second, percent);
        const double its = value_of(calibration->second, percent);
        if (usable(ours) && usable(its)) {
            series.endpoint.push_back(ours);
            series.calibration.push_back(its);
        }
    }
    return series;
}

double machine_ratio(const LatencyResult& before, const LatencyResult& after) {
    for (const Stage stage : {Stage::tls, Stage::total}) {
        double sum = 0;
        int ports = 0;
        for (const PortLatency& port : before.ports) {
            const double old_time = best(before, port.port, stage);
            const double new_time = best(after, port.port, stage);
            if (old_time > 0 && new_time > 0) {
                sum += std::log(new_time / old_time);
                ++ports;
            }
        }
        if (ports > 0)
            return std::exp(sum / ports);
    }
    return 1;
}

}  // namespace smtpspec::latency
