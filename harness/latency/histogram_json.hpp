#pragma once

#include "harness/document/value.hpp"
#include "harness/latency/histogram.hpp"

/// A histogram in smtpspec.latency/2: percentiles for people, buckets for machines.
namespace smtpspec::latency {

/// Microseconds; percentiles that too few samples carry are null.
nlohmann::ordered_json histogram_json(const Histogram& histogram);
/// Throws document::DocumentError when it is none, or when its members contradict each other.
Histogram read_histogram(const document::Value& shown);

}  // namespace smtpspec::latency
