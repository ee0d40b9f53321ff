#include "harness/latency/compare_failures.hpp"

#include <algorithm>
#include <boost/math/distributions/hypergeometric.hpp>
#include <limits>

namespace smtpspec::latency {

Failures failures_of(const PortLatency& port) {
    Failures found;
    for (const LatencyError& error : port.errors)
        if (error.cause == Trouble::refused || error.cause == Trouble::died)
            found.failed += std::max(error.count, 0);
    found.all = std::max<std::int64_t>(port.sent, 0) + found.failed;
    return found;
}

double chance_of_more(const Failures& before, const Failures& after) {
    if (after.failed == 0)
        return 1;
    const auto failed = static_cast<std::uint64_t>(before.failed) + static_cast<std::uint64_t>(after.failed);
    const auto all = static_cast<std::uint64_t>(before.all) + static_cast<std::uint64_t>(after.all);
    // At least so many have to fail, whoever they are: there are only so many that did not.
    const std::uint64_t least =
        failed > static_cast<std::uint64_t>(before.all) ? failed - static_cast<std::uint64_t>(before.all) : 0;
    if (static_cast<std::uint64_t>(after.failed) <= least)
        return 1;
    if (all > std::numeric_limits<unsigned>::max())  // more than Boost counts, and than any load has
        return 1;
    const boost::math::hypergeometric_distribution<> chance(
        failed, static_cast<std::uint64_t>(after.all), all);
    return boost::math::cdf(boost::math::complement(chance, static_cast<std::uint64_t>(after.failed) - 1));
}

}  // namespace smtpspec::latency
