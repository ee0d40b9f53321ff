#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "harness/latency/latency.hpp"

namespace smtpspec::latency {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::ordered_json;

/// With every kind of member.
LatencyResult with_everything() {
    LatencyResult result;
    result.endpoint = "made";
    result.shard = document::ShardNote{2, 8, 0, "0123456789abcdef"};
    result.notices = {"a pause"};
    PortLatency port;
    port.port = 587;
    port.planned = 4;
    port.messages = 3;
    port.sent = 2;
    port.handshakes["TLSv1.3 full"] = 3;
    port.stages[Stage::total].record(5ms);
    port.add_error(LatencyError{Stage::rcpt, 550, Trouble::refused, "550 no", 1});
    port.stopped = LatencyStop{Trouble::budget, "budget"};
    port.series = empty_series(0.2);
    result.ports = {port, port};
    result.ports[1].port = 465;
    Block block;
    block.port = 587;
    block.endpoint[Stage::mail] = block.calibration[Stage::mail] = Quantiles{3, 80, 90};
    result.blocks = {block};
    return result;
}

std::string complaint(const Json& document) {
    const auto read = from_json(document);
    return read ? "" : read.error();
}

TEST(LatencyDocument, IsReadAsItWasWritten) {
    LatencyResult result = with_everything();
    for (const bool interrupted : {false, true}) {
        result.interrupted = interrupted;
        const auto read = from_json(to_json(result));
        ASSERT_TRUE(read) << read.error();
        EXPECT_EQ(to_json(*read).dump(), to_json(result).dump());
        EXPECT_EQ(read->interrupted, interrupted);
    }
}

TEST(LatencyDocument, OfAnEarlierVersionHasNeitherInterruptedNorPlan) {
    Json document = to_json(with_everything());
    document.erase("interrupted");
    document["shard"].erase("plan");
    const auto read = from_json(document);
    ASSERT_TRUE(read) << read.error();
    EXPECT_FALSE(read->interrupted);
    EXPECT_EQ(*read->shard, (document::ShardNote{2, 8, 0, ""}));
}

TEST(LatencyDocument, IsRefusedWithThePlaceAndWhatWasExpected) {
    struct Row {
        const char* pointer;
        Json value;
        const char* told;
    };
    const char* const from_0 = ": expected a whole number from 0 to 2147483647, got ";
    const Row rows[] = {
        {"/schema",
         "smtpspec.latency/1",
         "schema: expected \"smtpspec.latency/2\", got \"smtpspec.latency/1\""},
        {"/endpoint", 1, "endpoint: expected a text, got 1"},
        {"/interrupted", "yes", "interrupted: expected true or false"},
        {"/machine", 1, "machine: expected an object"},
        {"/machine/cores", -1, "machine.cores"},
        {"/shard/count", 2'000'000'000, "shard.count: expected a whole number from 1 to 1000"},
        {"/shard/index", 9, "shard.index: expected a whole number from 1 to 8"},
        {"/load/kind", "wild", "load.kind: expected closed, open or probe"},
        {"/load/connections", 0, "load.connections"},
        {"/load/rate", -1, "load.rate: expected a number from 0 on"},
        {"/load/size", -1, "load.size"},
        {"/load/pipelining", 1, "load.pipelining"},
        {"/ports/0/planned", -5, from_0},
        {"/ports/0/planned", 9'223'372'036'854'775'807, from_0},
        {"/ports/0/messages", -7, "ports[0].messages"},
        {"/ports/0/messages", 1e300, "ports[0].messages"},
        {"/ports/0/sent", -3, "ports[0].sent"},
        {"/ports/0/sent", 4, "ports[0].sent: 4 sent of 3 messages"},
        {"/ports/0/seconds", -0.5, "ports[0].seconds"},
        {"/ports/0/port", -9, "ports[0].port: expected a whole number from 1 to 65535"},
        {"/ports/0/port", 0, "ports[0].port"},
        {"/ports/1/port", 587, "ports[1].port: port 587 is there twice"},
        {"/ports/0/mode", "wat", "ports[0].mode: expected starttls, tls or plain, got \"wat\""},
        {"/ports/0/handshakes/x", -1, "ports[0].handshakes.x"},
        {"/ports/0/stages/nap", 1, "ports[0].stages.nap: there is no such stage"},
        {"/ports/0/stages/total/count", 2, "ports[0].stages.total: "},
        {"/ports/0/stages/total/p50_us", "long", "ports[0].stages.total.p50_us"},
        {"/ports/0/stages/total/p90_us", -1, "ports[0].stages.total.p90_us"},
        {"/ports/0/stages/total/histogram", "HISTFx", "ports[0].stages.total.histogram: no HdrHistogram"},
        {"/ports/0/errors/0/stage", "nap", "ports[0].errors[0].stage"},
        {"/ports/0/errors/0/code", 1000, "ports[0].errors[0].code"},
        {"/ports/0/errors/0/cause", "budget", "ports[0].errors[0].cause"},
        {"/ports/0/errors/0/count", 0, "ports[0].errors[0].count"},
        {"/ports/0/stopped/cause", "refused", "ports[0].stopped.cause"},
        {"/ports/0/series/windows/0/sent", 1, "ports[0].series.windows[0]: it counts more messages"},
        {"/ports/0/series/seconds_per_window", 0, "ports[0].series.seconds_per_window"},
        {"/blocks/0/port", 70000, "blocks[0].port"},
        {"/blocks/0/endpoint/mail/p50_us", -1, "blocks[0].endpoint.mail.p50_us"},
        {"/notices/0", nullptr, "notices[0]: expected a text, got null"},
    };
    for (const Row& row : rows) {
        Json document = to_json(with_everything());
        document[Json::json_pointer(row.pointer)] = row.value;
        EXPECT_NE(complaint(document).find(row.told), std::string::npos)
            << row.pointer << ": " << complaint(document);
    }
}

TEST(LatencyDocument, NeedsEachMemberThatItsSchemaRequires) {
    const Json good = to_json(with_everything());
    const std::pair<const char*, const char*> places[] = {{"", ""},
                                                          {"/machine", "machine."},
                                                          {"/load", "load."},
                                                          {"/shard", "shard."},
                                                          {"/ports/0", "ports[0]."},
                                                          {"/ports/0/stages/total", "ports[0].stages.total."},
                                                          {"/ports/0/errors/0", "ports[0].errors[0]."},
                                                          {"/ports/0/stopped", "ports[0].stopped."},
                                                          {"/ports/0/series", "ports[0].series."},
                                                          {"/blocks/0", "blocks[0]."}};
    for (const auto& [pointer, name] : places) {
        for (const auto& [key, value] : good.at(Json::json_pointer(pointer)).items()) {
            const std::string member = name + key;
            if (member == "interrupted" || member == "shard" || member == "shard.plan" ||
                member == "ports[0].series") {
                continue;
            }
            Json bad = good;
            bad.at(Json::json_pointer(pointer)).erase(key);
            EXPECT_NE(complaint(bad).find(member + " is missing"), std::string::npos) << complaint(bad);
        }
    }
}

TEST(LatencyTable, SaysThatItIsOnlyAPart) {
    LatencyResult result = with_everything();
    EXPECT_EQ(to_table(result).find("interrupted"), std::string::npos);
    result.interrupted = true;
    EXPECT_NE(to_table(result).find("\ninterrupted: partial result\n"), std::string::npos)
        << to_table(result);
}

}  // namespace
}  // namespace smtpspec::latency
