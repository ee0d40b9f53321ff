#include <array>
#include <utility>

#include <fmt/format.h>

#include "protocol/script/parser.hpp"
#include "protocol/script/regex.hpp"
#include "protocol/script/scenario.hpp"

namespace smtpspec::script {
namespace {

constexpr std::size_t max_expression_nodes = 2000;

/// Words of the grammar that can stand after an expression or begin something else, so never in one.
bool is_structure_word(std::string_view word) {
    static constexpr std::array words = {
        "after", "alert", "and",   "any",  "by",     "bytes",     "check",     "drop",
        "else",  "every", "fail",  "fin",  "first",  "for",       "has",       "if",
        "in",    "keep",  "lacks", "let",  "mark",   "not",       "offer",     "omit",
        "on",    "or",    "pass",  "rst",  "reach",  "send",      "serve",     "silent",
        "stall", "tls",   "until", "wait", "watch",  "swallow",   "otherwise", "close",
        "when",  "C",     "S",     "else", "notify", "malformed", "connection"};
    for (const char* entry : words) {
        if (word == entry) {
            return true;
        }
    }
    return false;
}

}  // namespace

Parser::Depth::Depth(Parser& owner, std::size_t begin) : parser(owner) {
    if (parser.depth_ >= max_nesting) {
        parser.lexer_.fail(begin, 1, fmt::format("nested more than {} deep", max_nesting));
    }
    ++parser.depth_;
}

ExpressionPtr Parser::make(Position at, decltype(Expression::node) node) {
    if (++nodes_ > max_expression_nodes) {
        lexer_.fail(
            lexer_.offset(), 1, fmt::format("an expression has at most {} parts", max_expression_nodes));
    }
    return std::make_shared<const Expression>(Expression{at, std::move(node)});
}

ExpressionPtr Parser::join(Position at, BinaryOperator op, ExpressionPtr left, ExpressionPtr right) {
    return make(at, BinaryExpression{op, std::move(left), std::move(right)});
}

ExpressionPtr Parser::parse_expression() {
    lexer_.skip_blanks();
    const Depth guard(*this, lexer_.offset());
    if (depth_ == 1) {
        nodes_ = 0;
    }
    return parse_or();
}

ExpressionPtr Parser::parse_or() {
    ExpressionPtr left = parse_and();
    while (lexer_.accept_word("or")) {
        const Position at = lexer_.position(lexer_.token_end() - 2);
        left = join(at, BinaryOperator::Or, std::move(left), parse_and());
    }
    return left;
}

ExpressionPtr Parser::parse_and() {
    ExpressionPtr left = parse_not();
    while (lexer_.accept_word("and")) {
        const Position at = lexer_.position(lexer_.token_end() - 3);
        left = join(at, BinaryOperator::And, std::move(left), parse_not());
    }
    return left;
}

ExpressionPtr Parser::parse_not() {
    if (!lexer_.sees_word("not")) {
        return parse_relation();
    }
    const Position at = lexer_.here();
    lexer_.take_name();
    return make(at, NotExpression{parse_relation()});
}

std::optional<BinaryOperator> Parser::accept_relation() {
    lexer_.skip_blanks();
    if (lexer_.looking_at("=>")) {
        return std::nullopt;
    }
    constexpr std::array<std::pair<std::string_view, BinaryOperator>, 7> relations{
        {{"==", BinaryOperator::Equal},
         {"!=", BinaryOperator::NotEqual},
         {"<=", BinaryOperator::LessEqual},
         {">=", BinaryOperator::GreaterEqual},
         {"<", BinaryOperator::Less},
         {">", BinaryOperator::Greater},
         {"~", BinaryOperator::Match}}};
    for (const auto& [symbol, op] : relations) {
        if (lexer_.accept(symbol)) {
            return op;
        }
    }
    if (lexer_.looking_at("=")) {
        lexer_.fail(lexer_.offset(), 1, "`=` does not compare", "==", "equality is written `==`");
    }
    return std::nullopt;
}

ExpressionPtr Parser::parse_relation() {
    ExpressionPtr left = parse_sum();
    lexer_.skip_blanks();
    const Position at = lexer_.here();
    const std::optional<BinaryOperator> op = accept_relation();
    if (!op) {
        return left;
    }
    lexer_.skip_blanks();
    if (*op == BinaryOperator::Match && lexer_.peek() != '/') {
        lexer_.fail_expected("a regular expression `/…/` after `~`");
    }
    ExpressionPtr joined = join(at, *op, std::move(left), parse_sum());
    lexer_.skip_blanks();
    const std::size_t second = lexer_.offset();
    if (accept_relation()) {
        lexer_.fail(second, lexer_.offset() - second, "comparisons do not chain", {}, "join them with `and`");
    }
    return joined;
}

ExpressionPtr Parser::parse_sum() {
    ExpressionPtr left = parse_product();
    while (true) {
        lexer_.skip_blanks();
        const Position at = lexer_.here();
        if (lexer_.looking_at("->") || (lexer_.peek() != '+' && lexer_.peek() != '-')) {
            return left;
        }
        const BinaryOperator op = lexer_.peek() == '+' ? BinaryOperator::Add : BinaryOperator::Subtract;
        lexer_.advance(1);
        if (op == BinaryOperator::Subtract && !is_blank(lexer_.peek())) {
            lexer_.fail(lexer_.offset() - 1, 1, "minus needs blanks around it", "`a - b`");
        }
        left = join(at, op, std::move(left), parse_product());
    }
}

ExpressionPtr Parser::parse_product() {
    ExpressionPtr left = parse_primary();
    while (lexer_.accept("*")) {
        const Position at = lexer_.position(lexer_.offset() - 1);
        left = join(at, BinaryOperator::Multiply, std::move(left), parse_primary());
    }
    return left;
}

ExpressionPtr Parser::parse_primary() {
    ExpressionPtr base = parse_atom();
    if (lexer_.peek() != '[') {
        return base;
    }
    const Position at = lexer_.here();
    lexer_.advance(1);
    ExpressionPtr index = parse_expression();
    if (!lexer_.accept("]")) {
        lexer_.fail_expected("`]`");
    }
    return make(at, IndexExpression{std::move(base), std::move(index)});
}

ExpressionPtr Parser::parse_atom() {
    lexer_.skip_blanks();
    const Position at = lexer_.here();
    if (lexer_.peek() == '"') {
        return make(at, StringLiteral{parse_string()});
    }
    if (lexer_.peek() == '/') {
        return make(at, RegexLiteral{parse_regex()});
    }
    if (lexer_.sees_number()) {
        return make(at, NumberLiteral{lexer_.take_number()});
    }
    if (lexer_.accept("(")) {
        ExpressionPtr inner = parse_expression();
        if (!lexer_.accept(")")) {
            lexer_.fail_expected("`)`");
        }
        return inner;
    }
    if (lexer_.accept("[")) {
        return make(at, ListExpression{parse_list("]")});
    }
    return parse_name_or_call();
}

ExpressionPtr Parser::parse_name_or_call() {
    const std::string_view name = lexer_.peek_name();
    if (name.empty() && lexer_.looking_at("${")) {
        lexer_.fail_expected(
            "a name without `${`",
            "in an expression a name stands bare; `${…}` is for texts, strings and patterns");
    }
    if (name.empty() && lexer_.peek() == '\'') {
        lexer_.fail_expected("a string, a number, a name, a list or a call", "strings have double quotes");
    }
    if (name.empty() || is_structure_word(name)) {
        lexer_.fail_expected("a string, a number, a name, a list or a call");
    }
    const Position at = lexer_.here();
    lexer_.take_name();
    if (lexer_.peek() != '(') {
        return make(at, NameExpression{std::string(name)});
    }
    lexer_.advance(1);
    return make(at, CallExpression{std::string(name), parse_list(")")});
}

std::vector<ExpressionPtr> Parser::parse_list(std::string_view closing) {
    std::vector<ExpressionPtr> items;
    if (lexer_.accept(closing)) {
        return items;
    }
    while (true) {
        items.push_back(parse_expression());
        if (lexer_.accept(closing)) {
            return items;
        }
        if (!lexer_.accept(",")) {
            lexer_.fail_expected(fmt::format("`,` or `{}`", closing));
        }
    }
}

ExpressionPtr Parser::parse_lone_expression() {
    ExpressionPtr result = parse_expression();
    if (!lexer_.at_statement_end()) {
        lexer_.fail_expected("an operator or the end");
    }
    return result;
}

}  // namespace smtpspec::script
