#include <gtest/gtest.h>

#include "harness/latency/latency.hpp"
#include "harness/run/pacing.hpp"
#include "mockserver/server.hpp"
#include "protocol/script/interpreter.hpp"
#include "protocol/script/scenario.hpp"
#include "protocol/wire/loop.hpp"

namespace smtpspec::latency {
namespace {

using namespace std::chrono_literals;

std::shared_ptr<const wire::TestPki> test_pki() {
    static const auto pki = std::make_shared<const wire::TestPki>(std::vector<std::string>{"mail.test"});
    return pki;
}

mock::ServerConfig server_config() {
    mock::ServerConfig config;
    config.ports.clear();
    for (const int logical : {25, 465}) {
        mock::PortSpec port;
        port.logical = logical;
        port.mode = logical == 465 ? script::Mode::Tls : script::Mode::Starttls;
        config.ports.push_back(port);
    }
    mock::Account account;
    account.user = "anna";
    account.password = "secret word";
    config.accounts.push_back(account);
    return config;
}

class Bench {
  public:
    /// `fault`: a rule as `mock --fault` takes it.
    explicit Bench(const std::string& fault = "") : server(loop.get_executor(), server_config(), test_pki()) {
        auto rules = script::parse_rules(fault, "fault");
        EXPECT_TRUE(rules);
        overlay = script::make_overlay(std::move(*rules), 1);
        server.set_overlay(overlay.get());
        EXPECT_TRUE(server.start());
        server.serve();
    }
    ~Bench() { wire::run_blocking(loop, server.stop()); }

    LatencyTask task() const {
        LatencyTask task;
        task.endpoint = "mock";
        task.target.host = "mail.test";
        task.target.ca_pem = test_pki()->ca_pem();
        task.target.user = "anna";
        task.target.password = "secret word";
        task.target.timeouts = client::Timeouts::embedded();
        for (const mock::PortInfo& port : server.ports()) {
            task.target.ports[port.logical] = port.actual;
            task.target.modes[port.logical] = port.mode;
        }
        task.messages = 3;
        task.from = "anna@client.test";
        task.to = {"bert@mail.test"};
        return task;
    }
    LatencyResult run(LatencyTask task) {
        std::optional<LatencyResult> result;
        wire::run_blocking(loop, into(std::move(task), result));
        return std::move(*result);
    }

    boost::asio::io_context loop{1};
    std::unique_ptr<script::Overlay> overlay;
    mock::Server server;

  private:
    wire::Awaitable<void> into(LatencyTask task, std::optional<LatencyResult>& result) {
        result = co_await measure(loop.get_executor(), std::move(task));
    }
};

TEST(Measure, HasEveryStageOfEveryPort) {
    Bench bench;
    const LatencyResult result = bench.run(bench.task());
    EXPECT_TRUE(result.complete());
    EXPECT_EQ(bench.server.store().count(), 6U);
    ASSERT_EQ(result.ports.size(), 2U);
    for (const PortLatency& port : result.ports)
        for (const Stage stage : all_stages()) {
            const bool clear_only = stage == Stage::starttls || stage == Stage::ehlo_tls;
            const bool of_others = stage == Stage::dns || stage == Stage::wait || stage == Stage::service ||
                                   stage == Stage::tls_resumed;
            const bool expected = !of_others && (port.mode == script::Mode::Starttls || !clear_only);
            const auto found = port.stages.find(stage);
            ASSERT_EQ(found != port.stages.end(), expected) << port.port << " " << to_string(stage);
            if (expected) {
                EXPECT_EQ(found->second.count(), 3U) << to_string(stage);
            }
        }
}

TEST(Measure, AConnectionThatStaysIsOpenedOnce) {
    Bench bench;
    LatencyTask task = bench.task();
    task.new_connection = false;
    const LatencyResult result = bench.run(std::move(task));
    EXPECT_TRUE(result.complete());
    EXPECT_EQ(bench.server.sessions_total(), 2);
    EXPECT_EQ(result.ports[0].stages.at(Stage::auth).count(), 1U);
    EXPECT_EQ(result.ports[0].stages.at(Stage::content).count(), 3U);
    EXPECT_EQ(result.ports[0].stages.at(Stage::accepted).count(), 3U);
    EXPECT_EQ(result.ports[0].stages.at(Stage::quit).count(), 1U);
}

TEST(Measure, ErrorsAreCountedAndLeaveNoTime) {
    Bench bench;
    LatencyTask task = bench.task();
    task.ports = {465};
    task.to = {"bad@mail.test"};
    const LatencyResult recipient = bench.run(task);
    ASSERT_EQ(recipient.ports[0].errors.size(), 1U);
    EXPECT_EQ(recipient.ports[0].errors[0].stage, Stage::rcpt);
    EXPECT_EQ(recipient.ports[0].errors[0].code, 550);
    EXPECT_EQ(recipient.ports[0].errors[0].cause, Trouble::refused);
    EXPECT_EQ(recipient.ports[0].errors[0].count, 3);
    EXPECT_EQ(recipient.ports[0].stages.count(Stage::rcpt), 0U);
    EXPECT_EQ(recipient.ports[0].stages.count(Stage::total), 0U);
    EXPECT_EQ(recipient.ports[0].stages.at(Stage::connect).count(), 3U);
}

TEST(Measure, WhatAServerRepeatsIsMasked) {
    Bench bench("on MAIL -> \"550 5.7.1 secret word\"");
    LatencyTask task = bench.task();
    task.ports = {465};
    task.mask = [](const std::string& text) {
        return text.find("secret word") == std::string::npos ? text : std::string("********");
    };
    const LatencyResult result = bench.run(std::move(task));
    ASSERT_EQ(result.ports[0].errors.size(), 1U);
    EXPECT_EQ(result.ports[0].errors[0].text, "********");
}

TEST(Measure, APortThatIsKnownToBeDeadIsNotTriedAndOneThatDiesIsGivenUp) {
    Bench bench("on MAIL -> drop rst");
    LatencyTask task = bench.task();
    task.messages = 10;
    task.unusable[25] = "mail.test:25: no greeting";
    const LatencyResult result = bench.run(std::move(task));
    ASSERT_EQ(result.ports.size(), 2U);
    EXPECT_EQ(result.ports[0].messages, 0);
    ASSERT_TRUE(result.ports[0].stopped);
    EXPECT_EQ(result.ports[0].stopped->reason, "mail.test:25: no greeting");
    EXPECT_EQ(result.ports[1].messages, 3) << "as many as may be lost in a row";
    ASSERT_TRUE(result.ports[1].stopped);
    EXPECT_EQ(result.ports[1].stopped->cause, Trouble::died);
}

TEST(Measure, ARefusedLoginEndsItsPortAndNoOther) {
    Bench bench;
    LatencyTask task = bench.task();
    task.target.password = "wrong";
    const LatencyResult result = bench.run(std::move(task));
    EXPECT_FALSE(result.complete());
    EXPECT_TRUE(result.has(Trouble::login_refused));
    EXPECT_EQ(bench.server.sessions_total(), 2) << "one for each port";
    for (const PortLatency& port : result.ports) {
        EXPECT_EQ(port.messages, 1);
        EXPECT_EQ(port.planned, 3);
        ASSERT_EQ(port.errors.size(), 1U);
        EXPECT_EQ(port.errors[0].stage, Stage::auth);
        EXPECT_EQ(port.errors[0].code, 535);
        EXPECT_EQ(port.errors[0].count, 1);
        EXPECT_EQ(port.errors[0].cause, Trouble::login_refused);
        EXPECT_EQ(port.stages.count(Stage::auth), 0U);
        ASSERT_TRUE(port.stopped);
        EXPECT_EQ(port.stopped->cause, Trouble::login_refused);
    }
    const std::string table = to_table(result);
    EXPECT_NE(table.find("port 25: 0 of 1 messages sent, 2 not tried\n"), std::string::npos) << table;
    EXPECT_NE(table.find("  stopped: the login was refused"), std::string::npos) << table;
}

/// Pauses that nobody has to wait for.
Manners quick_manners() {
    Manners manners;
    manners.is_limit = [](const std::string& reply) { return reply.find("Rate limit") != std::string::npos; };
    manners.first_pause = 1ms;
    manners.longest_pause = 3ms;
    return manners;
}

TEST(Measure, EachLimitReplyPausesLongerAndTheFifthEndsTheRun) {
    Bench bench("on MAIL -> \"450 4.7.1 Rate limit exceeded\"");
    LatencyTask task = bench.task();
    task.manners = quick_manners();
    task.messages = 7;
    const LatencyResult result = bench.run(std::move(task));
    EXPECT_EQ(bench.server.sessions_total(), 5);
    ASSERT_EQ(result.ports.size(), 2U);
    EXPECT_EQ(result.ports[0].messages, 5);
    EXPECT_EQ(result.ports[0].errors.at(0).cause, Trouble::rate_limited);
    EXPECT_EQ(result.ports[1].messages, 0) << "the limit belongs to the account, not to the port";
    for (const PortLatency& port : result.ports) {
        ASSERT_TRUE(port.stopped);
        EXPECT_EQ(port.stopped->cause, Trouble::rate_limited);
    }
    const std::string what = "port 25: \"450 4.7.1 Rate limit exceeded\"; nothing was sent ";
    const std::vector<std::string> notices = {what + "for 0.001 s after it",
                                              what + "for 0.002 s after it",
                                              what + "for 0.003 s after it",
                                              what + "for 0.003 s after it",
                                              what + "after it"};
    EXPECT_EQ(result.notices, notices);
}

TEST(Measure, AfterALimitReplyTheRestIsMeasured) {
    Bench bench("on MAIL first -> \"450 4.7.1 Rate limit exceeded\"");
    LatencyTask task = bench.task();
    task.manners = quick_manners();
    const LatencyResult result = bench.run(std::move(task));
    EXPECT_EQ(bench.server.store().count(), 5U);
    EXPECT_EQ(result.notices.size(), 1U);
    EXPECT_TRUE(result.has(Trouble::rate_limited));
    EXPECT_FALSE(result.ports[0].stopped);
}

TEST(Measure, AReplyThatIsNoLimitPausesNothing) {
    Bench bench("on MAIL -> \"450 4.2.0 later\"");
    LatencyTask task = bench.task();
    task.manners = quick_manners();
    const LatencyResult result = bench.run(std::move(task));
    EXPECT_EQ(bench.server.sessions_total(), 6);
    EXPECT_TRUE(result.notices.empty());
    EXPECT_TRUE(result.has(Trouble::refused));
    EXPECT_FALSE(result.has(Trouble::rate_limited));
}

TEST(Measure, TheMannersAreThoseOfARun) {
    const Manners manners;
    EXPECT_EQ(manners.first_pause, run::first_pause);
    EXPECT_EQ(manners.longest_pause, run::longest_pause);
    EXPECT_EQ(manners.limits_to_stop, run::limit_replies_to_give_up);
}

TEST(Measure, TheBudgetBoundsTheMessagesOfAPort) {
    Bench bench;
    LatencyTask task = bench.task();
    task.manners.budget = 2;
    const LatencyResult result = bench.run(task);
    EXPECT_EQ(bench.server.store().count(), 4U);
    EXPECT_TRUE(result.complete()) << "more was not allowed";
    ASSERT_TRUE(result.ports[1].stopped);
    EXPECT_EQ(result.ports[1].stopped->cause, Trouble::budget);
    EXPECT_EQ(result.ports[1].messages, 2);
    task.manners.budget = 3;
    EXPECT_FALSE(bench.run(task).ports[0].stopped);
}

TEST(Measure, EachPortHasItsOwnAddress) {
    Bench bench;
    LatencyTask task = bench.task();
    task.places[465].address = "127.0.0.77";  // nobody listens there
    const LatencyResult result = bench.run(std::move(task));
    EXPECT_EQ(result.ports[0].sent, 3);
    EXPECT_EQ(result.ports[1].sent, 0);
    ASSERT_EQ(result.ports[1].errors.size(), 1U);
    EXPECT_EQ(result.ports[1].errors[0].stage, Stage::connect);
    EXPECT_EQ(result.ports[1].errors[0].cause, Trouble::died);
}

TEST(Measure, TheLookUpOfANameIsAStage) {
    Bench bench;
    LatencyTask task = bench.task();
    task.places[25].name = "127.0.0.1";
    task.places[465].name = "127.0.0.1";
    task.places[465].address = "127.0.0.77";
    const LatencyResult result = bench.run(std::move(task));
    EXPECT_EQ(result.ports[0].sent, 3);
    EXPECT_EQ(result.ports[0].stages.at(Stage::dns).count(), 3U);
    EXPECT_EQ(result.ports[1].errors.at(0).stage, Stage::connect)
        << "the address that was told, not the found";
}

TEST(Measure, TheContentIsOverWhenTheFinalDotIsWritten) {
    Bench bench("on end-of-data -> \"554 5.6.0 no\"");
    LatencyTask task = bench.task();
    task.ports = {465};
    const LatencyResult result = bench.run(std::move(task));
    ASSERT_EQ(result.ports[0].errors.size(), 1U);
    EXPECT_EQ(result.ports[0].errors[0].stage, Stage::accepted);
    EXPECT_EQ(result.ports[0].stages.at(Stage::content).count(), 3U);
    EXPECT_EQ(result.ports[0].stages.count(Stage::accepted), 0U);
}

}  // namespace
}  // namespace smtpspec::latency
