#include "protocol/script/functions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "protocol/script/eval.hpp"
#include "protocol/script/function_crypto.hpp"
#include "protocol/smtp/base64.hpp"
#include "protocol/smtp/data.hpp"
#include "protocol/smtp/sasl.hpp"
#include "protocol/smtp/text.hpp"

namespace smtpspec::script {

namespace {

/// The arguments of one call, taken by kind.
class Arguments {
  public:
    Arguments(const std::string& name, const std::vector<Value>& values, Position at)
        : name_(name), values_(values), at_(at) {}

    std::size_t size() const { return values_.size(); }
    Position at() const { return at_; }
    const Value& operator[](std::size_t i) const { return values_[i]; }

    /// Octets; a number or a time as it would stand in a text.
    std::string text(std::size_t i) const {
        auto text = values_[i].text();
        if (!text) {
            fail(fmt::format("argument {} has to be text, and it is {}", i + 1, values_[i].kind()));
        }
        return std::move(*text);
    }
    std::size_t amount(std::size_t i) const {
        const std::int64_t number = as_number(values_[i], at_);
        if (number < 0 || number > static_cast<std::int64_t>(max_value_octets)) {
            fail(fmt::format("argument {} has to lie between 0 and 64 MiB", i + 1));
        }
        return static_cast<std::size_t>(number);
    }
    const ValueList& list(std::size_t i) const {
        if (values_[i].list() == nullptr) {
            fail(fmt::format("argument {} has to be a list, and it is {}", i + 1, values_[i].kind()));
        }
        return *values_[i].list();
    }
    [[noreturn]] void fail(const std::string& what) const {
        throw EvalError(EvalError::Kind::wrong, at_, fmt::format("{}(): {}", name_, what));
    }

  private:
    const std::string& name_;
    const std::vector<Value>& values_;
    Position at_;
};

Value from_peer(const std::string& what) { return Unknown{Unknown::Why::peer, what}; }

Value decoded(tl::expected<std::string, std::string> result) {
    return result ? Value(std::move(*result)) : from_peer(result.error());
}

Value length(const Arguments& call) {
    if (const ValueList* list = call[0].list()) {
        return static_cast<std::int64_t>(list->size());
    }
    return static_cast<std::int64_t>(call.text(0).size());
}

Value number(const Arguments& call) {
    if (call[0].number() != nullptr) {
        return call[0];
    }
    const std::string text = call.text(0);
    const auto value = number_from_text(text);
    return value ? Value(*value) : from_peer("a number in \"" + text.substr(0, 40) + "\"");
}

std::int64_t occurrences(std::string_view text, std::string_view needle) {
    std::int64_t found = 0;
    for (std::size_t at = text.find(needle); at != std::string_view::npos && !needle.empty();
         at = text.find(needle, at + needle.size())) {
        ++found;
    }
    return found;
}

Value count(const Arguments& call) {
    if (call.size() == 1) {
        return static_cast<std::int64_t>(call.list(0).size());
    }
    if (const ValueList* list = call[0].list()) {
        std::int64_t found = 0;
        for (const Value& item : *list) {
            const Value same = compare(BinaryOperator::Equal, item, call[1], call.at());
            found += !same.is_unknown() && *same.truth() ? 1 : 0;
        }
        return found;
    }
    return occurrences(call.text(0), call.text(1));
}

Value sorted(const Arguments& call) {
    ValueList list = call.list(0);
    std::stable_sort(list.begin(), list.end(), [&](const Value& a, const Value& b) {
        const Value less = compare(BinaryOperator::Less, a, b, call.at());
        return !less.is_unknown() && *less.truth();
    });
    return list;
}

Value repeat(const Arguments& call) {
    const std::string text = call.text(0);
    const std::size_t times = call.amount(1);
    if (text.size() * times > max_value_octets) {
        call.fail("a value may have 64 MiB");
    }
    std::string out;
    out.reserve(text.size() * times);
    for (std::size_t i = 0; i < times; ++i) {
        out += text;
    }
    return out;
}

Value pad(const Arguments& call) {
    std::string text = call.text(0);
    const std::size_t size = call.amount(1);
    if (text.size() < size) {
        text.resize(size, 'x');
    }
    return text;
}

Value flip(const Arguments& call) {
    std::string text = call.text(0);
    if (!text.empty()) {
        text.back() = static_cast<char>(static_cast<unsigned char>(text.back()) ^ 1U);
    }
    return text;
}

Value plain(const Arguments& call) {
    return smtp::base64_encode(smtp::plain_message("", call.text(0), call.text(1)));
}

Value hmac(const Arguments& call) {
    auto result = hmac_octets(call.text(0), call.text(1), call.text(2));
    if (!result) {
        call.fail(result.error());
    }
    return std::move(*result);
}

Value scram(const Arguments& call) {
    const auto crypto = scram_crypto(call.text(0));
    if (!crypto) {
        call.fail(crypto.error());
    }
    const std::string binding = call.size() > 4 ? call.text(4) : "";
    const std::string nonce = call.size() > 5 ? call.text(5) : "";
    const auto final = smtp::scram_final(*crypto, call.text(1), call.text(2), call.text(3), binding, nonce);
    return final ? Value(final->message) : from_peer(final.error());
}

/// What the server has to say in v=, in base64.
Value scram_signature(const Arguments& call) {
    const auto crypto = scram_crypto(call.text(0));
    if (!crypto) {
        call.fail(crypto.error());
    }
    const std::string binding = call.size() > 4 ? call.text(4) : "";
    const auto final = smtp::scram_final(*crypto, call.text(1), call.text(2), call.text(3), binding);
    return final ? Value(smtp::base64_encode(final->server_signature)) : from_peer(final.error());
}

Value body(const Arguments& call) {
    const std::string mail = call.text(0);
    if (mail.starts_with("\r\n")) {
        return mail.substr(2);
    }
    const std::size_t end = mail.find("\r\n\r\n");
    return end == std::string::npos ? std::string() : mail.substr(end + 4);
}

/// A field's text with its folding undone (RFC 5322 §2.2.3): CRLF before a blank goes, the blank stays.
std::string unfolded(std::string_view field) {
    std::string out;
    for (std::size_t i = 0; i < field.size(); ++i) {
        if (field.substr(i, 2) == "\r\n") {
            ++i;
            continue;
        }
        out += field[i];
    }
    const std::size_t begin = out.find_first_not_of(" \t");
    return begin == std::string::npos ? std::string() : out.substr(begin);
}

Value header(const Arguments& call) {
    const std::string mail = call.text(0);
    const std::string name = call.text(1) + ":";
    ValueList fields;
    std::size_t at = 0;
    while (at < mail.size() && mail.compare(at, 2, "\r\n") != 0) {
        std::size_t end = mail.find("\r\n", at);
        while (end != std::string::npos && end + 2 < mail.size() &&
               (mail[end + 2] == ' ' || mail[end + 2] == '\t')) {
            end = mail.find("\r\n", end + 2);
        }
        end = end == std::string::npos ? mail.size() : end;
        const std::string_view field = std::string_view(mail).substr(at, end - at);
        if (smtp::istarts_with(field, name)) {
            fields.emplace_back(unfolded(field.substr(name.size())));
        }
        at = end + 2;
    }
    return fields;
}

Value simple(const std::string& name, const Arguments& call) {
    const std::string text = call.text(0);
    if (name == "hex") {
        return smtp::hex_encode(text);
    }
    if (name == "unhex") {
        return decoded(smtp::hex_decode(text));
    }
    if (name == "base64") {
        return smtp::base64_encode(text);
    }
    if (name == "unbase64") {
        return decoded(smtp::base64_decode(text));
    }
    if (name == "upper") {
        return smtp::to_upper(text);
    }
    return name == "lower" ? smtp::to_lower(text) : smtp::dot_stuff(text);
}

using Function = Value (*)(const Arguments&);

struct Entry {
    std::size_t least, most;
    Function function;  ///< null: simple()
};

const std::map<std::string, Entry, std::less<>>& table() {
    static const std::map<std::string, Entry, std::less<>> entries = {
        {"len", {1, 1, length}},        {"hex", {1, 1, nullptr}},
        {"unhex", {1, 1, nullptr}},     {"base64", {1, 1, nullptr}},
        {"unbase64", {1, 1, nullptr}},  {"upper", {1, 1, nullptr}},
        {"lower", {1, 1, nullptr}},     {"number", {1, 1, number}},
        {"count", {1, 2, count}},       {"sort", {1, 1, sorted}},
        {"repeat", {2, 2, repeat}},     {"pad", {2, 2, pad}},
        {"stuffed", {1, 1, nullptr}},   {"flip", {1, 1, flip}},
        {"plain", {2, 2, plain}},       {"hmac", {3, 3, hmac}},
        {"scram_final", {4, 6, scram}}, {"scram_signature", {4, 5, scram_signature}},
        {"body", {1, 1, body}},         {"header", {2, 2, header}},
    };
    return entries;
}

}  // namespace

bool is_pure_function(std::string_view name) { return table().find(name) != table().end(); }

Value call_pure(const std::string& name, const std::vector<Value>& arguments, Position at) {
    const Entry& entry = table().find(name)->second;
    const Arguments call(name, arguments, at);
    if (arguments.size() < entry.least || arguments.size() > entry.most) {
        call.fail(
            fmt::format("{} arguments given, {} to {} are taken", call.size(), entry.least, entry.most));
    }
    return entry.function == nullptr ? simple(name, call) : entry.function(call);
}

Value count_matches(const Value& text, const CompiledRegex& regex, Position at) {
    if (text.is_unknown()) {
        return text;
    }
    const auto octets = text.text();
    if (!octets) {
        throw EvalError(EvalError::Kind::wrong, at, "count() looks for a regular expression in a text");
    }
    std::int64_t found = 0;
    std::string_view rest = *octets;
    for (auto match = regex.search(rest); match && match->end > match->begin; match = regex.search(rest)) {
        ++found;
        rest.remove_prefix(match->end);
    }
    return found;
}

}  // namespace smtpspec::script
