#include "harness/latency/compare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>

#include "harness/latency/compare_failures.hpp"
#include "harness/latency/compare_series.hpp"
#include "harness/latency/estimate.hpp"

namespace smtpspec::latency {

namespace {

constexpr std::size_t fewest_blocks = 4;
constexpr std::uint64_t samples_for_p99 = 1000;  // ten of them lie above it
constexpr double alike_cpu = 1.05;
constexpr double alike = 1.25;  // machines and loads that differ less are taken for the same
constexpr double too_far = 4;   // machines that differ more cannot be compared
constexpr double run_to_run =
    0.025;  // of a median: what two runs of the same differ by, whatever the blocks say
constexpr double run_to_run_tail = 0.10;  // the same of p99
constexpr double trust_in_control = 0.7;  // of what the embedded server's own stage changed by

constexpr double errors_of_95_percent = 2;

const PortLatency* port_of(const LatencyResult& result, int number) {
    const auto found = std::find_if(result.ports.begin(), result.ports.end(), [&](const PortLatency& port) {
        return port.port == number;
    });
    return found == result.ports.end() ? nullptr : &*found;
}

const Histogram* times_of(const LatencyResult& result, int port, Stage stage) {
    const PortLatency* its = port_of(result, port);
    if (its == nullptr)
        return nullptr;
    const auto found = its->stages.find(stage);
    return found == its->stages.end() || found->second.empty() ? nullptr : &found->second;
}

/// One row on its way to a verdict.
struct Pair {
    StageChange row;
    Series before;
    Series after;
    Estimate old_time;
    Estimate new_time;
    Estimate old_control;
    Estimate new_control;
    double middle_control = 0;     ///< the same of the embedded server's own stage
    double middle_difference = 0;  ///< of the medians of the blocks
    double stages_difference = 0;  ///< of a whole: of all its stages together
    double control = 0;  ///< by how much, in us, this stage of the embedded server changed on any port

    /// Of the embedded server's own stage, which explains as much of the endpoint's; never more than half of
    /// it.
    double explained() const {
        const double most = old_time.value / 2;
        return std::clamp(new_control.value - old_control.value, -most, most);
    }
    double as_it_stands() const { return new_time.value - old_time.value; }
    double difference() const { return as_it_stands() - explained(); }
    bool is_whole() const { return row.stage == Stage::total; }

    /// The ways to look at the difference, all of which have to agree on a finding: without what the machine
    /// explains; as it stands, for what only a correction brings about is none; in the middle of the blocks,
    /// for some stages have two usual times, and the quiet blocks may fall to one or the other; and a whole
    /// by its stages, for it waits for the scheduler in each of them.
    std::vector<double> views() const {
        std::vector<double> found = {difference(), as_it_stands(), middle_difference};
        if (is_whole())
            found.push_back(stages_difference);
        return found;
    }
};

void estimate(Pair& pair) {
    pair.old_time = quiet(pair.before.endpoint);
    pair.new_time = quiet(pair.after.endpoint);
    pair.old_control = quiet(pair.before.calibration);
    pair.new_control = quiet(pair.after.calibration);
    pair.middle_difference = middle(pair.after.endpoint) - middle(pair.before.endpoint);
    pair.middle_control = middle(pair.after.calibration) - middle(pair.before.calibration);
}

/// A p99 is that of all messages of the run; the blocks say how far it is to be trusted.
void add_tail(Pair& pair, const Histogram& old_times, const Histogram& new_times) {
    for (const auto& [estimate, times] :
         {std::pair(&pair.old_time, &old_times), std::pair(&pair.new_time, &new_times)}) {
        const Estimate whole = percentile_of(*times, 99);
        estimate->value = whole.value;
        estimate->error = std::hypot(estimate->error, whole.error);
    }
}

class Comparing {
  public:
    Comparing(const LatencyResult& before, const LatencyResult& after, const CompareRules& rules)
        : before_(before), after_(after) {
        found_.rules = rules;
    }

    LatencyComparison run() {
        found_.machine = machine_ratio(before_, after_);
        found_.machines_differ = found_.machine > too_far || found_.machine < 1 / too_far;
        for (const PortLatency& port : before_.ports)
            add_port(port);
        set_controls();
        set_stages_difference();
        for (Pair& pair : pairs_) {
            judge(pair);
            found_.stages.push_back(std::move(pair.row));
        }
        say_what_to_know();
        return std::move(found_);
    }

  private:
    void add_port(const PortLatency& port) {
        const PortLatency* now = port_of(after_, port.port);
        if (now == nullptr) {
            found_.lost.push_back(fmt::format("port {} was not measured in NEW", port.port));
            return;
        }
        add_failures(port, *now);
        if (port.sent > 0 && now->sent == 0) {
            const std::string reason = now->stopped ? now->stopped->reason : "no message was sent";
            found_.lost.push_back(fmt::format("port {} has no times in NEW: {}", port.port, reason));
            return;
        }
        if (now->stopped && now->stopped->cause != Trouble::budget)
            found_.lost.push_back(fmt::format("port {} was given up in NEW after {} of {} messages: {}",
                                              port.port,
                                              now->messages,
                                              now->planned,
                                              now->stopped->reason));
        for (const Stage stage : all_stages()) {
            if (stage == Stage::service)  // what an open load would have said without its correction
                continue;
            add_stage(port.port, stage);
        }
    }

    void add_stage(int port, Stage stage) {
        const bool before = times_of(before_, port, stage) != nullptr;
        const bool after = times_of(after_, port, stage) != nullptr;
        if (before && !after)
            found_.lost.push_back(
                fmt::format("port {}: {} has no times in NEW", port, client::to_string(stage)));
        if (after && !before)
            found_.notices.push_back(
                fmt::format("port {}: {} has times only in NEW", port, client::to_string(stage)));
        for (const int percent : {50, 99})
            add_pair(port, stage, percent);
    }

    /// The same share of all comparisons' error as each port would get of its own.
    void add_failures(const PortLatency& port, const PortLatency& now) {
        const Failures old_ones = failures_of(port);
        const Failures new_ones = failures_of(now);
        if (new_ones.failed == 0)
            return;
        const std::string text = fmt::format("port {}: {} of {} messages failed in NEW, {} of {} in OLD",
                                             port.port,
                                             new_ones.failed,
                                             new_ones.all,
                                             old_ones.failed,
                                             old_ones.all);
        const double allowed = found_.rules.error / static_cast<double>(before_.ports.size());
        const bool more = old_ones.all > 0 && chance_of_more(old_ones, new_ones) < allowed;
        (more ? found_.failing : found_.notices).push_back(text);
    }

    void add_pair(int port, Stage stage, int percent) {
        const Histogram* old_times = times_of(before_, port, stage);
        const Histogram* new_times = times_of(after_, port, stage);
        if (old_times == nullptr || new_times == nullptr)
            return;
        Pair pair;
        pair.row.port = port;
        pair.row.stage = stage;
        pair.row.percent = percent;
        pair.before = series_of(before_, port, stage, percent);
        pair.after = series_of(after_, port, stage, percent);
        pair.row.old_us = old_times->interpolated(percent);
        pair.row.new_us = new_times->interpolated(percent);
        const std::size_t blocks = std::min(pair.before.endpoint.size(), pair.after.endpoint.size());
        const std::uint64_t samples = std::min(old_times->count(), new_times->count());
        if (blocks < fewest_blocks)
            pair.row.why = fmt::format("{} blocks, and {} are needed", blocks, fewest_blocks);
        else if (percent == 99 && samples < samples_for_p99)
            return;  // said once for all
        if (pair.row.why.empty()) {
            estimate(pair);
            if (percent == 99)
                add_tail(pair, *old_times, *new_times);
        }
        pairs_.push_back(std::move(pair));
    }

    /// The embedded server did not change, and so its stages show what a change by chance looks like.
    void set_controls() {
        std::map<std::pair<Stage, int>, double> most;
        for (const Pair& pair : pairs_) {
            double& known = most[{pair.row.stage, pair.row.percent}];
            known = std::max({known,
                              std::abs(pair.new_control.value - pair.old_control.value),
                              std::abs(pair.middle_control)});
        }
        for (Pair& pair : pairs_)
            pair.control = most[{pair.row.stage, pair.row.percent}];
    }

    void set_stages_difference() {
        std::map<std::pair<int, int>, double> sums;
        for (const Pair& pair : pairs_)
            if (!pair.is_whole())
                sums[{pair.row.port, pair.row.percent}] += pair.as_it_stands();
        for (Pair& pair : pairs_)
            pair.stages_difference = sums[{pair.row.port, pair.row.percent}];
    }

    /// How many standard errors the interval has on each side, so that all intervals hold together
    /// (Bonferroni).
    double width(const Pair& pair) const {
        const auto blocks = static_cast<double>(pair.before.endpoint.size() + pair.after.endpoint.size());
        const boost::math::students_t distribution(blocks - 2);
        const double each = found_.rules.error / static_cast<double>(pairs_.size());
        return boost::math::quantile(boost::math::complement(distribution, each / 2));
    }

    void judge(Pair& pair) {
        StageChange& row = pair.row;
        if (!row.why.empty())
            return;
        const double run = (row.percent == 50 ? run_to_run : run_to_run_tail) * pair.old_time.value;
        const double square = pair.old_time.error * pair.old_time.error +
                              pair.new_time.error * pair.new_time.error +
                              pair.old_control.error * pair.old_control.error +
                              pair.new_control.error * pair.new_control.error + run * run +
                              trust_in_control * trust_in_control * pair.control * pair.control;
        const double error = std::sqrt(square);
        const double reach = width(pair) * error;
        const double old_us = pair.old_time.value;
        row.ratio = 1 + pair.difference() / old_us;
        row.low = std::max(0.0, 1 + (pair.difference() - reach) / old_us);
        row.high = 1 + (pair.difference() + reach) / old_us;
        row.change = verdict(pair, reach, errors_of_95_percent * error);
        doubt(pair);
    }

    /// `reach` of the interval, and `alone` of one that holds with 95 % for this stage alone: "same" accuses
    /// nobody.
    Change verdict(const Pair& pair, double reach, double alone) const {
        const double difference = pair.difference();
        const double threshold = found_.rules.threshold;
        const auto resolution = static_cast<double>(found_.rules.resolution.count());
        const double too_slow = std::max(resolution, pair.old_time.value * threshold);
        const double too_fast = std::max(resolution, pair.old_time.value * (1 - 1 / (1 + threshold)));
        const std::vector<double> views = pair.views();
        if (*std::min_element(views.begin(), views.end()) > too_slow && difference > reach)
            return Change::slower;
        if (-*std::max_element(views.begin(), views.end()) > too_fast && -difference > reach)
            return Change::faster;
        const bool within = difference + alone < too_slow && -difference + alone < too_fast;
        return within ? Change::same : Change::cannot_tell;
    }

    /// Where the machines differ, it is not known how much of a stage is the machine's: all of it or none.
    /// Both have to say the same.
    void doubt(Pair& pair) {
        StageChange& row = pair.row;
        if (found_.machines_differ) {
            row.change = Change::cannot_tell;
            row.why = "the machines differ too much";
            return;
        }
        const bool other_cpu = !(before_.machine.cpu == after_.machine.cpu);
        const double allowed = other_cpu ? alike_cpu : alike;
        if (found_.machine <= allowed && found_.machine >= 1 / allowed)
            return;
        const double scaled = pair.new_time.value / found_.machine / pair.old_time.value;
        const double threshold = 1 + found_.rules.threshold;
        const bool stands = row.change == Change::slower   ? scaled > threshold
                            : row.change == Change::faster ? scaled < 1 / threshold
                            : row.change == Change::same   ? scaled < threshold && scaled > 1 / threshold
                                                           : true;
        // Below the resolution a ratio says nothing.
        const auto resolution = static_cast<double>(found_.rules.resolution.count());
        const bool small = row.change == Change::same && pair.old_time.value < resolution;
        if (!stands && !small) {
            row.change = Change::cannot_tell;
            row.why = fmt::format("the machine took {:.2f} times as long", found_.machine);
        }
    }

    void say_what_to_know() {
        const auto too_few = [](const LatencyResult& result) {
            return std::any_of(result.ports.begin(), result.ports.end(), [](const PortLatency& port) {
                return std::any_of(port.stages.begin(), port.stages.end(), [](const auto& stage) {
                    return stage.second.count() < samples_for_p99;
                });
            });
        };
        if (too_few(before_) || too_few(after_))
            found_.notices.push_back(
                fmt::format("p99 is compared from {} messages per port on", samples_for_p99));
        for (const auto& [result, name] : {std::pair(&before_, "OLD"), std::pair(&after_, "NEW")})
            if (result->interrupted)
                found_.notices.push_back(fmt::format("{} was interrupted: it is only a part", name));
        if (before_.endpoint != after_.endpoint)
            found_.notices.push_back(
                fmt::format("the endpoints differ: {} and {}", before_.endpoint, after_.endpoint));
        for (const PortLatency& port : after_.ports)
            if (port_of(before_, port.port) == nullptr)
                found_.notices.push_back(fmt::format("port {} is new", port.port));
    }

    const LatencyResult& before_;
    const LatencyResult& after_;
    std::vector<Pair> pairs_;
    LatencyComparison found_;
};

std::string_view name_of(LoadShape::Kind kind) {
    return kind == LoadShape::Kind::probe  ? "a probe (no option of a load)"
           : kind == LoadShape::Kind::open ? "an open load (--rate)"
                                           : "a closed load";
}

/// What both must have had alike. "" or what differs.
std::string other_load(const LoadShape& before, const LoadShape& after) {
    if (before.kind != after.kind)
        return fmt::format("{} and {}", name_of(before.kind), name_of(after.kind));
    // Not how many messages there were, nor for how long a closed load lasted: more of the same are only told
    // better. A queue that an open load builds grows with its time.
    const auto time = [](const LoadShape& shape) {
        return shape.kind == LoadShape::Kind::open ? shape.seconds : 0;
    };
    const std::tuple<const char*, double, double> values[] = {
        {"--duration", time(before), time(after)},
        {"--warmup", before.warmup, after.warmup},
        {"--threads", before.threads, after.threads},
        {"--connections", before.connections, after.connections},
        {"--rate", before.rate, after.rate},
        {"--messages-per-connection", before.messages_per_connection, after.messages_per_connection},
        {"--recipients", before.recipients, after.recipients},
        {"--size", static_cast<double>(before.size), static_cast<double>(after.size)},
        {"--pipelining", before.pipelining ? 1 : 0, after.pipelining ? 1 : 0},
        {"--tls-resumption", before.tls_resumption ? 1 : 0, after.tls_resumption ? 1 : 0}};
    for (const auto& [option, old_value, new_value] : values)
        if (old_value != new_value)
            return fmt::format("{} was {:g} and is {:g}", option, old_value, new_value);
    return {};
}

}  // namespace

bool LatencyComparison::has(Change change) const {
    return std::any_of(
        stages.begin(), stages.end(), [&](const StageChange& stage) { return stage.change == change; });
}

bool LatencyComparison::blind() const {
    const bool told =
        std::any_of(stages.begin(), stages.end(), [](const StageChange& stage) { return stage.why.empty(); });
    return machines_differ || !lost.empty() || !told;
}

tl::expected<LatencyComparison, std::string> compare(const LatencyResult& before,
                                                     const LatencyResult& after,
                                                     const CompareRules& rules) {
    if (const std::string what = other_load(before.shape, after.shape); !what.empty())
        return tl::unexpected("the two were measured under different loads: " + what);
    for (const auto& [result, name] : {std::pair(&before, "OLD"), std::pair(&after, "NEW")})
        if (result->blocks.empty())
            return tl::unexpected(fmt::format(
                "{} has no calibration, so that it is not known how fast its machine was; measure "
                "again without --no-calibration",
                name));
    return Comparing(before, after, rules).run();
}

}  // namespace smtpspec::latency
