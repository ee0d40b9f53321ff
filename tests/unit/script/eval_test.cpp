#include "protocol/script/eval.hpp"

#include "tests/unit/script/eval_scope.hpp"

namespace smtpspec::script {
namespace {

using test::eval;
using test::MapScope;
using test::parsed;
using test::show;

struct Row {
    const char* expression;
    const char* value;
};

class Evaluation : public ::testing::Test {
  protected:
    void SetUp() override {
        scope.values["list"] = ValueList{"x", "y"};
        scope.values["n"] = 7;
        scope.values["word"] = "EHLO mail.test";
        scope.values["reached"] = true;
        scope.values["store.count"] = Unknown{Unknown::Why::oracle, "the message store"};
    }
    MapScope scope;
};

TEST_F(Evaluation, follows_the_usual_precedence) {
    const Row table[] = {
        {"1 + 2 * 3", "7"},
        {"(1 + 2) * 3", "9"},
        {"n - 1 - 2", "4"},
        {"not reached or n > 3", "true"},
        {"not (reached or n > 3)", "false"},
        {"reached and n == 7 and not other", "true"},
        {"2 * 5s == 10s", "true"},
        {"64KiB", "65536"},
        {"\"a${n}b$$\" == \"a7b$\"", "true"},
        {"list[2]", "y"},
        {"[1, 2][1] + len(list)", "3"},
        {"word ~ /mail\\.TEST$/i", "true"},
        {"word ~ /^mail/", "false"},
    };
    for (const Row& row : table) {
        EXPECT_EQ(show(eval(row.expression, scope)), row.value) << row.expression;
    }
}

TEST_F(Evaluation, an_unknown_oracle_is_neither_true_nor_false) {
    const Row table[] = {
        {"store.count > 0", "unknown"},
        {"not (store.count > 0)", "unknown"},
        {"store.count > 0 or reached", "true"},
        {"store.count > 0 or other", "unknown"},
        {"store.count > 0 and other", "false"},
        {"store.count > 0 and reached", "unknown"},
        {"list[3] == \"z\"", "unknown"},
    };
    for (const Row& row : table) {
        EXPECT_EQ(show(eval(row.expression, scope)), row.value) << row.expression;
    }
}

TEST_F(Evaluation, a_named_group_becomes_a_variable) {
    EXPECT_EQ(show(eval("word ~ /(?<verb>\\w+) (?<rest>.*)/", scope)), "true");
    EXPECT_EQ(show(scope.values["verb"]), "EHLO");
    EXPECT_EQ(show(scope.values["rest"]), "mail.test");
}

TEST_F(Evaluation, what_is_inserted_in_a_regular_expression_is_literal) {
    scope.values["dotted"] = "a.b";
    scope.values["other"] = "axb";
    EXPECT_EQ(show(eval("other ~ /${dotted}/", scope)), "false");
    EXPECT_EQ(show(eval("\"<a.b>\" ~ /<${dotted}>/", scope)), "true");
}

TEST_F(Evaluation, mistakes_are_errors_with_their_place) {
    for (const char* text : {"n == \"7\"", "n and reached", "word + 1", "n[1]", "len(1, 2)", "5s + 1"}) {
        EXPECT_THROW(eval(text, scope), EvalError) << text;
    }
}

TEST_F(Evaluation, limiters_and_marks_are_given_by_name) {
    scope.results["over"] = true;
    scope.results["count"] = 3;
    EXPECT_EQ(show(eval("over(account) and count(limited) == 3", scope)), "true");
    EXPECT_EQ(scope.asked, (std::vector<std::string>{"account", "limited"}));
    EXPECT_EQ(show(eval("count(list)", scope)), "2");  // a variable is no mark
}

TEST_F(Evaluation, octets_are_cut_into_writes_where_the_script_says_so) {
    Bytes bytes;
    bytes.items.emplace_back(parsed("\"abcdefg\""));
    bytes.items.emplace_back(Pause{Position(), std::chrono::milliseconds(50)});
    bytes.items.emplace_back(parsed("\"hi\""));
    std::vector<Write> writes = writes_of(bytes, scope);
    ASSERT_EQ(writes.size(), 2U);
    EXPECT_EQ(writes[1].octets, "hi");
    EXPECT_EQ(writes[1].pause, std::chrono::milliseconds(50));
    bytes.pieces = Pieces{Position(), parsed("3"), std::chrono::milliseconds(10)};
    writes = writes_of(bytes, scope);
    ASSERT_EQ(writes.size(), 4U);
    EXPECT_EQ(writes[2].octets, "g");
    EXPECT_EQ(writes[1].pause, std::chrono::milliseconds(10));
    EXPECT_EQ(writes[3].pause, std::chrono::milliseconds(50));
}

TEST_F(Evaluation, finds_out_whether_an_expression_needs_an_oracle) {
    const std::set<std::string> words = {"copies", "store."};
    EXPECT_TRUE(mentions(*parsed("copies(\"a-${n}\") > 1"), words));
    EXPECT_TRUE(mentions(*parsed("\"${store.lost}\" == \"\""), words));
    EXPECT_FALSE(mentions(*parsed("restore.lost > 1 and len(word) > 2"), words));
}

}  // namespace
}  // namespace smtpspec::script
