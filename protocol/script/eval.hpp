#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/script/regex.hpp"
#include "protocol/script/rules.hpp"
#include "protocol/script/value.hpp"

/// Evaluation of expressions, texts, regular expressions and octets. No I/O; what the world knows comes
/// through Scope.
namespace smtpspec::script {

/// What names and the functions that look at the world stand for.
class Scope {
  public:
    virtual ~Scope() = default;
    /// Variables, parameters, given values, `reply.code` …; a label is true once reached. Never empty: a name
    /// that is not known is a label that has not been reached.
    virtual Value name(const std::string& name, Position at) = 0;
    /// True if the name is a variable and not a mark, limiter or label.
    virtual bool has_variable(const std::string& name) const = 0;
    /// A function that is not pure (functions.hpp); empty if there is none of that name. `over`, `since` and
    /// `count` get the name of their limiter or mark as octets.
    virtual std::optional<Value> call(const std::string& function,
                                      const std::vector<Value>& arguments,
                                      Position at) = 0;
    /// A named group of a regular expression has matched: it is a variable from now on.
    virtual void capture(const std::string& name, std::string octets) = 0;
    /// A comparison of a `check` has been made; kept as a measurement by scopes that want it.
    virtual void compared(const Expression& side, const Value& value);
};

Value evaluate(const Expression& expression, Scope& scope);
/// The octets of a text with its `${…}` filled in. Throws EvalError if a value is unknown or has no text.
std::string expand(const Template& text, Scope& scope);
/// True, false, or unknown. Throws EvalError when it is no condition.
Value condition(const Expression& expression, Scope& scope);
/// `condition` where unknown counts as no.
bool holds(const ExpressionPtr& expression, Scope& scope);

/// A regular expression with its insertions made. Throws EvalError when the result is none.
CompiledRegex compile(const Regex& regex, Scope& scope);
/// Searches, and makes variables of the named groups that matched.
bool search(const Regex& regex, std::string_view octets, Scope& scope);

/// What `C| …`, `S| …` and `send` send, cut into writes. Pieces of `by` follow each other without a pause
/// unless `every` says one.
std::vector<Write> writes_of(const Bytes& bytes, Scope& scope);
/// One text cut by `pieces` (null: one write).
std::vector<Write> cut(std::string octets, const std::optional<Pieces>& pieces, Scope& scope);
/// The value of a count that may be written as number or, in a parameter, as text. Throws EvalError.
std::int64_t as_number(const Value& value, Position at);

/// True if an expression calls one of these functions or names something that begins with one of these
/// prefixes
/// (`store.`), at any depth, insertions of strings included.
bool mentions(const Expression& expression, const std::set<std::string>& words);
bool mentions(const Template& text, const std::set<std::string>& words);

}  // namespace smtpspec::script
