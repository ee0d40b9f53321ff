#include "protocol/smtp/data.hpp"

#include <gtest/gtest.h>

#include <random>

#include "splits.hpp"

namespace smtpspec::smtp {
namespace {

using namespace std::string_literals;

/// Everything that can be seen of a decoder after one stream.
struct Seen {
    size_t consumed = 0;
    bool complete = false;
    std::string message;
    std::uint64_t octets = 0;
    bool overflow = false;
    bool bare_lf = false;
    bool bare_cr = false;
    bool nul = false;

    bool operator==(const Seen&) const = default;
};

Seen decode(const std::vector<std::string_view>& pieces,
            EndOfDataRules rules = {},
            size_t limit = 1'000'000) {
    DataDecoder decoder(rules, limit);
    Seen seen;
    for (const std::string_view piece : pieces) {
        const auto progress = decoder.feed(piece);
        seen.consumed += progress.consumed;
        EXPECT_EQ(progress.complete, decoder.complete());
        EXPECT_TRUE(progress.complete || progress.consumed == piece.size());
    }
    seen.complete = decoder.complete();
    seen.octets = decoder.octets();
    seen.overflow = decoder.overflow();
    seen.bare_lf = decoder.saw_bare_lf();
    seen.bare_cr = decoder.saw_bare_cr();
    seen.nul = decoder.saw_nul();
    seen.message = decoder.take();
    return seen;
}

bool ends(std::string_view stream, EndOfDataRules rules = {}) {
    const Seen seen = decode({stream}, rules);
    EXPECT_TRUE(!seen.complete || seen.consumed == stream.size()) << testing::PrintToString(stream);
    return seen.complete;
}

TEST(DotStuffing, TableOfMessages) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"", ""},
        {"a", "a\r\n"},
        {"a\r\n", "a\r\n"},
        {".", "..\r\n"},
        {".\r\n", "..\r\n"},
        {"..\r\n", "...\r\n"},
        {".a\r\nb\r\n.c", "..a\r\nb\r\n..c\r\n"},
        {"a.b\r\n", "a.b\r\n"},
        {"a\r\n\r\n.\r\n", "a\r\n\r\n..\r\n"},
        {"a\n.b\r\n", "a\n.b\r\n"},
        {"a\r.b\r\n", "a\r.b\r\n"},
        {"a\n", "a\n\r\n"},
        {"a\r", "a\r\r\n"},
        {"\r\r\n.a", "\r\r\n..a\r\n"},
    };
    for (const auto& [message, stuffed] : cases) {
        SCOPED_TRACE(testing::PrintToString(message));
        EXPECT_EQ(dot_stuff(message), stuffed);
        EXPECT_EQ(encode_data(message), stuffed + ".\r\n");
        EXPECT_EQ(dot_stuff(dot_unstuff(stuffed)), stuffed);
    }
    EXPECT_EQ(dot_unstuff("..a\r\n.b\r\n.\r\nc"), ".a\r\nb\r\n\r\nc");
}

TEST(DotStuffing, TheDecoderGivesTheMessageBack) {
    for (const std::string& message : {""s,
                                       "a\r\n"s,
                                       ".\r\n"s,
                                       "..\r\n.\r\n"s,
                                       "a\r\n\r\n.b\r\n"s,
                                       "\0\xff\r\n.\r\r\n"s,
                                       "a\n.\n\r\n"s,
                                       "a\r.\r\r\n"s,
                                       "\r\n.\r\n.\r\n"s,
                                       "\r\n\0.\r\n"s}) {
        SCOPED_TRACE(testing::PrintToString(message));
        const std::string wire = encode_data(message);
        const Seen seen = decode({wire});
        EXPECT_TRUE(seen.complete);
        EXPECT_EQ(seen.consumed, wire.size());
        EXPECT_EQ(seen.message, message);
        EXPECT_EQ(seen.octets, message.size());
    }
}

TEST(EndOfData, OnlyCrlfDotCrlfEndsTheData) {
    for (const std::string& end : {"\r\n.\r\n"s, "\r\r\n.\r\n"s, "\n\r\n.\r\n"s, "\r\n\r\n.\r\n"s}) {
        EXPECT_TRUE(ends("line1" + end)) << testing::PrintToString(end);
    }
    for (const std::string& end :
         {"\n.\n"s,       "\n.\r\n"s,      "\n\n.\r\n"s,  "\r\n.\n"s,     "\r.\r"s,         "\r.\r\n"s,
          "\r\n.\r"s,     "\r.\n"s,        "\n.\r"s,      "\r\n.\r\r\n"s, "\r\r\n.\r\r\n"s, "\r\n\0.\r\n"s,
          "\r\n.\0\r\n"s, "\0\r\n..\r\n"s, "\r\n..\r\n"s, "\r\n.x\r\n"s,  "\r\n. \r\n"s,    "\r\n .\r\n"s,
          "\r\n."s,       "\r\n.\r"s,      ".\r\n"s,      "\r\n\t.\r\n"s}) {
        EXPECT_FALSE(ends("line1" + end)) << testing::PrintToString(end);
    }
}

TEST(EndOfData, DotAsTheFirstLineEndsAnEmptyMessage) {
    const Seen seen = decode({".\r\nQUIT\r\n"});
    EXPECT_TRUE(seen.complete);
    EXPECT_EQ(seen.consumed, 3U);
    EXPECT_EQ(seen.message, "");
}

TEST(EndOfData, WhatFollowsIsNotTaken) {
    const Seen seen = decode({"a\r\n.\r\nMAIL FROM:<>\r\n"});
    EXPECT_EQ(seen.consumed, 6U);
    EXPECT_EQ(seen.message, "a\r\n");
    DataDecoder decoder;
    decoder.feed("a\r\n.\r\n");
    EXPECT_EQ(decoder.feed("more").consumed, 0U);
    EXPECT_TRUE(decoder.feed("more").complete);
}

TEST(EndOfData, ADefectAcceptsItsOwnEndsAndNoOther) {
    EndOfDataRules lf;
    lf.bare_lf = true;
    EndOfDataRules cr;
    cr.bare_cr = true;
    EndOfDataRules nul;
    nul.ignore_nul = true;
    EndOfDataRules doubled;
    doubled.doubled_cr = true;
    struct Case {
        std::string end;
        bool by_lf, by_cr, by_nul, by_doubled;
    };
    const std::vector<Case> cases{
        {"\r\n.\r\n", true, true, true, true},
        {"\r\r\n.\r\n", true, true, true, true},
        {"\n.\n", true, false, false, false},
        {"\n.\r\n", true, true, false, false},  // by_cr: it begins with \n.\r
        {"\n\n.\r\n", true, true, false, false},
        {"\r\n.\n", true, false, false, false},
        {"\r.\r", false, true, false, false},
        {"\r.\r\n", false, true, false, false},
        {"\r\n.\r", false, true, false, false},
        {"\r.\n", false, true, false, false},
        {"\n.\r", false, true, false, false},
        {"\r\n\0.\r\n"s, false, false, true, false},
        {"\r\n.\0\r\n"s, false, false, true, false},
        {"\r\n.\r\0\n"s, false, true, true, false},
        {"\r\n.\r\r\n", false, true, false, true},
        {"\r\r\n.\r\r\n", false, true, false, true},
        {"\n.\r\r\n", false, true, false, false},
        {"\r\n.\r\r\r\n", false, true, false, false},
        {"\r\n..\r\n", false, false, false, false},
        {"\r\n.x\r\n", false, false, false, false},
    };
    for (const Case& each : cases) {
        const std::string stream = "line1" + each.end;
        SCOPED_TRACE(testing::PrintToString(each.end));
        EXPECT_EQ(decode({stream}, lf).complete, each.by_lf);
        EXPECT_EQ(decode({stream}, cr).complete, each.by_cr);
        EXPECT_EQ(decode({stream}, nul).complete, each.by_nul);
        EXPECT_EQ(decode({stream}, doubled).complete, each.by_doubled);
    }
}

TEST(EndOfData, BareCrEndTakesTheLineFeedThatIsThere) {
    EndOfDataRules cr;
    cr.bare_cr = true;
    EXPECT_EQ(decode({"a\r\n.\r\nQUIT\r\n"}, cr).consumed, 6U);
    EXPECT_EQ(decode({"a\r.\rQUIT\r\n"}, cr).consumed, 4U);
    EXPECT_EQ(decode({"a\r.\rQUIT\r\n"}, cr).message, "a\r");
}

TEST(EndOfData, StrictnessCanComeFromTheFirstLine) {
    EndOfDataRules first;
    first.first_line_decides = true;
    EXPECT_TRUE(ends("Subject: t\n\nbody\n.\n", first));
    EXPECT_TRUE(ends("Subject: t\n\nbody\n.\r\n", first));
    EXPECT_FALSE(ends("Subject: t\r\n\nbody\n.\n", first));
    EXPECT_TRUE(ends("Subject: t\r\n\nbody\r\n.\r\n", first));
    EXPECT_FALSE(ends("Subject: t\n\nbody\n.\n"));
}

TEST(DotRemoval, IsExact) {
    EndOfDataRules lf;
    lf.bare_lf = true;
    EndOfDataRules keep;
    keep.unstuff = false;
    struct Case {
        std::string wire;
        EndOfDataRules rules;
        std::string message;
    };
    const std::vector<Case> cases{
        {"..a\r\n.b\r\n...\r\n.\r\n", {}, ".a\r\nb\r\n..\r\n"},
        {".\rx\r\n.\r\n", {}, "\rx\r\n"},
        {".\r\r\n.\r\n", {}, "\r\r\n"},
        {".\nx\r\n.\r\n", {}, "\nx\r\n"},
        {"a\n..b\r\n.\r\n", {}, "a\n..b\r\n"},
        {"a\n..b\r\n.\r\n", lf, "a\n.b\r\n"},
        {"..a\r\n.b\r\n.\r\n", keep, "..a\r\n.b\r\n"},
        {"\0.\r\n.\r\n"s, {}, "\0.\r\n"s},
        {"a.b\r\n.\r\n", {}, "a.b\r\n"},
    };
    for (const Case& each : cases) {
        const Seen seen = decode({each.wire}, each.rules);
        EXPECT_TRUE(seen.complete) << testing::PrintToString(each.wire);
        EXPECT_EQ(seen.message, each.message) << testing::PrintToString(each.wire);
    }
}

TEST(DataDecoder, NotesOddOctets) {
    EXPECT_TRUE(decode({"a\nb\r\n.\r\n"}).bare_lf);
    EXPECT_TRUE(decode({"a\rb\r\n.\r\n"}).bare_cr);
    EXPECT_TRUE(decode({"a\r\r\n.\r\n"}).bare_cr);
    EXPECT_TRUE(decode({"a\0b\r\n.\r\n"s}).nul);
    EXPECT_TRUE(decode({"\r\n.\n\r\n.\r\n"}).bare_lf);
    const Seen clean = decode({"a\r\n..\r\n\r\n.\r\n"});
    EXPECT_FALSE(clean.bare_lf || clean.bare_cr || clean.nul);
    EndOfDataRules nul;
    nul.ignore_nul = true;
    EXPECT_EQ(decode({"a\0b\r\n.\r\n"s}, nul).message, "ab\r\n");
    EXPECT_TRUE(decode({"a\0b\r\n.\r\n"s}, nul).nul);
}

TEST(DataDecoder, CountsWhatExceedsTheLimitAndDropsIt) {
    const Seen seen = decode({"1234567890\r\n.\r\n"}, {}, 4);
    EXPECT_TRUE(seen.complete);
    EXPECT_TRUE(seen.overflow);
    EXPECT_EQ(seen.message, "1234");
    EXPECT_EQ(seen.octets, 12U);
    EXPECT_FALSE(decode({"12\r\n.\r\n"}, {}, 4).overflow);
}

TEST(DataDecoder, IsAsNewAfterTake) {
    DataDecoder decoder({}, 4);
    decoder.feed("12345\n\r\n.\r\n");
    EXPECT_EQ(decoder.take(), "1234");
    EXPECT_FALSE(decoder.complete() || decoder.overflow() || decoder.saw_bare_lf());
    EXPECT_TRUE(decoder.feed(".\r\n").complete);
    EXPECT_EQ(decoder.message(), "");
}

TEST(DataDecoder, AnySplitGivesTheSame) {
    const std::vector<std::string> streams{
        "Subject: t\r\n\r\n..a\r\n.b\r\n.\r\nQUIT\r\n",
        "a\n.\nb\r.\rc\r\n.\nd\n.\r\ne\r.\nf\r\n.\r\r\ng\0\r\n.\0\r\n\r\n.\r\nQUIT"s,
        ".\r.\r\n.\n..\r\r\n.\r\r\r\n\r\n.\r\nx",
        "no end\r\n.\r",
    };
    for (unsigned bits = 0; bits < 64; ++bits) {
        EndOfDataRules rules;
        rules.bare_lf = (bits & 1U) != 0;
        rules.ignore_nul = (bits & 2U) != 0;
        rules.doubled_cr = (bits & 4U) != 0;
        rules.first_line_decides = (bits & 8U) != 0;
        rules.unstuff = (bits & 16U) == 0;
        const size_t limit = (bits & 32U) != 0 ? 7 : 1000;
        for (const std::string& stream : streams) {
            const Seen expected = decode({stream}, rules, limit);
            test::for_each_split(stream, [&](const std::vector<std::string_view>& pieces) {
                EXPECT_EQ(decode(pieces, rules, limit), expected) << bits << testing::PrintToString(stream);
            });
            rules.bare_cr = true;  // consumed may differ by the LF behind the end: see the class
            const Seen by_cr = decode({stream}, rules, limit);
            test::for_each_split(stream, [&](const std::vector<std::string_view>& pieces) {
                const Seen got = decode(pieces, rules, limit);
                EXPECT_EQ(got.message, by_cr.message);
                EXPECT_EQ(got.complete, by_cr.complete);
            });
            rules.bare_cr = false;
        }
    }
}

/// Long text goes many octets at a time, and must come to the same as octet by octet: odd octets at all
/// distances from where such a step begins.
TEST(DataDecoder, LongTextGivesTheSameAsSingleOctets) {
    const std::vector<std::string> odd{
        "\r\n", "\r\n", "\r\n.", "\r\n..", ".", "\r", "\n", "\n.", "\r\r\n.", "\0"s};
    std::mt19937 random(1);
    for (int i = 0; i < 400; ++i) {
        std::string stream;
        while (stream.size() < 600) {
            stream += std::string(random() % 90, 'x');
            stream += odd[random() % (i % 2 == 0 ? 4 : odd.size())];
        }
        std::vector<std::string_view> octets;
        for (size_t at = 0; at < stream.size(); ++at) {
            octets.push_back(std::string_view(stream).substr(at, 1));
        }
        EndOfDataRules rules;
        rules.bare_lf = random() % 4 == 0;
        rules.ignore_nul = random() % 4 == 0;
        rules.doubled_cr = random() % 4 == 0;
        rules.first_line_decides = random() % 4 == 0;
        rules.unstuff = random() % 4 != 0;
        EXPECT_EQ(decode({stream}, rules), decode(octets, rules)) << testing::PrintToString(stream);
    }
}

TEST(DotStuffing, LongTextGivesTheSameAsLineByLine) {
    std::mt19937 random(2);
    const std::vector<std::string> ends{"\r\n", "\r\n.", "\n.", "\r.", "\r\n..", "\r\n\r\n."};
    for (int i = 0; i < 400; ++i) {
        std::string text(random() % 3, '.');
        std::string stuffed = text.empty() ? "" : "." + text;
        while (text.size() < 500) {
            std::string piece(random() % 140, 'x');
            piece += ends[random() % ends.size()];
            text += piece;
            const size_t dots = piece.find_first_of('.');
            const bool leading =
                dots != std::string::npos && dots >= 2 && piece.substr(dots - 2, 2) == "\r\n";
            stuffed += leading ? piece.insert(dots, ".") : piece;
        }
        text += "end\r\n";
        stuffed += "end\r\n";
        EXPECT_EQ(dot_stuff(text), stuffed);
        EXPECT_EQ(dot_unstuff(stuffed), text);
    }
}

}  // namespace
}  // namespace smtpspec::smtp
