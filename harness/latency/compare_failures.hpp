#pragma once

#include "harness/latency/result.hpp"

/// Do more messages fail than before?
namespace smtpspec::latency {

/// Of messages that were tried.
struct Failures {
    std::int64_t failed = 0;
    std::int64_t all = 0;
};

/// Messages of a port that the server refused or that were lost. One that was told to be too fast, or whose
/// login was refused, says nothing about how reliable the server is.
Failures failures_of(const PortLatency& port);

/// How likely it is that at least so many of the new ones fail, if none is more likely to fail than another
/// (Fisher's exact test, one-sided); 0..1. Both have messages.
double chance_of_more(const Failures& before, const Failures& after);

}  // namespace smtpspec::latency
