#include "tests/unit/harness/load_rig.hpp"

namespace smtpspec::latency {
namespace {

using namespace std::chrono_literals;
using Kind = LoadShape::Kind;
using Login = LoadRig::Login;

/// Of all windows together: due, sent, failed, times.
std::array<std::uint64_t, 4> sums(const LoadSeries& series) {
    std::array<std::uint64_t, 4> all{};
    for (const SeriesWindow& window : series.windows) {
        all[0] += window.due;
        all[1] += window.sent;
        all[2] += window.failed;
        all[3] += window.total.count();
    }
    return all;
}

TEST(OpenLoad, CountsFromTheTimeAtWhichAMessageWasDue) {
    LoadRig rig("on MAIL -> wait 20ms pass", Login::none);
    LoadTask task = rig.task(25);
    task.plan.shape.kind = Kind::open;
    task.plan.shape.connections = 1;  // 50 messages/s at most
    task.plan.shape.rate = 200;
    task.plan.shape.seconds = 0.5;
    task.patience = 60s;
    const LoadReport report = rig.run(task);
    EXPECT_EQ(report.port.sent, 100);
    EXPECT_GT(report.behind_at_end, 50U);
    EXPECT_EQ(report.not_begun, 0U);
    const Histogram& total = report.port.stages.at(Stage::total);
    const Histogram& service = report.port.stages.at(Stage::service);
    EXPECT_GT(total.percentile(50), 10 * service.percentile(50))
        << "the queue is part of what a user waits for";
    EXPECT_EQ(report.port.stages.at(Stage::wait).count(), 100U);
    const std::vector<std::string> told = warnings(task, report);
    ASSERT_FALSE(told.empty());
    EXPECT_NE(told.front().find("the load was too much"), std::string::npos) << told.front();
}

TEST(OpenLoad, ShowsInItsSeriesWhenItFailed) {
    LoadRig rig("on MAIL first -> \"451 4.3.0 later\"", Login::none);
    LoadTask task = rig.task(25);
    task.plan.shape.kind = Kind::open;
    task.plan.shape.connections = 1;  // one after the other
    task.plan.shape.rate = 20;
    task.plan.shape.seconds = 0.3;
    const LoadReport report = rig.run(task);
    EXPECT_EQ(sums(report.port.series.value()), (std::array<std::uint64_t, 4>{6, 5, 1, 5}));
    EXPECT_EQ(report.port.series->windows.at(0).failed, 1U);
}

TEST(OpenLoad, TellsWhatItNeverBegan) {
    LoadRig rig("on MAIL -> wait 100ms pass", Login::none);
    LoadTask task = rig.task(25);
    task.plan.shape.kind = Kind::open;
    task.plan.shape.connections = 1;
    task.plan.shape.rate = 1000;
    task.plan.shape.seconds = 0.2;
    task.patience = 200ms;
    const LoadReport report = rig.run(task);
    EXPECT_GT(report.not_begun, 0U);
    EXPECT_EQ(report.port.messages + static_cast<int>(report.not_begun), 200)
        << "every message is accounted for";
    const std::array<std::uint64_t, 4> all = sums(report.port.series.value());
    EXPECT_EQ(all[0], 200U) << "also in the series";
    EXPECT_EQ(all[1] + all[2], static_cast<std::uint64_t>(report.port.messages));
    EXPECT_NE(warnings(task, report).front().find("never began"), std::string::npos);
}

TEST(OpenLoad, IsQuietAboutALoadThatIsCarried) {
    LoadRig rig("", Login::none);
    LoadTask task = rig.task(25);
    task.plan.shape.kind = Kind::open;
    task.plan.shape.connections = 50;
    task.plan.shape.rate = 50;
    task.plan.shape.seconds = 0.4;
    task.windows = 4;
    const LoadReport report = rig.run(task);
    EXPECT_EQ(report.port.sent, 20);
    ASSERT_EQ(report.windows.size(), 4U);
    for (const auto& window : report.windows)
        EXPECT_EQ(window.at(Stage::total).count, 5U);
    EXPECT_EQ(report.not_begun, 0U);
    EXPECT_EQ(warnings(task, report), std::vector<std::string>());
    ASSERT_EQ(report.port.series.value().windows.size(), 4U);
    for (const SeriesWindow& window : report.port.series->windows)
        EXPECT_EQ(
            (std::array<std::uint64_t, 4>{window.due, window.sent, window.failed, window.total.count()}),
            (std::array<std::uint64_t, 4>{5, 5, 0, 5}));
}

/// Overload is a queue that grows, wherever it grows: here there is a connection for each message.
TEST(OpenLoad, TellsAQueueThatGrowsBehindFreeConnections) {
    LoadRig rig("on MAIL -> wait 400ms pass", Login::none);
    LoadTask task = rig.task(25);
    task.plan.shape.kind = Kind::open;
    task.plan.shape.connections = 200;
    task.plan.shape.rate = 250;
    task.plan.shape.seconds = 0.4;
    task.patience = 60s;
    const LoadReport report = rig.run(task);
    EXPECT_EQ(report.port.sent, 100);
    EXPECT_EQ(report.behind_most, 0U);
    EXPECT_GT(report.unfinished_at_end, report.unfinished_at_half);
    const std::vector<std::string> told = warnings(task, report);
    ASSERT_FALSE(told.empty());
    EXPECT_NE(told.front().find("the load was too much"), std::string::npos) << told.front();
}

TEST(OpenLoad, LeavesWarmUpOutOfEveryFigure) {
    LoadRig rig("on MAIL first -> wait 300ms pass", Login::none);
    LoadTask task = rig.task(25);
    task.plan.shape.kind = Kind::open;
    task.plan.shape.connections = 50;
    task.plan.shape.rate = 100;
    task.plan.shape.seconds = 0.2;
    task.plan.shape.warmup = 10;
    task.windows = 4;
    const LoadReport report = rig.run(task);
    EXPECT_EQ(report.port.planned, 20);
    EXPECT_EQ(report.port.sent, 20);
    EXPECT_EQ(report.port.stages.at(Stage::total).count(), 20U);
    EXPECT_EQ(rig.store().count(), 30U) << "they come on top";
    EXPECT_EQ(sums(report.port.series.value()), (std::array<std::uint64_t, 4>{20, 20, 0, 20}));
    for (const auto& window : report.windows)
        EXPECT_EQ(window.at(Stage::total).count, 5U);
}

/// The load ends while the last QUIT waits: the message was accepted long before.
TEST(OpenLoad, KeepsWhatWasAcceptedWhenItGivesUp) {
    LoadRig rig("on QUIT -> swallow", Login::none);
    LoadTask task = rig.task(25);
    task.plan.shape.kind = Kind::open;
    task.plan.shape.connections = 5;
    task.plan.shape.rate = 50;
    task.plan.shape.seconds = 0.1;
    task.patience = 200ms;
    task.plan.timeouts.quit = 300s;  // more than this test may take
    const LoadReport report = rig.run(task);
    EXPECT_EQ(report.port.sent, 5);
    EXPECT_TRUE(report.port.errors.empty());
}

struct Warned {
    const char* what;
    int planned;
    std::uint64_t half, end, behind, not_begun;
    double cpu;
    const char* told;  ///< nullptr: nothing
};

TEST(OpenLoad, WarnsOfWhatTheFiguresShow) {
    const Warned cases[] = {
        {"carried", 1000, 3, 5, 0, 0, 0.5, nullptr},
        {"one waits by chance when the last is due", 1000, 3, 5, 1, 0, 0.5, nullptr},
        {"always a hundred under way", 10000, 100, 102, 0, 0, 0.5, nullptr},
        {"a queue that shrinks", 1000, 200, 20, 0, 0, 0.5, nullptr},
        {"a queue that grows, connections free", 1000, 80, 160, 0, 0, 0.5, "connections were free"},
        {"a queue that grows, no connection free", 1000, 80, 160, 60, 0, 0.5, "all 7 connections were busy"},
        {"some never began", 1000, 3, 5, 0, 2, 0.5, "2 never began"},
        {"the generator is the bottleneck", 1000, 80, 160, 0, 0, 0.95, "try --threads"},
        {"too short", 10, 4, 9, 0, 0, 0.5, "too short to tell"},
    };
    LoadTask task;
    task.plan.port = 25;
    task.plan.shape.kind = Kind::open;
    task.plan.shape.connections = 7;
    task.plan.shape.rate = 100;
    for (const Warned& one : cases) {
        LoadReport report;
        report.port.planned = one.planned;
        report.unfinished_at_half = one.half;
        report.unfinished_at_end = one.end;
        report.behind_at_end = report.behind_most = one.behind;
        report.not_begun = one.not_begun;
        report.generator_cpu = one.cpu;
        std::string all;
        for (const std::string& text : warnings(task, report))
            all += text + "\n";
        if (one.told == nullptr) {
            EXPECT_EQ(all, "") << one.what;
        } else {
            EXPECT_NE(all.find(one.told), std::string::npos) << one.what << ": " << all;
        }
        report.port.stopped.emplace();
        for (const std::string& text : warnings(task, report))
            EXPECT_EQ(text.find("too much"), std::string::npos) << "what was stopped has another reason";
    }
}

}  // namespace
}  // namespace smtpspec::latency
