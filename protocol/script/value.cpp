#include "protocol/script/value.hpp"

#include <fmt/format.h>

#include <charconv>
#include <limits>

#include "protocol/script/words.hpp"

namespace smtpspec::script {

Value::Value(ValueList list) : data_(std::make_shared<const ValueList>(std::move(list))) {}

const std::string* Value::octets() const {
    if (const Record* parameter = record(); parameter != nullptr && parameter->text) {
        return &*parameter->text;
    }
    return std::get_if<std::string>(&data_);
}

const ValueList* Value::list() const {
    const auto* held = std::get_if<std::shared_ptr<const ValueList>>(&data_);
    return held == nullptr ? nullptr : held->get();
}

const Record* Value::record() const {
    const auto* held = std::get_if<std::shared_ptr<const Record>>(&data_);
    return held == nullptr ? nullptr : held->get();
}

std::string Value::kind() const {
    if (octets() != nullptr) {
        return "text";
    }
    switch (data_.index()) {
        case 0:
            return "unknown (" + unknown().what + ")";
        case 1:
            return "true or false";
        case 2:
            return "a number";
        case 3:
            return "a time";
        case 4:
            return "a percentage";
        case 6:
            return "a list";
        default:
            return "a parameter with fields";
    }
}

std::optional<std::string> Value::text() const {
    if (const std::string* held = octets()) {
        return *held;
    }
    if (const std::int64_t* held = number()) {
        return std::to_string(*held);
    }
    if (const Duration* held = time()) {
        return duration_text(*held);
    }
    if (const bool* held = truth()) {
        return *held ? "true" : "false";
    }
    return std::nullopt;
}

std::optional<std::int64_t> number_from_text(std::string_view text) {
    std::int64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(end - text.size(), end, value);
    if (error == std::errc::invalid_argument) {
        return std::nullopt;
    }
    const std::string_view unit(rest, static_cast<std::size_t>(end - rest));
    const std::int64_t scale = unit == "KiB" ? 1024 : unit == "MiB" ? 1024 * 1024 : unit.empty() ? 1 : 0;
    if (scale == 0) {
        return std::nullopt;
    }
    std::int64_t scaled = 0;
    if (error == std::errc::result_out_of_range || __builtin_mul_overflow(value, scale, &scaled)) {
        return text.front() == '-' ? std::numeric_limits<std::int64_t>::min()
                                   : std::numeric_limits<std::int64_t>::max();
    }
    return scaled;
}

namespace {

[[noreturn]] void mixed(BinaryOperator op, const Value& left, const Value& right, Position at) {
    throw EvalError(EvalError::Kind::wrong,
                    at,
                    fmt::format("`{}` does not take {} and {}", to_string(op), left.kind(), right.kind()));
}

template <class T>
bool order(BinaryOperator op, const T& left, const T& right) {
    switch (op) {
        case BinaryOperator::Equal:
            return left == right;
        case BinaryOperator::NotEqual:
            return !(left == right);
        case BinaryOperator::Less:
            return left < right;
        case BinaryOperator::LessEqual:
            return !(right < left);
        case BinaryOperator::Greater:
            return right < left;
        default:
            return !(left < right);
    }
}

Value compare_lists(BinaryOperator op, const ValueList& left, const ValueList& right, Position at) {
    bool same = left.size() == right.size();
    for (std::size_t i = 0; same && i < left.size(); ++i) {
        const Value equal = compare(BinaryOperator::Equal, left[i], right[i], at);
        if (equal.is_unknown()) {
            return equal;
        }
        same = *equal.truth();
    }
    return same == (op == BinaryOperator::Equal);
}

std::int64_t checked(BinaryOperator op, std::int64_t left, std::int64_t right, Position at) {
    std::int64_t result = 0;
    const bool overflow = op == BinaryOperator::Add        ? __builtin_add_overflow(left, right, &result)
                          : op == BinaryOperator::Subtract ? __builtin_sub_overflow(left, right, &result)
                                                           : __builtin_mul_overflow(left, right, &result);
    if (overflow) {
        throw EvalError(EvalError::Kind::wrong, at, "the number is too large");
    }
    return result;
}

Value join(const Value& left, const Value& right, Position at) {
    if (left.octets() != nullptr && right.octets() != nullptr) {
        if (left.octets()->size() + right.octets()->size() > max_value_octets) {
            throw EvalError(EvalError::Kind::wrong, at, "a value may have 64 MiB");
        }
        return *left.octets() + *right.octets();
    }
    if (left.list() != nullptr && right.list() != nullptr) {
        ValueList all = *left.list();
        all.insert(all.end(), right.list()->begin(), right.list()->end());
        return all;
    }
    mixed(BinaryOperator::Add, left, right, at);
}

}  // namespace

Value compare(BinaryOperator op, const Value& left, const Value& right, Position at) {
    if (left.is_unknown()) {
        return left;
    }
    if (right.is_unknown()) {
        return right;
    }
    if (left.number() != nullptr && right.number() != nullptr) {
        return order(op, *left.number(), *right.number());
    }
    if (left.time() != nullptr && right.time() != nullptr) {
        return order(op, *left.time(), *right.time());
    }
    if (left.octets() != nullptr && right.octets() != nullptr) {
        return order(op, *left.octets(), *right.octets());
    }
    if (op != BinaryOperator::Equal && op != BinaryOperator::NotEqual) {
        mixed(op, left, right, at);
    }
    if (left.truth() != nullptr && right.truth() != nullptr) {
        return order(op, *left.truth(), *right.truth());
    }
    if (left.list() != nullptr && right.list() != nullptr) {
        return compare_lists(op, *left.list(), *right.list(), at);
    }
    mixed(op, left, right, at);
}

Value arithmetic(BinaryOperator op, const Value& left, const Value& right, Position at) {
    if (left.is_unknown()) {
        return left;
    }
    if (right.is_unknown()) {
        return right;
    }
    if (left.number() != nullptr && right.number() != nullptr) {
        return checked(op, *left.number(), *right.number(), at);
    }
    if (op == BinaryOperator::Multiply) {
        const Duration* time = left.time() != nullptr ? left.time() : right.time();
        const std::int64_t* factor = left.number() != nullptr ? left.number() : right.number();
        if (time == nullptr || factor == nullptr) {
            mixed(op, left, right, at);
        }
        return Duration(checked(op, time->count(), *factor, at));
    }
    if (left.time() != nullptr && right.time() != nullptr) {
        return Duration(checked(op, left.time()->count(), right.time()->count(), at));
    }
    if (op == BinaryOperator::Add) {
        return join(left, right, at);
    }
    mixed(op, left, right, at);
}

}  // namespace smtpspec::script
