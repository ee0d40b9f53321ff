#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <vector>

namespace smtpspec::latency {

/// Times from 1 us to 10 minutes in buckets that are exact to three significant digits (as HdrHistogram has
/// them), so that histograms of several runs and machines merge without loss. What lies outside counts at the
/// border.
class Histogram {
  public:
    using Time = std::chrono::microseconds;

    static constexpr Time lowest{1};
    static constexpr Time highest{600'000'000};

    void record(Time value, std::uint64_t times = 1);
    void merge(const Histogram& other);

    std::uint64_t count() const { return count_; }
    bool empty() const { return count_ == 0; }
    /// The smallest value that at least `percent` of the samples do not exceed, as the highest value of its
    /// bucket but never above max(). 0 when empty.
    Time percentile(double percent) const;
    Time min() const { return empty() ? Time(0) : min_; }
    Time max() const { return empty() ? Time(0) : max_; }
    /// Of the recorded values themselves, not of their buckets.
    Time mean() const;

    /// Bucket number and how many samples it holds, ascending; from_buckets() makes the same histogram again.
    using Buckets = std::vector<std::pair<std::uint32_t, std::uint64_t>>;
    Buckets buckets() const;
    static Histogram from_buckets(const Buckets& buckets, Time min, Time max, std::uint64_t sum_us);
    std::uint64_t sum_us() const { return sum_us_; }

    /// The bucket of a value, and the values that a bucket holds.
    static std::uint32_t bucket_of(Time value);
    static Time lowest_in(std::uint32_t bucket);
    static Time highest_in(std::uint32_t bucket);

    bool operator==(const Histogram&) const = default;

  private:
    std::map<std::uint32_t, std::uint64_t> counts_;
    std::uint64_t count_ = 0;
    std::uint64_t sum_us_ = 0;
    Time min_{0};
    Time max_{0};
};

}  // namespace smtpspec::latency
