#include "protocol/script/eval.hpp"

#include <fmt/format.h>

#include <type_traits>

#include "protocol/script/functions.hpp"

namespace smtpspec::script {

void Scope::compared(const Expression&, const Value&) {}

namespace {

bool is_comparison(BinaryOperator op) {
    return op >= BinaryOperator::Equal && op <= BinaryOperator::GreaterEqual;
}

bool is_constant(const Expression& expression) {
    return std::holds_alternative<NumberLiteral>(expression.node) ||
           std::holds_alternative<StringLiteral>(expression.node);
}

Value from_quantity(const Quantity& quantity) {
    switch (quantity.unit) {
        case Unit::Time:
            return Duration(quantity.value);
        case Unit::Percent:
            return Percent{quantity.value};
        default:
            return quantity.value;
    }
}

/// `over(account)`, `since(asked)`, `count(limited)`: the argument is the name itself.
std::optional<std::string> named_argument(const CallExpression& call, const Scope& scope) {
    const bool takes_name = call.function == "over" || call.function == "since" || call.function == "count";
    if (!takes_name || call.arguments.size() != 1) {
        return std::nullopt;
    }
    const auto* name = std::get_if<NameExpression>(&call.arguments.front()->node);
    if (name == nullptr ||
        (call.function == "count" && (is_list_fact(name->name) || scope.has_variable(name->name)))) {
        return std::nullopt;
    }
    return name->name;
}

class Evaluator {
  public:
    explicit Evaluator(Scope& scope) : scope_(scope) {}

    Value run(const Expression& expression) {
        return std::visit([&](const auto& node) { return value(node, expression.at); }, expression.node);
    }

    Value truth(const Expression& expression) {
        Value result = run(expression);
        if (!result.is_unknown() && result.truth() == nullptr) {
            throw EvalError(
                EvalError::Kind::wrong, expression.at, result.kind() + " is neither true nor false");
        }
        return result;
    }

  private:
    Value value(const StringLiteral& node, Position) { return expand(node.text, scope_); }
    Value value(const NumberLiteral& node, Position) { return from_quantity(node.quantity); }
    Value value(const NameExpression& node, Position at) { return scope_.name(node.name, at); }

    Value value(const RegexLiteral&, Position at) {
        throw EvalError(EvalError::Kind::wrong, at, "a regular expression stands here only behind `~`");
    }

    Value value(const CallExpression& node, Position at) {
        if (const auto name = named_argument(node, scope_)) {
            return world(node.function, {Value(*name)}, at);
        }
        if (node.function == "count" && node.arguments.size() == 2) {
            if (const auto* regex = std::get_if<RegexLiteral>(&node.arguments[1]->node)) {
                return count_matches(run(*node.arguments[0]), compile(regex->regex, scope_), at);
            }
        }
        std::vector<Value> arguments;
        for (const ExpressionPtr& argument : node.arguments) {
            arguments.push_back(run(*argument));
            if (arguments.back().is_unknown()) {
                return arguments.back();
            }
        }
        if (is_pure_function(node.function)) {
            return call_pure(node.function, arguments, at);
        }
        return world(node.function, arguments, at);
    }

    Value world(const std::string& function, const std::vector<Value>& arguments, Position at) {
        std::optional<Value> result = scope_.call(function, arguments, at);
        if (!result) {
            throw EvalError(
                EvalError::Kind::wrong, at, fmt::format("there is no function `{}` here", function));
        }
        return *result;
    }

    Value value(const ListExpression& node, Position) {
        ValueList items;
        for (const ExpressionPtr& item : node.items) {
            items.push_back(run(*item));
        }
        return items;
    }

    Value value(const IndexExpression& node, Position at) {
        const Value base = run(*node.base);
        const Value index = run(*node.index);
        if (base.is_unknown() || index.is_unknown()) {
            return base.is_unknown() ? base : index;
        }
        if (base.list() == nullptr) {
            throw EvalError(EvalError::Kind::wrong, at, base.kind() + " has no items");
        }
        const std::int64_t place = as_number(index, at);
        if (place < 1 || place > static_cast<std::int64_t>(base.list()->size())) {
            return Unknown{Unknown::Why::peer,
                           fmt::format("item {} of a list of {}", place, base.list()->size())};
        }
        return (*base.list())[static_cast<std::size_t>(place - 1)];
    }

    Value value(const NotExpression& node, Position) {
        const Value operand = truth(*node.operand);
        return operand.is_unknown() ? operand : Value(!*operand.truth());
    }

    Value value(const BinaryExpression& node, Position at) {
        switch (node.op) {
            case BinaryOperator::Or:
                return logical(node, true);
            case BinaryOperator::And:
                return logical(node, false);
            case BinaryOperator::Match:
                return match(node, at);
            default:
                break;
        }
        const Value left = run(*node.left);
        const Value right = run(*node.right);
        if (!is_comparison(node.op)) {
            return arithmetic(node.op, left, right, at);
        }
        note(*node.left, left);
        note(*node.right, right);
        return compare(node.op, left, right, at);
    }

    void note(const Expression& side, const Value& held) {
        if (!is_constant(side) && !held.is_unknown()) {
            scope_.compared(side, held);
        }
    }

    /// Three-valued: `decisive` settles it whatever the other side is.
    Value logical(const BinaryExpression& node, bool decisive) {
        const Value left = truth(*node.left);
        if (!left.is_unknown() && *left.truth() == decisive) {
            return decisive;
        }
        const Value right = truth(*node.right);
        if (!right.is_unknown() && *right.truth() == decisive) {
            return decisive;
        }
        return left.is_unknown() ? left : right;
    }

    Value match(const BinaryExpression& node, Position at) {
        Value left = run(*node.left);
        if (left.is_unknown()) {
            return left;
        }
        const auto* regex = std::get_if<RegexLiteral>(&node.right->node);
        const auto text = left.text();
        if (regex == nullptr || !text) {
            throw EvalError(EvalError::Kind::wrong, at, "`~` takes a text and a regular expression");
        }
        return search(regex->regex, *text, scope_);
    }

    Scope& scope_;
};

std::string text_of(const Value& value, Position at) {
    if (value.is_unknown()) {
        const bool peer = value.unknown().why == Unknown::Why::peer;
        throw EvalError(peer ? EvalError::Kind::peer : EvalError::Kind::missing,
                        at,
                        "not known: " + value.unknown().what);
    }
    auto text = value.text();
    if (!text) {
        throw EvalError(EvalError::Kind::wrong, at, value.kind() + " cannot stand in a text");
    }
    return std::move(*text);
}

}  // namespace

Value evaluate(const Expression& expression, Scope& scope) { return Evaluator(scope).run(expression); }

Value condition(const Expression& expression, Scope& scope) { return Evaluator(scope).truth(expression); }

bool holds(const ExpressionPtr& expression, Scope& scope) {
    if (expression == nullptr) {
        return true;
    }
    const Value value = condition(*expression, scope);
    return !value.is_unknown() && *value.truth();
}

std::string expand(const Template& text, Scope& scope) {
    std::string out;
    for (const TemplatePiece& piece : text.pieces) {
        out += piece.expression == nullptr
                   ? piece.literal
                   : text_of(evaluate(*piece.expression, scope), piece.expression->at);
        if (out.size() > max_value_octets) {
            throw EvalError(EvalError::Kind::wrong, text.at, "a value may have 64 MiB");
        }
    }
    return out;
}

CompiledRegex compile(const Regex& regex, Scope& scope) {
    std::string source;
    for (const TemplatePiece& piece : regex.source.pieces) {
        source += piece.expression == nullptr
                      ? piece.literal
                      : quote_for_regex(text_of(evaluate(*piece.expression, scope), piece.expression->at));
    }
    auto compiled = compile_regex_source(source, regex.ignore_case);
    if (!compiled) {
        throw EvalError(EvalError::Kind::wrong, regex.at, compiled.error());
    }
    return std::move(*compiled);
}

bool search(const Regex& regex, std::string_view octets, Scope& scope) {
    auto found = compile(regex, scope).search(octets);
    if (!found) {
        return false;
    }
    for (auto& [name, text] : found->captures) {
        scope.capture(name, std::move(text));
    }
    return true;
}

std::int64_t as_number(const Value& value, Position at) {
    if (const std::int64_t* number = value.number()) {
        return *number;
    }
    if (const std::string* text = value.octets()) {
        if (const auto number = number_from_text(*text)) {
            return *number;
        }
    }
    throw EvalError(EvalError::Kind::wrong, at, "a number is needed, and this is " + value.kind());
}

namespace {

std::chrono::milliseconds in_milliseconds(Duration time) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(time);
}

void append_cut(std::vector<Write>& writes,
                const Write& whole,
                std::size_t size,
                std::chrono::milliseconds every) {
    constexpr std::size_t most_writes = 1 << 20;
    if (whole.octets.size() / size > most_writes) {
        size = whole.octets.size() / most_writes + 1;
    }
    for (std::size_t at = 0; at < whole.octets.size(); at += size) {
        const bool first = writes.empty() || at == 0;
        writes.push_back(Write{first ? whole.pause : every, whole.octets.substr(at, size)});
    }
}

std::vector<Write> cut_writes(std::vector<Write> wholes, const std::optional<Pieces>& pieces, Scope& scope) {
    if (!pieces) {
        return wholes;
    }
    const std::int64_t size = as_number(evaluate(*pieces->size, scope), pieces->at);
    if (size < 1) {
        throw EvalError(EvalError::Kind::wrong, pieces->at, "a piece has at least one octet");
    }
    std::vector<Write> writes;
    for (Write& whole : wholes) {
        append_cut(writes,
                   whole,
                   static_cast<std::size_t>(size),
                   in_milliseconds(pieces->every.value_or(Duration(0))));
    }
    return writes;
}

}  // namespace

std::vector<Write> writes_of(const Bytes& bytes, Scope& scope) {
    std::vector<Write> writes(1);
    for (const BytesItem& item : bytes.items) {
        if (const auto* pause = std::get_if<Pause>(&item)) {
            if (!writes.back().octets.empty()) {
                writes.emplace_back();
            }
            writes.back().pause += in_milliseconds(pause->time);
            continue;
        }
        const ExpressionPtr& expression = std::get<ExpressionPtr>(item);
        writes.back().octets += text_of(evaluate(*expression, scope), expression->at);
    }
    return cut_writes(std::move(writes), bytes.pieces, scope);
}

std::vector<Write> cut(std::string octets, const std::optional<Pieces>& pieces, Scope& scope) {
    std::vector<Write> writes(1);
    writes.front().octets = std::move(octets);
    return cut_writes(std::move(writes), pieces, scope);
}

}  // namespace smtpspec::script
