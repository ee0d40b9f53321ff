#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "harness/latency/histogram.hpp"

/// Against what npm's hdr-histogram-js wrote (tests/oracle/hdr.mjs), and against hostile text.
namespace smtpspec::latency {
namespace {

using Time = Histogram::Time;

nlohmann::json oracle() {
    std::ifstream file(SMTPSPEC_SOURCE_DIR "/tests/unit/harness/golden/hdr.json");
    return nlohmann::json::parse(file);
}

/// The data sets of the oracle, made again.
Histogram data_set(const std::string& name) {
    Histogram histogram;
    const auto numbers = [&](int count, auto of) {
        std::uint64_t x = 1;
        for (int i = 0; i < count; ++i) {
            x = (x * 1103515245 + 12345) % 2147483648;
            histogram.record(Time(static_cast<Time::rep>(of(x))));
        }
    };
    const auto values = [&](std::initializer_list<int> all) {
        for (const int value : all)
            histogram.record(Time(value));
    };
    if (name == "one value")
        values({83});
    else if (name == "borders")
        values({1, 600000000});
    else if (name == "twice the same")
        values({2047, 2047, 2048, 2049, 2049});
    else if (name == "short")
        numbers(1000, [](std::uint64_t x) { return 1 + x % 900; });
    else if (name == "long")
        numbers(20000, [](std::uint64_t x) { return 1 + x % 600000000; });
    else if (name == "mixed")
        numbers(50000, [](std::uint64_t x) { return 1 + x % (1U << (1 + (x >> 8) % 28)); });
    return histogram;
}

TEST(HistogramCode, IsReadAndWrittenAsTheOracleHasIt) {
    int sets = 0;
    for (const auto& set : oracle()) {
        const auto name = set["name"].get<std::string>();
        const Histogram ours = data_set(name);
        const auto theirs = Histogram::decode(set["encoded"].get<std::string>());
        ASSERT_TRUE(theirs) << name << ": " << theirs.error();
        EXPECT_EQ(theirs->counts(), ours.counts()) << name;
        EXPECT_EQ(ours.count(), set["count"].get<std::uint64_t>()) << name;
        for (const auto& [percent, value] :
             set["percentiles"].get<std::vector<std::pair<double, std::int64_t>>>())
            EXPECT_EQ(Histogram::bucket_of(ours.percentile(percent)), Histogram::bucket_of(Time(value)))
                << name << " " << percent;
        const auto again = Histogram::decode(ours.encode());
        ASSERT_TRUE(again) << again.error();
        EXPECT_EQ(again->counts(), ours.counts()) << name;
        ++sets;
    }
    EXPECT_EQ(sets, 6);
}

TEST(HistogramCode, KeepsTheValuesThemselvesBesideIt) {
    const Histogram ours = data_set("mixed");
    auto read = Histogram::decode(ours.encode()).value();
    EXPECT_FALSE(read.exact(ours.min(), ours.max() * 2, ours.sum_us()));
    EXPECT_FALSE(read.exact(ours.min(), ours.max(), ours.sum_us() * 2));
    EXPECT_TRUE(read.exact(ours.min(), ours.max(), ours.sum_us()));
    EXPECT_EQ(read, ours);
    EXPECT_EQ(Histogram::decode(Histogram().encode()).value(), Histogram());
}

TEST(HistogramCode, RefusesWhatIsNone) {
    const std::string good = data_set("short").encode();
    for (const std::string& text : {std::string(),
                                    std::string("HISTF"),
                                    std::string("no base64!"),
                                    std::string("AAAAAAAAAAA="),
                                    good.substr(0, good.size() / 8 * 4),
                                    std::string(4UL << 20, 'A')})
        EXPECT_FALSE(Histogram::decode(text)) << text.substr(0, 40);
    for (std::size_t at = 0; at < good.size(); at += 7) {  // no crash, and no more than the format allows
        std::string bent = good;
        bent[at] = bent[at] == 'A' ? 'B' : 'A';
        const auto read = Histogram::decode(bent);
        EXPECT_LE(read ? read->counts().size() : 0, 22U * 1024);
    }
}

TEST(Histogram, InterpolatesInsideABucket) {
    Histogram histogram;
    EXPECT_EQ(histogram.interpolated(50), 0);
    for (int i = 0; i < 100; ++i)
        histogram.record(Time(i < 50 ? 20 : 21));
    EXPECT_NEAR(histogram.interpolated(50), 20.5, 1e-9);
    EXPECT_NEAR(histogram.interpolated(25), 20.0, 1e-9);
    EXPECT_NEAR(histogram.interpolated(100), 21.5, 1e-9);
}

}  // namespace
}  // namespace smtpspec::latency
