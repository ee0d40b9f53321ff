#include "protocol/smtp/command.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace smtpspec::smtp {
namespace {

using namespace std::string_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using enum CommandViolation;

TEST(Command, VerbAndArgumentAreSplitAtTheFirstBlank) {
    const Command command = parse_command("mail FROM:<a@b.test> SIZE=3\r\n");
    EXPECT_EQ(command.verb, "MAIL");
    EXPECT_EQ(command.argument, "FROM:<a@b.test> SIZE=3");
    EXPECT_EQ(command.line, "mail FROM:<a@b.test> SIZE=3");
    EXPECT_EQ(command.raw, "mail FROM:<a@b.test> SIZE=3\r\n");
    EXPECT_EQ(command.eol, Command::Eol::crlf);
    EXPECT_THAT(command.violations, IsEmpty());
}

TEST(Command, TableOfWords) {
    struct Case {
        std::string raw;
        std::string verb;
        std::string argument;
        std::vector<CommandViolation> violations;
    };
    const std::vector<Case> cases{
        {"QUIT\r\n", "QUIT", "", {}},
        {"quit \r\n", "QUIT", "", {trailing_space}},
        {"NOOP  two\r\n", "NOOP", " two", {}},
        {"NOOP\tx \t\r\n", "NOOP", "x", {trailing_space}},
        {" NOOP\r\n", "NOOP", "", {leading_space}},
        {"\r\n", "", "", {bad_verb}},
        {"   \r\n", "", "", {leading_space, bad_verb}},
        {"", "", "", {no_eol, bad_verb}},
        {"EHLO a", "EHLO", "a", {no_eol}},
        {"EHLO a\r", "EHLO", "a\r", {no_eol, bare_cr}},
        {"EHLO a\n", "EHLO", "a", {bare_lf}},
        {"\n", "", "", {bare_lf, bad_verb}},
        {"EHLO a\rb\r\n", "EHLO", "a\rb", {bare_cr}},
        {"EHLO a\r\r\n", "EHLO", "a\r", {bare_cr}},
        {"EHLO a\nb\r\n", "EHLO", "a\nb", {bare_lf}},
        {"EH\0LO a\r\n"s, "EH\0LO"s, "a", {nul, bad_verb}},
        {"EHLO a\x1b\r\n", "EHLO", "a\x1b", {control}},
        {"EHLO \xfc\r\n", "EHLO", "\xfc", {eight_bit}},
        {"EHLO \xc3\xbc\r\n", "EHLO", "\xc3\xbc", {utf8}},
        {"X-TRY a\r\n", "X-TRY", "a", {bad_verb}},
        {"GET / HTTP/1.1\r\n", "GET", "/ HTTP/1.1", {}},
        {"MAIL FROM:<>\r\n", "MAIL", "FROM:<>", {}},
    };
    for (const Case& each : cases) {
        SCOPED_TRACE(testing::PrintToString(each.raw));
        const Command command = parse_command(each.raw);
        EXPECT_EQ(command.raw, each.raw);
        EXPECT_EQ(command.verb, each.verb);
        EXPECT_EQ(command.argument, each.argument);
        EXPECT_THAT(command.violations, testing::UnorderedElementsAreArray(each.violations));
    }
}

TEST(Command, LineOf512OctetsIsTheLongest) {
    EXPECT_FALSE(parse_command("NOOP " + std::string(505, 'x') + "\r\n").has(too_long));
    EXPECT_TRUE(parse_command("NOOP " + std::string(506, 'x') + "\r\n").has(too_long));
}

TEST(Command, EveryViolationHasAName) {
    EXPECT_EQ(to_string(bare_lf), "bare_lf");
    EXPECT_EQ(to_string(too_long), "too_long");
}

TEST(MailArgument, GoodOnes) {
    struct Case {
        std::string argument;
        std::string address;
        std::string local_part;
        std::string domain;
    };
    const std::vector<Case> cases{
        {"FROM:<a@b.test>", "a@b.test", "a", "b.test"},
        {"from:<a@b.test>", "a@b.test", "a", "b.test"},
        {"FROM:<>", "", "", ""},
        {"FROM:<\"a b\"@c.test>", "\"a b\"@c.test", "\"a b\"", "c.test"},
        {"FROM:<\"a@b\"@c.test>", "\"a@b\"@c.test", "\"a@b\"", "c.test"},
        {"FROM:<\"<>\"@c.test>", "\"<>\"@c.test", "\"<>\"", "c.test"},
        {"FROM:<\"a\\\"> \"@c.test>", "\"a\\\"> \"@c.test", "\"a\\\"> \"", "c.test"},
        {"FROM:<a@[192.0.2.1]>", "a@[192.0.2.1]", "a", "[192.0.2.1]"},
        {"FROM:<a@[IPv6:2001:db8::1]>", "a@[IPv6:2001:db8::1]", "a", "[IPv6:2001:db8::1]"},
        {"FROM:<@r1.test:a@b.test>", "a@b.test", "a", "b.test"},
        {"FROM:<@r1.test,@r2.test:a@b.test>", "a@b.test", "a", "b.test"},
        {"FROM:<Mixed.Case+tag@B.Test>", "Mixed.Case+tag@B.Test", "Mixed.Case+tag", "B.Test"},
    };
    for (const Case& each : cases) {
        SCOPED_TRACE(each.argument);
        const auto parsed = parse_mail_argument(each.argument);
        ASSERT_TRUE(parsed) << parsed.error().message;
        EXPECT_EQ(parsed->path.raw, each.argument.substr(5));
        EXPECT_EQ(parsed->path.address, each.address);
        EXPECT_EQ(parsed->path.local_part, each.local_part);
        EXPECT_EQ(parsed->path.domain, each.domain);
        EXPECT_EQ(parsed->path.null, each.address.empty());
        EXPECT_THAT(parsed->parameters, IsEmpty());
    }
}

TEST(MailArgument, ParametersKeepTheirValues) {
    const auto parsed = parse_mail_argument("FROM:<a@b.test> size=3 BODY=8BITMIME SMTPUTF8 AUTH=<>");
    ASSERT_TRUE(parsed) << parsed.error().message;
    ASSERT_EQ(parsed->parameters.size(), 4U);
    EXPECT_EQ(parsed->parameters[0].keyword, "SIZE");
    EXPECT_EQ(parsed->parameters[0].value, "3");
    EXPECT_TRUE(parsed->parameters[0].has_value);
    EXPECT_FALSE(parsed->parameters[2].has_value);
    ASSERT_NE(parsed->parameter("body"), nullptr);
    EXPECT_EQ(parsed->parameter("body")->value, "8BITMIME");
    EXPECT_EQ(parsed->parameter("RET"), nullptr);
}

TEST(MailArgument, BadOnesAreRefusedWithACode) {
    struct Case {
        std::string argument;
        int code;
        std::string enhanced;
    };
    const std::vector<Case> cases{
        {"", 501, "5.5.4"},
        {"FROM", 501, "5.5.4"},
        {"FROM:", 501, "5.5.4"},
        {"TO:<a@b.test>", 501, "5.5.4"},
        {"FROM <a@b.test>", 501, "5.5.4"},
        {" FROM:<a@b.test>", 501, "5.5.4"},
        {"FROM: <a@b.test>", 501, "5.5.4"},
        {"FROM :<a@b.test>", 501, "5.5.4"},
        {"FROM:a@b.test", 501, "5.5.4"},
        {"FROM:<a@b.test", 501, "5.5.4"},
        {"FROM:a@b.test>", 501, "5.5.4"},
        {"FROM:<<a@b.test>>", 501, "5.5.4"},
        {"FROM:<a@b.test>>", 501, "5.5.4"},
        {"FROM:<a@b.test>SIZE=3", 501, "5.5.4"},
        {"FROM:<a@b.test> ", 501, "5.5.4"},
        {"FROM:<a@b.test>  SIZE=3", 501, "5.5.4"},
        {"FROM:<a@b.test> SIZE=3 ", 501, "5.5.4"},
        {"FROM:<a@b.test>\tSIZE=3", 501, "5.5.4"},
        {"FROM:<a@b.test> SIZE=", 501, "5.5.4"},
        {"FROM:<a@b.test> =3", 501, "5.5.4"},
        {"FROM:<a@b.test> -SIZE=3", 501, "5.5.4"},
        {"FROM:<a@b.test> SI_ZE=3", 501, "5.5.4"},
        {"FROM:<a@b.test> SIZE=1=2", 501, "5.5.4"},
        {"FROM:<a@b.test> SIZE=1 size=2", 501, "5.5.4"},
        {"FROM:<a@b.test> X=\xc3\xbc", 501, "5.5.4"},
        {"FROM:<a@b.test> X=a\x01", 501, "5.5.4"},
        {"FROM:<\"a@b.test>", 501, "5.5.4"},
        {"FROM:< a@b.test>", 501, "5.1.7"},
        {"FROM:<a@b.test >", 501, "5.1.7"},
        {"FROM:<a>", 501, "5.1.7"},
        {"FROM:<postmaster>", 501, "5.1.7"},
        {"FROM:<a@>", 501, "5.1.7"},
        {"FROM:<@b.test>", 501, "5.1.7"},
        {"FROM:<a@@b.test>", 501, "5.1.7"},
        {"FROM:<a@b@c.test>", 501, "5.1.7"},
        {"FROM:<a b@c.test>", 501, "5.1.7"},
        {"FROM:<a@b_c.test>", 501, "5.1.7"},
        {"FROM:<a@-b.test>", 501, "5.1.7"},
        {"FROM:<a.@b.test>", 501, "5.1.7"},
        {"FROM:<a@[192.0.2.256]>", 501, "5.1.7"},
        {"FROM:<a@192.0.2.1]>", 501, "5.1.7"},
        {"FROM:<@r1.test a@b.test>", 501, "5.1.7"},
        {"FROM:<@r1.test,a@b.test>", 501, "5.1.7"},
        {"FROM:<@r1.test,@:a@b.test>", 501, "5.1.7"},
        {"FROM:<@r1.test,:a@b.test>", 501, "5.1.7"},
        {"FROM:<@r1.test:>", 501, "5.1.7"},
        {"FROM:<@[192.0.2.1>", 501, "5.1.7"},
        {"FROM:<@,@:>", 501, "5.1.7"},
        {"FROM:<a\0b@c.test>"s, 501, "5.1.7"},
        {"FROM:<" + std::string(65, 'a') + "@b.test>", 501, "5.1.7"},
        {"FROM:<a@" + std::string(63, 'b') + "." + std::string(63, 'b') + "." + std::string(63, 'b') + "." +
             std::string(62, 'b') + ">",
         501,
         "5.1.7"},
        {"FROM:<\xc3\xbc@b.test>", 553, "5.6.7"},
        {"FROM:<a@b\xc3\xbc.test>", 553, "5.6.7"},
    };
    for (const Case& each : cases) {
        SCOPED_TRACE(testing::PrintToString(each.argument));
        const auto parsed = parse_mail_argument(each.argument);
        ASSERT_FALSE(parsed);
        EXPECT_EQ(parsed.error().suggested_code, each.code);
        EXPECT_EQ(parsed.error().enhanced, each.enhanced);
        EXPECT_FALSE(parsed.error().message.empty());
    }
}

TEST(RcptArgument, GoodAndBadOnes) {
    EXPECT_EQ(parse_rcpt_argument("TO:<a@b.test>")->path.address, "a@b.test");
    EXPECT_EQ(parse_rcpt_argument("to:<Postmaster>")->path.local_part, "Postmaster");
    EXPECT_EQ(parse_rcpt_argument("TO:<Postmaster>")->path.domain, "");
    EXPECT_EQ(parse_rcpt_argument("TO:<@r.test:a@b.test> NOTIFY=NEVER")->parameter("NOTIFY")->value, "NEVER");
    EXPECT_EQ(parse_rcpt_argument("TO:<>").error().enhanced, "5.1.3");
    EXPECT_EQ(parse_rcpt_argument("TO:<a>").error().enhanced, "5.1.3");
    EXPECT_EQ(parse_rcpt_argument("FROM:<a@b.test>").error().enhanced, "5.5.4");
    EXPECT_EQ(parse_rcpt_argument("TO:<\xc3\xbc@b.test>").error().suggested_code, 553);
}

TEST(EnvelopeArgument, ToleranceIsOneRuleAtATime) {
    ArgumentRules space;
    space.space_after_colon = true;
    EXPECT_EQ(parse_mail_argument("FROM: <a@b.test>", space)->path.address, "a@b.test");
    EXPECT_EQ(parse_mail_argument("FROM: \t<>", space)->path.null, true);
    EXPECT_FALSE(parse_mail_argument("FROM: ", space));

    ArgumentRules bare;
    bare.missing_brackets = true;
    EXPECT_EQ(parse_mail_argument("FROM:a@b.test SIZE=3", bare)->path.address, "a@b.test");
    EXPECT_EQ(parse_mail_argument("FROM:a@b.test SIZE=3", bare)->parameters.size(), 1U);
    EXPECT_FALSE(parse_mail_argument("FROM:", bare));
    EXPECT_FALSE(parse_mail_argument("FROM:a@b.test>", bare));

    ArgumentRules any;
    any.any_address = true;
    EXPECT_EQ(parse_mail_argument("FROM:<a b>", any)->path.address, "a b");
    EXPECT_EQ(parse_rcpt_argument("TO:<|/bin/sh@x\"y>", any)->path.domain, "x\"y");
    EXPECT_FALSE(parse_rcpt_argument("TO:<a", any));

    ArgumentRules utf8;
    utf8.smtputf8 = true;
    EXPECT_EQ(parse_mail_argument("FROM:<\xc3\xbc@\xc3\xbc.test> SMTPUTF8 X=\xc3\xbc", utf8)->path.local_part,
              "\xc3\xbc");
    EXPECT_FALSE(parse_mail_argument("FROM:<\xfc@b.test>", utf8));
    EXPECT_FALSE(parse_mail_argument("FROM:<a@b.test> X=\xfc", utf8));
}

TEST(Path, StandsAlone) {
    EXPECT_EQ(parse_path("<a@b.test>")->address, "a@b.test");
    EXPECT_TRUE(parse_path("<>")->null);
    EXPECT_FALSE(parse_path("<a@b.test> x"));
    EXPECT_FALSE(parse_path(""));
    EXPECT_FALSE(parse_path("a@b.test"));
}

TEST(Path, LongestPathHas256Octets) {
    const std::string domain =
        std::string(63, 'b') + "." + std::string(63, 'b') + "." + std::string(63, 'b') + ".";
    const std::string local(256 - 2 - 1 - domain.size() - 20, 'a');
    EXPECT_TRUE(parse_path("<" + local + "@" + domain + std::string(20, 'c') + ">"));
    EXPECT_FALSE(parse_path("<" + local + "@" + domain + std::string(21, 'c') + ">"));
}

TEST(Parameters, MessageNamesTheCulpritWithoutControlCharacters) {
    EXPECT_EQ(parse_parameters("SIZE=1 \x1b[2J").error().message, "\"\\x1B[2J\" is not a parameter");
    EXPECT_EQ(parse_parameters("SIZE=1 SIZE=2").error().message, "the parameter SIZE stands twice");
}

}  // namespace
}  // namespace smtpspec::smtp
