#include "tests/unit/harness/load_rig.hpp"

#include <set>

namespace smtpspec::latency {
namespace {

using namespace std::chrono_literals;
using Kind = LoadShape::Kind;
using Login = LoadRig::Login;

std::set<Stage> stages_of(const PortLatency& port) {
    std::set<Stage> found;
    for (const auto& [stage, times] : port.stages)
        found.insert(stage);
    return found;
}

TEST(Load, TimesEveryStageOfEveryMode) {
    const std::set<Stage> in_clear = {Stage::connect,
                                      Stage::greeting,
                                      Stage::ehlo,
                                      Stage::mail,
                                      Stage::rcpt,
                                      Stage::data,
                                      Stage::content,
                                      Stage::accepted,
                                      Stage::quit,
                                      Stage::total};
    for (const int port : {25, 465, 587}) {
        LoadRig rig("", port == 25 ? Login::none : Login::wanted);
        std::set<Stage> expected = in_clear;
        if (port != 25)
            expected.insert({Stage::tls, Stage::auth});
        if (port == 587)
            expected.insert({Stage::starttls, Stage::ehlo_tls});
        const LoadReport report = rig.run(rig.task(port));
        EXPECT_EQ(stages_of(report.port), expected) << port;
        EXPECT_EQ(report.port.sent, 3) << port;
        for (const auto& [stage, times] : report.port.stages)
            EXPECT_EQ(times.count(), 3U) << port << " " << client::to_string(stage);
        EXPECT_EQ(rig.store().count(), 3U);
    }
}

TEST(Load, HasStagesThatAddUpToTheWhole) {
    for (const int port : {25, 465, 587}) {
        LoadRig rig("", port == 25 ? Login::none : Login::wanted);
        for (const Kind kind : {Kind::closed, Kind::open}) {
            LoadTask task = rig.task(port);
            task.messages = 60;
            task.plan.shape.kind = kind;
            task.plan.shape.connections = 3;
            task.plan.shape.messages_per_connection = 4;
            task.plan.shape.rate = 300;
            task.plan.shape.seconds = kind == Kind::open ? 0.2 : 0;
            const PortLatency found = rig.run(task).port;
            EXPECT_EQ(found.sent, 60) << port;
            const double whole = seconds_of(found, Stage::total);
            EXPECT_NEAR(sum_of_stages(found) / whole, 1, 0.02) << port;
        }
    }
}

/// A QUIT on a connection that has no message left is slow here, so that its time would show.
TEST(Load, CountsNoTimeThatBelongsToNoMessage) {
    LoadRig rig("on QUIT -> wait 20ms pass", Login::none);
    for (const Kind kind : {Kind::closed, Kind::open}) {
        for (const int per_connection : {0, 4, 7}) {
            LoadTask task = rig.task(25);
            task.messages = 20;
            task.plan.shape.kind = kind;
            task.plan.shape.connections = 3;
            task.plan.shape.messages_per_connection = per_connection;
            task.plan.shape.rate = 400;
            task.plan.shape.seconds = kind == Kind::open ? 0.05 : 0;
            const PortLatency found = rig.run(task).port;
            EXPECT_EQ(found.sent, 20);
            const double whole = seconds_of(found, Stage::total);
            EXPECT_NEAR(sum_of_stages(found) / whole, 1, 0.02) << per_connection;
            if (kind == Kind::closed) {
                EXPECT_EQ(found.stages.at(Stage::quit).count(), found.stages.at(Stage::connect).count());
            }
        }
    }
}

TEST(Load, SendsEachMessageOnceWithItsNumber) {
    LoadRig rig("", Login::none);
    LoadTask task = rig.task(25);
    task.messages = 200;
    task.first = 5;
    task.plan.shape.connections = 7;
    task.plan.shape.threads = 2;
    task.plan.shape.messages_per_connection = 0;
    EXPECT_EQ(rig.run(task).port.sent, 200);
    EXPECT_EQ(rig.store().count(), 200U);
    const LoadContent content(task.plan.from, task.plan.to.front(), task.run_id, 0);
    for (std::uint64_t number = 5; number < 205; ++number)
        EXPECT_EQ(rig.store().copies(content.id(number)), 1U) << number;
}

TEST(Load, KeepsAConnectionForSoManyMessages) {
    LoadRig rig;
    for (const auto& [per_connection, connections] :
         {std::pair(1, 12U), std::pair(4, 3U), std::pair(0, 1U)}) {
        LoadTask task = rig.task();
        task.messages = 12;
        task.plan.shape.messages_per_connection = per_connection;
        const PortLatency found = rig.run(task).port;
        EXPECT_EQ(found.stages.at(Stage::connect).count(), connections) << per_connection;
        EXPECT_EQ(found.stages.at(Stage::quit).count(), connections) << per_connection;
        EXPECT_EQ(found.stages.at(Stage::accepted).count(), 12U) << per_connection;
    }
}

TEST(Load, PipelinesWithSeveralRecipients) {
    LoadRig rig;
    for (const bool pipelining : {false, true}) {
        LoadTask task = rig.task();
        task.plan.shape.pipelining = pipelining;
        task.plan.to = {"a@mail.test", "b@mail.test", "c@mail.test"};
        const PortLatency found = rig.run(task).port;
        EXPECT_EQ(found.sent, 3) << pipelining;
        EXPECT_EQ(found.stages.at(Stage::rcpt).count(), 9U) << pipelining;
    }
    for (const mock::Mail& mail : rig.store().all())
        EXPECT_EQ(mail.recipients.size(), 3U);
}

TEST(Load, ResumesTlsSessionsWhenAskedTo) {
    LoadRig rig;
    for (const bool resume : {false, true}) {
        LoadTask task = rig.task();
        task.plan.shape.tls_resumption = resume;
        const PortLatency found = rig.run(task).port;
        EXPECT_EQ(found.stages.at(Stage::tls).count(), resume ? 1U : 3U);
        EXPECT_EQ(found.stages.count(Stage::tls_resumed), resume ? 1U : 0U);
        std::uint64_t resumed = 0;
        for (const auto& [name, times] : found.handshakes)
            resumed += name.ends_with(" resumed") ? times : 0;
        EXPECT_EQ(resumed, resume ? 2U : 0U);
    }
}

TEST(Load, MakesMessagesOfTheSizeThatWasAskedFor) {
    LoadRig rig;
    for (const std::int64_t size : {200, 512, 513, 10240, 300000}) {
        LoadTask task = rig.task();
        task.messages = 1;
        task.plan.shape.size = size;
        rig.store().clear();
        EXPECT_EQ(rig.run(task).port.sent, 1) << size;
        const std::string raw = rig.store().all().at(0).raw;
        const std::size_t ours = raw.find("From: <anna@client.test>");
        ASSERT_NE(ours, std::string::npos);
        EXPECT_EQ(raw.size() - ours, static_cast<std::size_t>(size));
        EXPECT_TRUE(raw.ends_with("\r\n"));
    }
}

TEST(Load, LeavesWarmUpOutOfEveryFigure) {
    LoadRig rig("", Login::none);
    LoadTask task = rig.task(25);
    task.messages = 10;
    task.plan.shape.warmup = 5;
    const PortLatency found = rig.run(task).port;
    EXPECT_EQ(found.planned, 10);
    EXPECT_EQ(found.sent, 10);
    EXPECT_EQ(found.stages.at(Stage::total).count(), 10U);
    EXPECT_EQ(rig.store().count(), 15U);
}

struct Refusal {
    const char* rule;
    Stage stage;
    int code;
    Trouble cause;
    int errors;  ///< of three messages
};

TEST(Load, CountsRefusalsByCodeAndStageAndNeverTimesThem) {
    const Refusal refusals[] = {
        {"on connect -> \"554 5.3.2 no\" close", Stage::greeting, 554, Trouble::refused, 3},
        {"on EHLO -> \"502 5.5.1 no\"", Stage::ehlo, 502, Trouble::refused, 3},
        {"on STARTTLS -> \"454 4.7.0 later\"", Stage::starttls, 454, Trouble::refused, 3},
        {"on MAIL -> \"451 4.7.1 later\"", Stage::mail, 451, Trouble::refused, 3},
        {"on RCPT -> \"550 5.1.1 nobody\"", Stage::rcpt, 550, Trouble::refused, 3},
        {"on DATA -> \"421 4.3.2 down\" close", Stage::data, 421, Trouble::refused, 3},
        {"on end-of-data -> \"552 5.2.2 full\"", Stage::accepted, 552, Trouble::refused, 3},
        {"on AUTH -> \"535 5.7.8 no\"", Stage::auth, 535, Trouble::login_refused, 1},
        {"on RCPT -> close", Stage::rcpt, 0, Trouble::died, 3},
        {"on MAIL -> \"hello\"", Stage::mail, 0, Trouble::refused, 3},
    };
    for (const Refusal& refusal : refusals) {
        LoadRig rig(refusal.rule);
        const LoadReport report = rig.run(rig.task());
        EXPECT_EQ(report.port.sent, 0) << refusal.rule;
        ASSERT_EQ(report.port.errors.size(), 1U) << refusal.rule;
        const LatencyError& error = report.port.errors.front();
        EXPECT_EQ(error.stage, refusal.stage) << refusal.rule;
        EXPECT_EQ(error.code, refusal.code) << refusal.rule << ": " << error.text;
        EXPECT_EQ(error.cause, refusal.cause) << refusal.rule;
        EXPECT_EQ(error.count, refusal.errors) << refusal.rule;
        EXPECT_EQ(report.port.stages.count(refusal.stage), 0U) << refusal.rule;
        EXPECT_EQ(report.port.stages.count(Stage::total), 0U) << refusal.rule;
        EXPECT_EQ(report.port.stopped.has_value(), refusal.cause == Trouble::login_refused) << refusal.rule;
    }
}

TEST(Load, MasksWhatTheServerRepeatsBeforeItIsCut) {
    for (const char* rule :
         {"on MAIL -> \"550 5.7.1 FILLsecret-of-anna\"", "on MAIL -> \"FILLsecret-of-anna\""}) {
        for (const std::size_t fill : {30U, 45U, 170U, 178U, 185U}) {
            std::string words = rule;
            words.replace(words.find("FILL"), 4, std::string(fill, 'x'));
            LoadRig rig(words, Login::none);
            LoadTask task = rig.task(25);
            task.messages = 1;
            task.plan.mask = [](std::string text) {
                for (std::size_t at = 0; (at = text.find("secret-of-anna")) != std::string::npos;)
                    text.replace(at, 14, "********");
                return text;
            };
            const PortLatency found = rig.run(task).port;
            ASSERT_EQ(found.errors.size(), 1U);
            EXPECT_EQ(found.errors.front().text.find("secret"), std::string::npos)
                << found.errors.front().text;
        }
    }
}

TEST(Load, DeliversNothingHalf) {
    LoadRig rig("on RCPT first -> \"451 4.7.1 later\"");
    LoadTask task = rig.task();
    task.messages = 1;
    task.plan.shape.pipelining = true;
    task.plan.to = {"a@mail.test", "b@mail.test"};
    EXPECT_EQ(rig.run(task).port.sent, 0);
    EXPECT_EQ(rig.store().count(), 0U) << "the second recipient must not get an empty message";
}

TEST(Load, EndsAtAReplyThatLimitsUs) {
    LoadRig rig("on MAIL after 2 -> \"450 4.7.1 too fast\"");
    for (const bool stops : {false, true}) {
        LoadTask task = rig.task();
        task.messages = 10;
        task.stop_at_limit = stops;
        task.plan.is_limit = [](const std::string& reply) {
            return reply.find("too fast") != std::string::npos;
        };
        const PortLatency found = rig.run(task).port;
        EXPECT_EQ(found.stopped.has_value(), stops);
        EXPECT_EQ(found.messages < 10, stops);
        ASSERT_EQ(found.errors.size(), 1U);
        EXPECT_EQ(found.errors.front().cause, Trouble::rate_limited);
    }
}

TEST(Load, GivesAPortUpThatLosesEveryConnection) {
    LoadRig rig("on connect -> close");
    LoadTask task = rig.task();
    task.messages = 1000;
    task.lost_to_stop = 5;
    const PortLatency found = rig.run(task).port;
    EXPECT_EQ(found.messages, 5);
    ASSERT_TRUE(found.stopped);
    EXPECT_EQ(found.stopped->cause, Trouble::died);
}

TEST(Load, WaitsForNobodyOnceAPortIsGivenUp) {
    LoadRig rig("on connect first -> swallow\non connect -> close");
    LoadTask task = rig.task();
    task.messages = 1000;
    task.lost_to_stop = 5;
    task.patience = 100ms;
    task.plan.shape.connections = 2;
    task.plan.timeouts.greeting = 300s;  // more than this test may take
    const PortLatency found = rig.run(task).port;
    EXPECT_EQ(found.messages, 6) << "the one that is never greeted too";
    EXPECT_TRUE(found.stopped);
}

TEST(Load, DoesNotWaitForEverForAReply) {
    LoadRig rig("on RCPT -> swallow");
    LoadTask task = rig.task();
    task.messages = 1;
    task.plan.timeouts.command = 200ms;
    const PortLatency found = rig.run(task).port;
    ASSERT_EQ(found.errors.size(), 1U);
    EXPECT_EQ(found.errors.front().text, "no answer within 0.2 s");
}

TEST(Load, DoesNotTrustACertificateForAnotherHost) {
    LoadRig rig;
    LoadTask task = rig.task();
    task.plan.host = "other.test";
    const PortLatency found = rig.run(task).port;
    EXPECT_EQ(found.sent, 0);
    ASSERT_EQ(found.errors.size(), 1U);
    EXPECT_EQ(found.errors.front().stage, Stage::tls);
    EXPECT_EQ(rig.store().count(), 0U);
}

/// The lower bound holds on the slowest machine: after the first message, a turn for each.
TEST(Load, KeepsThePaceAlsoWhenItIsBehind) {
    LoadRig rig("on MAIL first -> wait 300ms pass", Login::none);
    for (const Kind kind : {Kind::closed, Kind::open}) {
        LoadTask task = rig.task(25);
        task.messages = 10;
        task.pace = 50;
        task.plan.shape.kind = kind;
        task.plan.shape.rate = 50;
        task.plan.shape.seconds = kind == Kind::open ? 0.2 : 0;
        task.patience = 60s;
        const auto begin = LoadClock::now();
        task.not_before = begin + 100ms;
        const LoadReport report = rig.run(task);
        EXPECT_EQ(report.port.sent, 10);
        EXPECT_GE(report.next_turn - task.not_before, 200ms) << "ten turns of 20 ms";
        EXPECT_GE(LoadClock::now() - begin, 100ms + 8 * 20ms);
        EXPECT_EQ(report.not_begun, 0U);
    }
}

/// The turns that are left when the load is stopped would take an hour.
TEST(Load, StopsAlsoWhileItWaitsForItsTurn) {
    LoadRig rig("on MAIL first -> \"450 4.7.1 too fast\"", Login::none);
    LoadTask task = rig.task(25);
    task.messages = 100;
    task.pace = 0.01;
    task.plan.shape.connections = 3;
    task.plan.is_limit = [](const std::string& reply) { return reply.find("too fast") != std::string::npos; };
    const PortLatency found = rig.run(task).port;
    ASSERT_TRUE(found.stopped);
    EXPECT_EQ(found.stopped->cause, Trouble::rate_limited);
    EXPECT_EQ(found.messages, 1);
}

TEST(Load, CountsAMessageAsSentWhateverBecomesOfQuit) {
    for (const char* rule : {"on QUIT -> close", "on QUIT -> swallow"}) {
        LoadRig rig(rule, Login::none);
        LoadTask task = rig.task(25);
        task.plan.timeouts.quit = 200ms;
        const LoadReport report = rig.run(task);
        EXPECT_EQ(report.port.sent, 3) << rule;
        EXPECT_TRUE(report.port.errors.empty()) << rule;
        EXPECT_EQ(report.unanswered_quits, 3U) << rule;
        EXPECT_EQ(report.port.stages.count(Stage::quit), 0U) << rule << ": a wait for nothing is no latency";
        const double whole = seconds_of(report.port, Stage::total);
        EXPECT_NEAR(sum_of_stages(report.port) / whole, 1, 0.02) << rule;
        ASSERT_EQ(warnings(task, report).size(), 1U) << rule;
        EXPECT_NE(warnings(task, report).front().find("without a reply to QUIT"), std::string::npos);
    }
}

TEST(Load, SplitsAClosedLoadIntoWindows) {
    LoadRig rig("", Login::none);
    LoadTask task = rig.task(25);
    task.messages = 20;
    task.windows = 5;
    task.plan.shape.warmup = 3;
    task.plan.shape.messages_per_connection = 0;
    const LoadReport report = rig.run(task);
    ASSERT_EQ(report.windows.size(), 5U);
    for (const auto& window : report.windows)
        EXPECT_EQ(window.at(Stage::accepted).count, 4U);
    EXPECT_EQ(report.port.stages.at(Stage::quit).count(), 1U) << "one connection for all of it";
    task.messages = 0;
    task.plan.shape.seconds = 0.3;
    const LoadReport timed = rig.run(task);
    std::uint64_t all = 0;
    for (const auto& window : timed.windows)
        all += window.empty() ? 0 : window.at(Stage::accepted).count;
    EXPECT_EQ(all, static_cast<std::uint64_t>(timed.port.sent));
    EXPECT_FALSE(timed.windows.front().empty());
}

TEST(Load, HandsOnWhatAThreadThrows) {
    LoadRig rig("on MAIL -> \"450 4.7.1 later\"", Login::none);
    LoadTask task = rig.task(25);
    task.plan.shape.threads = 2;
    task.plan.shape.connections = 2;
    task.plan.is_limit = [](const std::string&) -> bool { throw std::runtime_error("thrown on purpose"); };
    EXPECT_THROW(rig.run(task), std::runtime_error);
}

TEST(Load, EndsWhenItIsTold) {
    LoadRig rig("on MAIL -> swallow", Login::none);
    LoadProgress progress;
    progress.stop = true;
    LoadTask task = rig.task(25);
    task.plan.shape.connections = 5;
    EXPECT_EQ(run_load(task, progress).port.sent, 0);
}

TEST(Load, RefusesToDoNothing) {
    LoadRig rig;
    LoadTask task = rig.task();
    task.messages = 0;
    EXPECT_THROW(rig.run(task), std::invalid_argument);
    task.messages = 1;
    task.plan.to.clear();
    EXPECT_THROW(rig.run(task), std::invalid_argument);
    task = rig.task();
    task.plan.shape.kind = Kind::open;
    task.plan.shape.rate = 1e6;
    task.plan.shape.seconds = 3600;
    EXPECT_THROW(rig.run(task), std::invalid_argument) << "more than a result can count";
}

}  // namespace
}  // namespace smtpspec::latency
