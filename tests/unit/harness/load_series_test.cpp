#include "harness/latency/load_series.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace smtpspec::latency {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::ordered_json;

TEST(LoadSeries, HasWindowsThatALoadOfTheSameLengthSharesAndNeverTooMany) {
    struct Case {
        double seconds, width;
        std::size_t windows;
    };
    const Case cases[] = {{0.05, 0.1, 1},
                          {0.1, 0.1, 1},
                          {0.3, 0.1, 3},
                          {1, 0.1, 10},
                          {3.75, 0.1, 38},
                          {12, 0.1, 120},
                          {12.1, 0.2, 61},
                          {60, 0.5, 120},
                          {61, 1, 61},
                          {3600, 50, 72},
                          {86400, 1000, 87}};
    for (const Case& one : cases) {
        const LoadSeries series = empty_series(one.seconds);
        EXPECT_DOUBLE_EQ(series.width, one.width) << one.seconds;
        EXPECT_EQ(series.windows.size(), one.windows) << one.seconds;
    }
}

LoadSeries two_windows() {
    LoadSeries series = empty_series(0.2);
    series.windows[0].due = 3;
    series.windows[0].sent = 2;
    series.windows[0].failed = 1;
    series.windows[0].total.record(5ms);
    series.windows[0].total.record(7ms);
    series.windows[1].due = 4;
    return series;
}

TEST(LoadSeries, AddsPartsWithoutLoss) {
    LoadSeries whole = two_windows();
    ASSERT_TRUE(whole.merge(two_windows()));
    EXPECT_EQ(whole.windows[0].due, 6U);
    EXPECT_EQ(whole.windows[0].total.count(), 4U);
    EXPECT_EQ(whole.windows[0].total.max(), 7ms);
    EXPECT_EQ(whole.windows[1].due, 8U);
    const LoadSeries before = whole;
    EXPECT_FALSE(whole.merge(empty_series(60)));
    EXPECT_EQ(whole, before) << "windows of other widths have nothing in common";
}

LoadSeries read(const Json& document) { return read_series(document::Value(document)); }

TEST(LoadSeries, IsReadAsItWasWritten) { EXPECT_EQ(read(to_json(two_windows())), two_windows()); }

TEST(LoadSeries, RefusesWhatContradictsItself) {
    const std::pair<const char*, Json> cases[] = {
        {"/seconds_per_window", 0},
        {"/seconds_per_window", -1},
        {"/seconds_per_window", "long"},
        {"/windows/0/sent", 3},                        // the histogram has two
        {"/windows/0/due", 2},                         // less than were sent and failed
        {"/windows/0/failed", 18446744073709551615U},  // must not overflow
        {"/windows/0/total", nullptr},
        {"/windows/0/total/max_us", 9},
        {"/windows/0/total/histogram", "HISTFx"},
        {"/windows", Json::array({1})},
        {"/windows", Json(std::vector<Json>(most_windows + 1, to_json(two_windows())["windows"][1]))},
    };
    for (const auto& [pointer, value] : cases) {
        Json document = to_json(two_windows());
        document[Json::json_pointer(pointer)] = value;
        EXPECT_THROW(read(document), document::DocumentError) << pointer << " " << value.dump().substr(0, 80);
    }
}

}  // namespace
}  // namespace smtpspec::latency
