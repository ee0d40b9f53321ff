#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "protocol/script/ast.hpp"
#include "protocol/script/head.hpp"
#include "protocol/script/lexer.hpp"

/// Inside of protocol/script: the recursive descent parser of §2. Others use load_scenario, parse_rules,
/// parse_pattern (scenario.hpp).
namespace smtpspec::script {

/// What the parser has to know besides the text.
struct ParserContext {
    Side under_test = Side::Server;
    const std::vector<Parameter>* parameters = nullptr;  ///< for `${param}` patterns; may be null
    enum class Goals { Allowed, Forbidden } goals = Goals::Allowed;
};

class Parser {
  public:
    Parser(Lexer& lexer, const ParserContext& context) : lexer_(lexer), context_(context) {}

    /// A whole script up to the end of the input; statements with mistakes are left out.
    Block parse_script();
    /// How many statements and rules had mistakes and are not in the result.
    std::size_t left_out() const { return left_out_; }
    /// Rules up to the end of the input.
    std::vector<Rule> parse_rule_lines();
    /// One pattern that fills the input.
    Pattern parse_lone_pattern();
    /// One expression that fills the input.
    ExpressionPtr parse_lone_expression();
    /// The body of a string that fills the input (values of the head).
    Template parse_value_text();

    // Expressions (parser_expression.cpp)
    ExpressionPtr parse_expression();
    Template parse_string();
    Regex parse_regex();

    // Patterns (parser_pattern.cpp)
    enum class GlobEnd { Alternative, Condition };
    Pattern parse_pattern(Side side, GlobEnd glob_end = GlobEnd::Alternative);

    // Rules and what statements share (parser_rule.cpp)
    Rule parse_rule();
    Options parse_options();
    Goal parse_goal();
    std::optional<Goal> parse_optional_goal();
    Bytes parse_bytes();
    std::optional<Pieces> parse_pieces();

  private:
    struct Depth;
    enum class TemplateEnd { Quote, Line, Input };

    // expressions
    ExpressionPtr parse_or();
    ExpressionPtr parse_and();
    ExpressionPtr parse_not();
    ExpressionPtr parse_relation();
    ExpressionPtr parse_sum();
    ExpressionPtr parse_product();
    ExpressionPtr parse_primary();
    ExpressionPtr parse_atom();
    ExpressionPtr parse_name_or_call();
    std::vector<ExpressionPtr> parse_list(std::string_view closing);
    std::optional<BinaryOperator> accept_relation();
    ExpressionPtr make(Position at, decltype(Expression::node) node);
    ExpressionPtr join(Position at, BinaryOperator op, ExpressionPtr left, ExpressionPtr right);

    // texts
    Template parse_template(TemplateEnd end, std::size_t opening);
    void parse_escape(std::string& out);
    void parse_unicode_escape(std::string& out);
    ExpressionPtr parse_insertion();
    void add_insertion(Template& text, std::string& literal, ExpressionPtr expression);
    void read_regex_body(Regex& regex, std::size_t begin);

    // patterns
    Pattern parse_server_pattern();
    Pattern parse_client_pattern(GlobEnd glob_end);
    bool parse_common_pattern(Pattern& pattern);
    ParameterPattern parse_parameter_pattern(Side side);
    ReplyPattern parse_reply();
    bool parse_reply_part(ReplyPattern& reply);
    CodesPart parse_codes();
    CodePattern parse_code();
    SeriesPattern parse_series();
    SeriesElement parse_series_element();
    GlobPattern parse_glob(GlobEnd glob_end);
    bool glob_ends_here(GlobEnd glob_end);
    std::string parse_word(std::string_view what);
    void fill_parameter_pattern(ParameterPattern& pattern, const Parameter& parameter, Side side);

    // rules
    RuleCount parse_rule_count();
    Event parse_event(std::size_t begin);
    std::optional<Quantity> parse_amount(Event event);
    Act parse_act();
    bool parse_plain_act(Act& act, std::string_view word);
    bool sees_act();
    std::string declared_name(std::string_view what);

    // statements (parser_statement.cpp)
    Block parse_block(std::size_t opened_at);
    void parse_statements(Block& block, bool inside_block, std::size_t opened_at);
    Statement parse_statement();
    void finish_statement();
    void recover();
    bool sees_speaker();
    decltype(Statement::node) parse_spoken();
    decltype(Statement::node) parse_keyword_statement(std::string_view word);
    SendStatement parse_send(Side speaker, char form);
    AwaitStatement parse_await(Side speaker, GlobEnd glob_end);
    AttemptStatement parse_attempt(std::string_view word);
    AttemptAlternative parse_attempt_alternative();
    CheckStatement parse_check();
    WhenStatement parse_when();
    ForStatement parse_for();
    WatchStatement parse_watch();
    ServeStatement parse_serve();
    std::vector<Rule> parse_rules_inside();
    LetStatement parse_let();
    decltype(ActionStatement::action) parse_action(std::string_view word);
    State parse_state();
    void open_block(std::string_view after);

    Lexer& lexer_;
    const ParserContext& context_;
    std::size_t left_out_ = 0;
    std::size_t regexes_ = 0;
    std::size_t depth_ = 0;
    std::size_t nodes_ = 0;  ///< of the expression at hand
};

/// Guards the recursion: a text may nest `max_nesting` deep.
struct Parser::Depth {
    Depth(Parser& parser, std::size_t begin);
    ~Depth() { --parser.depth_; }
    Depth(const Depth&) = delete;
    Depth& operator=(const Depth&) = delete;
    Parser& parser;
};

/// Resolves `case.right` to a parameter and a field; null if no parameter is meant.
const Parameter* find_parameter(const std::vector<Parameter>& parameters,
                                std::string_view path,
                                std::string& field);

}  // namespace smtpspec::script
