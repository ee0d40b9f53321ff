#include "harness/latency/histogram_json.hpp"

#include <nlohmann/json.hpp>

namespace smtpspec::latency {

using Json = nlohmann::ordered_json;

namespace {

/// Null where there are too few samples for one of them to lie above it.
Json percentile_json(const Histogram& histogram, double percent) {
    const double needed = 100 / (100 - percent);
    if (static_cast<double>(histogram.count()) + 1e-6 < needed)
        return nullptr;
    return histogram.percentile(percent).count();
}

}  // namespace

Json histogram_json(const Histogram& histogram) {
    Json json;
    json["count"] = histogram.count();
    json["p50_us"] = histogram.percentile(50).count();
    json["p90_us"] = percentile_json(histogram, 90);
    json["p99_us"] = percentile_json(histogram, 99);
    json["p99_9_us"] = percentile_json(histogram, 99.9);
    json["p99_99_us"] = percentile_json(histogram, 99.99);
    json["min_us"] = histogram.min().count();
    json["max_us"] = histogram.max().count();
    json["mean_us"] = histogram.mean().count();
    json["sum_us"] = histogram.sum_us();
    json["histogram"] = histogram.encode();
    return json;
}

Histogram read_histogram(const document::Value& shown) {
    auto read = Histogram::decode(shown.at("histogram").text());
    if (!read)
        shown.at("histogram").refuse(read.error());
    for (const char* const key : {"p50_us", "mean_us"})  // for people; the buckets say the same
        shown.at(key).number<std::uint64_t>();
    for (const char* const key : {"p90_us", "p99_us", "p99_9_us", "p99_99_us"})
        if (const document::Value percentile = shown.at(key); !percentile.is_null())
            percentile.number<std::uint64_t>();
    const bool fits = read->exact(Histogram::Time(shown.at("min_us").number<std::int64_t>()),
                                  Histogram::Time(shown.at("max_us").number<std::int64_t>()),
                                  shown.at("sum_us").number<std::uint64_t>());
    if (!fits || read->count() != shown.at("count").number<std::uint64_t>(1))
        shown.refuse("min_us, max_us, sum_us or count do not fit to the histogram beside them");
    return std::move(*read);
}

}  // namespace smtpspec::latency
