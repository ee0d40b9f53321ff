#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "protocol/script/suggest.hpp"

/// What both kinds of documents have in common, those of `run` and those of `bench`.
namespace smtpspec::document {

/// A mistake in a document; the message names the place. Thrown by what reads one, and caught there.
struct DocumentError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// A value of a document that knows where it stands, for messages. Lives as long as its parent.
class Value {
  public:
    using Json = nlohmann::ordered_json;

    explicit Value(const Json& value) : value_(value) {}
    Value(const Json& value, const Value* parent, std::string_view key)
        : value_(value), parent_(parent), key_(key) {}
    Value(const Json& value, const Value* parent, std::size_t index)
        : value_(value), parent_(parent), index_(index) {}

    /// "cells[3].port"; "" for the document itself.
    std::string path() const;

    /// "cells[3].port: expected …, got …".
    [[noreturn]] void wrong(const std::string& expected) const;
    /// The same with a sentence of its own, for values that contradict each other.
    [[noreturn]] void refuse(const std::string& why) const;

    Value at(std::string_view key) const;
    bool has(std::string_view key) const { return value_.is_object() && value_.contains(key); }
    bool is_null() const { return value_.is_null(); }

    std::string text() const;
    std::string text_or_none(std::string_view key) const { return has(key) ? at(key).text() : std::string(); }
    bool truth() const;
    /// A number from `low` to the largest double.
    double real(double low = 0) const;

    /// A whole number from `low` to what the type, or `high`, can hold.
    template <typename Number>
    Number number(Number low = 0, Number high = std::numeric_limits<Number>::max()) const {
        const bool whole = value_.is_number_integer();
        const bool negative = whole && !value_.is_number_unsigned() && value_.get<std::int64_t>() < 0;
        const auto size = whole && !negative ? value_.get<std::uint64_t>() : 0;
        if (!whole || negative || size < static_cast<std::uint64_t>(low) ||
            size > static_cast<std::uint64_t>(high)) {
            wrong("a whole number from " + std::to_string(low) + " to " + std::to_string(high));
        }
        return static_cast<Number>(size);
    }

    /// The one of `choices` whose name, as `name_of` gives it, this text is.
    template <typename Choice, typename Name>
    Choice one_of(const std::vector<Choice>& choices, Name&& name_of) const {
        const std::string word = text();
        std::vector<std::string> names;
        for (const Choice choice : choices) {
            names.emplace_back(name_of(choice));
            if (names.back() == word) {
                return choice;
            }
        }
        wrong(script::any_of(names));
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

    std::vector<std::string> texts() const;
    std::vector<std::pair<std::string, std::string>> pairs() const;

  private:
    std::string shown() const;

    const Json& value_;
    const Value* parent_ = nullptr;
    std::string_view key_;
    std::optional<std::size_t> index_;
};

}  // namespace smtpspec::document
