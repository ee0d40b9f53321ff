#pragma once

#include <nlohmann/json_fwd.hpp>

#include "harness/latency/histogram.hpp"

/// A histogram in smtpspec.latency/2: percentiles for people, buckets for machines.
namespace smtpspec::latency {

/// Microseconds; percentiles that too few samples carry are null.
nlohmann::ordered_json histogram_json(const Histogram& histogram);
/// Throws std::exception with a sentence when it is none, or when its members contradict each other.
Histogram histogram_from_json(const nlohmann::ordered_json& json);

}  // namespace smtpspec::latency
