#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/run/waivers.hpp"
#include "report_support.hpp"

namespace smtpspec::run {
namespace {

std::vector<Waiver> waivers_of(const std::string& entry) {
    const auto read = load_waivers("waivers: [" + entry + "]", "w.yaml");
    EXPECT_TRUE(read) << read.error();
    return read.value_or(std::vector<Waiver>{});
}

std::vector<Cell> cells_of(const std::vector<Verdict>& verdicts) {
    std::vector<Cell> cells;
    for (const Verdict verdict : verdicts) {
        cells.push_back(report::test::cell("a.b" + std::to_string(cells.size()), 25, verdict));
        cells.back().endpoint = "example";
    }
    return cells;
}

/// Per cell: w waived, X unexpected pass, . neither.
std::string marks(const std::string& waiver, const std::vector<Verdict>& verdicts) {
    std::vector<Cell> cells = cells_of(verdicts);
    apply_waivers(waivers_of(waiver), cells);
    std::string text;
    for (const Cell& cell : cells) {
        text += cell.unexpected_pass ? 'X' : cell.waiver ? 'w' : '.';
    }
    return text;
}

constexpr auto pass = Verdict::Pass;
constexpr auto vulnerable = Verdict::Vulnerable;

class EitherWaiver : public testing::TestWithParam<const char*> {};

TEST_P(EitherWaiver, LeavesCellsAloneThatPassBesideTheOneItIsFor) {
    EXPECT_EQ(marks(GetParam(), {pass, vulnerable, pass}), ".w.");
}

TEST_P(EitherWaiver, HasToGoWhenAllThatItNamesPasses) {
    EXPECT_EQ(marks(GetParam(), {pass, pass, Verdict::Unsupported}), "XX.");
}

TEST_P(EitherWaiver, StaysWhileNothingIsKnown) {
    EXPECT_EQ(marks(GetParam(), {Verdict::Unsupported, Verdict::Skipped}), "..");
    EXPECT_EQ(marks(GetParam(), {pass, Verdict::Error}), "..");
    EXPECT_EQ(marks(GetParam(), {pass, Verdict::Inconclusive}).front(), '.');
}

INSTANTIATE_TEST_SUITE_P(WithVerdictAndWithout,
                         EitherWaiver,
                         testing::Values("{id: 'a.*', verdict: vulnerable, reason: known}",
                                         "{id: 'a.*', reason: known}"));

/// What is no text would read as "", which names everything.
TEST(Waivers, ThatNameNothingAreRefused) {
    const std::pair<const char*, const char*> rows[] = {
        {"{id: 'a.*', reason: r, endpoint: [x, y]}", "expected one text"},
        {"{id: 'a.*', reason: r, endpoint: ~}", "expected one text"},
        {"{id: 'a.*', reason: r, outcome: [refused]}", "expected one text"},
        {"{id: 'a.*', reason: r, client: ''}", "not empty"},
        {"{id: 'a.*', reason: '  '}", "not empty"},
        {"{id: 'a.*', reason: r, ports: []}", "list of ports"},
        {"{id: 'a.*', reason: r, port: x}", "from 1 to 65535"},
        {"{id: 'a.*', reason: r, port: 70000}", "from 1 to 65535"},
        {"{id: 'a.*', reason: r, params: {a: [x]}}", "expected one text"},
        {"{id: 'a.*', reason: r, verdict: pass}", "cannot be accepted"},
        {"{id: 'a.*', reason: r, verdict: error}", "cannot be accepted"},
        {"{id: 'a.*', reason: r, verdict: [fail]}", "cannot be accepted"},
        {"{id: 'a.b[tail]', reason: r}", "not the glob of a cell"},
        {"{id: 'a.b[]', reason: r}", "not the glob of a cell"},
        {"{id: 'a.b[a=x,]', reason: r}", "not the glob of a cell"},
        {"{id: '[', reason: r}", "not the glob of a cell"},
        {"{id: 'a.b]', reason: r}", "not the glob of a cell"},
    };
    for (const auto& [entry, words] : rows) {
        const auto read = load_waivers(std::string("waivers: [") + entry + "]", "w.yaml");
        ASSERT_FALSE(read) << entry;
        EXPECT_THAT(read.error(), testing::HasSubstr(words)) << entry;
    }
    EXPECT_EQ(waivers_of("{id: 'a.b[a=x,c=*]', reason: r, verdict: warn}").size(), 1U);
}

TEST(Waivers, SayWhomTheyDoNotFind) {
    const std::vector<Cell> cells = cells_of({pass});
    EXPECT_THAT(unused_waivers(waivers_of("{id: '*', client: nosuch, reason: r}"), cells),
                testing::ElementsAre(testing::HasSubstr("nobody here is called \"nosuch\"")));
    EXPECT_THAT(unused_waivers(waivers_of("{id: '*', params: {a: x}, reason: r}"), cells),
                testing::ElementsAre(testing::HasSubstr("params")));
}

TEST(Waivers, OfAVerdictThatIsNotRedNeverHaveToGo) {
    EXPECT_EQ(marks("{id: 'a.*', verdict: inconclusive, reason: known}", {pass, pass}), "..");
    EXPECT_EQ(marks("{id: 'a.*', verdict: warn, reason: known}", {pass, pass}), "..");
}

TEST(Waivers, TwoForOneCellBothHaveWorkToDo) {
    EXPECT_EQ(marks("{id: 'a.*', reason: known}, {id: 'a.*', verdict: vulnerable, reason: twice}",
                    {vulnerable, pass}),
              "w.");
}

TEST(Waivers, FitParametersAndClientsByGlob) {
    std::vector<Cell> cells = cells_of({vulnerable, vulnerable, vulnerable});
    cells[0].params = {{"mechanism", "SCRAM-SHA-1"}};
    cells[1].params = {{"mechanism", "PLAIN"}};
    cells[2].side = script::Side::Client;
    cells[2].client = "swaks 2024";
    const auto marked = [&](const std::string& waiver) {
        apply_waivers(waivers_of(waiver), cells);
        std::string text;
        for (const Cell& cell : cells) {
            text += cell.waiver ? 'w' : '.';
        }
        return text;
    };
    EXPECT_EQ(marked("{id: 'a.*', params: {mechanism: 'SCRAM-*'}, reason: known}"), "w..");
    EXPECT_EQ(marked("{id: 'a.*', params: {mechanism: '*', other: '*'}, reason: known}"), "...");
    EXPECT_EQ(marked("{id: 'a.*', client: 'swaks*', reason: known}"), "..w");
    EXPECT_EQ(marked("{id: 'a.*', client: 'example', reason: known}"), "...") << "that is an endpoint";
    EXPECT_EQ(marked("{id: 'a.*', endpoint: 'swaks*', reason: known}"), "..w");
}

TEST(Waivers, ExpireAndTurnTheCellRed) {
    const auto waived = [](const std::string& today, Verdict verdict, std::optional<Verdict> came = {}) {
        std::vector<Cell> cells = cells_of({came.value_or(verdict)});
        apply_waivers(waivers_of("{id: 'a.*', reason: known, owner: anna, expires: 2026-11-27, verdict: " +
                                 std::string(script::to_string(verdict)) + "}"),
                      cells,
                      today);
        return cells.front();
    };
    for (const Verdict verdict : {vulnerable, Verdict::Inconclusive, Verdict::Warn}) {
        EXPECT_TRUE(waived("2026-11-27T23:59:59Z", verdict).waiver) << "the last day";
        EXPECT_TRUE(waived("", verdict).waiver) << "nobody knows what day it is";
        const Cell expired = waived("2026-11-28T00:00:00Z", verdict);
        EXPECT_FALSE(expired.waiver);
        EXPECT_TRUE(expired.expired_waiver);
        EXPECT_EQ(expired.waiver_problem, "the waiver \"a.*\" (known) expired on 2026-11-27; ask anna");
        Result result;
        result.cells = {expired};
        EXPECT_EQ(exit_code(result, 0), 1);
    }
    EXPECT_FALSE(waived("2026-11-28T00:00:00Z", vulnerable, pass).expired_waiver)
        << "it has nothing to do any longer";
}

TEST(Waivers, SayThatACellFailsInAnotherWay) {
    std::vector<Cell> cells = cells_of({vulnerable});
    cells[0].outcome = "open";
    apply_waivers(waivers_of("{id: 'a.*', outcome: shut, reason: known}"), cells);
    EXPECT_FALSE(cells[0].waiver);
    EXPECT_FALSE(cells[0].expired_waiver);
    EXPECT_EQ(cells[0].waiver_problem,
              "the waiver \"a.*\" accepts the outcome \"shut\", and this is another way of failing "
              "(vulnerable, open)");
    apply_waivers(
        waivers_of("{id: 'a.*', outcome: shut, reason: known}, {id: 'a.*', outcome: open, reason: too}"),
        cells);
    EXPECT_TRUE(cells[0].waiver);
    EXPECT_EQ(cells[0].waiver_problem, "");
}

TEST(Waivers, AreRefusedWithTheirPlace) {
    for (const auto& [entry, told] : {std::pair("{id: a, reason: r, expires: tomorrow}", "not a date"),
                                      std::pair("{id: a, reason: r, expires: 2026-02-30}", "not a date"),
                                      std::pair("{id: a, reason: r, params: x}", "a map of parameters"),
                                      std::pair("{id: a, reason: ''}", "a reason that people can check"),
                                      std::pair("{id: a, reason: r, ownr: x}", "owner")}) {
        const auto read = load_waivers(std::string("waivers:\n  - ") + entry, "w.yaml");
        ASSERT_FALSE(read) << entry;
        EXPECT_THAT(read.error(), testing::AllOf(testing::StartsWith("w.yaml:2:"), testing::HasSubstr(told)));
    }
}

TEST(Waivers, ThatFitNothingAreNamed) {
    const std::vector<Cell> cells = cells_of({vulnerable});
    EXPECT_TRUE(unused_waivers(waivers_of("{id: 'a.*', reason: known}"), cells).empty());
    EXPECT_THAT(
        unused_waivers(waivers_of("{id: 'aa.*', reason: known}"), cells),
        testing::ElementsAre(testing::HasSubstr("\"aa.*\" fits no cell of this run: a typing mistake")));
    EXPECT_THAT(unused_waivers(waivers_of("{id: 'a.*', endpoint: exmaple, reason: known}"), cells),
                testing::ElementsAre(testing::HasSubstr("nobody here is called \"exmaple\"")));
    EXPECT_EQ(unused_waivers(waivers_of("{id: 'a.*', port: 587, reason: known}"), cells).size(), 1U);
}

}  // namespace
}  // namespace smtpspec::run
