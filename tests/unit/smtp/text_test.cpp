#include "protocol/smtp/text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/smtp/escape.hpp"

namespace smtpspec::smtp {
namespace {

using namespace std::string_literals;

TEST(Text, CaseIsThatOfAscii) {
    EXPECT_EQ(to_upper("aZ9\xc3\xbc-"), "AZ9\xc3\xbc-");
    EXPECT_EQ(to_lower("aZ9\xc3\x9c-"), "az9\xc3\x9c-");
    EXPECT_TRUE(iequals("StartTLS", "STARTTLS"));
    EXPECT_FALSE(iequals("START", "STARTTLS"));
    EXPECT_FALSE(iequals("STARTTLS", "START"));
    EXPECT_TRUE(istarts_with("from:<>", "FROM:"));
    EXPECT_FALSE(istarts_with("FRO", "FROM:"));
}

TEST(Text, WordsStandBetweenBlanksAndTabs) {
    EXPECT_THAT(split_words(" AUTH  PLAIN\tLOGIN "), testing::ElementsAre("AUTH", "PLAIN", "LOGIN"));
    EXPECT_THAT(split_words(""), testing::IsEmpty());
    EXPECT_THAT(split_words(" \t "), testing::IsEmpty());
}

TEST(Utf8, ValidAndInvalid) {
    for (const char* good : {"",
                             "abc",
                             "\xc2\x80",
                             "\xdf\xbf",
                             "\xe0\xa0\x80",
                             "\xed\x9f\xbf",
                             "\xee\x80\x80",
                             "\xef\xbf\xbf",
                             "\xf0\x90\x80\x80",
                             "\xf4\x8f\xbf\xbf"}) {
        EXPECT_TRUE(is_utf8(good)) << testing::PrintToString(good);
    }
    for (const char* bad : {"\x80",
                            "\xbf",
                            "\xc0\x80",
                            "\xc1\xbf",
                            "\xc2",
                            "\xc2\x41",
                            "\xe0\x9f\xbf",
                            "\xed\xa0\x80",
                            "\xe1\x80",
                            "\xf0\x8f\xbf\xbf",
                            "\xf4\x90\x80\x80",
                            "\xf5\x80\x80\x80",
                            "\xfe",
                            "\xff"}) {
        EXPECT_FALSE(is_utf8(bad)) << testing::PrintToString(bad);
    }
    EXPECT_TRUE(is_utf8("\0"s));
}

TEST(Printable, EscapesWhatMustNotReachATerminal) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"250 ok\r\n", R"(250 ok\r\n)"},
        {"a\tb", R"(a\tb)"},
        {"a\0b"s, R"(a\0b)"},
        {"\0001\1"s, R"(\01\x01)"},
        {"\x1b[31mred", R"(\x1B[31mred)"},
        {"\x07\x08\x7f", R"(\x07\x08\x7F)"},
        {"back\\slash", R"(back\\slash)"},
        {"\"quoted\"", "\"quoted\""},
        {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
        {"\xe2\x9c\x93 \xf0\x9f\x93\xa7", "\xe2\x9c\x93 \xf0\x9f\x93\xa7"},
        {"\xfc", R"(\xFC)"},
        {"\xc3", R"(\xC3)"},
        {"\xc3(", R"(\xC3()"},
        {"\xed\xa0\x80", R"(\xED\xA0\x80)"},
        {"\xc2\x9b"
         "31m",
         R"(\u{9B}31m)"},
        {"\xe2\x80\xae", R"(\u{202E})"},
        {"\xe2\x80\xa8", R"(\u{2028})"},
        {"\xef\xbb\xbf", R"(\u{FEFF})"},
        {"\xf3\xa0\x80\xa1", R"(\u{E0021})"},
        {"\xe2\x80\x8b", R"(\u{200B})"},
        {"", ""},
    };
    for (const auto& [octets, shown] : cases) {
        EXPECT_EQ(printable(octets), shown);
    }
}

TEST(Printable, LeavesNoCommandForTheLogOfACiJob) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"::error::x", R"(\x3A:error::x)"},
        {"550 no ::add-mask::e", R"(550 no \x3A:add-mask::e)"},
        {"::a::b::c", R"(\x3A:a\x3A:b::c)"},
        {"##[error]x", R"(\x23#[error]x)"},
        {"x ##vso[task.complete]", R"(x \x23#vso[task.complete])"},
        {"###[x]", R"(#\x23#[x])"},
        {"2001:db8::a", "2001:db8::a"},
        {"from ::ffff:192.0.2.1", "from ::ffff:192.0.2.1"},
        {"# a ## heading [x]", "# a ## heading [x]"},
        {":: ::", ":: ::"},
        {"::", "::"}};
    for (const auto& [octets, shown] : cases) {
        EXPECT_EQ(printable(octets), shown);
    }
    std::string many;
    for (int i = 0; i < 300000; ++i) {
        many += "::a";
    }
    EXPECT_EQ(printable(many).size(), many.size() + 3 * (300000 - 1));
}

TEST(Printable, NoOctetComesOutAsAControlCharacter) {
    for (int first = 0; first < 256; ++first) {
        for (int second = 0; second < 256; ++second) {
            const std::string shown =
                printable(std::string{static_cast<char>(first), static_cast<char>(second)});
            EXPECT_TRUE(is_utf8(shown));
            for (const char c : shown) {
                EXPECT_FALSE(is_control(c));
            }
        }
    }
}

TEST(Printable, LongTextIsCutBetweenCharacters) {
    EXPECT_EQ(printable("abcdef", 6), "abcdef");
    EXPECT_EQ(printable("abcdef", 4), "abcd… (2 octets more)");
    EXPECT_EQ(printable("abc\xc3\xbc"
                        "def",
                        4),
              "abc… (5 octets more)");
    EXPECT_EQ(printable("abc", 0), "… (3 octets more)");
    EXPECT_EQ(printable("\xbf\xbf\xbf\xbf\xbf\xbf", 5).substr(0, 8), R"(\xBF\xBF)");
}

}  // namespace
}  // namespace smtpspec::smtp
