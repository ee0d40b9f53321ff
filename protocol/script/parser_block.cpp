#include <utility>

#include <fmt/format.h>

#include "protocol/script/parser.hpp"
#include "protocol/script/scenario.hpp"

/// Lines of statements, blocks, and how the parser goes on after a mistake.
namespace smtpspec::script {

Block Parser::parse_script() {
    Block block;
    while (lexer_.to_next_statement() && !lexer_.reporter().full()) {
        parse_statements(block, false, 0);
        lexer_.skip_blanks();
        if (lexer_.looking_at("}")) {
            ++left_out_;
            lexer_.error(lexer_.offset(), 1, "this `}` closes nothing");
            lexer_.advance(1);
            lexer_.skip_statement();
        }
    }
    return block;
}

/// Up to a `}` (which is left) or the end of the input.
void Parser::parse_statements(Block& block, bool inside_block, std::size_t opened_at) {
    while (lexer_.to_next_statement() && !lexer_.reporter().full()) {
        if (lexer_.looking_at("}")) {
            return;
        }
        try {
            Statement statement = parse_statement();
            block.push_back(std::move(statement));
        } catch (const SyntaxAbandoned&) {
            ++left_out_;
            recover();
        }
    }
    if (inside_block && !lexer_.reporter().full()) {
        ++left_out_;
        lexer_.error(opened_at, 1, "the block is not closed", "`}` on a line of its own");
    }
}

/// After a mistake: on to the next statement; if the line opens a block, its inside is still looked at.
void Parser::recover() {
    const bool opens = lexer_.line_opens_block() && !lexer_.at_newline();
    const std::size_t opened_at = lexer_.offset();
    lexer_.skip_statement();
    if (!opens || depth_ >= max_nesting) {
        return;
    }
    try {
        if (lexer_.to_next_statement() && lexer_.sees_word("on")) {
            parse_rules_inside();
        }
        parse_block(opened_at);
    } catch (const SyntaxAbandoned&) {
        lexer_.skip_statement();
    }
}

/// The inside of a block and its `}`; the `{` and its line are behind.
Block Parser::parse_block(std::size_t opened_at) {
    const Depth guard(*this, opened_at);
    Block block;
    parse_statements(block, true, opened_at);
    if (lexer_.looking_at("}")) {
        lexer_.advance(1);
        finish_statement();
    }
    return block;
}

void Parser::open_block(std::string_view after) {
    if (!lexer_.accept("{")) {
        lexer_.fail_expected(fmt::format("`{{` after {}", after));
    }
    if (!lexer_.at_statement_end()) {
        lexer_.fail_expected("the end of the line: `{` ends its line");
    }
}

void Parser::finish_statement() {
    if (!lexer_.at_statement_end()) {
        lexer_.fail_expected("the end of the statement");
    }
}

}  // namespace smtpspec::script
