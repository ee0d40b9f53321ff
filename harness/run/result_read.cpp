#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>

#include "harness/run/result.hpp"
#include "harness/run/result_words.hpp"
#include "protocol/script/suggest.hpp"
#include "protocol/smtp/base64.hpp"
#include "protocol/smtp/escape.hpp"

namespace smtpspec::run {

using json = nlohmann::ordered_json;

namespace {

/// A mistake in a document, thrown inside this file only. The message names the place.
struct DocumentError {
    std::string message;
};

constexpr std::size_t longest_shown = 60;  // octets of a value that is wrong

/// A value of the document that knows where it stands, for messages. Lives as long as its parent.
class Value {
  public:
    explicit Value(const json& value) : value_(value) {}
    Value(const json& value, const Value* parent, std::string_view key)
        : value_(value), parent_(parent), key_(key) {}
    Value(const json& value, const Value* parent, std::size_t index)
        : value_(value), parent_(parent), index_(index) {}

    /// "cells[3].port"; "" for the document itself.
    std::string path() const {
        if (parent_ == nullptr) {
            return {};
        }
        const std::string front = parent_->path();
        return index_          ? fmt::format("{}[{}]", front, *index_)
               : front.empty() ? std::string(key_)
                               : fmt::format("{}.{}", front, smtp::printable(key_, longest_shown));
    }

    [[noreturn]] void wrong(const std::string& expected) const {
        const std::string where = path();
        throw DocumentError{fmt::format(
            "{}: expected {}, got {}", where.empty() ? "the document" : where, expected, shown())};
    }

    Value at(std::string_view key) const {
        if (!value_.is_object()) {
            wrong("an object");
        }
        const auto found = value_.find(key);
        if (found == value_.end()) {
            const std::string where = path();
            throw DocumentError{fmt::format("{}{}{} is missing", where, where.empty() ? "" : ".", key)};
        }
        return {*found, this, key};
    }

    bool has(std::string_view key) const { return value_.is_object() && value_.contains(key); }
    bool is_null() const { return value_.is_null(); }

    std::string text() const {
        if (!value_.is_string()) {
            wrong("a text");
        }
        return value_.get<std::string>();
    }

    std::string text_or_none(std::string_view key) const { return has(key) ? at(key).text() : std::string(); }

    bool truth() const {
        if (!value_.is_boolean()) {
            wrong("true or false");
        }
        return value_.get<bool>();
    }

    /// A whole number from `low` to what the type, or `high`, can hold.
    template <typename Number>
    Number number(Number low = 0, Number high = std::numeric_limits<Number>::max()) const {
        const bool whole = value_.is_number_integer();
        const bool negative = whole && !value_.is_number_unsigned() && value_.get<std::int64_t>() < 0;
        const auto size = whole && !negative ? value_.get<std::uint64_t>() : 0;
        if (!whole || negative || size < static_cast<std::uint64_t>(low) ||
            size > static_cast<std::uint64_t>(high)) {
            wrong(fmt::format("a whole number from {} to {}", low, high));
        }
        return static_cast<Number>(size);
    }

    template <typename Each>
    void each(Each&& look) const {
        if (!value_.is_array()) {
            wrong("a list");
        }
        for (std::size_t i = 0; i < value_.size(); ++i) {
            look(Value(value_[i], this, i));
        }
    }

    template <typename Each>
    void each_pair(Each&& look) const {
        if (!value_.is_object()) {
            wrong("an object");
        }
        for (const auto& [key, value] : value_.items()) {
            look(key, Value(value, this, std::string_view(key)));
        }
    }

    std::vector<std::string> texts() const {
        std::vector<std::string> list;
        each([&](const Value& item) { list.push_back(item.text()); });
        return list;
    }

    std::vector<std::pair<std::string, std::string>> pairs() const {
        std::vector<std::pair<std::string, std::string>> list;
        each_pair([&](const std::string& key, const Value& value) { list.emplace_back(key, value.text()); });
        return list;
    }

  private:
    std::string shown() const {
        if (value_.is_object() || value_.is_array()) {
            return value_.is_object() ? "an object" : "a list";
        }
        return smtp::printable(value_.dump(-1, ' ', false, json::error_handler_t::replace), longest_shown);
    }

    const json& value_;
    const Value* parent_ = nullptr;
    std::string_view key_;
    std::optional<std::size_t> index_;
};

constexpr int highest_port = 65535;

wire::EntryKind read_kind(const Value& shown) {
    using wire::EntryKind;
    std::vector<std::string> words;
    for (const auto kind :
         {EntryKind::sent, EntryKind::received, EntryKind::tls, EntryKind::end, EntryKind::note}) {
        words.emplace_back(entry_word(kind));
        if (words.back() == shown.text()) {
            return kind;
        }
    }
    shown.wrong(script::any_of(words));
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
    std::vector<std::string> words;
    for (int i = 0; i <= static_cast<int>(Verdict::Error); ++i) {
        words.emplace_back(script::to_string(static_cast<Verdict>(i)));
        if (words.back() == shown.text()) {
            return static_cast<Verdict>(i);
        }
    }
    shown.wrong(script::any_of(words));
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
            throw DocumentError{fmt::format("{} is no port from 1 to {}", mode.path(), highest_port)};
        }
        endpoint.ports[number] = mode.text();
    });
    endpoint.embedded = shown.at("embedded").truth();
    return endpoint;
}

Result read_result(const Value& document) {
    Result result;
    result.tool_version = document.at("tool").at("version").text();
    result.command = document.at("command").text();
    result.seed = document.at("seed").number<std::uint64_t>();
    result.started = document.at("started").text();
    result.duration_us = document.at("duration_us").number<std::int64_t>();
    result.interrupted = document.at("interrupted").truth();
    if (document.has("shard")) {
        const Value shard = document.at("shard");
        const int count = shard.at("count").number<int>(1);
        result.shard = Shard{shard.at("index").number<int>(1, count), count};
    }
    document.at("endpoints").each([&](const Value& endpoint) {
        result.endpoints.push_back(read_endpoint(endpoint));
    });
    document.at("clients").each([&](const Value& client) {
        result.clients.push_back(ClientInfo{client.at("name").text(), client.at("version").text()});
    });
    const Value left_out = document.at("left_out");
    result.left_out_slow = left_out.at("slow").number<int>();
    result.left_out_intrusive = left_out.at("intrusive").number<int>();
    result.left_out_budget = left_out.at("budget").number<int>();
    result.notices = document.at("notices").texts();
    document.at("rerun").each([&](const Value& shown) {
        result.rerun.emplace_back(shown.at("option").text(), shown.at("value").text());
    });
    document.at("cells").each([&](const Value& cell) { result.cells.push_back(read_cell(cell)); });
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
                        problem.message));
    }
}

}  // namespace smtpspec::run
