#include "protocol/script/value.hpp"

#include <gtest/gtest.h>

namespace smtpspec::script {
namespace {

using namespace std::chrono_literals;

bool is(BinaryOperator op, const Value& left, const Value& right) {
    const Value result = compare(op, left, right, Position());
    return !result.is_unknown() && *result.truth();
}

TEST(Value, numbers_times_and_octets_are_ordered_among_their_own_kind) {
    EXPECT_TRUE(is(BinaryOperator::Less, 2, 10));
    EXPECT_TRUE(is(BinaryOperator::Less, "10", "2"));  // octets, not digits
    EXPECT_TRUE(is(BinaryOperator::Greater, Duration(2s), Duration(500ms)));
    EXPECT_TRUE(is(BinaryOperator::GreaterEqual, 3, 3));
    EXPECT_TRUE(is(BinaryOperator::NotEqual, "a", "A"));
    EXPECT_TRUE(is(BinaryOperator::Equal, ValueList{1, "x"}, ValueList{1, "x"}));
}

TEST(Value, kinds_that_are_mixed_are_an_error) {
    const std::vector<std::pair<Value, Value>> table = {
        {1, "1"}, {Duration(1s), 1}, {true, "true"}, {ValueList{}, ""}, {Percent{5}, 5}};
    for (const auto& [left, right] : table) {
        EXPECT_THROW(compare(BinaryOperator::Equal, left, right, Position()), EvalError)
            << left.kind() << " and " << right.kind();
    }
}

TEST(Value, what_is_unknown_stays_unknown) {
    const Value missing = Unknown{Unknown::Why::oracle, "the message store"};
    EXPECT_TRUE(compare(BinaryOperator::Equal, missing, 1, Position()).is_unknown());
    EXPECT_TRUE(arithmetic(BinaryOperator::Add, 1, missing, Position()).is_unknown());
}

TEST(Value, a_parameter_compares_as_its_text) {
    Record parameter;
    parameter.name = "missing";
    parameter.text = "502 no";
    EXPECT_TRUE(is(BinaryOperator::Equal, parameter, "502 no"));
    EXPECT_EQ(Value(parameter).kind(), "text");
}

TEST(Value, arithmetic_keeps_units) {
    EXPECT_EQ(*arithmetic(BinaryOperator::Multiply, 3, Duration(2s), Position()).time(), Duration(6s));
    EXPECT_EQ(*arithmetic(BinaryOperator::Add, "a", "b", Position()).octets(), "ab");
    EXPECT_EQ(*arithmetic(BinaryOperator::Subtract, 5, 7, Position()).number(), -2);
    EXPECT_THROW(arithmetic(BinaryOperator::Add, Duration(1s), 1, Position()), EvalError);
    EXPECT_THROW(arithmetic(BinaryOperator::Multiply, INT64_MAX, 2, Position()), EvalError);
}

TEST(Value, text_is_read_as_a_number_with_its_unit) {
    EXPECT_EQ(number_from_text("4096"), 4096);
    EXPECT_EQ(number_from_text("64KiB"), 65536);
    EXPECT_EQ(number_from_text("-3"), -3);
    EXPECT_EQ(number_from_text("99999999999999999999"), INT64_MAX);
    EXPECT_FALSE(number_from_text(""));
    EXPECT_FALSE(number_from_text("12 "));
    EXPECT_FALSE(number_from_text("5s"));
}

}  // namespace
}  // namespace smtpspec::script
