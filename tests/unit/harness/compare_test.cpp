#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <random>

#include "harness/latency/compare.hpp"
#include "harness/latency/estimate.hpp"

namespace smtpspec::latency {
namespace {

/// A made-up run: what each stage takes, and by how much it scatters.
struct MadeRun {
    std::map<Stage, double> times = {{Stage::connect, 40},
                                     {Stage::tls, 1300},
                                     {Stage::mail, 2000},
                                     {Stage::accepted, 8000},
                                     {Stage::total, 11500}};
    std::map<Stage, double> calibration = {{Stage::connect, 45},
                                           {Stage::tls, 1200},
                                           {Stage::mail, 60},
                                           {Stage::accepted, 70},
                                           {Stage::total, 1500}};
    double scatter = 0.03;  ///< of the logarithm, from block to block
    int blocks = 20;
    int messages = 200;
    unsigned seed = 1;
    std::vector<int> ports = {25, 587};

    LatencyResult result() const {
        std::mt19937 random(seed);
        std::normal_distribution<double> normal(0, scatter);
        LatencyResult made;
        made.endpoint = "made";
        made.machine.cpu = "a processor";
        for (const int number : ports) {
            PortLatency port;
            port.port = number;
            port.messages = port.sent = port.planned = messages;
            for (const auto& [stage, time] : times)
                for (int i = 0; i < messages; ++i)
                    port.stages[stage].record(Histogram::Time(std::llround(time * std::exp(normal(random)))));
            made.ports.push_back(port);
            for (int i = 0; i < blocks; ++i)
                made.blocks.push_back(block(number, random, normal));
        }
        return made;
    }

  private:
    Block block(int port, std::mt19937& random, std::normal_distribution<double>& normal) const {
        Block made;
        made.port = port;
        for (const auto& [from, to] :
             {std::pair(&times, &made.endpoint), std::pair(&calibration, &made.calibration)})
            for (const auto& [stage, time] : *from) {
                Quantiles& found = (*to)[stage];
                found.count = 10;
                found.p50_us = time * std::exp(normal(random));
                found.p99_us = found.p50_us * 1.3;
            }
        return made;
    }
};

LatencyComparison compared(const MadeRun& before, const MadeRun& after, const CompareRules& rules = {}) {
    auto found = compare(before.result(), after.result(), rules);
    EXPECT_TRUE(found) << (found ? "" : found.error());
    return found ? *found : LatencyComparison();
}

std::set<Stage> stages_with(const LatencyComparison& found, Change change) {
    std::set<Stage> stages;
    for (const StageChange& row : found.stages)
        if (row.change == change)
            stages.insert(row.stage);
    return stages;
}

MadeRun other(unsigned seed = 2) {
    MadeRun run;
    run.seed = seed;
    return run;
}

TEST(Compare, FindsTheSameTheSame) {
    const LatencyComparison found = compared(MadeRun(), other());
    EXPECT_EQ(found.stages.size(), 10U);
    EXPECT_FALSE(found.has(Change::slower));
    EXPECT_FALSE(found.has(Change::faster));
    EXPECT_TRUE(stages_with(found, Change::same).count(Stage::mail));
    EXPECT_NEAR(found.machine, 1, 0.05);
}

struct Difference {
    Stage stage;
    double old_us, new_us;
    Change expected;
};

TEST(Compare, TellsADifferenceByItsSize) {
    const Difference differences[] = {
        {Stage::accepted, 8000, 9600, Change::slower},
        {Stage::accepted, 9600, 8000, Change::faster},
        {Stage::mail, 2000, 2400, Change::slower},
        {Stage::mail, 2000, 2020, Change::same},
        {Stage::connect, 40, 60, Change::same},  // half as long again, and yet nothing that we could measure
        {Stage::connect, 60, 40, Change::same},
        {Stage::connect, 40, 400, Change::slower},
    };
    for (const Difference& difference : differences) {
        MadeRun before;
        MadeRun after = other();
        before.times[difference.stage] = difference.old_us;
        after.times[difference.stage] = difference.new_us;
        const LatencyComparison found = compared(before, after);
        for (const StageChange& row : found.stages) {
            if (row.stage == difference.stage) {
                EXPECT_EQ(row.change, difference.expected)
                    << client::to_string(row.stage) << difference.new_us << ": " << row.low << " "
                    << row.high;
                EXPECT_LT(row.low, row.ratio);
                EXPECT_GT(row.high, row.ratio);
            } else {
                EXPECT_NE(row.change, Change::slower) << client::to_string(row.stage);
            }
        }
    }
}

TEST(Compare, KeepsToThresholdAndResolution) {
    MadeRun after = other();
    after.times[Stage::accepted] = 8000 * 1.3;
    CompareRules rules;
    EXPECT_TRUE(compared(MadeRun(), after, rules).has(Change::slower));
    rules.threshold = 0.4;
    EXPECT_FALSE(compared(MadeRun(), after, rules).has(Change::slower));
    rules.threshold = 0.1;
    rules.resolution = std::chrono::milliseconds(3);
    EXPECT_FALSE(compared(MadeRun(), after, rules).has(Change::slower));
}

TEST(Compare, CannotTellInNoise) {
    MadeRun before;
    MadeRun after = other();
    before.scatter = after.scatter = 1;
    after.times[Stage::mail] = 2600;
    const LatencyComparison found = compared(before, after);
    EXPECT_FALSE(found.has(Change::slower));
    EXPECT_TRUE(stages_with(found, Change::cannot_tell).count(Stage::mail));
}

TEST(Compare, TakesOffWhatTheMachineExplains) {
    MadeRun after = other();
    for (auto* times : {&after.times, &after.calibration})
        (*times)[Stage::tls] += 400;
    const LatencyComparison found = compared(MadeRun(), after);
    EXPECT_FALSE(found.has(Change::slower)) << to_table(found, true);
}

TEST(Compare, AMachineOfAnotherSpeedIsNoRegression) {
    for (const double speed : {1.15, 2.0, 3.0}) {
        MadeRun before;
        MadeRun after = other();
        for (auto* times : {&after.times, &after.calibration})
            for (auto& [stage, time] : *times)
                time *= speed;
        LatencyResult now = after.result();
        now.machine.cpu = "a slower processor";
        const auto found = compare(before.result(), now);
        ASSERT_TRUE(found);
        EXPECT_NEAR(found->machine, speed, 0.1);
        EXPECT_FALSE(found->has(Change::slower)) << to_table(*found, true);
        const auto back = compare(now, before.result());
        EXPECT_FALSE(back->has(Change::faster)) << to_table(*back, true);
    }
}

TEST(Compare, SaysThatMachinesDifferTooMuch) {
    MadeRun after = other();
    for (auto& [stage, time] : after.calibration)
        time *= 5;
    const LatencyComparison found = compared(MadeRun(), after);
    EXPECT_TRUE(found.machines_differ);
    for (const StageChange& row : found.stages)
        EXPECT_EQ(row.change, Change::cannot_tell);
    EXPECT_NE(to_table(found).find("the machines differ too much"), std::string::npos);
}

TEST(Compare, ComparesP99FromAThousandMessagesOn) {
    MadeRun before;
    MadeRun after = other();
    const auto tails = [](const LatencyComparison& found) {
        return std::count_if(found.stages.begin(), found.stages.end(), [](const StageChange& row) {
            return row.percent == 99;
        });
    };
    EXPECT_EQ(tails(compared(before, after)), 0);
    before.messages = after.messages = 1000;
    EXPECT_EQ(tails(compared(before, after)), 10);
    EXPECT_FALSE(compared(before, after).has(Change::slower));
    after.times[Stage::accepted] *= 2;
    const LatencyComparison found = compared(before, after);
    for (const StageChange& row : found.stages)
        if (row.stage == Stage::accepted) {
            EXPECT_EQ(row.change, Change::slower) << row.percent;
        }
}

TEST(Compare, CallsAWholeSlowerByItsStages) {
    MadeRun after = other();
    after.times[Stage::total] *= 1.5;
    EXPECT_FALSE(compared(MadeRun(), after).has(Change::slower)) << "no stage is";
    after.times[Stage::accepted] += 5750;
    EXPECT_EQ(stages_with(compared(MadeRun(), after), Change::slower),
              (std::set{Stage::accepted, Stage::total}));
}

TEST(Compare, NeedsSomeBlocks) {
    MadeRun before;
    before.blocks = 3;
    const LatencyComparison found = compared(before, other());
    for (const StageChange& row : found.stages)
        EXPECT_EQ(row.why, "3 blocks, and 4 are needed");
}

TEST(Compare, NamesPortsThatAreGone) {
    LatencyResult after = other().result();
    after.ports[0].sent = 0;
    after.ports[0].stages.clear();
    after.ports[0].stopped.emplace();
    after.ports[0].stopped->reason = "no connection";
    const auto found = compare(MadeRun().result(), after);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->lost, std::vector<std::string>{"port 25 has no times in NEW: no connection"});
    MadeRun fewer = other();
    fewer.ports = {587};
    EXPECT_TRUE(compared(MadeRun(), fewer).lost.empty()) << "it was not asked for";
}

TEST(Compare, RefusesWhatCannotBeCompared) {
    const LatencyResult before = MadeRun().result();
    LatencyResult after = other().result();
    after.shape.connections = 4;
    EXPECT_EQ(compare(before, after).error(),
              "the two were measured under different loads: --connections was 1 and is 4");
    after.shape = before.shape;
    after.blocks.clear();
    EXPECT_NE(compare(before, after).error().find("NEW has no calibration"), std::string::npos);
    EXPECT_NE(compare(after, before).error().find("OLD has no calibration"), std::string::npos);
}

TEST(Compare, SurvivesFiguresThatAreNone) {
    for (const double value : {0.0, -5.0, 1e300, std::nan(""), HUGE_VAL}) {
        LatencyResult after = other().result();
        for (Block& block : after.blocks)
            for (auto* stages : {&block.endpoint, &block.calibration})
                for (auto& [stage, found] : *stages)
                    found.p50_us = value;
        const auto found = compare(MadeRun().result(), after);
        ASSERT_TRUE(found);
        EXPECT_FALSE(to_table(*found, true).empty());
        EXPECT_FALSE(to_json(*found).dump().empty());
    }
}

/// A hundred pairs of the same: at most one of them may be called slower or faster. A hundred with one stage
/// 20 % slower: nearly all are found.
TEST(Compare, ControlsTheErrorOfTheWhole) {
    int wrong = 0;
    int found_slow = 0;
    for (unsigned seed = 0; seed < 100; ++seed) {
        MadeRun before = other(seed * 3 + 10);
        before.scatter = 0.06;
        before.ports = {25, 465, 587, 2465, 2587};
        MadeRun same = before;
        same.seed += 1;
        MadeRun slow = before;
        slow.seed += 2;
        slow.times[Stage::accepted] *= 1.2;
        const LatencyComparison equal = compared(before, same);
        wrong += equal.has(Change::slower) || equal.has(Change::faster) ? 1 : 0;
        found_slow += stages_with(compared(before, slow), Change::slower).count(Stage::accepted) > 0 ? 1 : 0;
    }
    EXPECT_LE(wrong, 1);
    EXPECT_GE(found_slow, 95);
}

TEST(Compare, TableFitsATerminal) {
    MadeRun after = other();
    after.times[Stage::accepted] *= 1.5;
    const std::string table = to_table(compared(MadeRun(), after), true);
    std::size_t widest = 0;
    for (std::size_t at = 0, end = 0; at < table.size(); at = end + 1) {
        end = table.find('\n', at);
        widest = std::max(widest, end - at);
    }
    EXPECT_LE(widest, 80U) << table;
}

TEST(Estimate, IsTheLowerQuartileWithItsError) {
    std::vector<double> values;
    for (int i = 0; i <= 100; ++i)
        values.push_back(i * 40 % 101);  // neighbours are far from each other
    const Estimate found = quiet(values);
    EXPECT_DOUBLE_EQ(found.value, 25);
    EXPECT_NEAR(found.error, 100 * std::sqrt(0.25 * 0.75 / 101), 0.1);
    std::sort(values.begin(), values.end());
    EXPECT_NEAR(quiet(values).error, found.error * 3, 0.1) << "neighbours resemble each other";
    EXPECT_DOUBLE_EQ(quiet({7}).value, 7);
    EXPECT_DOUBLE_EQ(quiet({7}).error, 0);
}

}  // namespace
}  // namespace smtpspec::latency
