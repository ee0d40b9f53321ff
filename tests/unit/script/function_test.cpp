#include "protocol/script/functions.hpp"

#include "tests/unit/script/eval_scope.hpp"

namespace smtpspec::script {
namespace {

using test::eval;
using test::MapScope;
using test::show;

struct Row {
    const char* expression;
    const char* value;
};

TEST(Function, text_functions) {
    MapScope scope;
    const Row table[] = {
        {"len(\"abc\")", "3"},
        {"hex(\"\\x00\\xff\")", "00ff"},
        {"unhex(\"4142\")", "AB"},
        {"unhex(\"4\")", "unknown"},
        {"base64(\"user\")", "dXNlcg=="},
        {"unbase64(\"dXNlcg==\")", "user"},
        {"unbase64(\"dXNlcg\")", "unknown"},
        {"upper(\"ab\") + lower(\"CD\")", "ABcd"},
        {"number(\"42\") + 1", "43"},
        {"number(\"many\")", "unknown"},
        {"count(\"a.b.c\", \".\")", "2"},
        {"count(\"a1b22\", /[0-9]+/)", "2"},
        {"count([1, 2, 1], 1)", "2"},
        {"sort([3, 1, 2])", "[1,2,3]"},
        {"repeat(\"ab\", 3)", "ababab"},
        {"pad(\"ab\", 4)", "abxx"},
        {"pad(\"abcdef\", 4)", "abcdef"},
        {"stuffed(\".a\\r\\n..\\r\\n\")", "..a\r\n...\r\n"},
        {"flip(\"a\")", "`"},
        {"flip(flip(\"xyz\"))", "xyz"},
        {"plain(\"u\", \"p\")", "AHUAcA=="},
    };
    for (const Row& row : table) {
        EXPECT_EQ(show(eval(row.expression, scope)), row.value) << row.expression;
    }
}

TEST(Function, look_into_a_message) {
    MapScope scope;
    scope.values["m"] =
        "Received: from a\r\n by b\r\nSubject: x\r\nreceived: older\r\n\r\nbody\r\nReceived: no\r\n";
    EXPECT_EQ(show(eval("header(m, \"Received\")", scope)), "[from a by b,older]");
    EXPECT_EQ(show(eval("body(m)", scope)), "body\r\nReceived: no\r\n");
    EXPECT_EQ(show(eval("body(\"\")", scope)), "");
    EXPECT_EQ(show(eval("len(header(\"\", \"X\"))", scope)), "0");
}

// RFC 2202 §2, test case 2.
TEST(Function, hmac_gives_the_octets_of_the_rfc) {
    MapScope scope;
    EXPECT_EQ(show(eval("hex(hmac(\"MD5\", \"Jefe\", \"what do ya want for nothing?\"))", scope)),
              "750c783e6ab0b503eaa86e310a5db738");
    EXPECT_THROW(eval("hmac(\"MD4\", \"k\", \"t\")", scope), EvalError);
}

// RFC 7677 §3.
TEST(Function, scram_final_gives_the_message_of_the_rfc) {
    MapScope scope;
    scope.values["opening"] = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
    scope.values["server_first"] =
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
    EXPECT_EQ(show(eval("scram_final(\"SHA-256\", opening, server_first, \"pencil\")", scope)),
              "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
              "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
    EXPECT_EQ(show(eval("scram_final(\"SHA-256\", opening, \"nonsense\", \"pencil\")", scope)), "unknown");
}

TEST(Function, refuses_what_would_not_fit_in_memory) {
    MapScope scope;
    EXPECT_THROW(eval("repeat(\"ab\", 64MiB)", scope), EvalError);
    EXPECT_THROW(eval("pad(\"\", 65MiB)", scope), EvalError);
    EXPECT_THROW(eval("repeat(\"ab\", 0 - 1)", scope), EvalError);
}

}  // namespace
}  // namespace smtpspec::script
