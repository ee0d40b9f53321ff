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

Stage stage_of(const std::string& key) {
    for (const Stage stage : all_stages())
        if (key_of(stage) == key)
            return stage;
    if (key == key_of(Stage::rset))  // may fail, but is no row: not every message has one
        return Stage::rset;
    throw std::invalid_argument("unknown stage \"" + key + "\"");
}

Trouble trouble_of(const std::string& word) {
    for (const Trouble trouble :
         {Trouble::refused, Trouble::died, Trouble::login_refused, Trouble::rate_limited, Trouble::budget})
        if (to_string(trouble) == word)
            return trouble;
    throw std::invalid_argument("unknown cause \"" + word + "\"");
}

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
        if (const auto found = port.stages.find(stage); found != port.stages.end())
            json["stages"][key_of(stage)] = histogram_json(found->second);
    json["errors"] = Json::array();
    for (const LatencyError& error : port.errors)
        json["errors"].push_back(error_json(error));
    json["stopped"] = stop_json(port.stopped);
    if (port.series)
        json["series"] = to_json(*port.series);
    return json;
}

LatencyError read_error(const Json& json) {
    LatencyError error;
    error.stage = stage_of(json.at("stage").get<std::string>());
    error.code = json.at("code").get<int>();
    error.cause = trouble_of(json.at("cause").get<std::string>());
    error.text = json.at("text").get<std::string>();
    error.count = json.at("count").get<int>();
    return error;
}

std::optional<LatencyStop> read_stop(const Json& json) {
    if (json.is_null())
        return std::nullopt;
    LatencyStop stop;
    stop.cause = trouble_of(json.at("cause").get<std::string>());
    stop.reason = json.at("reason").get<std::string>();
    return stop;
}

PortLatency read_port(const Json& json) {
    PortLatency port;
    port.port = json.at("port").get<int>();
    const std::string mode = json.at("mode").get<std::string>();
    port.mode = script::mode_from_string(mode).value_or(script::Mode::Starttls);
    port.planned = json.at("planned").get<int>();
    port.messages = json.at("messages").get<int>();
    port.sent = json.at("sent").get<int>();
    for (const auto& [key, entry] : json.at("stages").items())
        port.stages[stage_of(key)] = histogram_from_json(entry);
    port.seconds = json.at("seconds").get<double>();
    port.handshakes = json.at("handshakes").get<std::map<std::string, std::uint64_t>>();
    for (const Json& entry : json.at("errors"))
        port.errors.push_back(read_error(entry));
    port.stopped = read_stop(json.at("stopped"));
    if (json.contains("series"))
        port.series = series_from_json(json.at("series"));
    return port;
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

LoadShape read_shape(const Json& json) {
    LoadShape shape;
    const std::string kind = json.at("kind").get<std::string>();
    const LoadShape::Kind kinds[] = {LoadShape::Kind::closed, LoadShape::Kind::open, LoadShape::Kind::probe};
    const auto known = std::find_if(
        std::begin(kinds), std::end(kinds), [&](LoadShape::Kind one) { return to_string(one) == kind; });
    if (known == std::end(kinds))
        throw std::invalid_argument("unknown kind of load \"" + kind + "\"");
    shape.kind = *known;
    json.at("connections").get_to(shape.connections);
    json.at("rate").get_to(shape.rate);
    json.at("seconds").get_to(shape.seconds);
    json.at("messages_per_connection").get_to(shape.messages_per_connection);
    json.at("recipients").get_to(shape.recipients);
    json.at("size").get_to(shape.size);
    json.at("pipelining").get_to(shape.pipelining);
    json.at("tls_resumption").get_to(shape.tls_resumption);
    json.at("threads").get_to(shape.threads);
    json.at("warmup").get_to(shape.warmup);
    return shape;
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

std::map<Stage, Quantiles> read_quantiles(const Json& json) {
    std::map<Stage, Quantiles> stages;
    for (const auto& [key, entry] : json.items()) {
        Quantiles& found = stages[stage_of(key)];
        entry.at("count").get_to(found.count);
        entry.at("p50_us").get_to(found.p50_us);
        entry.at("p99_us").get_to(found.p99_us);
    }
    return stages;
}

Json block_json(const Block& block) {
    Json json;
    json["port"] = block.port;
    json["endpoint"] = quantiles_json(block.endpoint);
    json["calibration"] = quantiles_json(block.calibration);
    return json;
}

Block read_block(const Json& json) {
    Block block;
    json.at("port").get_to(block.port);
    block.endpoint = read_quantiles(json.at("endpoint"));
    block.calibration = read_quantiles(json.at("calibration"));
    return block;
}

}  // namespace

Json to_json(const LatencyResult& result) {
    Json json;
    json["schema"] = "smtpspec.latency/2";
    json["endpoint"] = result.endpoint;
    json["started"] = result.started;
    if (result.shard_count > 0)
        json["shard"] = {{"index", result.shard}, {"count", result.shard_count}};
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

tl::expected<LatencyResult, std::string> from_json(const Json& document) {
    try {
        if (document.at("schema") != "smtpspec.latency/2")
            return tl::unexpected(std::string("this is no latency result (schema smtpspec.latency/2)"));
        LatencyResult result;
        result.endpoint = document.at("endpoint").get<std::string>();
        result.started = document.at("started").get<std::string>();
        const Json& machine = document.at("machine");
        result.machine.cpu = machine.at("cpu").get<std::string>();
        result.machine.cores = machine.at("cores").get<int>();
        result.machine.system = machine.at("system").get<std::string>();
        result.shape = read_shape(document.at("load"));
        if (document.contains("shard")) {
            document.at("shard").at("index").get_to(result.shard);
            document.at("shard").at("count").get_to(result.shard_count);
            if (result.shard_count < 1 || result.shard < 1 || result.shard > result.shard_count)
                throw std::invalid_argument("a shard from 1 to its count was expected");
        }
        for (const Json& block : document.at("blocks"))
            result.blocks.push_back(read_block(block));
        for (const Json& port : document.at("ports"))
            result.ports.push_back(read_port(port));
        result.notices = document.at("notices").get<std::vector<std::string>>();
        return result;
    } catch (const std::exception& problem) {
        return tl::unexpected(std::string("the latency result cannot be read: ") + problem.what());
    }
}

}  // namespace smtpspec::latency
