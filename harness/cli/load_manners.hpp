#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "harness/cli/arguments.hpp"
#include "harness/latency/result.hpp"
#include "harness/run/context.hpp"

/// What bench may ask of an endpoint (design.md §8).
namespace smtpspec::cli {

/// Messages per port that bench sends to an endpoint whose profile has no budget, and without a load: enough
/// for a comparison of medians, and little for a provider.
constexpr int messages_of_a_probe = 20;

/// What of so many things is this part's (--shard): all of them when there are no parts.
int share_of(int all, const run::RunContext& context);

/// Messages per port that the endpoint gets at most, warm-up included; nothing: no limit of ours.
std::optional<int> messages_allowed(const run::RunContext& context);

/// The options of a load, in words of the result. A rate without --connections gets as many as it may need.
latency::LoadShape shape_of(const BenchArguments& arguments, const run::RunContext& context);

/// The same for all parts of one load: digest of the endpoint and of what was asked for, before it is shared
/// out.
std::string load_digest(const BenchArguments& arguments, const run::RunContext& context);

/// Why this load must not be brought to this endpoint, as a complete sentence without a full stop; empty: it
/// may.
std::string load_objection(const run::RunContext& context, const Arguments& arguments);

}  // namespace smtpspec::cli
