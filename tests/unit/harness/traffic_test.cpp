#include <gtest/gtest.h>

#include "harness/run/catalog.hpp"
#include "harness/run/plan.hpp"

namespace smtpspec::run {
namespace {

/// Wrong logins are counted where something is sent that a server can take for a password (budgets hang on
/// it).
TEST(Traffic, AnAuthCommandAloneIsNoLogin) {
    struct Row {
        const char* scenario;
        int logins, bad_logins;
    };
    const Row rows[] = {
        {"auth.exchange.cancel-501", 0, 0},
        {"auth.exchange.empty-challenge-format", 0, 0},
        {"auth.mech.unknown-504", 0, 0},
        {"auth.exchange.initial-response-server-first", 0, 0},
        {"auth.fail.wrong-password", 0, 1},
        {"auth.fail.three-attempts", 0, 3},
        {"auth.state.usable-after-failure", 0, 2},
        {"auth.clear.credentials-not-tested", 1, 1},
        {"auth.state.second-auth-503", 2, 0},
    };
    const auto catalog = Catalog::load("");
    ASSERT_TRUE(catalog);
    for (const Row& row : rows) {
        const auto scenario = catalog->find(row.scenario);
        ASSERT_NE(scenario, nullptr) << row.scenario;
        const Traffic traffic = estimate_traffic(*scenario, true);
        EXPECT_EQ(traffic.logins, row.logins) << row.scenario;
        EXPECT_EQ(traffic.bad_logins, row.bad_logins) << row.scenario;
    }
}

TEST(Traffic, APasswordIsFoundBehindAVariable) {
    const std::string text =
        "---\nid: auth.test.variable\nrev: 1\ntitle: t\nfail_means: m\nside: server\nlevel: MUST\nseverity: "
        "low\n"
        "refs: [RFC 4954]\nfrom: tls\nneeds: [credentials]\noutcomes: {accepted: pass, refused: fail}\n"
        "selftest: {auth-login-alone-any-password: refused}\n---\n"
        "let right = plain(user, secret)\nC: AUTH PLAIN ${right}\nS: 235 => accepted | any => refused\n";
    const auto scenario = script::load_scenario(text, "auth.test.variable.smtp");
    ASSERT_TRUE(scenario);
    const Traffic traffic = estimate_traffic(*scenario, true);
    EXPECT_EQ(traffic.logins, 1);
    EXPECT_EQ(traffic.bad_logins, 0);
}

}  // namespace
}  // namespace smtpspec::run
