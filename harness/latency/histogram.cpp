#include "harness/latency/histogram.hpp"

#include <cmath>

namespace smtpspec::latency {

Histogram::Time Histogram::lowest_in(std::uint32_t bucket) {
    if (bucket < 2 * half)
        return Time(bucket);
    const std::uint32_t shift = bucket / half - 1;
    const std::uint64_t mantissa = bucket - std::uint64_t{shift} * half;
    return Time(static_cast<Time::rep>(mantissa << shift));
}

Histogram::Time Histogram::highest_in(std::uint32_t bucket) { return lowest_in(bucket + 1) - Time(1); }

void Histogram::merge(const Histogram& other) {
    if (other.counts_.size() > counts_.size())
        counts_.resize(other.counts_.size());
    for (std::size_t i = 0; i < other.counts_.size(); ++i)
        counts_[i] += other.counts_[i];
    count_ += other.count_;
    sum_us_ += other.sum_us_;
    min_us_ = std::min(min_us_, other.min_us_);
    max_us_ = std::max(max_us_, other.max_us_);
}

Histogram::Time Histogram::percentile(double percent) const {
    if (empty())
        return Time(0);
    const double exact_rank = std::clamp(percent, 0.0, 100.0) / 100.0 * static_cast<double>(count_);
    const auto rank = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(exact_rank - 1e-9)));
    std::uint64_t seen = 0;
    for (std::uint32_t bucket = 0; bucket < counts_.size(); ++bucket) {
        seen += counts_[bucket];
        if (seen >= rank)
            return std::clamp(highest_in(bucket), min(), max());
    }
    return max();
}

double Histogram::interpolated(double percent) const {
    if (empty())
        return 0;
    const double rank = std::clamp(percent, 0.0, 100.0) / 100.0 * static_cast<double>(count_);
    double seen = 0;
    for (std::uint32_t bucket = 0; bucket < counts_.size(); ++bucket) {
        const auto here = static_cast<double>(counts_[bucket]);
        if (here > 0 && seen + here >= rank) {
            // Times are rounded to whole microseconds: a bucket begins half of one before its lowest.
            const double from = static_cast<double>(lowest_in(bucket).count()) - 0.5;
            const double width = static_cast<double>((highest_in(bucket) - lowest_in(bucket)).count()) + 1;
            return from + width * (rank - seen) / here;
        }
        seen += here;
    }
    return static_cast<double>(max_us_);
}

Histogram::Time Histogram::mean() const {
    return empty() ? Time(0) : Time(static_cast<Time::rep>(sum_us_ / count_));
}

bool Histogram::exact(Time min, Time max, std::uint64_t sum_us) {
    if (empty() || min > max || min < lowest || max > highest)
        return false;
    const auto rounds =
        static_cast<double>(sum_us_) / 500 + static_cast<double>(count_);  // a bucket is 0.1 % wide
    const bool fits = bucket_of(min) == bucket_of(this->min()) && bucket_of(max) == bucket_of(this->max()) &&
                      std::abs(static_cast<double>(sum_us) - static_cast<double>(sum_us_)) <= rounds;
    if (!fits)
        return false;
    min_us_ = static_cast<std::uint64_t>(min.count());
    max_us_ = static_cast<std::uint64_t>(max.count());
    sum_us_ = sum_us;
    return true;
}

}  // namespace smtpspec::latency
