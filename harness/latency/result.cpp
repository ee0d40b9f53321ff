#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "harness/latency/histogram_json.hpp"
#include "harness/latency/latency.hpp"

namespace smtpspec::latency {

using Json = nlohmann::ordered_json;

const std::vector<Stage>& all_stages() {
    static const std::vector<Stage> stages = {Stage::wait,
                                              Stage::dns,
                                              Stage::connect,
                                              Stage::greeting,
                                              Stage::ehlo,
                                              Stage::starttls,
                                              Stage::tls,
                                              Stage::tls_resumed,
                                              Stage::ehlo_tls,
                                              Stage::auth,
                                              Stage::mail,
                                              Stage::rcpt,
                                              Stage::data,
                                              Stage::content,
                                              Stage::accepted,
                                              Stage::quit,
                                              Stage::service,
                                              Stage::total};
    return stages;
}

std::string key_of(Stage stage) {
    std::string key;
    for (const char c : to_string(stage))
        key += c == ' ' ? '-' : static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    return key;
}

std::string_view to_string(LoadShape::Kind kind) {
    switch (kind) {
        case LoadShape::Kind::open:
            return "open";
        case LoadShape::Kind::probe:
            return "probe";
        case LoadShape::Kind::closed:
            break;
    }
    return "closed";
}

std::string_view to_string(Trouble trouble) {
    switch (trouble) {
        case Trouble::refused:
            return "refused";
        case Trouble::died:
            return "died";
        case Trouble::login_refused:
            return "login-refused";
        case Trouble::rate_limited:
            return "rate-limited";
        case Trouble::budget:
            break;
    }
    return "budget";
}

void PortLatency::add_error(const LatencyError& error) {
    for (LatencyError& known : errors)
        if (known.stage == error.stage && known.code == error.code && known.cause == error.cause) {
            known.count += error.count;
            return;
        }
    errors.push_back(error);
}

void PortLatency::add(const PortLatency& other) {
    add_series(other);
    messages += other.messages;
    sent += other.sent;
    seconds += other.seconds;
    for (const auto& [stage, times] : other.stages)
        stages[stage].merge(times);
    for (const auto& [name, times] : other.handshakes)
        handshakes[name] += times;
    for (const LatencyError& error : other.errors)
        add_error(error);
    if (!stopped)
        stopped = other.stopped;
}

/// Called while `messages` still counts without the other part. A series of some parts only would look like
/// that of the whole, so there is none where a part that tried messages has none (written before there were
/// any) or has other windows.
void PortLatency::add_series(const PortLatency& other) {
    if (other.messages == 0 && !other.series)
        return;
    if (messages == 0 && !series)
        series = other.series;
    else if (!series || !other.series || !series->merge(*other.series))
        series.reset();
}

Quantiles quantiles(const Histogram& times) {
    Quantiles found;
    found.count = times.count();
    found.p50_us = times.interpolated(50);
    found.p99_us = times.interpolated(99);
    return found;
}

bool LatencyResult::complete() const {
    return std::all_of(ports.begin(), ports.end(), [](const PortLatency& port) {
        const bool spent = port.stopped && port.stopped->cause == Trouble::budget;
        return port.sent == (spent ? port.messages : port.planned);
    });
}

bool LatencyResult::has(Trouble trouble) const {
    return std::any_of(ports.begin(), ports.end(), [&](const PortLatency& port) {
        const bool stopped = port.stopped && port.stopped->cause == trouble;
        return stopped || std::any_of(port.errors.begin(), port.errors.end(), [&](const LatencyError& error) {
                   return error.cause == trouble;
               });
    });
}

void LatencyResult::merge(const LatencyResult& other) {
    for (const PortLatency& theirs : other.ports) {
        const auto ours = std::find_if(
            ports.begin(), ports.end(), [&](const PortLatency& port) { return port.port == theirs.port; });
        if (ours == ports.end()) {
            ports.push_back(theirs);
            continue;
        }
        ours->planned += theirs.planned;
        ours->add(theirs);
    }
    blocks.insert(blocks.end(), other.blocks.begin(), other.blocks.end());
    notices.insert(notices.end(), other.notices.begin(), other.notices.end());
}

namespace {

Json error_json(const LatencyError& error) {
    Json json;
    json["stage"] = key_of(error.stage);
    json["code"] = error.code;
    json["cause"] = std::string(to_string(error.cause));
    json["text"] = error.text;
    json["count"] = error.count;
    return json;
}

Json stop_json(const std::optional<LatencyStop>& stop) {
    if (!stop)
        return nullptr;
    Json json;
    json["cause"] = std::string(to_string(stop->cause));
    json["reason"] = stop->reason;
    return json;
}

Json port_json(const PortLatency& port) {
    Json json;
    json["port"] = port.port;
    json["mode"] = std::string(script::to_string(port.mode));
    json["planned"] = port.planned;
    json["messages"] = port.messages;
    json["sent"] = port.sent;
    json["seconds"] = port.seconds;
    json["handshakes"] = port.handshakes;
    json["stages"] = Json::object();
    for (const Stage stage : all_stages())
        if (const auto found = port.stages.find(stage); found != port.stages.end() && !found->second.empty())
            json["stages"][key_of(stage)] = histogram_json(found->second);
    json["errors"] = Json::array();
    for (const LatencyError& error : port.errors)
        json["errors"].push_back(error_json(error));
    json["stopped"] = stop_json(port.stopped);
    if (port.series)
        json["series"] = to_json(*port.series);
    return json;
}

Json shape_json(const LoadShape& shape) {
    Json json;
    json["kind"] = to_string(shape.kind);
    json["connections"] = shape.connections;
    json["rate"] = shape.rate;
    json["seconds"] = shape.seconds;
    json["messages_per_connection"] = shape.messages_per_connection;
    json["recipients"] = shape.recipients;
    json["size"] = shape.size;
    json["pipelining"] = shape.pipelining;
    json["tls_resumption"] = shape.tls_resumption;
    json["threads"] = shape.threads;
    json["warmup"] = shape.warmup;
    return json;
}

Json quantiles_json(const std::map<Stage, Quantiles>& stages) {
    Json json = Json::object();
    const auto hundredths = [](double us) { return std::round(us * 100) / 100; };  // more is noise
    for (const auto& [stage, found] : stages)
        json[key_of(stage)] = {{"count", found.count},
                               {"p50_us", hundredths(found.p50_us)},
                               {"p99_us", hundredths(found.p99_us)}};
    return json;
}

Json block_json(const Block& block) {
    Json json;
    json["port"] = block.port;
    json["endpoint"] = quantiles_json(block.endpoint);
    json["calibration"] = quantiles_json(block.calibration);
    return json;
}

}  // namespace

Json to_json(const LatencyResult& result) {
    Json json;
    json["schema"] = latency_schema;
    json["endpoint"] = result.endpoint;
    json["started"] = result.started;
    json["interrupted"] = result.interrupted;
    if (result.shard)
        json["shard"] = document::to_json(*result.shard);
    json["machine"] = {
        {"cpu", result.machine.cpu}, {"cores", result.machine.cores}, {"system", result.machine.system}};
    json["load"] = shape_json(result.shape);
    json["ports"] = Json::array();
    for (const PortLatency& port : result.ports)
        json["ports"].push_back(port_json(port));
    json["blocks"] = Json::array();
    for (const Block& block : result.blocks)
        json["blocks"].push_back(block_json(block));
    json["notices"] = result.notices;
    return json;
}

}  // namespace smtpspec::latency
