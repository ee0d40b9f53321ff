#pragma once

#include <vector>

#include "harness/latency/histogram.hpp"

/// Inside of harness/latency: a figure and how far it is to be trusted.
namespace smtpspec::latency {

struct Estimate {
    double value = 0;
    double error = 0;  ///< one standard error
};

/// The lower quartile of what the blocks of a run took: neighbours on the machine only ever make things
/// slower, so that the quieter blocks tell more than the middle ones (measured for docs/latency.md: half of
/// the scatter between runs). The error is Woodruff's: half the distance between the order statistics one
/// standard error of the rank away, and more where neighbours in time resemble each other. `values` are in
/// the order of time, and some.
Estimate quiet(std::vector<double> values);

/// The median. Of some.
double middle(std::vector<double> values);

/// A percentile of all messages, with Woodruff's error. Not of nothing.
Estimate percentile_of(const Histogram& times, double percent);

}  // namespace smtpspec::latency
