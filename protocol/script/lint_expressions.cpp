#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "protocol/script/lint_rules.hpp"
#include "protocol/script/suggest.hpp"

/// Calls of functions (§9) and comparisons.
namespace smtpspec::script {
namespace {

struct Function {
    std::string_view name;
    std::size_t least;
    std::size_t most;
};

constexpr Function functions[] = {{"keyword", 1, 1},
                                  {"tls.offers", 1, 1},
                                  {"chance", 1, 1},
                                  {"over", 1, 1},
                                  {"copies", 1, 1},
                                  {"mail", 1, 1},
                                  {"body", 1, 1},
                                  {"header", 2, 2},
                                  {"since", 1, 1},
                                  {"count", 1, 1},
                                  {"len", 1, 1},
                                  {"hex", 1, 1},
                                  {"unhex", 1, 1},
                                  {"base64", 1, 1},
                                  {"unbase64", 1, 1},
                                  {"upper", 1, 1},
                                  {"lower", 1, 1},
                                  {"number", 1, 1},
                                  {"sort", 1, 1},
                                  {"repeat", 2, 2},
                                  {"pad", 2, 2},
                                  {"stuffed", 1, 1},
                                  {"flip", 1, 1},
                                  {"file", 1, 1},
                                  {"recipient", 1, 1},
                                  {"plain", 2, 2},
                                  {"hmac", 3, 3},
                                  {"scram_final", 4, 6},
                                  {"scram_signature", 4, 5},
                                  {"channel_binding", 0, 0},
                                  {"dns", 2, 2},
                                  {"web", 1, 1},
                                  {"spki", 1, 1}};

class CallChecker {
  public:
    explicit CallChecker(const LintInput& input) : in_(input) {}

    void run() {
        for (const Survey::Call& call : in_.survey.calls) {
            check_call(call);
        }
    }

  private:
    void error(Position at,
               std::size_t length,
               std::string message,
               std::string expected = {},
               std::string hint = {}) {
        in_.reporter.error(at, length, std::move(message), std::move(expected), std::move(hint));
    }
    void check_call(const Survey::Call& use) {
        if (in_.reporter.full()) {
            return;
        }
        const std::string& name = use.call->function;
        const auto* function = std::find_if(
            std::begin(functions), std::end(functions), [&](const Function& f) { return f.name == name; });
        if (function == std::end(functions)) {
            std::vector<std::string> known;
            for (const Function& f : functions) {
                known.emplace_back(f.name);
            }
            error(use.at,
                  name.size(),
                  fmt::format("unknown function `{}`", name),
                  {},
                  did_you_mean(name, known));
            return;
        }
        const std::size_t count = use.call->arguments.size();
        if (count < function->least || count > function->most) {
            const std::string range = function->least == function->most
                                          ? fmt::format("{}", function->least)
                                          : fmt::format("{} to {}", function->least, function->most);
            error(use.at,
                  name.size(),
                  fmt::format("`{}` has {} argument{} here", name, count, count == 1 ? "" : "s"),
                  fmt::format("{} argument{}", range, range == "1" ? "" : "s"));
        }
        const bool in_server = name == "chance" || name == "over";
        if (in_server && use.where != Where::Rule && use.where != Where::Watch) {
            error(use.at, name.size(), fmt::format("`{}` exists only in rules and watches", name));
        }
        if (name == "spki" && count == 1) {
            check_certificate(*use.call);
        }
    }
    void check_certificate(const CallExpression& call) {
        const auto* literal = std::get_if<StringLiteral>(&call.arguments[0]->node);
        const auto& known = in_.vocabulary.certificates;
        if (literal != nullptr && literal->text.is_literal() && known.count(literal->text.literal()) == 0) {
            const std::string word = literal->text.literal();
            error(call.arguments[0]->at,
                  word.size() + 2,
                  fmt::format("unknown certificate `{}`", word),
                  {},
                  did_you_mean(word, {known.begin(), known.end()}));
        }
    }

    const LintInput& in_;
};

/// What an operand surely is, for comparisons that can never work (§9: mixing is an error).
enum class Kind { Unknown, Number, Time, Octets };

Kind kind_of(const Expression& e) {
    if (std::holds_alternative<StringLiteral>(e.node)) {
        return Kind::Octets;
    }
    if (const auto* number = std::get_if<NumberLiteral>(&e.node)) {
        return number->quantity.unit == Unit::Time ? Kind::Time : Kind::Number;
    }
    if (const auto* call = std::get_if<CallExpression>(&e.node)) {
        static constexpr std::array numbers = {"len", "count", "number", "copies"};
        static constexpr std::array octets = {"hex", "unhex", "base64", "unbase64", "upper", "lower", "body"};
        const auto in = [&](const auto& names) {
            return std::find(names.begin(), names.end(), call->function) != names.end();
        };
        return call->function == "since"
                   ? Kind::Time
                   : (in(numbers) ? Kind::Number : (in(octets) ? Kind::Octets : Kind::Unknown));
    }
    if (const auto* name = std::get_if<NameExpression>(&e.node)) {
        static constexpr std::array numbers = {
            "store.count", "store.lost", "store.doubled", "client.peak", "cert.days", "cert.bits"};
        return std::find(numbers.begin(), numbers.end(), name->name) != numbers.end() ? Kind::Number
                                                                                      : Kind::Unknown;
    }
    return Kind::Unknown;
}

std::string_view to_string(Kind kind) {
    return kind == Kind::Number ? "a number" : (kind == Kind::Time ? "a time" : "a text");
}

void check_comparisons(const LintInput& in) {
    for (std::size_t i = 0; i < in.survey.comparisons.size(); ++i) {
        const BinaryExpression& node = *in.survey.comparisons[i];
        if (node.op < BinaryOperator::Equal || node.op > BinaryOperator::GreaterEqual) {
            continue;
        }
        const Kind left = kind_of(*node.left);
        const Kind right = kind_of(*node.right);
        if (left != Kind::Unknown && right != Kind::Unknown && left != right) {
            in.reporter.error(in.survey.comparison_places[i],
                              to_string(node.op).size(),
                              fmt::format("{} is compared with {}", to_string(left), to_string(right)),
                              "numbers, times and texts are compared with their like");
        }
    }
}

}  // namespace

bool is_function(std::string_view name) {
    return std::any_of(
        std::begin(functions), std::end(functions), [&](const Function& f) { return f.name == name; });
}

void lint_expressions(const LintInput& input) {
    CallChecker(input).run();
    check_comparisons(input);
}

}  // namespace smtpspec::script
