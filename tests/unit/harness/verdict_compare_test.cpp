#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "harness/report/verdict_compare.hpp"
#include "report_support.hpp"

namespace smtpspec::report {
namespace {

using run::Result;
using run::Verdict;
using test::cell;

/// A result of one cell for each verdict.
Result with(const std::vector<Verdict>& verdicts, const std::string& who = "here") {
    Result result;
    for (const Verdict verdict : verdicts) {
        result.cells.push_back(cell("a.b" + std::to_string(result.cells.size()), 25, verdict));
        result.cells.back().endpoint = who;
    }
    return result;
}

struct Step {
    Verdict before, after;
    Movement movement;
};

TEST(VerdictCompare, TellsEveryStepFromVerdictToVerdict) {
    constexpr auto pass = Verdict::Pass, tolerated = Verdict::Tolerated, warn = Verdict::Warn,
                   fail = Verdict::Fail, vulnerable = Verdict::Vulnerable, unsupported = Verdict::Unsupported,
                   skipped = Verdict::Skipped, inconclusive = Verdict::Inconclusive, error = Verdict::Error;
    for (const Verdict fine : {pass, tolerated, warn}) {
        for (const Verdict bad : {fail, vulnerable, error, inconclusive, unsupported, skipped}) {
            EXPECT_EQ(compare(with({fine}), with({bad})).cells[0].movement, Movement::worse)
                << script::to_string(fine) << " " << script::to_string(bad);
        }
        for (const Verdict other : {pass, tolerated, warn}) {
            EXPECT_EQ(compare(with({fine}), with({other})).cells[0].movement,
                      fine == other ? Movement::same : Movement::shifted);
        }
        for (const Verdict bad : {fail, vulnerable, error, inconclusive}) {
            EXPECT_EQ(compare(with({bad}), with({fine})).cells[0].movement, Movement::fixed);
        }
        EXPECT_EQ(compare(with({unsupported}), with({fine})).cells[0].movement, Movement::changed);
    }
    for (const Step& step : {Step{fail, vulnerable, Movement::worse},
                             Step{vulnerable, fail, Movement::changed},
                             Step{unsupported, fail, Movement::worse},
                             Step{inconclusive, fail, Movement::worse},
                             Step{error, vulnerable, Movement::worse},
                             Step{fail, inconclusive, Movement::changed},
                             Step{vulnerable, unsupported, Movement::changed},
                             Step{unsupported, skipped, Movement::changed},
                             Step{inconclusive, error, Movement::changed},
                             Step{fail, fail, Movement::same}}) {
        EXPECT_EQ(compare(with({step.before}), with({step.after})).cells[0].movement, step.movement)
            << script::to_string(step.before) << " " << script::to_string(step.after);
    }
}

TEST(VerdictCompare, MissesACellThatIsGoneAndReportsOneThatAppeared) {
    const Result two = with({Verdict::Pass, Verdict::Pass});
    const Result one = with({Verdict::Pass});
    const VerdictComparison fewer = compare(two, one);
    EXPECT_EQ(fewer.count(Movement::gone), 1U);
    EXPECT_TRUE(fewer.worse());
    EXPECT_EQ(fewer.cells[1].why, "the scenario was not run");
    const VerdictComparison more = compare(one, two);
    EXPECT_EQ(more.count(Movement::appeared), 1U);
    EXPECT_FALSE(more.worse());
    EXPECT_TRUE(compare(with({Verdict::Unsupported, Verdict::Pass}), with({Verdict::Pass})).worse())
        << "the first cell is there, the second is not";
}

TEST(VerdictCompare, SaysWhyACellIsGone) {
    Result before = with({Verdict::Pass});
    before.cells.push_back(before.cells[0]);
    before.cells[1].port = 587;
    Result after = with({Verdict::Pass});
    EXPECT_EQ(compare(before, after).cells[1].why, "nothing was tested on that port");
    after.left_out_slow = 3;
    after.cells[0].scenario = "c.d";
    EXPECT_EQ(compare(before, after).cells[0].why, "the scenario was not run (--slow?)");
    after.interrupted = true;
    EXPECT_EQ(compare(before, after).cells[0].why, "NEW was interrupted");
}

TEST(VerdictCompare, TellsParametersPortsAndSidesApart) {
    Result before = with({Verdict::Pass});
    before.cells[0].params = {{"x", "1"}};
    for (const auto& change :
         std::vector<std::function<void(run::Cell&)>>{[](run::Cell& one) { one.params = {{"x", "2"}}; },
                                                      [](run::Cell& one) { one.port = 26; },
                                                      [](run::Cell& one) {
                                                          one.side = script::Side::Client;
                                                          one.client = "here";
                                                      }}) {
        Result after = before;
        change(after.cells[0]);
        EXPECT_EQ(compare(before, after).count(Movement::gone), 1U);
        EXPECT_EQ(compare(before, after).count(Movement::appeared), 1U);
    }
}

TEST(VerdictCompare, TakesOneEndpointForTheOtherAndSaysSo) {
    const VerdictComparison found =
        compare(with({Verdict::Pass}, "old name"), with({Verdict::Pass}, "new name"));
    EXPECT_EQ(found.count(Movement::same), 1U);
    EXPECT_THAT(found.notices, testing::ElementsAre("OLD is of old name, NEW of new name"));
    Result several = with({Verdict::Pass, Verdict::Pass}, "old name");
    several.cells[1].endpoint = "another";
    EXPECT_EQ(compare(several, with({Verdict::Pass, Verdict::Pass}, "new name")).count(Movement::gone), 2U);
}

TEST(VerdictCompare, DoesNotJudgeByARuleThatIsAnotherOne) {
    Result after = with({Verdict::Fail});
    after.cells[0].rev = 2;
    const VerdictComparison found = compare(with({Verdict::Pass}), after);
    EXPECT_EQ(found.cells[0].movement, Movement::revised);
    EXPECT_FALSE(found.worse());
}

TEST(VerdictCompare, TakesAWaiverIntoAccount) {
    Result waived = with({Verdict::Fail});
    waived.cells[0].waiver = run::WaiverNote{"known", "a.*", "", "", ""};
    EXPECT_EQ(compare(with({Verdict::Pass}), waived).cells[0].movement, Movement::waived);
    EXPECT_EQ(compare(waived, waived).cells[0].movement, Movement::same);
    EXPECT_EQ(compare(waived, with({Verdict::Fail})).cells[0].movement, Movement::worse)
        << "nobody accepts it any longer";
    EXPECT_EQ(compare(waived, with({Verdict::Pass})).cells[0].movement, Movement::fixed);
}

TEST(VerdictCompare, ReportsAnotherWayOfFailingAndFlakyCells) {
    Result after = with({Verdict::Fail});
    after.cells[0].outcome = "another";
    EXPECT_EQ(compare(with({Verdict::Fail}), after).cells[0].movement, Movement::changed);
    Result flaky = with({Verdict::Pass});
    flaky.cells[0].attempts.emplace_back();
    const VerdictComparison found = compare(with({Verdict::Pass}), flaky);
    EXPECT_EQ(found.cells[0].movement, Movement::same);
    EXPECT_TRUE(found.cells[0].flaky);
    EXPECT_NE(to_text(found, {}, false).find("1 flaky"), std::string::npos);
}

TEST(VerdictCompare, JoinsThePortsOfOneChange) {
    Result before = with({Verdict::Pass});
    before.cells.push_back(before.cells[0]);
    before.cells[1].port = 587;
    Result after = before;
    for (run::Cell& one : after.cells) {
        one.verdict = Verdict::Fail;
        one.got = "nothing came";
    }
    const std::string text = to_text(compare(before, after), {}, false);
    EXPECT_NE(text.find("worse\n  a.b0, ports 25, 587: pass -> fail\n      nothing came\n"),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("2 cells: 2 worse"), std::string::npos) << text;
    const auto json = to_json(compare(before, after));
    EXPECT_EQ(json["counts"]["worse"], 2);
    EXPECT_EQ(json["changes"].size(), 2U);
    EXPECT_EQ(json["worse"], true);
}

TEST(VerdictCompare, ShowsHostileTextAsText) {
    const Result hostile = test::hostile_result();
    Result other = hostile;
    for (run::Cell& one : other.cells) {
        one.verdict = one.verdict == Verdict::Fail ? Verdict::Pass : Verdict::Fail;
    }
    const VerdictComparison found = compare(hostile, other);
    const std::string text = to_text(found, {}, true);
    for (const char c : text) {
        EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20) << static_cast<int>(c);
    }
    for (const std::string& line : test::lines_of(text)) {
        EXPECT_LE(line.size(), 400U);
    }
    const std::string page = to_markdown(found, true);
    EXPECT_EQ(page.find("<script"), std::string::npos);
    EXPECT_EQ(page.find('\x1b'), std::string::npos);
    EXPECT_FALSE(to_json(found).dump(2, ' ', false, nlohmann::json::error_handler_t::replace).empty());
}

}  // namespace
}  // namespace smtpspec::report
