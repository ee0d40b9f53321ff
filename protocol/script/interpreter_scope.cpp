#include "protocol/script/interpreter_scope.hpp"

#include <fmt/format.h>

#include <cmath>

#include "protocol/script/interpreter_state.hpp"
#include "protocol/script/print.hpp"

namespace smtpspec::script {

namespace {

Value unknown(Unknown::Why why, std::string what) { return Unknown{why, std::move(what)}; }

bool starts_with_word(const std::string& name, std::string_view word) {
    return name.size() > word.size() && name.starts_with(word) && name[word.size()] == '.';
}

/// The words that a profile gives (§9): they are values even where this profile does not have them.
bool is_given_word(const std::string& name) {
    static const std::set<std::string> words = {
        "ehlo", "from", "to", "bad", "remote", "user", "secret", "host", "port", "mode", "domain", "nonce"};
    return words.contains(name);
}

}  // namespace

Value ScriptScope::name(const std::string& name, Position at) {
    if (const auto found = variables_.find(name); found != variables_.end()) {
        return found->second;
    }
    if (auto value = parameter(name, at)) {
        return *value;
    }
    const auto& given = state_.environment.given();
    if (const auto found = given.find(name); found != given.end()) {
        return found->second;
    }
    if (is_given_word(name)) {
        return unknown(Unknown::Why::fixture, "`" + name + "` of the profile");
    }
    if (auto value = dotted(name)) {
        return *value;
    }
    return state_.reached(name);
}

std::optional<Value> ScriptScope::parameter(const std::string& name, Position at) {
    if (const auto found = parameters_.find(name); found != parameters_.end()) {
        return found->second;
    }
    std::string base = name;
    std::string field;
    const ParamValue* held = cell_value(state_.scenario.head, state_.cell, base);
    if (held == nullptr) {
        const std::size_t dot = name.rfind('.');
        if (dot == std::string::npos) {
            return std::nullopt;
        }
        base = name.substr(0, dot);
        field = name.substr(dot + 1);
        held = cell_value(state_.scenario.head, state_.cell, base);
    }
    if (held == nullptr) {
        return std::nullopt;
    }
    if (field == "name") {
        return Value(held->name);
    }
    const Template* text = held->find(field);
    if (text == nullptr) {
        throw EvalError(EvalError::Kind::wrong, at, fmt::format("`{}` has no text `{}`", base, field));
    }
    constexpr int deepest = 16;
    if (depth_ >= deepest) {
        throw EvalError(EvalError::Kind::wrong, text->at, "parameters that insert each other in a circle");
    }
    ++depth_;
    Record record;
    record.name = held->name;
    record.text = expand(*text, *this);
    --depth_;
    return parameters_.emplace(name, Value(std::move(record))).first->second;
}

std::optional<Value> ScriptScope::dotted(const std::string& name) {
    const std::size_t dot = name.find('.');
    if (dot == std::string::npos) {
        return std::nullopt;
    }
    const std::string fact = name.substr(dot + 1);
    if (starts_with_word(name, "store")) {
        return store_fact(fact);
    }
    if (starts_with_word(name, "client")) {
        return client_fact(fact);
    }
    if (starts_with_word(name, "session")) {
        return session_value(fact);
    }
    const bool of_link =
        starts_with_word(name, "reply") || starts_with_word(name, "tls") || starts_with_word(name, "cert");
    if (!of_link) {
        return std::nullopt;
    }
    if (state_.current == nullptr || state_.current->given_away()) {
        return unknown(Unknown::Why::peer, "`" + name + "` without a connection");
    }
    if (name.starts_with("reply.")) {
        return reply_fact(*state_.current, fact);
    }
    return name.starts_with("tls.") ? tls_fact(*state_.current, fact)
                                    : certificate_fact(*state_.current, fact);
}

Value ScriptScope::store_fact(const std::string& name) {
    StoreOracle* const store = state_.environment.store();
    if (store == nullptr || !state_.mails) {
        return unknown(Unknown::Why::oracle, "the message store");
    }
    if (name == "count") {
        return static_cast<std::int64_t>(state_.mails->size());
    }
    return name == "lost" ? store->lost() : store->doubled();
}

Value ScriptScope::client_fact(const std::string& name) {
    ClientOracle* const client = state_.environment.client();
    if (client == nullptr) {
        return unknown(Unknown::Why::oracle, "the client under test");
    }
    if (name == "says") {
        return client->says();
    }
    if (name == "output") {
        return client->output();
    }
    return static_cast<std::int64_t>(std::llround(client->peak()));
}

Value ScriptScope::session_value(const std::string& name) {
    if (state_.current == nullptr || state_.current->given_away()) {
        return unknown(Unknown::Why::peer, "a session");
    }
    auto fact = session_fact(state_.current->facts(), name);
    return fact ? *fact : unknown(Unknown::Why::peer, "`session." + name + "`");
}

bool ScriptScope::has_variable(const std::string& name) const {
    return variables_.contains(name) || state_.environment.given().contains(name) ||
           cell_value(state_.scenario.head, state_.cell, name) != nullptr;
}

std::optional<Value> ScriptScope::call(const std::string& function,
                                       const std::vector<Value>& arguments,
                                       Position at) {
    if (arguments.size() == 1) {
        const Value& only = arguments.front();
        const auto text = only.text();
        if (function == "recipient") {
            return state_.environment.recipient(static_cast<int>(as_number(only, at)));
        }
        if (text && (function == "since" || function == "count")) {
            return time_function(function, *text);
        }
        if (text && (function == "copies" || function == "mail")) {
            return search_store(function, *text);
        }
    }
    return world_function(function, arguments, at);
}

std::optional<Value> ScriptScope::time_function(const std::string& function, const std::string& mark) {
    const auto found = state_.marks.find(mark);
    if (function == "count") {
        return found == state_.marks.end() ? std::int64_t{0} : found->second.count;
    }
    if (found == state_.marks.end()) {
        return unknown(Unknown::Why::peer, "the mark `" + mark + "`");
    }
    const auto passed = std::chrono::duration_cast<Duration>(state_.last_event - found->second.last);
    return std::max(state_.as_written(passed), Duration(0));
}

Value ScriptScope::search_store(const std::string& function, const std::string& token) {
    if (state_.environment.store() == nullptr || !state_.mails) {
        return unknown(Unknown::Why::oracle, "the message store");
    }
    std::int64_t copies = 0;
    const std::string* first = nullptr;
    for (const StoredMail& mail : *state_.mails) {
        if (mail.raw.find(token) != std::string::npos) {
            first = first == nullptr ? &mail.raw : first;
            ++copies;
        }
    }
    if (function == "copies") {
        return copies;
    }
    return first == nullptr ? std::string() : *first;
}

std::optional<Value> ScriptScope::world_function(const std::string& function,
                                                 const std::vector<Value>& arguments,
                                                 Position) {
    std::vector<std::string> texts;
    for (const Value& argument : arguments) {
        texts.push_back(argument.text().value_or(std::string()));
    }
    Environment& world = state_.environment;
    Link* const link = state_.current != nullptr && !state_.current->given_away() ? state_.current : nullptr;
    const auto or_unknown = [&](auto result, const std::string& what) {
        return result ? Value(std::move(*result)) : unknown(Unknown::Why::oracle, what);
    };
    if (function == "keyword" && texts.size() == 1 && link != nullptr) {
        return fmt::format("{}", fmt::join(link->capabilities.words(texts[0]), " "));
    }
    if (function == "tls.offers" && texts.size() == 1 && link != nullptr) {
        return offers(*link, texts[0]);
    }
    if (function == "channel_binding" && texts.empty() && link != nullptr) {
        return link->connection().channel_binding();
    }
    if (function == "web" && texts.size() == 1) {
        return or_unknown(world.web(texts[0]), texts[0]);
    }
    if (function == "spki" && texts.size() == 1) {
        return or_unknown(world.spki(texts[0]), "the key of the certificate `" + texts[0] + "`");
    }
    if (function == "file" && texts.size() == 1) {
        return or_unknown(world.file(texts[0]), "the file \"" + texts[0] + "\" beside the scenario");
    }
    if (function == "dns" && texts.size() == 2) {
        auto records = world.dns(texts[0], texts[1]);
        if (!records) {
            return unknown(Unknown::Why::oracle, "DNS");
        }
        return ValueList(records->begin(), records->end());
    }
    if (function == "keyword" || function == "tls.offers" || function == "channel_binding") {
        return unknown(Unknown::Why::peer, function + "() without a connection");
    }
    return std::nullopt;
}

void ScriptScope::capture(const std::string& name, std::string octets) {
    variables_[name] = Value(std::move(octets));
}

void ScriptScope::compared(const Expression& side, const Value& value) {
    constexpr std::size_t longest = 200;
    auto text = value.text();
    if (!measuring_ || !text) {
        return;
    }
    Measurement measurement;
    measurement.name = to_text(side);
    measurement.value = value.octets() != nullptr ? state_.shown(*text).substr(0, longest) : *text;
    state_.result.measurements.push_back(std::move(measurement));
}

}  // namespace smtpspec::script
