#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/script/ast.hpp"

/// The values of the scenario language (scenario-language.md §9). No I/O.
namespace smtpspec::script {

/// An expression that cannot be evaluated. `wrong`: the scenario is at fault (mixed kinds, a list index out
/// of range); `missing`: the profile or the endpoint does not have what is asked for; `peer`: what the other
/// side sent makes no value (no base64, no number).
class EvalError : public std::runtime_error {
  public:
    enum class Kind { wrong, missing, peer };

    EvalError(Kind kind, Position at, const std::string& what)
        : std::runtime_error(what), kind_(kind), at_(at) {}
    Kind kind() const { return kind_; }
    Position at() const { return at_; }

  private:
    Kind kind_;
    Position at_;
};

/// Neither true nor false: an oracle, a fixture or what a peer should have sent is not there.
struct Unknown {
    enum class Why { oracle, fixture, peer };
    Why why = Why::oracle;
    std::string what;
};

struct Percent {
    std::int64_t value = 0;
};

/// A parameter's value: its name and its text, or named fields.
struct Record {
    std::string name;
    std::optional<std::string> text;
    std::map<std::string, std::string> fields;
};

class Value;
using ValueList = std::vector<Value>;

/// One value. Values are copied freely; lists share their items.
class Value {
  public:
    Value() : data_(Unknown{}) {}
    Value(Unknown unknown) : data_(std::move(unknown)) {}
    Value(bool truth) : data_(truth) {}
    Value(std::int64_t number) : data_(number) {}
    Value(int number) : data_(static_cast<std::int64_t>(number)) {}
    Value(Duration time) : data_(time) {}
    Value(Percent percent) : data_(percent) {}
    Value(std::string octets) : data_(std::move(octets)) {}
    Value(const char* octets) : data_(std::string(octets)) {}
    Value(ValueList list);
    Value(Record record) : data_(std::make_shared<const Record>(std::move(record))) {}

    bool is_unknown() const { return std::holds_alternative<Unknown>(data_); }
    const Unknown& unknown() const { return std::get<Unknown>(data_); }
    const bool* truth() const { return std::get_if<bool>(&data_); }
    const std::int64_t* number() const { return std::get_if<std::int64_t>(&data_); }
    const Duration* time() const { return std::get_if<Duration>(&data_); }
    const Percent* percent() const { return std::get_if<Percent>(&data_); }
    /// Octets; of a parameter with one text that text.
    const std::string* octets() const;
    const ValueList* list() const;
    const Record* record() const;

    /// "text", "a number", "a time" … for messages.
    std::string kind() const;
    /// How a text takes it in: octets as they are, a number in decimal, a time as it is written. Empty: it
    /// has no text.
    std::optional<std::string> text() const;

  private:
    std::variant<Unknown,
                 bool,
                 std::int64_t,
                 Duration,
                 Percent,
                 std::string,
                 std::shared_ptr<const ValueList>,
                 std::shared_ptr<const Record>>
        data_;
};

/// Values grow to 64 MiB at most (§9).
inline constexpr std::size_t max_value_octets = 64 * 1024 * 1024;

/// `text` as a number: decimal digits with an optional sign, KiB or MiB behind it. Empty if it is none; too
/// large a number becomes the largest.
std::optional<std::int64_t> number_from_text(std::string_view text);

/// The value of a comparison (`==` … `>=`): numbers, times and octets among their own kind; true and false,
/// lists and percentages are equal or not. Throws EvalError when kinds are mixed; an unknown side gives
/// unknown.
Value compare(BinaryOperator op, const Value& left, const Value& right, Position at);
/// `+`, `-`, `*`: numbers, times (a time may be multiplied by a number), `+` also joins octets and lists.
Value arithmetic(BinaryOperator op, const Value& left, const Value& right, Position at);

}  // namespace smtpspec::script
