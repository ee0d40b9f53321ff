#include "protocol/script/regex.hpp"

#include <gtest/gtest.h>

#include <string>

namespace {

using namespace smtpspec::script;

bool found(const std::string& pattern, const std::string& text) {
    const auto regex = compile_regex_source(pattern, false);
    EXPECT_TRUE(regex) << pattern << ": " << (regex ? "" : regex.error());
    return regex && regex->matches(text);
}

TEST(Regexes, SearchOctets) {
    EXPECT_TRUE(found("\\x16\\x03", "..\x16\x03"));
    EXPECT_TRUE(found("[\\x80-\\xFF]", "\xC3"));
    EXPECT_TRUE(found("^.$", "\xC3"));
    EXPECT_TRUE(found("a.b",
                      "xa\xFF"
                      "b"));
    EXPECT_FALSE(found("a.b", "a\nb"));
}

TEST(Regexes, MatchAtTheLines) {
    const std::string reply = "250-a.test\r\n250 SIZE 10\r\n";
    EXPECT_TRUE(found("^250 SIZE", reply));
    EXPECT_TRUE(found("a\\.test$", reply));
    EXPECT_TRUE(found("SIZE 10$", reply));
    EXPECT_FALSE(found("\\A250 SIZE", reply));
    EXPECT_TRUE(found("\\A250-", reply));
    EXPECT_TRUE(found("10\\r\\n\\z", reply));
    EXPECT_FALSE(found("test\\z", reply));
    EXPECT_TRUE(found("[$]", "a$b"));
    EXPECT_TRUE(found("a\\$b", "a$b"));
}

TEST(Regexes, CaptureByName) {
    const auto regex = compile_regex_source("^334 (?<challenge>.*)$", false);
    ASSERT_TRUE(regex);
    EXPECT_EQ(regex->group_names(), std::vector<std::string>{"challenge"});
    const auto match = regex->search("334 YWJj\r\n");
    ASSERT_TRUE(match);
    ASSERT_EQ(match->captures.size(), 1U);
    EXPECT_EQ(match->captures[0].second, "YWJj") << "the CR belongs to the line end";
    EXPECT_EQ(match->end, 8U);
    EXPECT_TRUE(compile_regex_source("[(?<x>]", false)->group_names().empty());
}

TEST(Regexes, RefuseWhatIsNotLinearOrNotOurs) {
    for (const char* pattern : {"(a)\\1",
                                "a(?=b)",
                                "a(?!b)",
                                "(?<=a)b",
                                "(?<!a)b",
                                "(?P<n>a)",
                                "(?<1>a)",
                                "(?<a-b>c)",
                                "(",
                                "[a",
                                "a\\",
                                "*",
                                "\\Qa\\E",
                                "a{1001}"}) {
        EXPECT_FALSE(compile_regex_source(pattern, false)) << pattern;
    }
}

TEST(Regexes, TakeInsertionsAsLiteralText) {
    const std::string odd("a.b*(\r\n\0\xFF/$", 12);
    EXPECT_TRUE(found("^" + quote_for_regex(odd) + "\\z", odd));
    EXPECT_FALSE(found("^" + quote_for_regex("a.b") + "\\z", "axb"));
}

TEST(Regexes, IgnoreCaseOnRequest) {
    EXPECT_TRUE(compile_regex_source("auth plain", true)->matches("AUTH PLAIN"));
    EXPECT_FALSE(compile_regex_source("auth plain", false)->matches("AUTH PLAIN"));
}

}  // namespace
