#include "protocol/script/pattern_match.hpp"

#include "tests/unit/script/eval_scope.hpp"

namespace smtpspec::script {
namespace {

using test::MapScope;

smtp::Reply reply(const std::string& octets) {
    smtp::ReplyParser parser;
    parser.feed(octets);
    return parser.take();
}

Pattern pattern(const std::string& text, Side side) {
    auto parsed = parse_pattern(text, side);
    EXPECT_TRUE(parsed) << text << "\n" << (parsed ? "" : parsed.error().render());
    return parsed ? *parsed : Pattern();
}

bool fits(const std::string& text, const std::string& octets, Scope& scope) {
    const Pattern parsed = pattern(text, Side::Server);
    const auto* wanted = std::get_if<ReplyPattern>(&parsed.node);
    return wanted != nullptr && fits_reply(*wanted, reply(octets), scope);
}

TEST(ReplyPatterns, fit_complete_replies) {
    struct Row {
        const char* pattern;
        const char* reply;
        bool fits;
    };
    const Row table[] = {
        {"250", "250 ok\r\n", true},
        {"250", "251 ok\r\n", false},
        {"2yz", "250-a\r\n250 b\r\n", true},
        {"25z", "220 x\r\n", false},
        {"4yz/5yz", "503 no\r\n", true},
        {"4yz/5yz", "354 go\r\n", false},
        {"2yz", "250-a\r\n251 b\r\n", false},  // mixed codes break the syntax
        {"malformed", "250-a\r\n251 b\r\n", true},
        {"malformed", "250 fine\r\n", false},
        {"any", "250-a\r\n251 b\r\n", true},
        {"/a\\r\\n251/", "250-a\r\n251 b\r\n", true},  // a lone regular expression
        {"250 /ok/", "250 ok\r\n", true},
        {"250 /no/", "250 ok\r\n", false},
        {"250", "250 ok\n", false},  // a bare LF
        {"has STARTTLS", "250-x.test\r\n250 STARTTLS\r\n", true},
        {"has starttls", "250-x.test\r\n250 STARTTLS\r\n", true},
        {"lacks STARTTLS", "250-x.test\r\n250 SIZE 1\r\n", true},
        {"has AUTH=PLAIN", "250-x.test\r\n250 AUTH LOGIN PLAIN\r\n", true},
        {"has AUTH=CRAM-MD5", "250-x.test\r\n250 AUTH LOGIN PLAIN\r\n", false},
        {"250 has SIZE lacks AUTH", "250-x.test\r\n250 SIZE 1\r\n", true},
    };
    for (const Row& row : table) {
        MapScope scope;
        EXPECT_EQ(fits(row.pattern, row.reply, scope), row.fits) << row.pattern << " and " << row.reply;
    }
}

TEST(ReplyPatterns, captures_are_kept_only_when_all_parts_fit) {
    MapScope scope;
    EXPECT_FALSE(fits("250 /(?<word>\\w+)$/", "354 go\r\n", scope));
    EXPECT_FALSE(scope.values.contains("word"));
    EXPECT_TRUE(fits("334 /\\A334 (?<challenge>\\S+)/", "334 abc\r\n", scope));
    EXPECT_EQ(*scope.values["challenge"].octets(), "abc");
}

TEST(LinePatterns, fit_lines_of_the_client) {
    struct Row {
        const char* pattern;
        const char* line;
        bool fits;
    };
    const Row table[] = {
        {"EHLO *", "ehlo mail.test", true},
        {"EHLO *", "EHLO", false},
        {"EHLO *", "EHLO MAIL.test", true},
        {"MAIL FROM:<*> SIZE=*", "MAIL FROM:<a@b.test> SIZE=12", true},
        {"MAIL FROM:<*> SIZE=*", "MAIL FROM:<a@b.test>", false},
        {"RCPT TO:<a@b.test>", "rcpt TO:<a@b.test>", true},
        {"RCPT TO:<a@b.test>", "RCPT to:<a@b.test>", false},
        {"STARTTLS", "starttls", true},
        {"MAIL", "MAIL FROM:<>", true},  // a lone verb is every command with it
        {"MAIL", "MAILX", false},
        {"any", "garbage", true},
        {"/^AUTH /i", "auth plain", true},
        {"secret", "AUTH PLAIN AHUAc2VjcmV0LXBhc3M=", true},
        {"secret", "NOOP", false},
    };
    wire::Masker masker;
    masker.add("secret-pass");
    for (const Row& row : table) {
        MapScope scope;
        const std::string raw = std::string(row.line) + "\r\n";
        ClientLine line;
        line.line = row.line;
        line.raw = raw;
        EXPECT_EQ(fits_line(pattern(row.pattern, Side::Client), line, masker, scope), row.fits)
            << row.pattern << " and " << row.line;
    }
}

TEST(LinePatterns, commands_do_not_fit_inside_auth_or_data) {
    MapScope scope;
    const wire::Masker masker;
    ClientLine line;
    line.line = "MAIL";
    line.raw = "MAIL\r\n";
    line.context.inside_auth = true;
    EXPECT_FALSE(fits_line(pattern("MAIL", Side::Client), line, masker, scope));
    EXPECT_TRUE(fits_line(pattern("auth-line", Side::Client), line, masker, scope));
}

TEST(LinePatterns, what_is_inserted_in_a_glob_has_no_stars) {
    MapScope scope;
    scope.values["star"] = "*";
    const Pattern parsed = pattern("NOOP ${star} *", Side::Client);
    const auto& glob = std::get<GlobPattern>(parsed.node);
    EXPECT_TRUE(fits_glob(glob, "NOOP * x", scope));
    EXPECT_FALSE(fits_glob(glob, "NOOP a x", scope));
}

TEST(ClosePatterns, ask_how_it_ended) {
    EXPECT_TRUE(fits_close(ClosePattern{CloseHow::Any}, wire::PeerEnd::none));
    EXPECT_TRUE(fits_close(ClosePattern{CloseHow::Rst}, wire::PeerEnd::rst));
    EXPECT_FALSE(fits_close(ClosePattern{CloseHow::Fin}, wire::PeerEnd::notify));
    EXPECT_TRUE(fits_close(ClosePattern{CloseHow::Notify}, wire::PeerEnd::notify));
}

struct SeriesRow {
    const char* pattern;
    std::vector<std::string> replies;
    bool ended;
    bool complete;
    bool viable;
};

TEST(Series, fit_whole_series_only) {
    const SeriesRow table[] = {
        {"[2yz]", {"250"}, false, true, true},
        {"[2yz]", {}, false, false, true},
        {"[2yz]", {"250", "250"}, false, false, false},
        {"[2yz]", {"250"}, true, false, false},  // the end is not named
        {"[2yz, 2yz, *]", {"250"}, false, false, true},
        {"[2yz, 2yz, *]", {"250", "250"}, false, true, true},
        {"[2yz, 2yz, *]", {"250", "250", "500"}, true, true, true},
        {"[4yz/5yz, close]", {"500"}, false, false, true},
        {"[4yz/5yz, close]", {"500"}, true, true, true},
        {"[*]", {}, true, true, true},
        {"[*]", {"250", "999"}, false, true, true},
        {"[*, 221]", {"250", "250", "221"}, false, true, true},
        {"[*, 221, close]", {"250", "221"}, true, true, true},
        {"[250, 250, 354]", {"250", "550"}, false, false, false},
        {"[]", {}, false, true, true},
    };
    for (const SeriesRow& row : table) {
        MapScope scope;
        const Pattern parsed = pattern(row.pattern, Side::Server);
        std::vector<smtp::Reply> replies;
        for (const std::string& code : row.replies) {
            replies.push_back(reply(code + " x\r\n"));
        }
        const SeriesState state =
            fits_series(std::get<SeriesPattern>(parsed.node), replies, row.ended, scope, Captures::drop);
        EXPECT_EQ(state.complete, row.complete) << row.pattern << " " << row.replies.size() << row.ended;
        EXPECT_EQ(state.viable, row.viable) << row.pattern << " " << row.replies.size() << row.ended;
    }
}

}  // namespace
}  // namespace smtpspec::script
