#include "harness/latency/histogram_json.hpp"

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

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

Histogram histogram_from_json(const Json& json) {
    auto read = Histogram::decode(json.at("histogram").get<std::string>());
    if (!read)
        throw std::invalid_argument(read.error());
    const bool fits = read->exact(Histogram::Time(json.at("min_us").get<std::int64_t>()),
                                  Histogram::Time(json.at("max_us").get<std::int64_t>()),
                                  json.at("sum_us").get<std::uint64_t>());
    if (!fits || read->count() != json.at("count").get<std::uint64_t>())
        throw std::invalid_argument(
            "min_us, max_us, sum_us or count do not fit to the histogram beside them");
    return std::move(*read);
}

}  // namespace smtpspec::latency
