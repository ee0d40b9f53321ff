#pragma once

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

namespace smtpspec::latency {

/// Times from 1 us to 10 minutes in the buckets of Gil Tene's HdrHistogram with three significant digits, so
/// that histograms of several runs and machines merge without loss, and so that other tools read them. What
/// lies outside counts at the border. A value; one thread.
class Histogram {
  public:
    using Time = std::chrono::microseconds;

    static constexpr Time lowest{1};
    static constexpr Time highest{600'000'000};

    /// A few nanoseconds; memory is taken up to the highest bucket that was ever hit (8 octets for each, at
    /// most 170 KiB).
    void record(Time value, std::uint64_t times = 1) {
        if (times == 0)
            return;
        const auto us = static_cast<std::uint64_t>(std::clamp(value, lowest, highest).count());
        const std::uint32_t bucket = index_of(us);
        if (bucket >= counts_.size())
            counts_.resize(bucket + 1);
        counts_[bucket] += times;
        count_ += times;
        sum_us_ += us * times;
        min_us_ = std::min(min_us_, us);
        max_us_ = std::max(max_us_, us);
    }
    void merge(const Histogram& other);

    std::uint64_t count() const { return count_; }
    bool empty() const { return count_ == 0; }
    /// The smallest value that at least `percent` of the samples do not exceed, as the highest value of its
    /// bucket but never above max(). 0 when empty.
    Time percentile(double percent) const;
    /// The same in microseconds with fractions: as if the samples of a bucket were spread over it evenly. For
    /// comparing; a bucket of a short time is wide (1 us of 20). 0 when empty.
    double interpolated(double percent) const;
    Time min() const { return Time(empty() ? 0 : static_cast<Time::rep>(min_us_)); }
    Time max() const { return Time(static_cast<Time::rep>(max_us_)); }
    /// Of the recorded values themselves, not of their buckets.
    Time mean() const;
    std::uint64_t sum_us() const { return sum_us_; }

    /// The standard compressed form (V2, zlib, base64; "HISTFAAAA…"), which the HdrHistogram libraries of all
    /// languages read. It holds the buckets; min, max and sum are those of the buckets in it.
    std::string encode() const;
    /// Reads it, from any writer of three digits that begins at 1. Bounded whatever comes; the error is a
    /// sentence. min, max and sum are taken from the buckets: correct them with exact().
    static tl::expected<Histogram, std::string> decode(std::string_view text);
    /// The values themselves, when they are known beside the buckets. False, and nothing is changed: they do
    /// not fit to the buckets.
    bool exact(Time min, Time max, std::uint64_t sum_us);

    /// How often each bucket was hit, from the first; the last is not 0.
    const std::vector<std::uint64_t>& counts() const { return counts_; }
    /// The bucket of a value, and the values that a bucket holds.
    static std::uint32_t bucket_of(Time value) {
        return index_of(static_cast<std::uint64_t>(std::clamp(value, lowest, highest).count()));
    }
    static Time lowest_in(std::uint32_t bucket);
    static Time highest_in(std::uint32_t bucket);

    bool operator==(const Histogram&) const = default;

  private:
    /// Values below 2048 have a bucket each. Above, each doubling has 1024 buckets: an error of at most
    /// 1/1024.
    static constexpr unsigned exact_bits = 11;
    static constexpr std::uint32_t half = 1U << (exact_bits - 1);

    static std::uint32_t index_of(std::uint64_t us) {
        const auto bits = static_cast<unsigned>(std::bit_width(us));
        const unsigned shift = bits > exact_bits ? bits - exact_bits : 0;
        return shift * half + static_cast<std::uint32_t>(us >> shift);
    }

    std::vector<std::uint64_t> counts_;
    std::uint64_t count_ = 0;
    std::uint64_t sum_us_ = 0;
    std::uint64_t min_us_ = ~std::uint64_t{0};
    std::uint64_t max_us_ = 0;
};

}  // namespace smtpspec::latency
