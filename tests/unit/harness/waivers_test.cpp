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

TEST(Waivers, OfAVerdictThatIsNotRedNeverHaveToGo) {
    EXPECT_EQ(marks("{id: 'a.*', verdict: inconclusive, reason: known}", {pass, pass}), "..");
    EXPECT_EQ(marks("{id: 'a.*', verdict: warn, reason: known}", {pass, pass}), "..");
}

TEST(Waivers, TwoForOneCellBothHaveWorkToDo) {
    EXPECT_EQ(marks("{id: 'a.*', reason: known}, {id: 'a.*', verdict: vulnerable, reason: twice}",
                    {vulnerable, pass}),
              "w.");
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
