#pragma once

#include <gtest/gtest.h>

#include <map>

#include "protocol/script/eval.hpp"
#include "protocol/script/scenario.hpp"

namespace smtpspec::script::test {

/// Variables by name; everything else is a label that was not reached.
class MapScope : public Scope {
  public:
    std::map<std::string, Value> values;
    std::map<std::string, Value> results;  ///< of calls, by function name
    std::vector<std::string> asked;        ///< arguments of calls, as text

    Value name(const std::string& name, Position) override {
        const auto found = values.find(name);
        return found == values.end() ? Value(false) : found->second;
    }
    bool has_variable(const std::string& name) const override { return values.contains(name); }
    std::optional<Value> call(const std::string& function,
                              const std::vector<Value>& arguments,
                              Position) override {
        for (const Value& argument : arguments) {
            asked.push_back(argument.text().value_or("?"));
        }
        const auto found = results.find(function);
        return found == results.end() ? std::nullopt : std::optional<Value>(found->second);
    }
    void capture(const std::string& name, std::string octets) override { values[name] = std::move(octets); }
};

inline ExpressionPtr parsed(const std::string& text) {
    auto expression = parse_expression(text);
    EXPECT_TRUE(expression) << text << "\n" << (expression ? "" : expression.error().render());
    return expression ? *expression : nullptr;
}

inline Value eval(const std::string& text, Scope& scope) {
    const ExpressionPtr expression = parsed(text);
    return expression == nullptr ? Value() : evaluate(*expression, scope);
}

/// A value as a person would write it, lists in brackets.
inline std::string show(const Value& value) {
    if (value.is_unknown()) {
        return "unknown";
    }
    if (const ValueList* list = value.list()) {
        std::string text;
        for (const Value& item : *list) {
            text += (text.empty() ? "" : ",") + show(item);
        }
        return "[" + text + "]";
    }
    return value.text().value_or(value.kind());
}

}  // namespace smtpspec::script::test
