#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "protocol/script/source.hpp"
#include "protocol/script/words.hpp"

/// The syntax tree of a script (docs/scenario-language.md §2). Plain values; every node has its place in the
/// file.
namespace smtpspec::script {

// ---------------------------------------------------------------------------------------------------------------
// Expressions
// ---------------------------------------------------------------------------------------------------------------

struct Expression;
using ExpressionPtr = std::shared_ptr<const Expression>;

/// A part of a text or string: literal octets, or (if `expression` is set) a value inserted by `${…}`.
struct TemplatePiece {
    std::string literal;
    ExpressionPtr expression;
};

/// A text, string, glob or regular expression whose `${…}` are still to be filled in. Escapes are resolved
/// already.
struct Template {
    Position at;
    std::vector<TemplatePiece> pieces;

    /// True if there is nothing to insert.
    bool is_literal() const;
    /// The literal octets; insertions count as nothing.
    std::string literal() const;
};

/// A regular expression as written between the slashes; `\/` is a slash already, `${…}` is inserted as
/// literal text. `compile_regex` (regex.hpp) makes it run.
struct Regex {
    Position at;
    Template source;
    bool ignore_case = false;
    std::vector<std::string> captures;  ///< the named groups `(?<name>…)`, in order
};

enum class Unit { None, Octets, Time, Percent };

/// A number as written: plain, octets (KiB, MiB resolved), microseconds (ms, s, m resolved), or percent.
struct Quantity {
    std::int64_t value = 0;
    Unit unit = Unit::None;

    friend bool operator==(const Quantity&, const Quantity&) = default;
};

enum class BinaryOperator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Match,
    Add,
    Subtract,
    Multiply
};
std::string_view to_string(BinaryOperator op);

struct StringLiteral {
    Template text;
};
struct RegexLiteral {
    Regex regex;
};
struct NumberLiteral {
    Quantity quantity;
};
/// A variable, parameter, capture, label …, dots included: `reply.code`, `case.right`, `stls.name`.
struct NameExpression {
    std::string name;
};
struct CallExpression {
    std::string function;
    std::vector<ExpressionPtr> arguments;
};
struct ListExpression {
    std::vector<ExpressionPtr> items;
};
/// `base[index]`; lists count from 1.
struct IndexExpression {
    ExpressionPtr base;
    ExpressionPtr index;
};
struct NotExpression {
    ExpressionPtr operand;
};
/// With `Match` the right side is a `RegexLiteral`.
struct BinaryExpression {
    BinaryOperator op = BinaryOperator::Equal;
    ExpressionPtr left;
    ExpressionPtr right;
};

struct Expression {
    Position at;
    std::variant<StringLiteral,
                 RegexLiteral,
                 NumberLiteral,
                 NameExpression,
                 CallExpression,
                 ListExpression,
                 IndexExpression,
                 NotExpression,
                 BinaryExpression>
        node;
};

// ---------------------------------------------------------------------------------------------------------------
// What is sent
// ---------------------------------------------------------------------------------------------------------------

/// `by SIZE [every TIME]`: writes of so many octets.
struct Pieces {
    Position at;
    ExpressionPtr size;
    std::optional<Duration> every;
};

/// `~TIME`: a pause, and a new write after it.
struct Pause {
    Position at;
    Duration time{};
};

using BytesItem = std::variant<ExpressionPtr, Pause>;

/// Exact octets, one write unless a pause or `pieces` cuts them.
struct Bytes {
    Position at;
    std::vector<BytesItem> items;
    std::optional<Pieces> pieces;
};

// ---------------------------------------------------------------------------------------------------------------
// Patterns
// ---------------------------------------------------------------------------------------------------------------

struct Pattern;

/// Not one octet for the time (default: the budget `quiet`).
struct SilentPattern {
    std::optional<Duration> time;
};
struct ClosePattern {
    CloseHow how = CloseHow::Any;
};
/// Fits as soon as the octets not yet read match, complete line or not.
struct BytesPattern {
    Regex regex;
};
/// `${param}` or `${param.field}`: a pattern written in the head, parsed when the file was loaded. `by_value`
/// has the pattern for each value name of the parameter.
struct ParameterPattern {
    std::string parameter;
    std::string field;  ///< empty unless the values are maps
    std::map<std::string, std::shared_ptr<const Pattern>> by_value;
};

/// A reply code with `y` (second digit) and `z` (third) as wild cards: `250`, `25z`, `2yz`.
struct CodePattern {
    std::string text;
    bool matches(int code) const;
};
struct CodesPart {
    Position at;
    std::vector<CodePattern> codes;  ///< one of them
};
struct HasPart {
    Position at;
    std::string word;
};
struct LacksPart {
    Position at;
    std::string word;
};
using ReplyPart = std::variant<CodesPart, Regex, HasPart, LacksPart>;

/// Side server: one complete reply.
struct ReplyPattern {
    enum class Kind { Any, Malformed, Parts };
    Position at;
    Kind kind = Kind::Any;
    std::vector<ReplyPart> parts;  ///< all of them hold (Kind::Parts)
};

struct SeriesStar {};   ///< any number of replies
struct SeriesClose {};  ///< the end of the connection
using SeriesElement = std::variant<SeriesStar, SeriesClose, ReplyPattern>;

/// `[a, b, *]`: a whole series of replies.
struct SeriesPattern {
    std::vector<SeriesElement> elements;
};

/// Side client: any line.
struct AnyLinePattern {};
/// Side client: the password or token, however encoded.
struct SecretPattern {};
/// Side client: an event of §6. A lone verb (`MAIL`) is every command with that verb.
struct EventPattern {
    Event event = Event::Command;
};
/// Side client: `EHLO *`; `*` in the *literal* pieces is any run of octets, inserted text has no wild cards.
/// The first word matches in any letter case; the whole line (without CRLF) has to fit.
struct GlobPattern {
    Template text;
};
/// Side client: a regular expression over the raw line.
struct LinePattern {
    Regex regex;
};

struct Pattern {
    Position at;
    std::variant<SilentPattern,
                 ClosePattern,
                 BytesPattern,
                 ParameterPattern,
                 ReplyPattern,
                 SeriesPattern,
                 AnyLinePattern,
                 SecretPattern,
                 EventPattern,
                 GlobPattern,
                 LinePattern>
        node;
};

// ---------------------------------------------------------------------------------------------------------------
// Rules of the server that we play
// ---------------------------------------------------------------------------------------------------------------

/// `=> label` or `=> label!`.
struct Goal {
    Position at;
    std::string label;
    bool ends = false;  ///< "!": the script ends here
};

/// `cert=expired`, `min="1.2"`, `cert=${kind}`.
struct Option {
    Position at;
    std::string name;
    Template value;
};
using Options = std::vector<Option>;

struct WaitAction {
    Duration time{};
};
struct CloseAction {};
struct DropAction {
    DropHow how = DropHow::Fin;
};
struct StallAction {};
struct MarkAction {
    std::string name;
};

/// `"451 4.7.1 later"`: this reply, CRLF added after its last line.
struct ReplyAct {
    Template text;
    std::optional<Pieces> pieces;
};
struct SendAct {
    Bytes bytes;
};
struct PassAct {
    std::optional<Pieces> pieces;
};
struct SwallowAct {};
struct KeepAct {};
struct OmitAct {
    std::string word;
};
struct OfferAct {
    Template line;
};
struct TlsAct {
    Options options;
};
struct AlertAct {
    std::string name;
};

struct Act {
    Position at;
    std::variant<ReplyAct,
                 SendAct,
                 PassAct,
                 SwallowAct,
                 KeepAct,
                 OmitAct,
                 OfferAct,
                 TlsAct,
                 AlertAct,
                 WaitAction,
                 CloseAction,
                 DropAction,
                 StallAction,
                 MarkAction>
        node;
    /// True for what answers the event and so ends the search through the rules (§6, Order).
    bool answers() const;
};

/// `first N` / `after N`, counted over all sessions each time the event fits.
struct RuleCount {
    enum class Kind { First, After };
    Kind kind = Kind::First;
    std::int64_t number = 1;
};

/// `on EVENT [amount] [/regex/] [first|after] [if …] [-> acts] [=> goal]`.
struct Rule {
    Position at;
    Event event = Event::Command;
    std::optional<Quantity> amount;  ///< Time for idle, Octets for data
    std::optional<Regex> regex;      ///< searches the line
    std::optional<RuleCount> count;
    ExpressionPtr condition;  ///< may be null
    std::vector<Act> acts;
    std::optional<Goal> goal;
    std::string text;  ///< the rule as it was written, without comment, for listings

    /// True if one of its acts answers.
    bool answers() const;
};

// ---------------------------------------------------------------------------------------------------------------
// Statements
// ---------------------------------------------------------------------------------------------------------------

struct Statement;
using Block = std::vector<Statement>;

/// Our `C: text` (Form::Line: `text` and CRLF, one write) or `C| items` (Form::Octets: exactly `bytes`).
struct SendStatement {
    enum class Form { Line, Octets };
    Side speaker = Side::Client;
    Form form = Form::Line;
    Template text;
    Bytes bytes;
};

struct Alternative {
    Position at;
    Pattern pattern;
    std::optional<Goal> goal;
};

/// Lines of the side under test: the first alternative that fits the next event.
struct AwaitStatement {
    Side speaker = Side::Server;
    std::vector<Alternative> alternatives;
};

struct TlsAttempt {
    Options options;
};
struct ReachAttempt {
    State state = State::Connected;
};
struct ConnectionAttempt {
    std::string name;
    std::optional<State> from;
    Options options;
};

/// `| fail [/reason/] => label` or `| silent [T] => label`.
struct AttemptAlternative {
    enum class Kind { Fail, Silent };
    Position at;
    Kind kind = Kind::Fail;
    std::optional<Regex> reason;
    std::optional<Duration> time;
    Goal goal;
};

struct AttemptStatement {
    std::variant<TlsAttempt, ReachAttempt, ConnectionAttempt> what;
    std::optional<Goal> goal;  ///< of success
    std::vector<AttemptAlternative> alternatives;
};

struct CheckBranch {
    Position at;
    ExpressionPtr condition;
    Goal goal;
};
struct CheckStatement {
    std::vector<CheckBranch> branches;
    std::optional<Goal> otherwise;  ///< `| else => label`
};

struct OtherwiseStatement {
    Goal goal;
};

struct WhenStatement {
    ExpressionPtr condition;
    Block block;
};

/// `for x in LIST`, `for i in FIRST..LAST`; `until` is looked at before each round.
struct ForStatement {
    std::string variable;
    ExpressionPtr first;  ///< the list, or the first number
    ExpressionPtr last;   ///< null for a list
    ExpressionPtr until;  ///< may be null
    Block block;
};

struct WatchStatement {
    Side speaker = Side::Client;
    Pattern pattern;
    ExpressionPtr condition;  ///< may be null
    Goal goal;
};

struct ServeStatement {
    std::optional<Duration> time;
    std::vector<Rule> rules;
};

struct LetStatement {
    std::string name;
    ExpressionPtr value;
};

struct ActionStatement {
    std::variant<WaitAction, CloseAction, DropAction, StallAction, MarkAction> action;
};

struct Statement {
    Position at;
    std::variant<SendStatement,
                 AwaitStatement,
                 AttemptStatement,
                 CheckStatement,
                 OtherwiseStatement,
                 WhenStatement,
                 ForStatement,
                 WatchStatement,
                 ServeStatement,
                 LetStatement,
                 ActionStatement>
        node;
};

}  // namespace smtpspec::script
