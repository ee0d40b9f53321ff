#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

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

Quantiles quantiles(const Histogram& times) {
    Quantiles found;
    found.count = times.count();
    found.p50_us = static_cast<double>(times.percentile(50).count());
    found.p99_us = static_cast<double>(times.percentile(99).count());
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
        ours->messages += theirs.messages;
        ours->sent += theirs.sent;
        for (const auto& [stage, histogram] : theirs.stages)
            ours->stages[stage].merge(histogram);
        for (const LatencyError& error : theirs.errors)
            ours->add_error(error);
        if (!ours->stopped)
            ours->stopped = theirs.stopped;
    }
    notices.insert(notices.end(), other.notices.begin(), other.notices.end());
}

namespace {

/// "TLS handshake" as a key: tls-handshake.
std::string key_of(Stage stage) {
    std::string key;
    for (const char c : to_string(stage))
        key += c == ' ' ? '-' : static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    return key;
}

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

Json histogram_json(const Histogram& histogram) {
    Json json;
    json["count"] = histogram.count();
    json["p50_us"] = histogram.percentile(50).count();
    json["p90_us"] = histogram.percentile(90).count();
    json["p99_us"] = histogram.percentile(99).count();
    json["min_us"] = histogram.min().count();
    json["max_us"] = histogram.max().count();
    json["mean_us"] = histogram.mean().count();
    json["sum_us"] = histogram.sum_us();
    json["buckets"] = histogram.buckets();
    return json;
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
    json["stages"] = Json::object();
    for (const Stage stage : all_stages())
        if (const auto found = port.stages.find(stage); found != port.stages.end())
            json["stages"][key_of(stage)] = histogram_json(found->second);
    json["errors"] = Json::array();
    for (const LatencyError& error : port.errors)
        json["errors"].push_back(error_json(error));
    json["stopped"] = stop_json(port.stopped);
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
        port.stages[stage_of(key)] =
            Histogram::from_buckets(entry.at("buckets").get<Histogram::Buckets>(),
                                    Histogram::Time(entry.at("min_us").get<std::int64_t>()),
                                    Histogram::Time(entry.at("max_us").get<std::int64_t>()),
                                    entry.at("sum_us").get<std::uint64_t>());
    for (const Json& entry : json.at("errors"))
        port.errors.push_back(read_error(entry));
    port.stopped = read_stop(json.at("stopped"));
    return port;
}

}  // namespace

Json to_json(const LatencyResult& result) {
    Json json;
    json["schema"] = "smtpspec.latency/1";
    json["endpoint"] = result.endpoint;
    json["new_connection"] = result.shape.messages_per_connection == 1;
    json["ports"] = Json::array();
    for (const PortLatency& port : result.ports)
        json["ports"].push_back(port_json(port));
    json["notices"] = result.notices;
    return json;
}

tl::expected<LatencyResult, std::string> from_json(const Json& document) {
    try {
        if (document.at("schema") != "smtpspec.latency/1")
            return tl::unexpected(std::string("this is no latency result (schema smtpspec.latency/1)"));
        LatencyResult result;
        result.endpoint = document.at("endpoint").get<std::string>();
        result.shape.messages_per_connection = document.at("new_connection").get<bool>() ? 1 : 0;
        for (const Json& port : document.at("ports"))
            result.ports.push_back(read_port(port));
        result.notices = document.at("notices").get<std::vector<std::string>>();
        return result;
    } catch (const std::exception& problem) {
        return tl::unexpected(std::string("the latency result cannot be read: ") + problem.what());
    }
}

}  // namespace smtpspec::latency
