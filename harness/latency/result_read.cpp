#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

#include "harness/document/value.hpp"
#include "harness/latency/histogram_json.hpp"
#include "harness/latency/latency.hpp"

/// smtpspec.latency/2, as docs/latency.schema.json has it, and no figures that contradict each other.
namespace smtpspec::latency {

using document::DocumentError;
using document::Value;

namespace {

constexpr int highest_port = 65535;
constexpr int highest_code = 999;

/// `key`, which is the last part of the value's path, as a stage.
Stage stage_of(const std::string& key, const Value& value) {
    for (const Stage stage : all_stages())
        if (key_of(stage) == key)
            return stage;
    if (key == key_of(Stage::rset))  // may fail, but is no row: not every message has one
        return Stage::rset;
    throw DocumentError(value.path() + ": there is no such stage");
}

Stage read_stage(const Value& shown) {
    std::vector<Stage> stages = all_stages();
    stages.push_back(Stage::rset);
    return shown.one_of(stages, key_of);
}

Trouble read_trouble(const Value& shown, const std::vector<Trouble>& possible) {
    return shown.one_of(possible, [](Trouble trouble) { return to_string(trouble); });
}

LatencyError read_error(const Value& shown) {
    LatencyError error;
    error.stage = read_stage(shown.at("stage"));
    error.code = shown.at("code").number<int>(0, highest_code);
    error.cause = read_trouble(
        shown.at("cause"), {Trouble::refused, Trouble::died, Trouble::login_refused, Trouble::rate_limited});
    error.text = shown.at("text").text();
    error.count = shown.at("count").number<int>(1);
    return error;
}

std::optional<LatencyStop> read_stop(const Value& shown) {
    if (shown.is_null())
        return std::nullopt;
    LatencyStop stop;
    stop.cause = read_trouble(
        shown.at("cause"), {Trouble::login_refused, Trouble::rate_limited, Trouble::budget, Trouble::died});
    stop.reason = shown.at("reason").text();
    return stop;
}

void read_counts(const Value& shown, PortLatency& port) {
    port.planned = shown.at("planned").number<int>();
    port.messages = shown.at("messages").number<int>();
    port.sent = shown.at("sent").number<int>();
    if (port.sent > port.messages)
        shown.at("sent").refuse(fmt::format("{} sent of {} messages", port.sent, port.messages));
}

PortLatency read_port(const Value& shown) {
    using script::Mode;
    PortLatency port;
    port.port = shown.at("port").number<int>(1, highest_port);
    port.mode = shown.at("mode").one_of(std::vector{Mode::Starttls, Mode::Tls, Mode::Plain},
                                        [](Mode mode) { return script::to_string(mode); });
    read_counts(shown, port);
    port.seconds = shown.at("seconds").real();
    shown.at("handshakes").each_pair([&](const std::string& name, const Value& times) {
        port.handshakes[name] = times.number<std::uint64_t>();
    });
    shown.at("stages").each_pair([&](const std::string& key, const Value& histogram) {
        const Stage stage = stage_of(key, histogram);
        port.stages[stage] = read_histogram(histogram);
    });
    shown.at("errors").each([&](const Value& error) { port.errors.push_back(read_error(error)); });
    port.stopped = read_stop(shown.at("stopped"));
    if (shown.has("series"))
        port.series = read_series(shown.at("series"));
    return port;
}

LoadShape read_shape(const Value& shown) {
    using Kind = LoadShape::Kind;
    LoadShape shape;
    shape.kind = shown.at("kind").one_of(std::vector{Kind::closed, Kind::open, Kind::probe},
                                         [](Kind kind) { return to_string(kind); });
    shape.connections = shown.at("connections").number<int>(1);
    shape.rate = shown.at("rate").real();
    shape.seconds = shown.at("seconds").real();
    shape.messages_per_connection = shown.at("messages_per_connection").number<int>();
    shape.recipients = shown.at("recipients").number<int>(1);
    shape.size = shown.at("size").number<std::int64_t>();
    shape.pipelining = shown.at("pipelining").truth();
    shape.tls_resumption = shown.at("tls_resumption").truth();
    shape.threads = shown.at("threads").number<int>(1);
    shape.warmup = shown.at("warmup").number<int>();
    return shape;
}

std::map<Stage, Quantiles> read_quantiles(const Value& shown) {
    std::map<Stage, Quantiles> stages;
    shown.each_pair([&](const std::string& key, const Value& its) {
        Quantiles& found = stages[stage_of(key, its)];
        found.count = its.at("count").number<std::uint64_t>();
        found.p50_us = its.at("p50_us").real();
        found.p99_us = its.at("p99_us").real();
    });
    return stages;
}

Block read_block(const Value& shown) {
    Block block;
    block.port = shown.at("port").number<int>(1, highest_port);
    block.endpoint = read_quantiles(shown.at("endpoint"));
    block.calibration = read_quantiles(shown.at("calibration"));
    return block;
}

Machine read_machine(const Value& shown) {
    return Machine{shown.at("cpu").text(), shown.at("cores").number<int>(), shown.at("system").text()};
}

std::vector<PortLatency> read_ports(const Value& list) {
    std::vector<PortLatency> ports;
    std::set<int> known;
    list.each([&](const Value& shown) {
        ports.push_back(read_port(shown));
        if (!known.insert(ports.back().port).second)
            shown.at("port").refuse(fmt::format("port {} is there twice", ports.back().port));
    });
    return ports;
}

LatencyResult read_result(const Value& root) {
    LatencyResult result;
    result.endpoint = root.at("endpoint").text();
    result.started = root.at("started").text();
    result.interrupted = root.has("interrupted") && root.at("interrupted").truth();
    if (root.has("shard"))
        result.shard = document::read_shard(root.at("shard"));
    result.machine = read_machine(root.at("machine"));
    result.shape = read_shape(root.at("load"));
    result.ports = read_ports(root.at("ports"));
    root.at("blocks").each([&](const Value& block) { result.blocks.push_back(read_block(block)); });
    result.notices = root.at("notices").texts();
    return result;
}

}  // namespace

tl::expected<LatencyResult, std::string> from_json(const Value::Json& document) {
    try {
        const Value root(document);
        if (const Value schema = root.at("schema"); schema.text() != latency_schema)
            schema.wrong(fmt::format("\"{}\"", latency_schema));
        return read_result(root);
    } catch (const DocumentError& problem) {
        return tl::unexpected(
            fmt::format("this is no {} document as `smtpspec bench --format json` writes it: {}",
                        latency_schema,
                        problem.what()));
    }
}

}  // namespace smtpspec::latency
