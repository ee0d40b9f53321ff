#include "harness/latency/latency.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "mockserver/server.hpp"
#include "protocol/wire/loop.hpp"

namespace smtpspec::latency {
namespace {

using namespace std::chrono_literals;
using Time = Histogram::Time;

TEST(Histogram, IsExactToThreeDigits) {
    for (std::int64_t us = 1; us <= 600'000'000; us = us * 21 / 20 + 1) {
        const std::uint32_t bucket = Histogram::bucket_of(Time(us));
        EXPECT_LE(Histogram::lowest_in(bucket).count(), us);
        EXPECT_GE(Histogram::highest_in(bucket).count(), us);
        EXPECT_LE(Histogram::highest_in(bucket) - Histogram::lowest_in(bucket), Time(us / 1000));
    }
    for (std::uint32_t bucket = 1; bucket < 20'000; ++bucket)
        EXPECT_EQ(Histogram::lowest_in(bucket + 1), Histogram::highest_in(bucket) + Time(1));
}

TEST(Histogram, GivesPercentiles) {
    Histogram histogram;
    EXPECT_EQ(histogram.percentile(50), Time(0));
    for (int us = 1; us <= 1000; ++us)
        histogram.record(Time(us));
    EXPECT_EQ(histogram.percentile(0), 1us);
    EXPECT_EQ(histogram.percentile(50), 500us);
    EXPECT_EQ(histogram.percentile(90), 900us);
    EXPECT_EQ(histogram.percentile(99), 990us);
    EXPECT_EQ(histogram.percentile(100), 1000us);
    EXPECT_EQ(histogram.mean(), 500us);
    EXPECT_EQ(histogram.count(), 1000U);
}

TEST(Histogram, OneSampleIsEveryPercentile) {
    Histogram histogram;
    histogram.record(1234567us);
    for (const double percent : {0.0, 50.0, 99.0, 100.0})
        EXPECT_EQ(histogram.percentile(percent), 1234567us);
}

TEST(Histogram, KeepsWhatIsOutsideAtTheBorder) {
    Histogram histogram;
    histogram.record(-5us);
    histogram.record(0us);
    histogram.record(2h);
    EXPECT_EQ(histogram.min(), Histogram::lowest);
    EXPECT_EQ(histogram.max(), Histogram::highest);
    EXPECT_EQ(histogram.count(), 3U);
}

TEST(Histogram, MergesWithoutLoss) {
    std::mt19937 random(7);
    Histogram all;
    Histogram parts[3];
    for (int i = 0; i < 3000; ++i) {
        const Time value(random() % 5'000'000 + 1);
        all.record(value);
        parts[i % 3].record(value);
    }
    Histogram merged;
    for (const Histogram& part : parts)
        merged.merge(part);
    EXPECT_EQ(merged, all);
    EXPECT_EQ(Histogram::from_buckets(all.buckets(), all.min(), all.max(), all.sum_us()), all);
}

TEST(Human, UsesThreeDigitsAndAUnit) {
    const std::pair<Time, const char*> cases[] = {{0us, "0 us"},
                                                  {83us, "83 us"},
                                                  {999us, "999 us"},
                                                  {1250us, "1.25 ms"},
                                                  {12340us, "12.3 ms"},
                                                  {123400us, "123 ms"},
                                                  {1s, "1.00 s"},
                                                  {61s, "61.0 s"}};
    for (const auto& [time, text] : cases)
        EXPECT_EQ(human(time), text);
}

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
    Bench() : server(loop.get_executor(), server_config(), test_pki()) {
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
            const bool expected = stage != Stage::dns && (port.mode == script::Mode::Starttls || !clear_only);
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
    EXPECT_EQ(result.ports[0].stages.at(Stage::quit).count(), 1U);
}

TEST(Measure, ErrorsAreCountedAndLeaveNoTime) {
    Bench bench;
    LatencyTask task = bench.task();
    task.ports = {465};
    task.target.password = "wrong";
    const LatencyResult refused = bench.run(task);
    ASSERT_EQ(refused.ports[0].errors.size(), 1U);
    EXPECT_EQ(refused.ports[0].errors[0].stage, Stage::auth);
    EXPECT_EQ(refused.ports[0].errors[0].code, 535);
    EXPECT_EQ(refused.ports[0].errors[0].count, 3);
    EXPECT_EQ(refused.ports[0].stages.count(Stage::auth), 0U);
    EXPECT_EQ(refused.ports[0].stages.count(Stage::total), 0U);
    EXPECT_EQ(refused.ports[0].stages.at(Stage::connect).count(), 3U);
    task.target.password = "secret word";
    task.to = {"bad@mail.test"};
    const LatencyResult recipient = bench.run(task);
    ASSERT_EQ(recipient.ports[0].errors.size(), 1U);
    EXPECT_EQ(recipient.ports[0].errors[0].stage, Stage::rcpt);
    EXPECT_EQ(recipient.ports[0].errors[0].code, 550);
    EXPECT_EQ(recipient.ports[0].stages.count(Stage::rcpt), 0U);
}

LatencyResult sample_result() {
    LatencyResult result;
    result.endpoint = "mock";
    for (const int number : {25, 465, 587, 2465, 2587}) {
        PortLatency port;
        port.port = number;
        port.mode = number == 465 || number == 2465 ? script::Mode::Tls : script::Mode::Starttls;
        port.messages = 3;
        port.sent = 2;
        port.stages[Stage::connect].record(83us);
        port.stages[Stage::tls].record(1250us);
        port.stages[Stage::total].record(12345us);
        LatencyError error;
        error.stage = Stage::mail;
        error.code = 451;
        error.text = "451 4.7.1 " + std::string(200, 'x');
        error.count = 1;
        port.add_error(error);
        result.ports.push_back(port);
    }
    return result;
}

TEST(Table, FitsEightyColumns) {
    const std::string table = to_table(sample_result(), {50, 100});
    size_t begin = 0;
    while (begin < table.size()) {
        const size_t end = table.find('\n', begin);
        EXPECT_LE(end - begin, 80U) << table.substr(begin, end - begin);
        begin = end + 1;
    }
    const char* const head =
        "p50                      25          465          587         2465         2587\n"
        "                   starttls          tls     starttls          tls     starttls\n"
        "connect               83 us        83 us        83 us        83 us        83 us\n"
        "TLS handshake       1.25 ms      1.25 ms      1.25 ms      1.25 ms      1.25 ms\n";
    EXPECT_TRUE(table.starts_with(head)) << table;
    EXPECT_NE(table.find("1 x MAIL: 451 4.7.1 xxx"), std::string::npos) << table;
}

TEST(Json, GivesTheSameResultAgain) {
    const LatencyResult result = sample_result();
    const auto again = from_json(to_json(result));
    ASSERT_TRUE(again) << again.error();
    EXPECT_EQ(to_json(*again).dump(), to_json(result).dump());
    EXPECT_FALSE(from_json(nlohmann::ordered_json::object()));
}

TEST(Result, MergesPortByPort) {
    LatencyResult one = sample_result();
    LatencyResult two = sample_result();
    two.ports.pop_back();
    one.merge(two);
    EXPECT_EQ(one.ports[0].messages, 6);
    EXPECT_EQ(one.ports[0].stages.at(Stage::tls).count(), 2U);
    EXPECT_EQ(one.ports[0].errors.size(), 1U);
    EXPECT_EQ(one.ports[0].errors[0].count, 2);
    EXPECT_EQ(one.ports[4].messages, 3);
}

}  // namespace
}  // namespace smtpspec::latency
