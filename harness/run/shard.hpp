#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// A run that is split over several processes or machines (`--shard K/N`): each does its part, and `merge`
/// makes one result of theirs.
namespace smtpspec::run {

/// Which part of a run this is.
struct Shard {
    int index = 1;  ///< 1..count
    int count = 1;  ///< 1..document::most_shards
    bool operator==(const Shard&) const = default;
};

/// "3/8"; nothing when it is no part of anything.
std::optional<Shard> parse_shard(std::string_view text);

/// What a CI system says: CI_NODE_INDEX (from 1) and CI_NODE_TOTAL of GitLab, or JOB_COMPLETION_INDEX (from
/// 0) of a Kubernetes Indexed Job with CI_NODE_TOTAL. `value_of` reads the environment, nullptr where there
/// is nothing. The error is a sentence; nothing when the environment says nothing.
using Environment = const char* (*)(const char* name);
struct ShardFromEnvironment {
    std::optional<Shard> shard;
    std::string problem;  ///< "" none
};
ShardFromEnvironment shard_of(Environment value_of);

/// For each of the things with these weights (microseconds, or anything alike; > 0), the shard that does
/// it, 1..count: the heaviest first, each to the shard that has least to do. The same in every process that
/// has the same weights.
std::vector<int> spread(const std::vector<std::int64_t>& weights, int count);

/// Of `all` equal things, how many are this shard's: they differ by one at most.
int share_of(int all, const Shard& shard);

}  // namespace smtpspec::run
