#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "harness/latency/result.hpp"

/// Did anything get slower between two measurements of other days, and perhaps other machines? The method and
/// its reasons: docs/latency.md, "Comparing".
namespace smtpspec::latency {

enum class Change { faster, slower, same, cannot_tell };
/// "faster", "slower", "same", "cannot tell".
std::string_view to_string(Change change);

struct CompareRules {
    double threshold = 0.10;  ///< a change has to be larger than this share to count; > 0
    /// A change has to be larger than this to count: what the instrument itself is off by.
    std::chrono::microseconds resolution{75};
    double error = 0.01;  ///< that anything at all is called faster or slower by chance; 0..1
};

/// A stage of a port at one percentile, before and after.
struct StageChange {
    int port = 0;  ///< logical
    Stage stage = Stage::total;
    int percent = 50;  ///< 50 or 99
    double old_us = 0;
    double new_us = 0;
    double ratio = 1;  ///< new to old without what the machine explains
    double low = 0;  ///< the interval of the ratio; all intervals hold together with 1 - CompareRules::error
    double high = 0;
    Change change = Change::cannot_tell;
    std::string why;  ///< of `cannot tell`, where the interval alone does not say it; safe to show
};

struct LatencyComparison {
    CompareRules rules;
    std::vector<StageChange>
        stages;                    ///< ports in the order of the old result, stages as a message passes them
    double machine = 1;            ///< how much longer the embedded server took for a message
    bool machines_differ = false;  ///< so much that nothing can be told
    std::vector<std::string> failing;  ///< ports on which more messages fail than by chance; safe to show
    std::vector<std::string>
        lost;  ///< ports and stages that cannot be compared any more, and why; safe to show
    std::vector<std::string> notices;  ///< safe to show

    bool has(Change change) const;
    /// Something is slower, or messages fail that did not: what a gate is for.
    bool worse() const { return has(Change::slower) || !failing.empty(); }
    /// Nothing at all, or not what was told before: machines too far apart, ports or stages without times, or
    /// not one row with enough figures.
    bool blind() const;
};

/// The error is a sentence: the two cannot be compared at all (another load, no calibration).
tl::expected<LatencyComparison, std::string> compare(const LatencyResult& before,
                                                     const LatencyResult& after,
                                                     const CompareRules& rules = {});

/// A line per stage, port and percentile that says more than "same", then what it comes to. At most 80
/// columns; no colours. `all`: every line.
std::string to_table(const LatencyComparison& comparison, bool all = false);

/// smtpspec.comparison/1 (docs/latency.md).
nlohmann::ordered_json to_json(const LatencyComparison& comparison);

}  // namespace smtpspec::latency
