#include "harness/report/merge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>

namespace smtpspec::report {

namespace {

using latency::LatencyResult;
using run::Result;
using run::Shard;
using Failure = tl::expected<std::vector<std::string>, std::string>;

std::optional<Shard> shard_of(const Result& result) { return result.shard; }
std::optional<Shard> shard_of(const LatencyResult& result) {
    return result.shard_count > 0 ? std::optional(Shard{result.shard, result.shard_count}) : std::nullopt;
}

/// Which parts are missing; the error says which are there twice or do not belong together.
template <typename Document>
Failure look_at_shards(const std::vector<Part<Document>>& parts) {
    std::map<int, std::string> known;
    int count = 0;
    for (const Part<Document>& part : parts) {
        const auto shard = shard_of(part.document);
        if (!shard) {
            continue;
        }
        if (count != 0 && shard->count != count) {
            return tl::make_unexpected(fmt::format("{} is part {} of {}, and others are parts of {}",
                                                   part.path,
                                                   shard->index,
                                                   shard->count,
                                                   count));
        }
        count = shard->count;
        const auto [place, is_new] = known.emplace(shard->index, part.path);
        if (!is_new) {
            return tl::make_unexpected(fmt::format(
                "part {}/{} is there twice: {} and {}", shard->index, count, place->second, part.path));
        }
    }
    std::vector<std::string> missing;
    for (int index = 1; index <= count; ++index) {
        if (known.count(index) == 0) {
            missing.push_back(fmt::format("part {}/{} is missing", index, count));
        }
    }
    return missing;
}

auto order_of(const run::Cell& cell) {
    return std::tuple(cell.side,
                      cell.side == script::Side::Server ? cell.endpoint : cell.client,
                      cell.scenario,
                      cell.params,
                      cell.port);
}

/// The error names a cell that two parts have.
tl::expected<void, std::string> add_cells(Result& whole, std::vector<Part<Result>>& parts) {
    std::map<decltype(order_of(std::declval<run::Cell>())), std::string> known;
    for (Part<Result>& part : parts) {
        for (run::Cell& cell : part.document.cells) {
            const auto [place, is_new] = known.emplace(order_of(cell), part.path);
            if (!is_new) {
                return tl::make_unexpected(
                    fmt::format("{} and {} both have {} on port {}: they are not parts of one run",
                                place->second,
                                part.path,
                                cell.name(),
                                cell.port));
            }
            whole.cells.push_back(std::move(cell));
        }
    }
    std::stable_sort(whole.cells.begin(), whole.cells.end(), [](const run::Cell& a, const run::Cell& b) {
        return order_of(a) < order_of(b);
    });
    return {};
}

template <typename Info>
void add_named(std::vector<Info>& known, const std::vector<Info>& more) {
    for (const Info& one : more) {
        if (std::none_of(known.begin(), known.end(), [&](const Info& its) { return its.name == one.name; })) {
            known.push_back(one);
        }
    }
}

void add_texts(std::vector<std::string>& known, const std::vector<std::string>& more) {
    for (const std::string& text : more) {
        if (std::find(known.begin(), known.end(), text) == known.end()) {
            known.push_back(text);
        }
    }
}

/// But for what parts share out between them.
bool is_alike(latency::LoadShape one, const latency::LoadShape& other) {
    one.rate = other.rate;
    one.connections = other.connections;
    one.threads = other.threads;
    one.warmup = other.warmup;
    return one == other;
}

template <typename Document>
void sort_by_shard(std::vector<Part<Document>>& parts) {
    std::stable_sort(parts.begin(), parts.end(), [](const Part<Document>& a, const Part<Document>& b) {
        return shard_of(a.document).value_or(Shard{}).index < shard_of(b.document).value_or(Shard{}).index;
    });
}

}  // namespace

tl::expected<Merged<Result>, std::string> merge(std::vector<Part<Result>> parts) {
    auto missing = look_at_shards(parts);
    if (!missing) {
        return tl::make_unexpected(missing.error());
    }
    sort_by_shard(parts);
    Merged<Result> merged;
    Result& whole = merged.document;
    whole = parts.front().document;
    whole.cells.clear();
    whole.shard.reset();
    for (const Part<Result>& part : parts) {
        const Result& one = part.document;
        add_named(whole.endpoints, one.endpoints);
        add_named(whole.clients, one.clients);
        whole.started = std::min(whole.started, one.started);
        whole.duration_us = std::max(whole.duration_us, one.duration_us);
        whole.left_out_slow = std::max(whole.left_out_slow, one.left_out_slow);
        whole.left_out_intrusive = std::max(whole.left_out_intrusive, one.left_out_intrusive);
        whole.left_out_budget = std::max(whole.left_out_budget, one.left_out_budget);
        add_texts(whole.notices, one.notices);
        if (one.interrupted) {
            missing->push_back(one.shard ? fmt::format("part {}/{} was interrupted after {} cells",
                                                       one.shard->index,
                                                       one.shard->count,
                                                       one.cells.size())
                                         : fmt::format("{} was interrupted", part.path));
        }
    }
    if (auto added = add_cells(whole, parts); !added) {
        return tl::make_unexpected(added.error());
    }
    whole.interrupted = !missing->empty();
    add_texts(whole.notices, *missing);
    merged.missing = std::move(*missing);
    return merged;
}

tl::expected<Merged<LatencyResult>, std::string> merge(std::vector<Part<LatencyResult>> parts) {
    auto missing = look_at_shards(parts);
    if (!missing) {
        return tl::make_unexpected(missing.error());
    }
    sort_by_shard(parts);
    Merged<LatencyResult> merged;
    LatencyResult& whole = merged.document;
    whole = parts.front().document;
    whole.shard = whole.shard_count = 0;
    for (std::size_t i = 1; i < parts.size(); ++i) {
        const LatencyResult& one = parts[i].document;
        if (!is_alike(one.shape, whole.shape) || one.endpoint != whole.endpoint) {
            return tl::make_unexpected(
                fmt::format("{} and {} are not of one load: another endpoint or kind of load",
                            parts.front().path,
                            parts[i].path));
        }
        std::map<int, double> seconds;
        for (const latency::PortLatency& port : whole.ports) {
            seconds[port.port] = port.seconds;
        }
        whole.merge(one);
        for (latency::PortLatency& port : whole.ports) {  // at the same time, and not one after the other
            for (const latency::PortLatency& its : one.ports) {
                port.seconds =
                    its.port == port.port ? std::max(seconds[port.port], its.seconds) : port.seconds;
            }
        }
        whole.shape.rate += one.shape.rate;
        whole.shape.connections += one.shape.connections;
        whole.shape.threads += one.shape.threads;
        whole.shape.warmup += one.shape.warmup;
        whole.started = std::min(whole.started, one.started);
    }
    add_texts(whole.notices, *missing);
    merged.missing = std::move(*missing);
    return merged;
}

}  // namespace smtpspec::report
