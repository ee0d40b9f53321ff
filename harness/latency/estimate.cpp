#include "harness/latency/estimate.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace smtpspec::latency {

namespace {

/// Between the two neighbours; `sorted` is not empty.
double quantile(const std::vector<double>& sorted, double share) {
    const double place = std::clamp(share, 0.0, 1.0) * static_cast<double>(sorted.size() - 1);
    const auto below = static_cast<std::size_t>(place);
    const std::size_t above = std::min(below + 1, sorted.size() - 1);
    const double part = place - static_cast<double>(below);
    return sorted[below] * (1 - part) + sorted[above] * part;
}

/// By how much blocks that resemble their neighbours are fewer than they seem: what makes one slow, often
/// lasts. The correlation of each block's rank with that of the next, as the factor of the standard error.
double persistence(const std::vector<double>& in_time) {
    const std::size_t count = in_time.size();
    if (count < 4)
        return 1;
    std::vector<double> ranks(count);
    for (std::size_t i = 0; i < count; ++i)
        ranks[i] = static_cast<double>(
            std::count_if(in_time.begin(), in_time.end(), [&](double other) { return other < in_time[i]; }));
    const double mean = std::accumulate(ranks.begin(), ranks.end(), 0.0) / static_cast<double>(count);
    double together = 0;
    double alone = 0;
    for (std::size_t i = 0; i < count; ++i) {
        alone += (ranks[i] - mean) * (ranks[i] - mean);
        if (i + 1 < count)
            together += (ranks[i] - mean) * (ranks[i + 1] - mean);
    }
    constexpr double most = 0.8;
    const double correlation = alone > 0 ? std::clamp(together / alone, 0.0, most) : 0;
    return std::sqrt((1 + correlation) / (1 - correlation));
}

double error_of_rank(double share, double count) { return std::sqrt(share * (1 - share) / count); }

}  // namespace

Estimate quiet(std::vector<double> values) {
    constexpr double share = 0.25;
    const double fewer = persistence(values);
    std::sort(values.begin(), values.end());
    const double step = error_of_rank(share, static_cast<double>(values.size()));
    Estimate found;
    found.value = quantile(values, share);
    found.error = fewer * (quantile(values, share + step) - quantile(values, share - step)) / 2;
    return found;
}

double middle(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return quantile(values, 0.5);
}

Estimate percentile_of(const Histogram& times, double percent) {
    const double step = 100 * error_of_rank(percent / 100, static_cast<double>(times.count()));
    Estimate found;
    found.value = times.interpolated(percent);
    found.error =
        (times.interpolated(std::min(100.0, percent + step)) - times.interpolated(percent - step)) / 2;
    return found;
}

}  // namespace smtpspec::latency
