#include <gmock/gmock.h>

#include "rig.hpp"

namespace smtpspec::mock {
namespace {

struct Case {
    std::string line;
    std::string reply;  ///< its beginning
};

void expect_replies(Rig& rig, const std::vector<Case>& cases) {
    for (const auto& one : cases) {
        EXPECT_EQ(rig.ask(one.line).substr(0, one.reply.size()), one.reply) << one.line;
    }
}

TEST(Commands, AreRefusedBeforeEhloAsTheyShouldBe) {
    Rig rig(on_port(script::Mode::Starttls, with_account()));
    rig.connect();
    EXPECT_EQ(rig.reply().substr(0, 14), "220 mail.test ");
    expect_replies(rig,
                   {{"MAIL FROM:<a@b.test>", "503 5.5.1"},
                    {"RCPT TO:<a@b.test>", "503 5.5.1"},
                    {"DATA", "503 5.5.1"},
                    {"BDAT 0 LAST", "503 5.5.1"},
                    {"AUTH PLAIN", "503 5.5.1"},
                    {"STARTTLS", "503 5.5.1"},
                    {"NOOP", "250 2.0.0"},
                    {"RSET", "250 2.0.0"},
                    {"HELP", "214 2.0.0"},
                    {"QUIT", "221 2.0.0"}});
    EXPECT_EQ(rig.reply(), "close");
}

TEST(Commands, OfAStarttlsPortWantTlsFirst) {
    Rig rig(on_port(script::Mode::Starttls, with_account()));
    rig.connect();
    (void)rig.reply();
    const auto hello = rig.ask("EHLO client.test");
    EXPECT_NE(hello.find("STARTTLS"), std::string::npos) << hello;
    EXPECT_EQ(hello.find("AUTH"), std::string::npos) << hello;
    expect_replies(rig,
                   {{"MAIL FROM:<a@b.test>", "530 5.7.0 Must issue a STARTTLS"},
                    {"RCPT TO:<a@b.test>", "530"},
                    {"DATA", "530"},
                    {"VRFY anna", "530"},
                    {"AUTH PLAIN AGFubmEAc2VjcmV0IHdvcmQ=", "538 5.7.11"},
                    {"NOOP", "250"},
                    {"RSET", "250"},
                    {"STARTTLS now", "501 5.5.4"},
                    {"EHLO again.test", "250"}});
    rig.start_tls();
    expect_replies(rig,
                   {{"MAIL FROM:<a@b.test>", "503"},
                    {"EHLO client.test", "250"},
                    {"STARTTLS", "503"},
                    {"MAIL FROM:<a@b.test>", "530 5.7.0 Authentication required"}});
}

TEST(Commands, HaveTheCodesOfRfc5321) {
    Rig rig;
    rig.hello();
    expect_replies(rig,
                   {{"XYZZY", "500 5.5.2"},
                    {"", "500 5.5.2"},
                    {" NOOP", "500"},
                    {"noop", "250"},
                    {"NOOP with words", "250"},
                    {"RSET now", "501"},
                    {"EXPN list", "502 5.5.1"},
                    {"TURN", "502"},
                    {"STARTTLS", "502"},
                    {"AUTH PLAIN", "502"},
                    {"VRFY anna", "252 2.5.0"},
                    {"VRFY", "501"},
                    {"EHLO", "501"},
                    {"EHLO bad..name", "501"},
                    {"HELO [127.0.0.1]", "250"},
                    {"EHLO client.test", "250"},
                    {"MAIL", "501"},
                    {"MAIL TO:<a@b.test>", "501"},
                    {"MAIL FROM:<a@b.test> SIZE=1", "250"},
                    {"MAIL FROM:<a@b.test>", "503"},
                    {"DATA", "503"},
                    {"RCPT TO:<bad@mail.test>", "550 5.1.1"},
                    {"RCPT TO:<x@elsewhere.example>", "550 5.7.1"},
                    {"DATA", "554 5.5.1"},
                    {"RCPT TO:<>", "501"},
                    {"RCPT TO:<Postmaster>", "250 2.1.5"},
                    {"RCPT TO:<@relay.test:b@mail.test>", "250"},
                    {"DATA now", "501"},
                    {"RSET", "250"},
                    {"RCPT TO:<b@mail.test>", "503"},
                    {"MAIL FROM:<>", "250"},
                    {"EHLO client.test", "250"},
                    {"MAIL FROM:<a@b.test>", "250"}});
}

TEST(Commands, CheckTheirParameters) {
    Rig rig;
    rig.hello();
    const std::vector<Case> mail = {{"SIZE=99999999999", "552 5.3.4"},
                                    {"SIZE=x", "501"},
                                    {"SIZE=", "501"},
                                    {"BODY=8BITMIME", "250"},
                                    {"BODY=9BIT", "501"},
                                    {"body=binarymime", "250"},
                                    {"SMTPUTF8", "250"},
                                    {"SMTPUTF8=1", "501"},
                                    {"RET=HDRS ENVID=a+2Bb", "250"},
                                    {"RET=ALL", "501"},
                                    {"ENVID=", "501"},
                                    {"XUNKNOWN=1", "555 5.5.4"},
                                    {"AUTH=<>", "555"}};
    for (const auto& one : mail) {
        EXPECT_EQ(rig.ask("MAIL FROM:<a@b.test> " + one.line).substr(0, one.reply.size()), one.reply)
            << one.line;
        (void)rig.ask("RSET");
    }
    (void)rig.ask("MAIL FROM:<a@b.test>");
    const std::vector<Case> rcpt = {{"NOTIFY=NEVER", "250"},
                                    {"NOTIFY=SUCCESS,FAILURE,DELAY", "250"},
                                    {"notify=success", "250"},
                                    {"NOTIFY=NEVER,SUCCESS", "501"},
                                    {"NOTIFY=", "501"},
                                    {"NOTIFY=MAYBE", "501"},
                                    {"NOTIFY=NEVER NOTIFY=SUCCESS", "501"},
                                    {"ORCPT=rfc822;a+2Bb@x.test", "250"},
                                    {"ORCPT=nothing", "501"},
                                    {"SIZE=1", "555"}};
    for (const auto& one : rcpt) {
        EXPECT_EQ(rig.ask("RCPT TO:<b@mail.test> " + one.line).substr(0, one.reply.size()), one.reply)
            << one.line;
    }
    EXPECT_EQ(rig.ask("RCPT TO:<\xC3\xBC@mail.test>").substr(0, 9), "553 5.6.7");
    (void)rig.ask("RSET");
    EXPECT_EQ(rig.ask("MAIL FROM:<\xC3\xBC@mail.test> SMTPUTF8").substr(0, 3), "250");
    EXPECT_EQ(rig.ask("RCPT TO:<\xC3\xBC@mail.test>").substr(0, 3), "250");
}

TEST(Commands, ArePipelinedInAnySegmentation) {
    const std::string group =
        "MAIL FROM:<a@b.test>\r\nRCPT TO:<b@mail.test>\r\nRCPT TO:<bad@mail.test>\r\nRCPT "
        "TO:<c@mail.test>\r\n"
        "DATA\r\n";
    for (const std::size_t size : {4096U, 1U, 3U, 7U}) {
        Rig rig;
        rig.hello();
        rig.send_by(group, size);
        const int codes[] = {rig.code(), rig.code(), rig.code(), rig.code(), rig.code()};
        EXPECT_THAT(codes, testing::ElementsAre(250, 250, 550, 250, 354)) << size;
        rig.send_by("x\r\n\r\ny\r\n.\r\nNOOP\r\n", size);
        EXPECT_EQ(rig.code(), 250);
        EXPECT_EQ(rig.code(), 250);
        EXPECT_EQ(rig.server.store().count(), 1U);
    }
}

TEST(Commands, EndAtCrlfAloneAndAreBounded) {
    Rig rig;
    rig.hello();
    rig.send("NOOP\n");
    EXPECT_EQ(rig.silent(), "silent");
    rig.send("NOOP\r\n");
    EXPECT_EQ(rig.code(), 500);
    rig.send("NOOP " + std::string(5000, 'a') + "\r\nNOOP\r\n");
    EXPECT_EQ(rig.code(), 500);
    EXPECT_EQ(rig.code(), 250);
    rig.send(std::string(200'000, 'a'));
    EXPECT_EQ(rig.code(), 421);
    EXPECT_EQ(rig.reply(), "close");
}

TEST(Commands, AreNotTakenForEver) {
    auto config = on_port(script::Mode::Plain);
    config.limits.errors = 3;
    Rig rig(config);
    rig.hello();
    EXPECT_EQ((rig.ask("A"), rig.ask("B"), rig.ask("C")).substr(0, 3), "500");
    EXPECT_EQ(rig.ask("D").substr(0, 9), "421 4.7.0");
    EXPECT_EQ(rig.reply(), "close");
}

TEST(Session, EndsWhenItIsIdle) {
    auto config = on_port(script::Mode::Plain);
    config.idle_timeout = std::chrono::milliseconds(60);
    Rig rig(config);
    rig.connect();
    EXPECT_EQ(rig.code(), 220);
    EXPECT_EQ(rig.reply().substr(0, 9), "421 4.4.2");
    EXPECT_EQ(rig.reply(), "close");
}

TEST(Session, WithoutEnhancedCodesSaysNone) {
    auto config = on_port(script::Mode::Plain);
    config.extensions.enhanced_codes = false;
    Rig rig(config);
    rig.hello();
    EXPECT_EQ(rig.ask("NOOP"), "250 OK");
    EXPECT_EQ(rig.ask("XYZZY").substr(0, 10), "500 Syntax");
}

}  // namespace
}  // namespace smtpspec::mock
