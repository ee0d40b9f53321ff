#include "protocol/smtp/reply.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "splits.hpp"

namespace smtpspec::smtp {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using enum ReplyViolation;

using namespace std::string_literals;

/// All replies of a stream, the unfinished one at its end included.
std::vector<Reply> replies_of(const std::vector<std::string_view>& pieces, ReplyLimits limits = {}) {
    ReplyParser parser(limits);
    std::vector<Reply> replies;
    for (std::string_view piece : pieces) {
        while (!piece.empty()) {
            piece.remove_prefix(parser.feed(piece));
            if (parser.complete()) {
                replies.push_back(parser.take());
            }
        }
    }
    if (auto rest = parser.abandon()) {
        replies.push_back(std::move(*rest));
    }
    return replies;
}

Reply reply_of(std::string_view raw) {
    const auto replies = replies_of({raw});
    EXPECT_EQ(replies.size(), 1U) << raw;
    return replies.empty() ? Reply() : replies.front();
}

TEST(Reply, OneLineHasCodeTextAndNoViolation) {
    const Reply reply = reply_of("250 2.1.0 Ok\r\n");
    EXPECT_EQ(reply.code, 250);
    EXPECT_EQ(reply.severity(), 2);
    EXPECT_EQ(reply.text(), "2.1.0 Ok");
    EXPECT_EQ(reply.raw, "250 2.1.0 Ok\r\n");
    ASSERT_EQ(reply.lines.size(), 1U);
    EXPECT_EQ(reply.lines[0].separator, ' ');
    EXPECT_EQ(reply.lines[0].code, "250");
    EXPECT_EQ(reply.lines[0].raw, reply.raw);
    EXPECT_TRUE(reply.well_formed());
    EXPECT_EQ(reply.enhanced(), (EnhancedCode{2, 1, 0}));
}

TEST(Reply, LinesWithHyphenGoOn) {
    const Reply reply = reply_of("250-mx.test\r\n250-SIZE 1000\r\n250 HELP\r\n");
    EXPECT_EQ(reply.code, 250);
    EXPECT_EQ(reply.text(), "mx.test\nSIZE 1000\nHELP");
    EXPECT_EQ(reply.lines.size(), 3U);
    EXPECT_TRUE(reply.well_formed());
}

TEST(Reply, CodeAloneIsAReply) {
    EXPECT_TRUE(reply_of("250\r\n").well_formed());
    EXPECT_EQ(reply_of("250\r\n").lines.at(0).separator, '\0');
    EXPECT_EQ(reply_of("250 \r\n").text(), "");
    EXPECT_TRUE(reply_of("250-a\r\n250\r\n").well_formed());
}

TEST(Reply, IllegalRepliesAreHeldWithTheirViolations) {
    struct Case {
        std::string raw;
        int code;
        std::vector<ReplyViolation> violations;
    };
    const std::vector<Case> cases{
        {"560 odd\r\n", 560, {code_range}},
        {"999 odd\r\n", 999, {code_range}},
        {"099 odd\r\n", 99, {code_range}},
        {"150 odd\r\n", 150, {code_range}},
        {"261 odd\r\n", 261, {code_range}},
        {"000 odd\r\n", 0, {code_range}},
        {"25x odd\r\n", 0, {bad_code}},
        {"25\r\n", 0, {bad_code}},
        {"\r\n", 0, {bad_code}},
        {"HTTP/1.1 400 Bad Request\r\n", 0, {bad_code}},
        {" 250 ok\r\n", 0, {bad_code}},
        {"250ok\r\n", 250, {no_separator}},
        {"2500 ok\r\n", 250, {no_separator}},
        {"250\tok\r\n", 250, {no_separator}},
        {"250_ok\r\n", 250, {no_separator}},
        {"250 ok\n", 250, {bare_lf}},
        {"250-a\n250 b\n", 250, {bare_lf}},
        {"250 a\rb\r\n", 250, {bare_cr}},
        {"250 ok\r\r\n", 250, {bare_cr}},
        {"250 a\0b\r\n"s, 250, {nul}},
        {"250\0\r\n"s, 250, {nul, no_separator}},
        {"250 a\x1b[2Jb\r\n", 250, {control}},
        {"250 a\x7f\r\n", 250, {control}},
        {"250 a\tb\r\n", 250, {}},
        {"250 gr\xc3\xbc\xc3\x9f\r\n", 250, {utf8}},
        {"250 gr\xfc\xdf\r\n", 250, {eight_bit}},
        {"250-a\r\n251 b\r\n", 251, {mixed_codes}},
        {"250-a\r\n550-b\r\n250 c\r\n", 250, {mixed_codes}},
        {"250-a\r\nfoo\r\n", 0, {bad_code}},
        {"250-a\r\n25\r\n", 0, {bad_code}},
        {"250-a\r\n\r\n", 0, {bad_code}},
        {"250-a\r\n250ok\r\n", 250, {no_separator}},
        {"250 no end", 250, {truncated}},
        {"25", 0, {truncated, bad_code}},
        {"250-a\r\n", 250, {truncated}},
        {"250-a\r\n250", 250, {truncated}},
        {"250 ok\r", 250, {truncated, bare_cr}},
    };
    for (const Case& each : cases) {
        SCOPED_TRACE(testing::PrintToString(each.raw));
        const Reply reply = reply_of(each.raw);
        EXPECT_EQ(reply.raw, each.raw);
        EXPECT_EQ(reply.code, each.code);
        EXPECT_THAT(reply.violations, testing::ElementsAreArray(each.violations));
    }
}

TEST(Reply, OnlyTheShapeDecidesWhetherItIsWellFormed) {
    EXPECT_TRUE(reply_of("560 odd\r\n").well_formed());
    EXPECT_TRUE(reply_of("250 gr\xc3\xbc\xc3\x9f\r\n").well_formed());
    EXPECT_FALSE(reply_of("250 gr\xfc\r\n").well_formed());
    EXPECT_FALSE(reply_of("250 ok\n").well_formed());
    EXPECT_FALSE(Reply().well_formed());
}

TEST(Reply, EachKindOfViolationIsListedOnce) {
    EXPECT_THAT(reply_of("250-a\n250-b\n250 c\n").violations, ElementsAre(bare_lf));
}

TEST(Reply, EnhancedCodeIsThatOfTheFirstLineThatHasOne) {
    EXPECT_EQ(reply_of("550-sorry\r\n550-5.1.1 no such user\r\n550 5.7.1 x\r\n").enhanced(),
              (EnhancedCode{5, 1, 1}));
    EXPECT_EQ(reply_of("550 sorry 5.1.1\r\n").enhanced(), std::nullopt);
}

TEST(Reply, EveryViolationHasAName) {
    EXPECT_EQ(to_string(bad_code), "bad_code");
    EXPECT_EQ(to_string(utf8), "utf8");
    EXPECT_EQ(to_string(truncated), "truncated");
}

TEST(ReplyParser, StopsBehindOneReply) {
    ReplyParser parser;
    const std::string_view stream = "250 a\r\n251 b\r\n";
    EXPECT_EQ(parser.feed(stream), 7U);
    EXPECT_TRUE(parser.complete());
    EXPECT_EQ(parser.feed(stream.substr(7)), 0U) << "a reply waits to be taken";
    EXPECT_EQ(parser.take().code, 250);
    EXPECT_FALSE(parser.complete());
    EXPECT_EQ(parser.feed(stream.substr(7)), 7U);
    EXPECT_EQ(parser.take().code, 251);
}

TEST(ReplyParser, TellsWhatIsPending) {
    ReplyParser parser;
    EXPECT_FALSE(parser.partial());
    EXPECT_EQ(parser.abandon(), std::nullopt);
    parser.feed("250-a\r\n25");
    EXPECT_TRUE(parser.partial());
    EXPECT_EQ(parser.pending(), "250-a\r\n25");
    parser.feed("0 b\r\n");
    EXPECT_FALSE(parser.partial());
    EXPECT_EQ(parser.pending(), "");
    EXPECT_EQ(parser.take().raw, "250-a\r\n250 b\r\n");
    EXPECT_FALSE(parser.partial());
}

TEST(ReplyParser, TwoRepliesInOneSegmentAreTwo) {
    const auto replies = replies_of({"220 ready\r\n250 injected\r\n"});
    ASSERT_EQ(replies.size(), 2U);
    EXPECT_EQ(replies[0].code, 220);
    EXPECT_EQ(replies[1].code, 250);
}

TEST(ReplyParser, AnySplitGivesTheSameReplies) {
    const std::vector<std::string> streams{
        "220 mx.test ESMTP\r\n250-mx.test\r\n250-SIZE 1000\r\n250 HELP\r\n",
        "250-a\r\nfoo\r\n250 b\r\n",
        "250 a\n\n\r\n\r\r\n250",
        "250 \xc3\xbc\r\n250 \xfc\r\n250-\0\r\n250\r"s,
        "250-a\r\n251-b\r\n252 c\r\n99",
        "250-1234567890123456789012345678901234567890\r\n250 12345678901234\r\n250 x\r\n",
    };
    for (const ReplyLimits limits :
         {ReplyLimits(), ReplyLimits{16, 2, 40}, ReplyLimits{1, 1, 1}, ReplyLimits{0, 0, 0}}) {
        for (const std::string& stream : streams) {
            const auto expected = replies_of({stream}, limits);
            test::for_each_split(stream, [&](const std::vector<std::string_view>& pieces) {
                const auto got = replies_of(pieces, limits);
                ASSERT_EQ(got.size(), expected.size());
                for (size_t i = 0; i < got.size(); ++i) {
                    EXPECT_EQ(got[i].raw, expected[i].raw);
                    EXPECT_EQ(got[i].violations, expected[i].violations);
                    EXPECT_EQ(got[i].code, expected[i].code);
                    EXPECT_EQ(got[i].text(), expected[i].text());
                }
            });
        }
    }
}

TEST(ReplyParser, LimitsCompleteTheReplyAsMalformed) {
    struct Case {
        std::string raw;
        ReplyLimits limits;
        ReplyViolation violation;
        size_t kept;
    };
    const std::vector<Case> cases{
        {"250 " + std::string(100, 'x'), {64, 10, 1000}, line_too_long, 64},
        {"250-a\r\n250-b\r\n250-c\r\n250 d\r\n", {64, 2, 1000}, too_many_lines, 14},
        {"250-aaaaaaaa\r\n250-bbbbbbbb\r\n", {64, 10, 20}, too_many_octets, 20},
    };
    for (const Case& each : cases) {
        ReplyParser parser(each.limits);
        EXPECT_EQ(parser.feed(each.raw), each.kept);
        ASSERT_TRUE(parser.complete());
        const Reply reply = parser.take();
        EXPECT_TRUE(reply.has(each.violation));
        EXPECT_FALSE(reply.well_formed());
        EXPECT_EQ(reply.raw, each.raw.substr(0, each.kept));
    }
}

TEST(ReplyParser, ExactlyAtTheLimitIsGood) {
    ReplyParser parser(ReplyLimits{9, 2, 18});
    parser.feed("250-abc\r\n250 abc\r\n");
    ASSERT_TRUE(parser.complete());
    EXPECT_THAT(parser.take().violations, IsEmpty());
}

TEST(ReplyParser, MillionLinesTakeLinearTime) {
    std::string stream;
    for (int i = 0; i < 1'000'000; ++i) {
        stream += "250-x\r\n";
    }
    const auto begin = std::chrono::steady_clock::now();
    const auto replies = replies_of({stream}, ReplyLimits{100, 2'000'000, 100'000'000});
    EXPECT_EQ(replies.size(), 1U);
    EXPECT_EQ(replies.at(0).lines.size(), 1'000'000U);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(60)) << "quadratic?";
}

TEST(ReplyParser, TenMegabytesWithoutLineEndAreCutAtOnce) {
    const std::string stream(10'000'000, '2');
    ReplyParser parser;
    EXPECT_EQ(parser.feed(stream), 64U * 1024);
    ASSERT_TRUE(parser.complete());
    EXPECT_THAT(parser.take().violations, ElementsAre(line_too_long, no_separator));
}

TEST(FormatReply, MakesOneLineOrMany) {
    EXPECT_EQ(format_reply(250, "2.1.0", {"Ok"}), "250 2.1.0 Ok\r\n");
    EXPECT_EQ(format_reply(250, "", {"a", "b"}), "250-a\r\n250 b\r\n");
    EXPECT_EQ(format_reply(250, "2.0.0", {"a", "b"}), "250-2.0.0 a\r\n250 2.0.0 b\r\n");
    EXPECT_EQ(format_reply(354, "", {}), "354 \r\n");
    EXPECT_EQ(format_reply(250, "2.0.0", {}), "250 2.0.0\r\n");
    EXPECT_EQ(format_reply(560, "", {"odd"}), "560 odd\r\n");
    EXPECT_EQ(format_reply(250, "2.0.0", {""}), "250 2.0.0 \r\n");
    EXPECT_EQ(format_reply_line(250, "2.1.0", "Ok"), "250 2.1.0 Ok\r\n");
    EXPECT_EQ(format_reply_line(-5, "", "odd"), "-5 odd\r\n");
}

TEST(EnhancedCode, ValidAndInvalidOnes) {
    for (const char* good : {"2.0.0", "4.7.1", "5.999.999", "5.7.10"}) {
        ASSERT_TRUE(parse_enhanced(good)) << good;
        EXPECT_EQ(parse_enhanced(good)->to_string(), good);
    }
    for (const char* bad : {"",
                            "2",
                            "2.0",
                            "2.0.",
                            "2.0.0 ",
                            "3.0.0",
                            "1.0.0",
                            "22.0.0",
                            "2.00.0",
                            "2.0.01",
                            "2.1000.0",
                            "2.0.1000",
                            "a.b.c",
                            "2..0",
                            "-2.0.0"}) {
        EXPECT_FALSE(parse_enhanced(bad)) << bad;
    }
    EXPECT_TRUE(leading_enhanced("5.1.1 no such user"));
    EXPECT_TRUE(leading_enhanced("5.1.1"));
    EXPECT_FALSE(leading_enhanced("5.1.1: no such user"));
    EXPECT_FALSE(leading_enhanced("10.0.0.1 greets you"));
    EXPECT_FALSE(leading_enhanced("2.0.0.1 greets you"));
}

}  // namespace
}  // namespace smtpspec::smtp
