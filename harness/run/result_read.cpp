#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "harness/document/value.hpp"
#include "harness/run/result.hpp"
#include "harness/run/result_words.hpp"
#include "protocol/smtp/base64.hpp"

namespace smtpspec::run {

using json = nlohmann::ordered_json;
using document::DocumentError;
using document::Value;

namespace {

constexpr int highest_port = 65535;

wire::EntryKind read_kind(const Value& shown) {
    using wire::EntryKind;
    const std::vector<EntryKind> kinds = {
        EntryKind::sent, EntryKind::received, EntryKind::tls, EntryKind::end, EntryKind::note};
    return shown.one_of(kinds, [](EntryKind kind) { return entry_word(kind); });
}

wire::Entry read_entry(const Value& shown) {
    wire::Entry entry;
    entry.kind = read_kind(shown.at("kind"));
    entry.at = std::chrono::microseconds(shown.at("at_us").number<std::int64_t>());
    entry.connection = shown.at("connection").text();
    entry.inside_tls = shown.at("tls").truth();
    if (shown.has("text")) {
        entry.octets = shown.at("text").text();
        return entry;
    }
    const Value encoded = shown.at("base64");
    const auto octets = smtp::base64_decode(encoded.text());
    if (!octets) {
        encoded.wrong("base64");
    }
    entry.octets = *octets;
    return entry;
}

Verdict read_verdict(const Value& shown) {
    std::vector<Verdict> verdicts;
    for (int i = 0; i <= static_cast<int>(Verdict::Error); ++i) {
        verdicts.push_back(static_cast<Verdict>(i));
    }
    return shown.one_of(verdicts, [](Verdict verdict) { return script::to_string(verdict); });
}

script::Side read_side(const Value& shown) {
    const auto side = script::side_from_string(shown.text());
    if (!side) {
        shown.wrong("server or client");
    }
    return *side;
}

void read_rule(const Value& shown, Cell& cell) {
    cell.scenario = shown.at("scenario").text();
    cell.rev = shown.at("rev").number<int>(1);
    cell.title = shown.at("title").text();
    cell.fail_means = shown.text_or_none("fail_means");
    cell.covers = shown.at("covers").texts();
    cell.params = shown.at("params").pairs();
    cell.side = read_side(shown.at("side"));
    cell.endpoint = shown.text_or_none("endpoint");
    cell.client = shown.text_or_none("client");
    cell.port = shown.at("port").number<int>(0, highest_port);
    cell.mode = shown.at("mode").text();
    cell.level = shown.at("level").text();
    cell.severity = shown.at("severity").text();
    cell.refs = shown.at("refs").texts();
}

Attempt read_attempt(const Value& shown) {
    Attempt attempt;
    attempt.verdict = read_verdict(shown.at("verdict"));
    attempt.outcome = shown.at("outcome").text();
    attempt.reason = shown.at("reason").text();
    attempt.duration_us = shown.at("duration_us").number<std::int64_t>();
    shown.at("transcript").each([&](const Value& entry) { attempt.transcript.push_back(read_entry(entry)); });
    return attempt;
}

Cell read_cell(const Value& shown) {
    Cell cell;
    read_rule(shown, cell);
    cell.verdict = read_verdict(shown.at("verdict"));
    cell.outcome = shown.at("outcome").text();
    cell.evidence = shown.at("evidence").text();
    cell.reason = shown.at("reason").text();
    cell.expected = shown.at("expected").text();
    cell.got = shown.at("got").text();
    cell.error_kind = shown.at("cause").text();
    shown.at("labels").each([&](const Value& label) {
        cell.labels.push_back(LabelReached{label.at("label").text(),
                                           label.at("line").number<int>(),
                                           label.at("first").number<std::size_t>(),
                                           label.at("last").number<std::size_t>()});
    });
    cell.measurements = shown.at("measurements").pairs();
    cell.duration_us = shown.at("duration_us").number<std::int64_t>();
    shown.at("transcript").each([&](const Value& entry) { cell.transcript.push_back(read_entry(entry)); });
    if (const Value waiver = shown.at("waiver"); !waiver.is_null()) {
        cell.waiver = WaiverNote{waiver.at("reason").text(),
                                 waiver.at("id").text(),
                                 waiver.text_or_none("link"),
                                 waiver.text_or_none("owner"),
                                 waiver.text_or_none("expires")};
    }
    cell.unexpected_pass = shown.at("xpass").truth();
    cell.waiver_problem = shown.text_or_none("waiver_problem");
    cell.expired_waiver = shown.has("expired_waiver") && shown.at("expired_waiver").truth();
    if (shown.has("attempts")) {
        shown.at("attempts").each([&](const Value& attempt) {
            cell.attempts.push_back(read_attempt(attempt));
        });
    }
    return cell;
}

Rerun read_rerun(const Value& list) {
    Rerun rerun;
    list.each(
        [&](const Value& shown) { rerun.emplace_back(shown.at("option").text(), shown.at("value").text()); });
    return rerun;
}

std::optional<Rerun> read_own_rerun(const Value& shown) {
    return shown.has("rerun") ? std::optional(read_rerun(shown.at("rerun"))) : std::nullopt;
}

EndpointInfo read_endpoint(const Value& shown) {
    EndpointInfo endpoint;
    endpoint.name = shown.at("name").text();
    endpoint.host = shown.at("host").text();
    shown.at("ports").each_pair([&](const std::string& port, const Value& mode) {
        const bool digits =
            !port.empty() && port.size() < 6 &&
            std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
        const int number = digits ? std::stoi(port) : 0;
        if (number < 1 || number > highest_port) {
            throw DocumentError(fmt::format("{} is no port from 1 to {}", mode.path(), highest_port));
        }
        endpoint.ports[number] = mode.text();
    });
    endpoint.embedded = shown.at("embedded").truth();
    endpoint.rerun = read_own_rerun(shown);
    return endpoint;
}

Result read_result(const Value& root) {
    Result result;
    result.tool_version = root.at("tool").at("version").text();
    result.command = root.at("command").text();
    result.seed = root.at("seed").number<std::uint64_t>();
    result.started = root.at("started").text();
    result.duration_us = root.at("duration_us").number<std::int64_t>();
    result.interrupted = root.at("interrupted").truth();
    if (root.has("shard")) {
        result.shard = document::read_shard(root.at("shard"));
    }
    root.at("endpoints").each([&](const Value& endpoint) {
        result.endpoints.push_back(read_endpoint(endpoint));
    });
    root.at("clients").each([&](const Value& client) {
        result.clients.push_back(
            ClientInfo{client.at("name").text(), client.at("version").text(), read_own_rerun(client)});
    });
    const Value left_out = root.at("left_out");
    result.left_out_slow = left_out.at("slow").number<int>();
    result.left_out_intrusive = left_out.at("intrusive").number<int>();
    result.left_out_budget = left_out.at("budget").number<int>();
    result.notices = root.at("notices").texts();
    result.rerun = read_rerun(root.at("rerun"));
    root.at("cells").each([&](const Value& cell) { result.cells.push_back(read_cell(cell)); });
    return result;
}

}  // namespace

tl::expected<Result, std::string> result_from_json(const json& document) {
    try {
        const Value root(document);
        if (const Value schema = root.at("schema"); schema.text() != result_schema) {
            schema.wrong(fmt::format("\"{}\"", result_schema));
        }
        return read_result(root);
    } catch (const DocumentError& problem) {
        return tl::make_unexpected(
            fmt::format("this is no {} document as `smtpspec run --format json` writes it: {}",
                        result_schema,
                        problem.what()));
    }
}

}  // namespace smtpspec::run
