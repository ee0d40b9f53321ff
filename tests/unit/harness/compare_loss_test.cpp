#include "tests/unit/harness/made_run.hpp"

/// What keeps two results from being compared, and what else a gate has to see.
namespace smtpspec::latency {
namespace {

TEST(Compare, NamesPortsThatAreGone) {
    LatencyResult after = other().result();
    after.ports[0].sent = 0;
    after.ports[0].stages.clear();
    after.ports[0].stopped.emplace();
    after.ports[0].stopped->reason = "no connection";
    const auto found = compare(MadeRun().result(), after);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->lost, std::vector<std::string>{"port 25 has no times in NEW: no connection"});
    EXPECT_TRUE(found->blind());
    MadeRun fewer = other();
    fewer.ports = {587};
    EXPECT_EQ(compared(MadeRun(), fewer).lost, std::vector<std::string>{"port 25 was not measured in NEW"});
    EXPECT_TRUE(compared(MadeRun(), fewer).blind());
    EXPECT_FALSE(compared(fewer, MadeRun()).blind()) << "a port more is no loss";
}

TEST(Compare, NamesStagesThatAreGone) {
    MadeRun after = other();
    after.times.erase(Stage::mail);
    const LatencyComparison found = compared(MadeRun(), after);
    ASSERT_EQ(found.lost.size(), 2U);
    EXPECT_EQ(found.lost.front(), "port 25: MAIL has no times in NEW");
    EXPECT_TRUE(found.blind());
    const LatencyComparison back = compared(after, MadeRun());
    EXPECT_TRUE(back.lost.empty());
    EXPECT_FALSE(back.blind());
}

TEST(Compare, NamesPortsThatWereGivenUp) {
    LatencyResult after = other().result();
    after.ports[0].planned = 300;
    for (const auto& [cause, lost] : {std::pair(Trouble::died, true), std::pair(Trouble::budget, false)}) {
        after.ports[0].stopped.emplace();
        after.ports[0].stopped->cause = cause;
        after.ports[0].stopped->reason = "so it is";
        EXPECT_EQ(
            compare(MadeRun().result(), after)->lost,
            lost ? std::vector<std::string>{"port 25 was given up in NEW after 200 of 300 messages: so it is"}
                 : std::vector<std::string>());
    }
}

struct Failing {
    int before, after;  ///< of 200 messages each
    Trouble cause;
    bool worse;
};

TEST(Compare, SeesMessagesThatFail) {
    for (const Failing& failing : {Failing{0, 80, Trouble::refused, true},
                                   Failing{0, 15, Trouble::died, true},
                                   Failing{0, 2, Trouble::refused, false},
                                   Failing{80, 80, Trouble::refused, false},
                                   Failing{80, 0, Trouble::refused, false},
                                   Failing{200, 1, Trouble::refused, false},
                                   Failing{200, 200, Trouble::refused, false},
                                   Failing{1, 200, Trouble::refused, true},
                                   Failing{0, 80, Trouble::rate_limited, false}}) {
        LatencyResult before = MadeRun().result();
        LatencyResult after = other().result();
        for (const auto& [result, failed] :
             {std::pair(&before, failing.before), std::pair(&after, failing.after)}) {
            LatencyError error;
            error.cause = failing.cause;
            error.count = failed;
            result->ports[0].sent = 200 - failed;
            if (failed > 0)
                result->ports[0].errors.push_back(error);
        }
        const auto found = compare(before, after);
        ASSERT_TRUE(found);
        EXPECT_EQ(found->worse(), failing.worse) << failing.before << " " << failing.after;
        EXPECT_EQ(found->failing.size(), failing.worse ? 1U : 0U);
        if (failing.worse) {
            EXPECT_NE(to_table(*found).find("messages failed in NEW"), std::string::npos);
        }
    }
}

TEST(Compare, SurvivesCountsThatAreNone) {
    for (const int count : {-5, 2'000'000'000}) {
        LatencyResult after = other().result();
        LatencyError error;
        error.count = count;
        after.ports[0].sent = count;
        after.ports[0].errors.push_back(error);
        EXPECT_TRUE(compare(after, after));
    }
}

TEST(Compare, RefusesWhatCannotBeCompared) {
    const LatencyResult before = MadeRun().result();
    LatencyResult after = other().result();
    const std::pair<std::function<void(LoadShape&)>, const char*> others[] = {
        {[](LoadShape& shape) { shape.connections = 4; }, "--connections was 1 and is 4"},
        {[](LoadShape& shape) { shape.warmup = 4; }, "--warmup was 0 and is 4"},
        {[](LoadShape& shape) { shape.threads = 2; }, "--threads was 1 and is 2"},
        {[](LoadShape& shape) { shape.kind = LoadShape::Kind::probe; },
         "a closed load and a probe (no option of a load)"},
        {[](LoadShape& shape) { shape.kind = LoadShape::Kind::open; },
         "a closed load and an open load (--rate)"}};
    for (const auto& [change, what] : others) {
        after.shape = before.shape;
        change(after.shape);
        EXPECT_EQ(compare(before, after).error(),
                  std::string("the two were measured under different loads: ") + what);
    }
    LatencyResult longer = before;
    longer.shape.kind = after.shape.kind = LoadShape::Kind::open;
    longer.shape.seconds = 5;
    EXPECT_FALSE(compare(after, longer)) << "an open load's queue grows with its time";
    after.shape = before.shape;
    after.blocks.clear();
    EXPECT_NE(compare(before, after).error().find("NEW has no calibration"), std::string::npos);
    EXPECT_NE(compare(after, before).error().find("OLD has no calibration"), std::string::npos);
}

}  // namespace
}  // namespace smtpspec::latency
