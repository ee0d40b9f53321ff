#include "harness/run/shard.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <numeric>

#include "harness/document/shard_note.hpp"

namespace smtpspec::run {

namespace {

std::optional<int> number(std::string_view text) {
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

}  // namespace

std::optional<Shard> parse_shard(std::string_view text) {
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos) {
        return std::nullopt;
    }
    const auto index = number(text.substr(0, slash));
    const auto count = number(text.substr(slash + 1));
    if (!index || !count || *count < 1 || *count > document::most_shards || *index < 1 || *index > *count) {
        return std::nullopt;
    }
    return Shard{*index, *count};
}

ShardFromEnvironment shard_of(Environment value_of) {
    const char* total = value_of("CI_NODE_TOTAL");
    const char* from_one = value_of("CI_NODE_INDEX");
    const char* from_zero = value_of("JOB_COMPLETION_INDEX");
    if (total == nullptr || (from_one == nullptr && from_zero == nullptr)) {
        return {};
    }
    auto index = number(from_one != nullptr ? from_one : from_zero);
    if (index && from_one == nullptr) {
        ++*index;
    }
    const std::string text = fmt::format("{}/{}", index.value_or(0), total);
    const auto shard = parse_shard(text);
    if (!shard) {
        return {std::nullopt,
                fmt::format(
                    "the environment has no part of a run: {}={}, CI_NODE_TOTAL={}; expected an index below "
                    "the total, or neither",
                    from_one != nullptr ? "CI_NODE_INDEX" : "JOB_COMPLETION_INDEX",
                    from_one != nullptr ? from_one : from_zero,
                    total)};
    }
    return {shard, ""};
}

std::vector<int> spread(const std::vector<std::int64_t>& weights, int count) {
    std::vector<std::size_t> order(weights.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(
        order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return weights[a] > weights[b]; });
    std::vector<std::int64_t> load(static_cast<std::size_t>(count), 0);
    std::vector<int> shards(weights.size(), 1);
    for (const std::size_t thing : order) {
        const auto least = std::min_element(load.begin(), load.end());
        *least += std::max<std::int64_t>(weights[thing], 1);
        shards[thing] = static_cast<int>(least - load.begin()) + 1;
    }
    return shards;
}

int share_of(int all, const Shard& shard) {
    return all / shard.count + (shard.index <= all % shard.count ? 1 : 0);
}

}  // namespace smtpspec::run
