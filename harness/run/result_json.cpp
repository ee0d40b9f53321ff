#include <nlohmann/json.hpp>

#include "harness/run/result.hpp"
#include "harness/run/result_words.hpp"
#include "protocol/smtp/base64.hpp"

namespace smtpspec::run {

using json = nlohmann::ordered_json;

std::string_view entry_word(wire::EntryKind kind) {
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

namespace {

bool is_ascii(const std::string& octets) {
    for (const char c : octets) {
        if ((static_cast<unsigned char>(c) & 0x80U) != 0) {
            return false;
        }
    }
    return true;
}

json to_json(const wire::Entry& entry) {
    json shown{{"kind", entry_word(entry.kind)},
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

json transcript_json(const std::vector<wire::Entry>& transcript) {
    json list = json::array();
    for (const wire::Entry& entry : transcript) {
        list.push_back(to_json(entry));
    }
    return list;
}

json waiver_json(const WaiverNote& waiver) {
    json shown{{"id", waiver.id}, {"reason", waiver.reason}};
    for (const auto& [key, value] : {std::pair("link", &waiver.link),
                                     std::pair("owner", &waiver.owner),
                                     std::pair("expires", &waiver.expires)}) {
        if (!value->empty()) {
            shown[key] = *value;
        }
    }
    return shown;
}

json to_json(const Attempt& attempt) {
    return json{{"verdict", script::to_string(attempt.verdict)},
                {"outcome", attempt.outcome},
                {"reason", attempt.reason},
                {"duration_us", attempt.duration_us},
                {"transcript", transcript_json(attempt.transcript)}};
}

json pairs(const std::vector<std::pair<std::string, std::string>>& list) {
    json map = json::object();
    for (const auto& [key, value] : list) {
        map[key] = value;
    }
    return map;
}

json to_json(const Cell& cell) {
    json shown{{"scenario", cell.scenario}, {"rev", cell.rev}, {"title", cell.title}};
    if (!cell.fail_means.empty()) {
        shown["fail_means"] = cell.fail_means;
    }
    shown["covers"] = cell.covers;
    shown["params"] = pairs(cell.params);
    shown["side"] = script::to_string(cell.side);
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
    shown["transcript"] = transcript_json(cell.transcript);
    shown["waiver"] = cell.waiver ? waiver_json(*cell.waiver) : json(nullptr);
    shown["xpass"] = cell.unexpected_pass;
    if (!cell.waiver_problem.empty()) {
        shown["waiver_problem"] = cell.waiver_problem;
        shown["expired_waiver"] = cell.expired_waiver;
    }
    if (!cell.attempts.empty()) {
        shown["flaky"] = cell.is_flaky();
        shown["attempts"] = json::array();
        for (const Attempt& attempt : cell.attempts) {
            shown["attempts"].push_back(to_json(attempt));
        }
    }
    return shown;
}

/// A list: --connect-to may stand there twice.
json rerun_json(const Rerun& rerun) {
    json list = json::array();
    for (const auto& [option, value] : rerun) {
        list.push_back(json{{"option", option}, {"value", value}});
    }
    return list;
}

void add_own_rerun(json& shown, const std::optional<Rerun>& rerun) {
    if (rerun) {
        shown["rerun"] = rerun_json(*rerun);
    }
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
        add_own_rerun(list.back(), endpoint.rerun);
    }
    return list;
}

}  // namespace

json to_json(const Result& result) {
    json document{{"schema", result_schema},
                  {"tool", {{"name", "smtpspec"}, {"version", result.tool_version}}},
                  {"command", result.command},
                  {"seed", result.seed},
                  {"started", result.started},
                  {"duration_us", result.duration_us},
                  {"interrupted", result.interrupted}};
    if (result.shard) {
        document["shard"] = document::to_json(*result.shard);
    }
    document["endpoints"] = endpoints_json(result);
    document["clients"] = json::array();
    for (const ClientInfo& client : result.clients) {
        document["clients"].push_back(json{{"name", client.name}, {"version", client.version}});
        add_own_rerun(document["clients"].back(), client.rerun);
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
    document["rerun"] = rerun_json(result.rerun);
    document["cells"] = json::array();
    for (const Cell& cell : result.cells) {
        document["cells"].push_back(to_json(cell));
    }
    return document;
}

}  // namespace smtpspec::run
