#include "harness/document/shard_note.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <nlohmann/json.hpp>

#include "harness/document/value.hpp"

namespace smtpspec::document {

using Json = nlohmann::ordered_json;

Json to_json(const ShardNote& shard) {
    Json json{{"index", shard.index}, {"count", shard.count}};
    if (shard.cells > 0) {
        json["cells"] = shard.cells;
    }
    if (!shard.plan.empty()) {
        json["plan"] = shard.plan;
    }
    return json;
}

ShardNote read_shard(const Value& shown) {
    ShardNote shard;
    shard.count = shown.at("count").number<int>(1, most_shards);
    shard.index = shown.at("index").number<int>(1, shard.count);
    shard.cells = shown.has("cells") ? shown.at("cells").number<int>(1) : 0;
    shard.plan = shown.text_or_none("plan");
    return shard;
}

std::string digest(std::string_view text) {
    std::uint64_t hash = 14695981039346656037ULL;
    for (const char c : text) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    }
    return fmt::format("{:016x}", hash);
}

}  // namespace smtpspec::document
