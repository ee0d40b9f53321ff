#include <gtest/gtest.h>

#include "harness/run/pacing.hpp"

namespace smtpspec::run {
namespace {

using namespace std::chrono_literals;

PlannedCell with_transactions(int count) {
    PlannedCell cell;
    cell.port = 587;
    cell.traffic.transactions = count;
    return cell;
}

Cell ended(const std::string& cause, int port = 587) {
    Cell cell;
    cell.port = port;
    cell.error_kind = cause;
    return cell;
}

TEST(Pacing, ACellTakesAsManyTurnsAsItHasTransactions) {
    Pacing pacing(2.0);
    const auto first = pacing.begin_at(with_transactions(3));
    const auto second = pacing.begin_at(with_transactions(1));
    EXPECT_GE(second - first, 1500ms);
    EXPECT_GE(pacing.begin_at(with_transactions(1)) - second, 500ms);
}

TEST(Pacing, WithoutPaceACellBeginsNow) {
    Pacing pacing(0);
    const auto first = pacing.begin_at(with_transactions(9));
    EXPECT_LE(first, Pacing::Clock::now());
    const auto second = pacing.begin_at(with_transactions(9));
    EXPECT_LE(second, Pacing::Clock::now());
}

TEST(Pacing, ALimitReplyAlsoHoldsBackWhoHadATurnAlready) {
    Pacing pacing(1.0);
    const auto limited = pacing.begin_at(with_transactions(1));
    const auto waiting = pacing.begin_at(with_transactions(1));
    EXPECT_FALSE(pacing.paused_at(waiting));
    pacing.finished(ended("rate-limited"));
    EXPECT_TRUE(pacing.paused_at(waiting));
    const auto again = pacing.begin_at(with_transactions(1));
    EXPECT_GE(again - limited, 10s);
    EXPECT_FALSE(pacing.paused_at(again));
}

TEST(Pacing, EachLimitReplyPausesLongerAndTheFifthEndsTheRun) {
    Pacing pacing(0);
    auto last = Pacing::Clock::now();
    for (int i = 0; i < 4; ++i) {
        pacing.finished(ended("rate-limited"));
        const auto begin = pacing.begin_at(with_transactions(1));
        EXPECT_GT(begin, last);
        last = begin;
        EXPECT_FALSE(pacing.given_up(587));
    }
    pacing.finished(ended("rate-limited"));
    EXPECT_TRUE(pacing.given_up(587));
    EXPECT_TRUE(pacing.given_up(25)) << "the limit belongs to the account, not to the port";
}

/// A limit of a server on this machine holds for nobody else: it is found out by trying.
TEST(Pacing, HereLimitRepliesCountInARowAndLeaveFewerConnections) {
    Pacing pacing(0, true);
    EXPECT_EQ(pacing.most_connections(), 0);
    const auto wave = Pacing::Clock::now();
    pacing.finished(ended("rate-limited"), wave, 12);
    pacing.finished(ended("rate-limited"), wave, 11);
    EXPECT_EQ(pacing.most_connections(), 6) << "the second was under way when the first was refused";
    Cell good = ended("");
    good.verdict = Verdict::Pass;
    for (int i = 0; i < 6; ++i) {
        pacing.finished(good);
    }
    EXPECT_EQ(pacing.most_connections(), 7);
    for (int i = 0; i < 4; ++i) {
        pacing.finished(ended("rate-limited"), Pacing::Clock::now(), 7);
        EXPECT_FALSE(pacing.given_up(587));
    }
    EXPECT_EQ(pacing.most_connections(), 1);
    pacing.finished(good);
    pacing.finished(ended("rate-limited"), Pacing::Clock::now(), 1);
    EXPECT_FALSE(pacing.given_up(587)) << "one got through between";
    for (int i = 0; i < 4; ++i) {
        pacing.finished(ended("rate-limited"), Pacing::Clock::now(), 1);
    }
    EXPECT_TRUE(pacing.given_up(587));
}

TEST(Pacing, ThreeDeadConnectionsInARowGiveThePortUp) {
    Pacing pacing(0);
    for (const char* const cause : {"died", "died", "", "died", "died"}) {
        pacing.finished(ended(cause));
        EXPECT_FALSE(pacing.given_up(587));
    }
    pacing.finished(ended("died"));
    EXPECT_TRUE(pacing.given_up(587));
    EXPECT_FALSE(pacing.given_up(465));
}

}  // namespace
}  // namespace smtpspec::run
