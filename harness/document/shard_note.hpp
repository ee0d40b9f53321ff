#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace smtpspec::document {

class Value;

/// So many parts a run has at most.
constexpr int most_shards = 1000;

/// Which part of a run or of a load a document holds, and of which.
struct ShardNote {
    int index = 1;     ///< 1..count
    int count = 1;     ///< 1..most_shards
    int cells = 0;     ///< of the whole plan of a run; 0: unknown, or a load
    std::string plan;  ///< digest of all that the parts have to share; "": written before there was one

    bool operator==(const ShardNote&) const = default;
};

/// Member `shard` of smtpspec.result/1 and smtpspec.latency/2.
nlohmann::ordered_json to_json(const ShardNote& shard);
/// Throws DocumentError.
ShardNote read_shard(const Value& shown);

/// 16 hexadecimal digits that are the same on every machine. Tells other texts apart, but not from forged
/// ones (FNV-1a).
std::string digest(std::string_view text);

}  // namespace smtpspec::document
