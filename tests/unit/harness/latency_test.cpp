#include "harness/latency/latency.hpp"

#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

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

LatencyResult sample_result() {
    LatencyResult result;
    result.endpoint = "mock";
    for (const int number : {25, 465, 587, 2465, 2587}) {
        PortLatency port;
        port.port = number;
        port.mode = number == 465 || number == 2465 ? script::Mode::Tls : script::Mode::Starttls;
        port.planned = 9;
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
        LatencyStop stop;
        stop.cause = Trouble::rate_limited;
        stop.reason = "the endpoint limited us five times in this run, which is enough; try again much later";
        port.stopped = stop;
        port.series = empty_series(0.2);
        port.series->windows[0].due = 3;
        port.series->windows[0].sent = 1;
        port.series->windows[0].failed = 2;
        port.series->windows[0].total.record(12345us);
        result.ports.push_back(port);
    }
    result.notices.push_back("port 25: \"450 4.7.1 " + std::string(90, 'y') +
                             "\"; nothing was sent for 10 s");
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
        "max                      25          465          587         2465         2587\n"
        "                   starttls          tls     starttls          tls     starttls\n"
        "samples                   1            1            1            1            1\n"
        "connect               83 us        83 us        83 us        83 us        83 us\n"
        "TLS handshake       1.25 ms      1.25 ms      1.25 ms      1.25 ms      1.25 ms\n";
    EXPECT_TRUE(table.starts_with(head)) << table;
    EXPECT_NE(table.find("1 x MAIL: 451 4.7.1 xxx"), std::string::npos) << table;
    const char* const tail =
        "  stopped: the endpoint limited us five times in this run, which is enough; try\n"
        "    again much later\n"
        "port 25: \"450 4.7.1\n"
        "    yyyy";
    EXPECT_NE(table.find(tail), std::string::npos) << table;
}

/// One port with so many samples of "connect", and a tenth of them of "total".
LatencyResult with_samples(int count) {
    LatencyResult result;
    PortLatency port;
    port.port = 25;
    port.planned = port.messages = port.sent = count;
    port.stages[Stage::connect].record(80us, static_cast<std::uint64_t>(count));
    port.stages[Stage::total].record(9ms, static_cast<std::uint64_t>(count / 10));
    result.ports.push_back(port);
    return result;
}

TEST(Table, APercentileNeedsSamplesAboveIt) {
    const std::string few = to_table(with_samples(20));
    EXPECT_TRUE(
        few.starts_with("p50                      25\n"
                        "                   starttls\n"
                        "samples                2-20\n"
                        "connect               80 us\n"
                        "total               9.00 ms\n"
                        "\n"
                        "p90                      25\n"
                        "                   starttls\n"
                        "samples                2-20\n"
                        "connect               80 us\n"
                        "total                     -\n"
                        "\n"
                        "max  "))
        << few;
    const char* const why = "\nLeft out for want of samples (--messages): p90 needs 10, p99 needs 100.\n";
    EXPECT_NE(few.find(why), std::string::npos) << few;
    EXPECT_NE(to_table(with_samples(100)).find("p99 "), std::string::npos);
    EXPECT_EQ(to_table(with_samples(99)).find("p99  "), std::string::npos);
    EXPECT_EQ(to_table(with_samples(1000)).find("Left out"), std::string::npos);
}

TEST(Json, GivesTheSameResultAgain) {
    const LatencyResult result = sample_result();
    const auto again = from_json(to_json(result));
    ASSERT_TRUE(again) << again.error();
    EXPECT_EQ(to_json(*again).dump(), to_json(result).dump());
    EXPECT_FALSE(from_json(nlohmann::ordered_json::object()));
}

bool fits_schema(const nlohmann::json& document) {
    std::ifstream in(std::string(SMTPSPEC_SOURCE_DIR) + "/docs/latency.schema.json");
    const nlohmann::json text = nlohmann::json::parse(in);
    valijson::Schema schema;
    valijson::SchemaParser().populateSchema(valijson::adapters::NlohmannJsonAdapter(text), schema);
    return valijson::Validator().validate(schema, valijson::adapters::NlohmannJsonAdapter(document), nullptr);
}

TEST(Json, FitsItsSchema) {
    LatencyResult result = sample_result();
    PortLatency& port = result.ports.front();
    for (const Stage stage : all_stages())
        port.stages[stage].record(5ms);
    port.stopped.reset();
    for (const Trouble cause : {Trouble::died, Trouble::login_refused, Trouble::rate_limited}) {
        LatencyError error = port.errors.front();
        error.cause = cause;
        port.add_error(error);
    }
    const nlohmann::json good = to_json(result);
    EXPECT_TRUE(fits_schema(good)) << good.dump(1);
    EXPECT_TRUE(fits_schema(to_json(LatencyResult{})));
    for (const char* const pointer : {"/notices",
                                      "/ports/0/stopped",
                                      "/ports/0/series/windows/0/due",
                                      "/ports/0/series/windows/1/total",
                                      "/ports/0/planned",
                                      "/ports/1/stopped/cause"}) {
        nlohmann::json bad = good;
        bad[nlohmann::json::json_pointer(pointer)] = "surprise";
        EXPECT_FALSE(fits_schema(bad)) << pointer;
    }
    nlohmann::json unknown_stage = good;
    unknown_stage["ports"][0]["stages"]["nap"] = good["ports"][0]["stages"]["connect"];
    EXPECT_FALSE(fits_schema(unknown_stage));
}

/// A series of some parts only would look like that of the whole.
TEST(Result, MergesASeriesOnlyWhereEachPartHasIt) {
    struct {
        const char* name;
        std::array<std::optional<double>, 3> parts;  ///< seconds of each part's load; none: it has no series
        bool kept;
    } cases[] = {
        {"all", {0.2, 0.2, 0.2}, true},
        {"the first has none", {std::nullopt, 0.2, 0.2}, false},
        {"the last has none", {0.2, 0.2, std::nullopt}, false},
        {"other windows in the middle", {0.2, 60, 0.2}, false},
        {"other windows at the end", {0.2, 0.2, 60}, false},
    };
    for (const auto& one : cases) {
        PortLatency whole;
        for (const std::optional<double> seconds : one.parts) {
            PortLatency part;
            part.messages = 1;
            if (seconds) {
                part.series = empty_series(*seconds);
                part.series->windows[0].due = 1;
            }
            whole.add(part);
        }
        EXPECT_EQ(whole.messages, 3) << one.name;
        EXPECT_EQ(whole.series.has_value(), one.kept) << one.name;
        if (one.kept) {
            EXPECT_EQ(whole.series->windows[0].due, 3U) << one.name;
        }
    }
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
    EXPECT_EQ(one.ports[0].series->windows[0].total.count(), 2U);
    EXPECT_EQ(one.ports[4].series->windows[0].due, 3U);
    LatencyResult other = sample_result();
    other.ports[0].series = empty_series(60);
    one.merge(other);
    EXPECT_FALSE(one.ports[0].series) << "a series of other windows says nothing about the whole";
}

}  // namespace
}  // namespace smtpspec::latency
