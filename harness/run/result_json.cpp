#include <nlohmann/json.hpp>

#include "harness/run/result.hpp"
#include "protocol/smtp/base64.hpp"

namespace smtpspec::run {

using json = nlohmann::ordered_json;

namespace {

constexpr const char* schema_name = "smtpspec.result/1";

std::string_view word(wire::EntryKind kind) {
    switch (kind) {
        case wire::EntryKind::sent:
            return "sent";
        case wire::EntryKind::received:
            return "received";
        case wire::EntryKind::tls:
            return "tls";
        case wire::EntryKind::end:
            return "end";
        case wire::EntryKind::note:
            break;
    }
    return "note";
}

wire::EntryKind entry_kind(const std::string& name) {
    for (const auto kind :
         {wire::EntryKind::sent, wire::EntryKind::received, wire::EntryKind::tls, wire::EntryKind::end}) {
        if (word(kind) == name) {
            return kind;
        }
    }
    return wire::EntryKind::note;
}

bool is_ascii(const std::string& octets) {
    for (const char c : octets) {
        if ((static_cast<unsigned char>(c) & 0x80U) != 0) {
            return false;
        }
    }
    return true;
}

json to_json(const wire::Entry& entry) {
    json shown{{"kind", word(entry.kind)},
               {"at_us", entry.at.count()},
               {"connection", entry.connection},
               {"tls", entry.inside_tls}};
    if (is_ascii(entry.octets)) {
        shown["text"] = entry.octets;
    } else {
        shown["base64"] = smtp::base64_encode(entry.octets);
    }
    return shown;
}

json pairs(const std::vector<std::pair<std::string, std::string>>& list) {
    json map = json::object();
    for (const auto& [key, value] : list) {
        map[key] = value;
    }
    return map;
}

json to_json(const Cell& cell) {
    json shown{{"scenario", cell.scenario},
               {"rev", cell.rev},
               {"title", cell.title},
               {"covers", cell.covers},
               {"params", pairs(cell.params)},
               {"side", script::to_string(cell.side)}};
    if (cell.side == script::Side::Server) {
        shown["endpoint"] = cell.endpoint;
    } else {
        shown["client"] = cell.client;
    }
    shown["port"] = cell.port;
    shown["mode"] = cell.mode;
    shown["verdict"] = script::to_string(cell.verdict);
    shown["outcome"] = cell.outcome;
    shown["level"] = cell.level;
    shown["severity"] = cell.severity;
    shown["refs"] = cell.refs;
    shown["evidence"] = cell.evidence;
    shown["reason"] = cell.reason;
    shown["expected"] = cell.expected;
    shown["got"] = cell.got;
    shown["cause"] = cell.error_kind;
    shown["labels"] = json::array();
    for (const LabelReached& label : cell.labels) {
        shown["labels"].push_back(json{{"label", label.label},
                                       {"line", label.line},
                                       {"first", label.transcript_first},
                                       {"last", label.transcript_last}});
    }
    shown["measurements"] = pairs(cell.measurements);
    shown["duration_us"] = cell.duration_us;
    shown["transcript"] = json::array();
    for (const wire::Entry& entry : cell.transcript) {
        shown["transcript"].push_back(to_json(entry));
    }
    shown["waiver"] = nullptr;
    if (cell.waiver) {
        shown["waiver"] = json{{"id", cell.waiver->id}, {"reason", cell.waiver->reason}};
    }
    shown["xpass"] = cell.unexpected_pass;
    return shown;
}

json endpoints_json(const Result& result) {
    json list = json::array();
    for (const EndpointInfo& endpoint : result.endpoints) {
        json ports = json::object();
        for (const auto& [port, mode] : endpoint.ports) {
            ports[std::to_string(port)] = mode;
        }
        list.push_back(json{{"name", endpoint.name},
                            {"host", endpoint.host},
                            {"ports", ports},
                            {"embedded", endpoint.embedded}});
    }
    return list;
}

}  // namespace

json to_json(const Result& result) {
    json document{{"schema", schema_name},
                  {"tool", {{"name", "smtpspec"}, {"version", result.tool_version}}},
                  {"command", result.command},
                  {"seed", result.seed},
                  {"started", result.started},
                  {"duration_us", result.duration_us},
                  {"interrupted", result.interrupted}};
    document["endpoints"] = endpoints_json(result);
    document["clients"] = json::array();
    for (const ClientInfo& client : result.clients) {
        document["clients"].push_back(json{{"name", client.name}, {"version", client.version}});
    }
    json summary = json::object();
    for (const auto& [verdict, count] : result.summary()) {
        summary[std::string(script::to_string(verdict))] = count;
    }
    document["summary"] = summary;
    document["left_out"] = json{{"slow", result.left_out_slow},
                                {"intrusive", result.left_out_intrusive},
                                {"budget", result.left_out_budget}};
    document["notices"] = result.notices;
    document["rerun"] = json::array();  // a list: --connect-to may stand there twice
    for (const auto& [option, value] : result.rerun) {
        document["rerun"].push_back(json{{"option", option}, {"value", value}});
    }
    document["cells"] = json::array();
    for (const Cell& cell : result.cells) {
        document["cells"].push_back(to_json(cell));
    }
    return document;
}

namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

Pairs read_pairs(const json& map) {
    Pairs list;
    for (const auto& [key, value] : map.items()) {
        list.emplace_back(key, value.get<std::string>());
    }
    return list;
}

wire::Entry read_entry(const json& shown) {
    wire::Entry entry;
    entry.kind = entry_kind(shown.at("kind"));
    entry.at = std::chrono::microseconds(shown.at("at_us").get<std::int64_t>());
    entry.connection = shown.at("connection");
    entry.inside_tls = shown.at("tls");
    entry.octets = shown.contains("text")
                       ? shown["text"].get<std::string>()
                       : smtp::base64_decode(shown.at("base64").get<std::string>()).value_or("");
    return entry;
}

Cell read_cell(const json& shown) {
    Cell cell;
    cell.scenario = shown.at("scenario");
    cell.rev = shown.at("rev");
    cell.title = shown.at("title");
    cell.covers = shown.at("covers").get<std::vector<std::string>>();
    cell.params = read_pairs(shown.at("params"));
    cell.side = script::side_from_string(shown.at("side").get<std::string>()).value_or(script::Side::Server);
    cell.endpoint = shown.value("endpoint", "");
    cell.client = shown.value("client", "");
    cell.port = shown.at("port");
    cell.mode = shown.at("mode");
    const auto verdict = shown.at("verdict").get<std::string>();
    cell.verdict =
        verdict == "error" ? Verdict::Error : script::verdict_from_string(verdict).value_or(Verdict::Error);
    cell.outcome = shown.at("outcome");
    cell.level = shown.at("level");
    cell.severity = shown.at("severity");
    cell.refs = shown.at("refs").get<std::vector<std::string>>();
    cell.evidence = shown.at("evidence");
    cell.reason = shown.at("reason");
    cell.expected = shown.at("expected");
    cell.got = shown.at("got");
    cell.error_kind = shown.at("cause");
    for (const auto& label : shown.at("labels")) {
        cell.labels.push_back(
            LabelReached{label.at("label"), label.at("line"), label.at("first"), label.at("last")});
    }
    cell.measurements = read_pairs(shown.at("measurements"));
    cell.duration_us = shown.at("duration_us");
    for (const auto& entry : shown.at("transcript")) {
        cell.transcript.push_back(read_entry(entry));
    }
    if (!shown.at("waiver").is_null()) {
        cell.waiver = WaiverNote{shown["waiver"].at("reason"), shown["waiver"].at("id")};
    }
    cell.unexpected_pass = shown.at("xpass");
    return cell;
}

void read_endpoints(const json& document, Result& result) {
    for (const auto& shown : document.at("endpoints")) {
        EndpointInfo endpoint;
        endpoint.name = shown.at("name");
        endpoint.host = shown.at("host");
        for (const auto& [port, mode] : shown.at("ports").items()) {
            endpoint.ports[std::atoi(port.c_str())] = mode.get<std::string>();
        }
        endpoint.embedded = shown.at("embedded");
        result.endpoints.push_back(std::move(endpoint));
    }
}

}  // namespace

namespace {

/// The library's message without its own name for the kind of mistake.
std::string without_tag(const std::string& what) {
    const std::size_t end = what.rfind("] ");
    return end == std::string::npos ? what : what.substr(end + 2);
}

}  // namespace

tl::expected<Result, std::string> result_from_json(const json& document) {
    try {
        if (document.at("schema") != schema_name) {
            return tl::make_unexpected(
                fmt::format("this is \"{}\", not \"{}\"", document["schema"].dump(), schema_name));
        }
        Result result;
        result.tool_version = document.at("tool").at("version");
        result.command = document.at("command");
        result.seed = document.at("seed");
        result.started = document.at("started");
        result.duration_us = document.at("duration_us");
        result.interrupted = document.at("interrupted");
        read_endpoints(document, result);
        for (const auto& client : document.at("clients")) {
            result.clients.push_back(ClientInfo{client.at("name"), client.at("version")});
        }
        result.left_out_slow = document.at("left_out").at("slow");
        result.left_out_intrusive = document.at("left_out").at("intrusive");
        result.left_out_budget = document.at("left_out").at("budget");
        result.notices = document.at("notices").get<std::vector<std::string>>();
        for (const auto& shown : document.at("rerun")) {
            result.rerun.emplace_back(shown.at("option"), shown.at("value"));
        }
        for (const auto& cell : document.at("cells")) {
            result.cells.push_back(read_cell(cell));
        }
        return result;
    } catch (const json::exception& problem) {
        return tl::make_unexpected(
            fmt::format("this is no {} document as `smtpspec run --format json` writes it: {}",
                        schema_name,
                        without_tag(problem.what())));
    }
}

}  // namespace smtpspec::run
