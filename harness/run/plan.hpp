#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "harness/run/catalog.hpp"
#include "harness/run/options.hpp"
#include "harness/run/profile.hpp"
#include "harness/run/result.hpp"

namespace smtpspec::run {

/// What a cell will ask of the endpoint, estimated from its script (never too low for what it does once).
struct Traffic {
    int connections = 0, logins = 0, bad_logins = 0, messages = 0;
    int transactions = 0;  ///< MAIL commands, whatever becomes of them: what a provider's limit counts
};

/// One cell that is to be run, or that gets its verdict without running (`preset`).
struct PlannedCell {
    std::shared_ptr<const script::Scenario> scenario;
    script::CellParams params;
    int port = 0;  ///< 0: all ports together
    script::Mode mode = script::Mode::Starttls;
    Traffic traffic;
    std::optional<Verdict> preset;  ///< skipped (budget, fixture), with `preset_reason`
    std::string preset_reason;
    std::string defect;  ///< selftest: the model peer's defect, "" for the good peer
};

/// Where cells are run.
enum class Surroundings {
    embedded,  ///< against our own model peers
    loopback,  ///< a foreign server on this machine
    remote,    ///< anything else: gentle, paced, budgeted (design.md §8)
};

struct Plan {
    std::vector<PlannedCell> cells;
    int left_out_slow = 0, left_out_intrusive = 0, left_out_budget = 0;
    std::vector<std::string> unknown_filters;  ///< `--only` globs that fit nothing, with a suggestion
    std::optional<document::ShardNote> shard;  ///< which part of which plan the cells are; nothing: the whole

    Traffic total(int port) const;  ///< of the cells without preset
    std::set<int> ports() const;
};

/// Which cells a run has: scenarios x parameters x ports, by filters, modes, services, fixtures and budgets.
/// Pure.
Plan make_plan(const Catalog& catalog,
               const Profile& profile,
               const RunOptions& options,
               Surroundings surroundings,
               script::Side side);

/// What earlier times are known by: the cell's name and port.
std::string shard_key(const std::string& name, int port);

/// Leaves the cells of one part (options.shard); all of them when there is none. Balanced by earlier times; a
/// cell that has none counts like the average of those that have.
void keep_shard(Plan& plan, const Profile& profile, const RunOptions& options);

/// Estimates a script's traffic. `has_credentials`: start states log in.
Traffic estimate_traffic(const script::Scenario& scenario, bool has_credentials);

/// How long the plan takes at least at this pace (> 0), in seconds: no conversation begins before its turn
/// (Pacing).
double paced_seconds(const Plan& plan, double messages_per_second);

}  // namespace smtpspec::run
