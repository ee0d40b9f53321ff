#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "protocol/script/parser.hpp"
#include "protocol/script/scenario.hpp"
#include "protocol/script/suggest.hpp"

/// Statements and blocks (§2, §5).
namespace smtpspec::script {
namespace {

const std::vector<std::string>& statement_words() {
    static const std::vector<std::string> words = {"tls",
                                                   "reach",
                                                   "connection",
                                                   "check",
                                                   "otherwise",
                                                   "when",
                                                   "for",
                                                   "watch",
                                                   "serve",
                                                   "let",
                                                   "wait",
                                                   "close",
                                                   "drop",
                                                   "stall",
                                                   "mark"};
    return words;
}

std::string_view letter(Side side) { return side == Side::Client ? "C" : "S"; }

}  // namespace

bool Parser::sees_speaker() {
    const char speaker = lexer_.peek();
    return (speaker == 'C' || speaker == 'S') && (lexer_.peek(1) == ':' || lexer_.peek(1) == '|');
}

Statement Parser::parse_statement() {
    lexer_.skip_blanks();
    Statement statement;
    statement.at = lexer_.here();
    if (sees_speaker()) {
        statement.node = parse_spoken();
    } else {
        const std::string word(lexer_.peek_name());
        statement.node = parse_keyword_statement(word);
    }
    const bool has_block = std::holds_alternative<WhenStatement>(statement.node) ||
                           std::holds_alternative<ForStatement>(statement.node) ||
                           std::holds_alternative<ServeStatement>(statement.node);
    if (!has_block) {
        finish_statement();
    }
    return statement;
}

decltype(Statement::node) Parser::parse_spoken() {
    const std::size_t begin = lexer_.offset();
    const Side speaker = lexer_.peek() == 'C' ? Side::Client : Side::Server;
    const char form = lexer_.peek(1);
    lexer_.advance(2);
    if (speaker != context_.under_test) {
        return parse_send(speaker, form);
    }
    if (form == '|') {
        lexer_.fail(begin,
                    2,
                    fmt::format("the {} is under test: its octets are awaited, not sent", to_string(speaker)),
                    fmt::format("`{}:` and patterns", letter(speaker)));
    }
    return parse_await(speaker, GlobEnd::Alternative);
}

SendStatement Parser::parse_send(Side speaker, char form) {
    SendStatement send;
    send.speaker = speaker;
    if (form == '|') {
        send.form = SendStatement::Form::Octets;
        send.bytes = parse_bytes();
        return send;
    }
    const std::size_t after_colon = lexer_.offset();
    while (is_blank(lexer_.peek())) {
        lexer_.seek(lexer_.offset() + 1);
    }
    const bool comment = lexer_.peek() == '#' && lexer_.offset() > after_colon;
    if (lexer_.at_end_of_input() || lexer_.at_newline() || comment) {
        lexer_.fail(after_colon - 2,
                    2,
                    "a text cannot be empty",
                    "the line to send",
                    fmt::format("an empty line is `{}| \"\\r\\n\"`", letter(speaker)));
    }
    send.text = parse_template(TemplateEnd::Line, lexer_.offset());
    lexer_.skip_blanks();
    if (lexer_.looking_at("|")) {
        lexer_.fail(lexer_.offset(),
                    1,
                    "a text ends with its line",
                    {},
                    fmt::format("use `{}|` and strings", letter(speaker)));
    }
    return send;
}

AwaitStatement Parser::parse_await(Side speaker, GlobEnd glob_end) {
    AwaitStatement await;
    await.speaker = speaker;
    do {
        lexer_.skip_blanks();
        Alternative alternative;
        alternative.at = lexer_.here();
        alternative.pattern = parse_pattern(speaker, glob_end);
        alternative.goal = parse_optional_goal();
        await.alternatives.push_back(std::move(alternative));
        if (!lexer_.at_statement_end() && !lexer_.looking_at("|")) {
            lexer_.fail_expected("`=> label`, `| alternative` or the end of the statement");
        }
    } while (lexer_.accept("|"));
    return await;
}

State Parser::parse_state() {
    const std::vector<std::string> known = {
        "tcp", "connected", "greeted", "ehlo", "tls", "authenticated", "envelope", "data"};
    const std::string_view word = lexer_.peek_name();
    const auto state = state_from_string(word);
    if (!state) {
        lexer_.fail_expected(any_of(known), did_you_mean(word, known));
    }
    lexer_.take_name();
    return *state;
}

AttemptStatement Parser::parse_attempt(std::string_view word) {
    AttemptStatement attempt;
    lexer_.take_name();
    if (word == "tls") {
        attempt.what = TlsAttempt{parse_options()};
    } else if (word == "reach") {
        attempt.what = ReachAttempt{parse_state()};
    } else {
        ConnectionAttempt connection;
        connection.name = declared_name("connection");
        if (lexer_.accept_word("from")) {
            connection.from = parse_state();
        }
        connection.options = parse_options();
        attempt.what = std::move(connection);
    }
    attempt.goal = parse_optional_goal();
    while (lexer_.accept("|")) {
        attempt.alternatives.push_back(parse_attempt_alternative());
    }
    return attempt;
}

AttemptAlternative Parser::parse_attempt_alternative() {
    lexer_.skip_blanks();
    AttemptAlternative alternative;
    alternative.at = lexer_.here();
    if (lexer_.accept_word("fail")) {
        lexer_.skip_blanks();
        if (lexer_.peek() == '/') {
            alternative.reason = parse_regex();
        }
    } else if (lexer_.accept_word("silent")) {
        alternative.kind = AttemptAlternative::Kind::Silent;
        if (lexer_.sees_number()) {
            alternative.time = lexer_.take_time();
        }
    } else {
        lexer_.fail_expected("fail or silent", did_you_mean(lexer_.peek_name(), {"fail", "silent"}));
    }
    alternative.goal = parse_goal();
    return alternative;
}

CheckStatement Parser::parse_check() {
    CheckStatement check;
    lexer_.take_name();
    do {
        if (lexer_.accept_word("else")) {
            if (check.branches.empty()) {
                lexer_.fail(lexer_.token_end() - 4, 4, "`else` needs a condition before it", "an expression");
            }
            check.otherwise = parse_goal();
            lexer_.skip_blanks();
            if (lexer_.looking_at("|")) {
                lexer_.fail(lexer_.offset(),
                            1,
                            "this can never be taken: `else` is always true",
                            "the end of the statement");
            }
            return check;
        }
        CheckBranch branch;
        lexer_.skip_blanks();
        branch.at = lexer_.here();
        branch.condition = parse_expression();
        lexer_.skip_blanks();
        if (!lexer_.looking_at("=>")) {
            lexer_.fail_expected("an operator or `=> label`");
        }
        branch.goal = parse_goal();
        check.branches.push_back(std::move(branch));
    } while (lexer_.accept("|"));
    return check;
}

WhenStatement Parser::parse_when() {
    WhenStatement when;
    lexer_.take_name();
    when.condition = parse_expression();
    lexer_.skip_blanks();
    const std::size_t opened_at = lexer_.offset();
    open_block("the condition");
    when.block = parse_block(opened_at);
    return when;
}

ForStatement Parser::parse_for() {
    ForStatement loop;
    lexer_.take_name();
    loop.variable = declared_name("loop variable");
    if (!lexer_.accept_word("in")) {
        lexer_.fail_expected("`in` after the loop variable");
    }
    loop.first = parse_expression();
    if (lexer_.accept("..")) {
        loop.last = parse_expression();
    }
    if (lexer_.accept_word("until")) {
        loop.until = parse_expression();
    }
    lexer_.skip_blanks();
    const std::size_t opened_at = lexer_.offset();
    open_block("what is looped over");
    loop.block = parse_block(opened_at);
    return loop;
}

WatchStatement Parser::parse_watch() {
    WatchStatement watch;
    lexer_.take_name();
    const std::string_view speaker = lexer_.peek_name();
    if (speaker != "C" && speaker != "S") {
        lexer_.fail_expected("C or S: whose lines are watched");
    }
    watch.speaker = speaker == "C" ? Side::Client : Side::Server;
    lexer_.take_name();
    watch.pattern = parse_pattern(watch.speaker, GlobEnd::Condition);
    if (lexer_.accept_word("if")) {
        watch.condition = parse_expression();
    }
    watch.goal = parse_goal();
    return watch;
}

/// Rules up to a `}` (which is left) or the end of the input.
std::vector<Rule> Parser::parse_rules_inside() {
    std::vector<Rule> rules;
    while (lexer_.to_next_statement() && !lexer_.looking_at("}") && !lexer_.reporter().full()) {
        try {
            Rule rule = parse_rule();
            finish_statement();
            rules.push_back(std::move(rule));
        } catch (const SyntaxAbandoned&) {
            ++left_out_;
            lexer_.skip_statement();
        }
    }
    return rules;
}

ServeStatement Parser::parse_serve() {
    ServeStatement serve;
    const std::size_t begin = lexer_.offset();
    lexer_.take_name();
    if (context_.under_test == Side::Server) {
        lexer_.error(begin, 5, "`serve` is for side client: the server is under test");
    }
    if (lexer_.accept_word("for")) {
        serve.time = lexer_.take_time();
    }
    lexer_.skip_blanks();
    const std::size_t opened_at = lexer_.offset();
    open_block("`serve`");
    serve.rules = parse_rules_inside();
    if (!lexer_.accept("}")) {
        lexer_.fail(opened_at, 1, "the block is not closed", "`}` on a line of its own");
    }
    finish_statement();
    return serve;
}

LetStatement Parser::parse_let() {
    LetStatement let;
    lexer_.take_name();
    let.name = declared_name("variable");
    lexer_.skip_blanks();
    if (lexer_.looking_at("==") || !lexer_.accept("=")) {
        lexer_.fail_expected("`=` after the name");
    }
    let.value = parse_expression();
    return let;
}

decltype(ActionStatement::action) Parser::parse_action(std::string_view word) {
    lexer_.take_name();
    if (word == "wait") {
        return WaitAction{lexer_.take_time()};
    }
    if (word == "close") {
        return CloseAction{};
    }
    if (word == "stall") {
        return StallAction{};
    }
    if (word == "mark") {
        return MarkAction{declared_name("mark")};
    }
    const auto how = drop_how_from_string(lexer_.peek_name());
    if (!how) {
        lexer_.fail_expected("fin or rst after `drop`");
    }
    lexer_.take_name();
    return DropAction{*how};
}

decltype(Statement::node) Parser::parse_keyword_statement(std::string_view word) {
    if (word == "tls" || word == "reach" || word == "connection") {
        return parse_attempt(word);
    }
    if (word == "check") {
        return parse_check();
    }
    if (word == "otherwise") {
        lexer_.take_name();
        return OtherwiseStatement{parse_goal()};
    }
    if (word == "when") {
        return parse_when();
    }
    if (word == "for") {
        return parse_for();
    }
    if (word == "watch") {
        return parse_watch();
    }
    if (word == "serve") {
        return parse_serve();
    }
    if (word == "let") {
        return parse_let();
    }
    if (word == "wait" || word == "close" || word == "drop" || word == "stall" || word == "mark") {
        return ActionStatement{parse_action(word)};
    }
    std::string hint = did_you_mean(word, statement_words());
    if (word == "on") {
        hint = "rules stand inside `serve { … }`";
    } else if (word == "C" || word == "S") {
        hint = fmt::format("`{}:` or `{}|`, without a blank before the mark", word, word);
    } else if (lexer_.peek() == '|') {
        hint = "a continuation needs a statement above it";
    }
    lexer_.fail_expected("a statement: `C:`, `S:`, `C|`, `S|`, " + any_of(statement_words()),
                         std::move(hint));
}

}  // namespace smtpspec::script
