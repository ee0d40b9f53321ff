#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>

#include "harness/report/merge_parts.hpp"

namespace smtpspec::report {

using latency::LatencyResult;

std::string difference(const Part<LatencyResult>& one, const Part<LatencyResult>& other) {
    return one.document.shard->plan != other.document.shard->plan
               ? "other options, another endpoint or another version"
               : "";
}

std::string interruption(const Part<LatencyResult>& part) {
    std::int64_t planned = 0;
    std::int64_t tried = 0;
    for (const latency::PortLatency& port : part.document.ports) {
        planned += port.planned;
        tried += port.messages;
    }
    const auto& shard = part.document.shard;
    return !part.document.interrupted
               ? ""
               : fmt::format("{} was interrupted after {}{} messages",
                             shard ? fmt::format("part {}/{}", shard->index, shard->count) : part.path,
                             tried,
                             planned > tried ? fmt::format(" of {}", planned) : "");
}

namespace {

/// But for what parts share out between them.
bool is_alike(latency::LoadShape one, const latency::LoadShape& other) {
    one.rate = other.rate;
    one.connections = other.connections;
    one.threads = other.threads;
    one.warmup = other.warmup;
    return one == other;
}

/// Why these are not parts of one load; "" when they are.
std::string objection(const std::vector<Part<LatencyResult>>& parts) {
    const Part<LatencyResult>& first = parts.front();
    for (const Part<LatencyResult>& part : parts) {
        if (parts.size() > 1 && !part.document.shard) {
            return fmt::format(
                "{} is no part of a load (bench --shard K/N); loads that did not run at the same time do not "
                "add up to one, and `smtpspec compare` sets them side by side",
                part.path);
        }
        if (!is_alike(part.document.shape, first.document.shape) ||
            part.document.endpoint != first.document.endpoint) {
            return fmt::format(
                "{} and {} are not of one load: another endpoint or kind of load", first.path, part.path);
        }
    }
    return {};
}

/// False: a figure of all of them together would be larger than a result can hold.
bool add_up(const std::vector<Part<LatencyResult>>& parts) {
    std::map<std::string, std::int64_t> sums;
    for (const Part<LatencyResult>& part : parts) {
        const latency::LoadShape& shape = part.document.shape;
        sums["connections"] += shape.connections;
        sums["threads"] += shape.threads;
        sums["warmup"] += shape.warmup;
        for (const latency::PortLatency& port : part.document.ports) {
            sums[fmt::format("{} planned", port.port)] += port.planned;
            sums[fmt::format("{} messages", port.port)] += port.messages;
            for (const latency::LatencyError& error : port.errors) {
                sums[fmt::format("{} errors", port.port)] += error.count;
            }
        }
    }
    return std::all_of(sums.begin(), sums.end(), [](const auto& sum) {
        return sum.second <= std::numeric_limits<int>::max();
    });
}

/// The ports' times are those of the longest part, for all ran at the same time.
void add_part(LatencyResult& whole, const LatencyResult& one) {
    std::map<int, double> seconds;
    for (const latency::PortLatency& port : whole.ports) {
        seconds[port.port] = port.seconds;
    }
    whole.merge(one);
    for (latency::PortLatency& port : whole.ports) {
        for (const latency::PortLatency& its : one.ports) {
            port.seconds = its.port == port.port ? std::max(seconds[port.port], its.seconds) : port.seconds;
        }
    }
    whole.shape.rate += one.shape.rate;
    whole.shape.connections += one.shape.connections;
    whole.shape.threads += one.shape.threads;
    whole.shape.warmup += one.shape.warmup;
    whole.started = std::min(whole.started, one.started);
}

}  // namespace

tl::expected<Merged<LatencyResult>, std::string> merge(std::vector<Part<LatencyResult>> parts) {
    auto missing = look_at_shards(parts);
    if (!missing) {
        return tl::make_unexpected(missing.error());
    }
    if (const std::string why = objection(parts); !why.empty()) {
        return tl::make_unexpected(why);
    }
    if (!add_up(parts)) {
        return tl::make_unexpected("together they are more messages than one result can hold");
    }
    sort_by_shard(parts);
    Merged<LatencyResult> merged;
    LatencyResult& whole = merged.document;
    whole = parts.front().document;
    whole.shard.reset();
    for (std::size_t i = 1; i < parts.size(); ++i) {
        add_part(whole, parts[i].document);
    }
    whole.interrupted = !missing->empty();
    add_texts(whole.notices, *missing);
    merged.missing = std::move(*missing);
    return merged;
}

}  // namespace smtpspec::report
