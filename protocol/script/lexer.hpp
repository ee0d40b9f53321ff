#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/script/ast.hpp"
#include "protocol/script/diagnostic.hpp"
#include "protocol/script/source.hpp"

namespace smtpspec::script {

/// Thrown when a statement cannot be understood any further; the mistake is reported already.
struct SyntaxAbandoned {};

/// The characters of a script with the lexical rules of §1: blanks, comments, continuation lines, names,
/// numbers. What a character means depends on where it stands (text, glob, string, regular expression), so
/// the parser asks for the token that may come instead of being handed a stream of them.
class Lexer {
  public:
    /// Reads `text`; octet i of it stands at `origin[i]` in the source file (`origin` empty: at i itself).
    Lexer(Reporter& reporter,
          std::string_view text,
          std::size_t begin = 0,
          std::vector<std::uint32_t> origin = {});

    // Characters
    std::size_t offset() const { return at_; }
    void seek(std::size_t offset) { at_ = offset; }
    bool at_end_of_input() const { return at_ >= text_.size(); }
    char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
    bool looking_at(std::string_view symbol) const { return text_.substr(at_, symbol.size()) == symbol; }
    bool at_newline() const;
    std::string_view slice(std::size_t begin, std::size_t end) const {
        return begin < text_.size() ? text_.substr(begin, end - begin) : std::string_view();
    }
    /// Goes on by some octets; they belong to a token.
    void advance(std::size_t octets);
    /// The end of the last token.
    std::size_t token_end() const { return token_end_; }

    // Lines
    /// Passes blanks, comments, and line ends before a continuation line.
    void skip_blanks();
    /// Passes the `|` with which a continuation line begins, where it separates nothing (octets, acts).
    void skip_continuation_mark();
    /// True if nothing more stands on this statement's lines.
    bool at_statement_end();
    /// Passes empty lines and comments; false at the end of the input.
    bool to_next_statement();
    /// Passes the rest of a statement that was not understood.
    void skip_statement();
    /// True if the rest of the line (without comment) ends with an opening brace.
    bool line_opens_block() const;

    // Tokens; each passes blanks first
    bool accept(std::string_view symbol);
    bool accept_word(std::string_view word);
    bool sees_word(std::string_view word);
    /// The name or word here, empty if there is none; does not move.
    std::string_view peek_name();
    std::string_view take_name();
    bool sees_number();
    Quantity take_number();
    Duration take_time();
    /// A run of characters of an EHLO keyword, option value or the like (`AUTH=PLAIN`, `1.2`).
    std::string_view take_loose_word();

    // Insertions in strings are on one line and have no comments
    void enter_insertion() { ++insertions_; }
    void leave_insertion() { --insertions_; }

    // Mistakes
    Position position(std::size_t offset);
    Position here() { return position(at_); }
    Reporter& reporter() { return reporter_; }
    /// How long the token at an offset looks, for the caret.
    std::size_t token_length(std::size_t offset) const;
    /// What stands here, for a message: "`foo`" or "the end of the line".
    std::string found();
    void error(std::size_t offset,
               std::size_t length,
               std::string message,
               std::string expected = {},
               std::string hint = {});
    [[noreturn]] void fail(std::size_t offset,
                           std::size_t length,
                           std::string message,
                           std::string expected = {},
                           std::string hint = {});
    /// Fails at the token here: "expected …, found …".
    [[noreturn]] void fail_expected(std::string expected, std::string hint = {});

  private:
    std::size_t past_newline(std::size_t offset) const;
    std::size_t continuation_after(std::size_t newline);
    bool comment_starts(std::size_t offset) const;

    Reporter& reporter_;
    std::string_view text_;
    std::size_t at_ = 0;
    std::size_t token_end_ = 0;
    std::vector<std::uint32_t> origin_;
    int insertions_ = 0;
    // the last answer of continuation_after
    std::size_t asked_newline_ = std::string_view::npos;
    std::size_t asked_answer_ = 0;
    PositionCursor cursor_;
};

bool is_blank(char c);
bool is_digit(char c);
bool is_letter(char c);

/// The length of the name at the start of `text`; 0 if there is none.
std::size_t name_length(std::string_view text);

}  // namespace smtpspec::script
