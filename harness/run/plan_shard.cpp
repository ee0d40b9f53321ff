#include <fmt/format.h>

#include <algorithm>

#include "harness/run/plan.hpp"
#include "harness/run/version.hpp"

namespace smtpspec::run {

namespace {

/// How long each cell is likely to take.
std::vector<std::int64_t> weights_of(const Plan& plan, const RunOptions& options) {
    constexpr std::int64_t unknown = -1;
    std::vector<std::int64_t> weights;
    std::int64_t sum = 0;
    std::int64_t known = 0;
    for (const PlannedCell& cell : plan.cells) {
        const auto found = options.earlier_times.find(shard_key(cell.params.name(), cell.port));
        weights.push_back(found == options.earlier_times.end() ? unknown : found->second);
        sum += std::max<std::int64_t>(weights.back(), 0);
        known += weights.back() == unknown ? 0 : 1;
    }
    const std::int64_t usual = known > 0 ? sum / known : 1;
    std::replace(weights.begin(), weights.end(), unknown, usual);
    return weights;
}

/// Which part does which cell of what: parts that agree about it leave no cell out. Without the addresses
/// (--connect-to), for each part may have a server of its own.
std::string digest_of(const Plan& plan,
                      const std::vector<int>& shards,
                      const Profile& profile,
                      const RunOptions& options) {
    std::string text = fmt::format("{} seed {} {}\n", version, options.seed, profile.name);
    for (std::size_t i = 0; i < plan.cells.size(); ++i) {
        const PlannedCell& cell = plan.cells[i];
        text += fmt::format("{} {} rev {} {} {} part {}\n",
                            script::to_string(cell.scenario->head.side),
                            shard_key(cell.params.name(), cell.port),
                            cell.scenario->head.rev,
                            script::to_string(cell.mode),
                            cell.preset ? script::to_string(*cell.preset) : "",
                            shards[i]);
    }
    return document::digest(text);
}

}  // namespace

std::string shard_key(const std::string& name, int port) { return fmt::format("{} {}", name, port); }

void keep_shard(Plan& plan, const Profile& profile, const RunOptions& options) {
    if (!options.shard) {
        return;
    }
    const std::vector<int> shards = spread(weights_of(plan, options), options.shard->count);
    plan.shard = document::ShardNote{options.shard->index,
                                     options.shard->count,
                                     static_cast<int>(plan.cells.size()),
                                     digest_of(plan, shards, profile, options)};
    std::vector<PlannedCell> kept;
    for (std::size_t i = 0; i < plan.cells.size(); ++i) {
        if (shards[i] == options.shard->index) {
            kept.push_back(std::move(plan.cells[i]));
        }
    }
    plan.cells = std::move(kept);
}

}  // namespace smtpspec::run
