#include "harness/latency/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace smtpspec::latency {

namespace {

/// Values below 2048 have a bucket each. Above, each doubling has 1024 buckets: an error of at most 1/1024.
constexpr unsigned exact_bits = 11;
constexpr std::uint32_t exact = 1U << exact_bits;
constexpr std::uint32_t half = exact / 2;

std::uint64_t clamped(Histogram::Time value) {
    return static_cast<std::uint64_t>(std::clamp(value, Histogram::lowest, Histogram::highest).count());
}

}  // namespace

std::uint32_t Histogram::bucket_of(Time value) {
    const std::uint64_t us = clamped(value);
    if (us < exact)
        return static_cast<std::uint32_t>(us);
    const auto shift = static_cast<unsigned>(std::bit_width(us)) - exact_bits;
    const auto mantissa = static_cast<std::uint32_t>(us >> shift);  // half … exact - 1
    return exact + (shift - 1) * half + (mantissa - half);
}

Histogram::Time Histogram::lowest_in(std::uint32_t bucket) {
    if (bucket < exact)
        return Time(bucket);
    const std::uint32_t shift = (bucket - exact) / half + 1;
    const std::uint64_t mantissa = (bucket - exact) % half + half;
    return Time(static_cast<Time::rep>(mantissa << shift));
}

Histogram::Time Histogram::highest_in(std::uint32_t bucket) { return lowest_in(bucket + 1) - Time(1); }

void Histogram::record(Time value, std::uint64_t times) {
    if (times == 0)
        return;
    const Time kept(static_cast<Time::rep>(clamped(value)));
    min_ = empty() ? kept : std::min(min_, kept);
    max_ = empty() ? kept : std::max(max_, kept);
    counts_[bucket_of(kept)] += times;
    count_ += times;
    sum_us_ += static_cast<std::uint64_t>(kept.count()) * times;
}

void Histogram::merge(const Histogram& other) {
    if (other.empty())
        return;
    min_ = empty() ? other.min_ : std::min(min_, other.min_);
    max_ = empty() ? other.max_ : std::max(max_, other.max_);
    for (const auto& [bucket, times] : other.counts_)
        counts_[bucket] += times;
    count_ += other.count_;
    sum_us_ += other.sum_us_;
}

Histogram::Time Histogram::percentile(double percent) const {
    if (empty())
        return Time(0);
    const double exact_rank = std::clamp(percent, 0.0, 100.0) / 100.0 * static_cast<double>(count_);
    const auto rank = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(exact_rank - 1e-9)));
    std::uint64_t seen = 0;
    for (const auto& [bucket, times] : counts_) {
        seen += times;
        if (seen >= rank)
            return std::clamp(highest_in(bucket), min_, max_);
    }
    return max_;
}

Histogram::Time Histogram::mean() const {
    return empty() ? Time(0) : Time(static_cast<Time::rep>(sum_us_ / count_));
}

Histogram::Buckets Histogram::buckets() const { return Buckets(counts_.begin(), counts_.end()); }

Histogram Histogram::from_buckets(const Buckets& buckets, Time min, Time max, std::uint64_t sum_us) {
    Histogram histogram;
    for (const auto& [bucket, times] : buckets) {
        histogram.counts_[bucket] += times;
        histogram.count_ += times;
    }
    histogram.min_ = min;
    histogram.max_ = max;
    histogram.sum_us_ = sum_us;
    return histogram;
}

}  // namespace smtpspec::latency
