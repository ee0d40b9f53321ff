#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "harness/latency/estimate.hpp"
#include "tests/unit/harness/made_run.hpp"

namespace smtpspec::latency {
namespace {

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
    EXPECT_TRUE(found.blind()) << "a gate that sees nothing is not green";
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
