#include <gtest/gtest.h>

#include "harness/run/repeat.hpp"

namespace smtpspec::run {
namespace {

CellRun run_of(Verdict verdict, const std::string& outcome, bool by_end = true) {
    CellRun run;
    run.cell.verdict = verdict;
    run.cell.outcome = outcome;
    run.decided_by_end = by_end;
    return run;
}

CellRun lost_at_the_greeting() {
    CellRun run = run_of(Verdict::Inconclusive, "", false);
    run.script.end = script::ScriptEnd::start_failed;
    return run;
}

TEST(Repeat, WhatHangsOnALostConnectionHasToComeTwice) {
    EXPECT_TRUE(is_doubtful(run_of(Verdict::Fail, "closed")));
    EXPECT_TRUE(is_doubtful(run_of(Verdict::Warn, "closed")));
    EXPECT_TRUE(is_doubtful(lost_at_the_greeting()));
    EXPECT_FALSE(is_doubtful(run_of(Verdict::Fail, "said", false)));
    EXPECT_FALSE(is_doubtful(run_of(Verdict::Pass, "closed")));
    EXPECT_FALSE(is_doubtful(run_of(Verdict::Vulnerable, "executed")));
    CellRun refused = lost_at_the_greeting();
    refused.script.first_reply_problem = "554 go away";
    EXPECT_FALSE(is_doubtful(refused)) << "a reply said why";
}

TEST(Repeat, TheSecondRunConfirmsOrTakesTheFindingAway) {
    struct Row {
        CellRun first, second;
        Verdict verdict;
        const char* outcome;
    };
    const Row rows[] = {
        {run_of(Verdict::Fail, "closed"), run_of(Verdict::Fail, "closed"), Verdict::Fail, "closed"},
        {run_of(Verdict::Fail, "closed"), run_of(Verdict::Pass, "good"), Verdict::Inconclusive, ""},
        {run_of(Verdict::Fail, "closed"), run_of(Verdict::Fail, "other"), Verdict::Inconclusive, ""},
        {run_of(Verdict::Warn, "closed"), run_of(Verdict::Vulnerable, "two"), Verdict::Vulnerable, "two"},
        {lost_at_the_greeting(), run_of(Verdict::Pass, "good"), Verdict::Pass, "good"},
        {lost_at_the_greeting(), run_of(Verdict::Fail, "bad", false), Verdict::Fail, "bad"},
    };
    for (const Row& row : rows) {
        const CellRun judged = agreed(row.first, row.second);
        EXPECT_EQ(judged.cell.verdict, row.verdict) << judged.cell.reason;
        EXPECT_EQ(judged.cell.outcome, row.outcome);
    }
}

TEST(Repeat, EveryAttemptIsKeptWhereTheyDiffer) {
    const auto words = [](const CellRun& run) {
        std::string text;
        for (const Attempt& attempt : run.cell.attempts) {
            text += std::string(script::to_string(attempt.verdict)) + " " + attempt.outcome + ",";
        }
        return text + (run.cell.is_flaky() ? "flaky" : "");
    };
    const CellRun closed = run_of(Verdict::Fail, "closed");
    EXPECT_EQ(words(agreed(closed, closed)), "");
    EXPECT_EQ(words(agreed(lost_at_the_greeting(), run_of(Verdict::Pass, "good"))), "inconclusive ,flaky");
    EXPECT_EQ(words(agreed(closed, run_of(Verdict::Vulnerable, "two"))), "fail closed,flaky");
    EXPECT_EQ(words(agreed(closed, run_of(Verdict::Pass, "good"))), "fail closed,pass good,flaky");
}

TEST(Repeat, WhyThePeerDiedIsKept) {
    CellRun second = run_of(Verdict::Inconclusive, "");
    second.cell.error_kind = "died";
    EXPECT_EQ(agreed(run_of(Verdict::Fail, "closed"), second).cell.error_kind, "died");
}

TEST(Repeat, WithoutASecondTryItIsNoFinding) {
    const CellRun run = unconfirmed(run_of(Verdict::Fail, "closed"));
    EXPECT_EQ(run.cell.verdict, Verdict::Inconclusive);
    EXPECT_NE(run.cell.reason.find("fail (closed)"), std::string::npos) << run.cell.reason;
}

}  // namespace
}  // namespace smtpspec::run
