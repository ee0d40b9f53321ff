#include "protocol/script/lexer.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "protocol/script/glob.hpp"
#include "protocol/script/source.hpp"
#include "protocol/script/suggest.hpp"

namespace {

using namespace smtpspec::script;

struct Rig {
    explicit Rig(std::string text)
        : reporter(std::make_shared<const SourceFile>("text", std::move(text))),
          lexer(reporter, reporter.source()->text()) {}
    Reporter reporter;
    Lexer lexer;
};

TEST(Names, KeepInnerHyphensAndDotsAndEndBeforeOthers) {
    const std::pair<const char*, std::size_t> table[] = {{"a", 1},
                                                         {"a-b", 3},
                                                         {"a.b", 3},
                                                         {"a_b9", 4},
                                                         {"a - b", 1},
                                                         {"a-", 1},
                                                         {"a->b", 1},
                                                         {"a..b", 1},
                                                         {"9a", 0},
                                                         {"_a", 0},
                                                         {"-a", 0},
                                                         {"", 0},
                                                         {"a!", 1},
                                                         {"reply-text}", 10},
                                                         {"a.", 1},
                                                         {"a-.b", 1},
                                                         {"x.1", 3},
                                                         {"caf\xC3\xA9", 3}};
    for (const auto& [text, length] : table) {
        EXPECT_EQ(name_length(text), length) << text;
    }
}

TEST(Numbers, CarryTheirUnits) {
    const std::tuple<const char*, std::int64_t, Unit> table[] = {{"100", 100, Unit::None},
                                                                 {"-5", -5, Unit::None},
                                                                 {"64KiB", 65536, Unit::Octets},
                                                                 {"2MiB", 2097152, Unit::Octets},
                                                                 {"250ms", 250000, Unit::Time},
                                                                 {"5s", 5000000, Unit::Time},
                                                                 {"2m", 120000000, Unit::Time},
                                                                 {"5%", 5, Unit::Percent}};
    for (const auto& [text, value, unit] : table) {
        Rig rig(text);
        EXPECT_EQ(rig.lexer.take_number(), (Quantity{value, unit})) << text;
    }
    for (const char* text : {"5h", "5kb", "5KB", "99999999999999999999", "x"}) {
        Rig rig(text);
        EXPECT_THROW(rig.lexer.take_number(), SyntaxAbandoned) << text;
        EXPECT_EQ(rig.reporter.size(), 1U);
    }
}

TEST(Times, AlwaysHaveAUnit) {
    for (const char* text : {"5", "5%", "5KiB", "-5s", "9999999m"}) {
        Rig rig(text);
        EXPECT_THROW(rig.lexer.take_time(), SyntaxAbandoned) << text;
    }
}

TEST(Blanks, IncludeCommentsAndTheLinesBeforeAContinuation) {
    Rig rig("a   # one\n\n  # two\n  | b # three\nc");
    EXPECT_EQ(rig.lexer.take_name(), "a");
    EXPECT_TRUE(rig.lexer.accept("|"));
    EXPECT_EQ(rig.lexer.here(), (Position{4, 4}));
    EXPECT_EQ(rig.lexer.take_name(), "b");
    EXPECT_TRUE(rig.lexer.at_statement_end());
    EXPECT_TRUE(rig.lexer.to_next_statement());
    EXPECT_EQ(rig.lexer.take_name(), "c");
    EXPECT_FALSE(rig.lexer.to_next_statement());
}

TEST(Comments, BeginOnlyAfterABlankOrAtTheStartOfALine) {
    Rig rig("a#b");
    EXPECT_EQ(rig.lexer.take_name(), "a");
    EXPECT_FALSE(rig.lexer.at_statement_end());
}

TEST(Positions, CountCharactersAndNotOctets) {
    const SourceFile file("f", "ab\n\xC3\xA9\xE2\x82\xACx\r\nz");
    EXPECT_EQ(file.position(0), (Position{1, 1}));
    EXPECT_EQ(file.position(8), (Position{2, 3}));
    EXPECT_EQ(file.line(2), "\xC3\xA9\xE2\x82\xACx");
    EXPECT_EQ(file.position(11), (Position{3, 1}));
    PositionCursor cursor;
    for (const std::size_t offset : {8U, 3U, 0U, 11U, 5U, 8U, 99U}) {
        EXPECT_EQ(cursor.at(file, offset), file.position(offset)) << offset;
    }
}

TEST(Globs, HaveStarsAndQuestionMarksOnly) {
    EXPECT_TRUE(glob_matches("EHLO *", "EHLO a.test"));
    EXPECT_TRUE(glob_matches("*nul*", "dot-nul"));
    EXPECT_TRUE(glob_matches("a?c", "abc"));
    EXPECT_TRUE(glob_matches("[a]", "[a]"));
    EXPECT_TRUE(glob_matches("*", ""));
    EXPECT_FALSE(glob_matches("EHLO *", "EHLO"));
    EXPECT_FALSE(glob_matches("a*b*c", "acb"));
}

TEST(Suggestions, AreNearWordsOnly) {
    EXPECT_EQ(nearest_word("mail", {"MAIL", "RCPT"}), "MAIL");
    EXPECT_EQ(nearest_word("slient", {"silent", "close"}), "silent");
    EXPECT_EQ(nearest_word("nonsense", {"silent", "close"}), "");
    EXPECT_EQ(any_of({"a", "b", "c"}), "a, b or c");
}

}  // namespace
