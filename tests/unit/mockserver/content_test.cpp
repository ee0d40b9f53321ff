#include "rig.hpp"

namespace smtpspec::mock {
namespace {

/// What becomes of octets behind DATA that are followed, if nothing has come back, by the true end.
std::string fate(const ServerConfig& config, const std::string& octets) {
    Rig rig(config);
    rig.hello();
    rig.envelope();
    EXPECT_EQ(rig.ask("DATA").substr(0, 3), "354");
    rig.send("Subject: x\r\n\r\nbody" + octets);
    auto first = rig.silent();
    if (first != "silent") {
        return "cut " + first.substr(0, 3);
    }
    rig.send("\r\n.\r\n");
    return rig.reply().substr(0, 3);
}

TEST(Content, EndsAtCrlfDotCrlfOnly) {
    const auto config = on_port(script::Mode::Plain);
    EXPECT_EQ(fate(config, "\r\n.\r\n"), "cut 250");
    for (const std::string eod : {"\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r.\r\n", "\r\n.\r"}) {
        EXPECT_EQ(fate(config, eod), "550") << eod;
    }
    EXPECT_EQ(fate(config, std::string("\r\n\0.\r\n", 6)), "550");
}

struct EodCase {
    Defect defect;
    std::string octets;
    std::string fate;
};

TEST(Content, EndsElsewhereWithTheDefectThatSaysSo) {
    const std::vector<EodCase> cases = {
        {Defect::eod_accepts_bare_lf, "\n.\n", "cut 250"},
        {Defect::eod_accepts_bare_lf, "\r.\r", "250"},
        {Defect::eod_accepts_bare_cr, "\r.\r", "cut 250"},
        {Defect::eod_accepts_crcrlf, "\r\r\n.\r\r\n", "cut 250"},
        {Defect::eod_ignores_nul, std::string("\r\n\0.\r\n", 6), "cut 250"},
        {Defect::accepts_bare_line_ends, "\n.\n", "250"},
        {Defect::empty_message_closes, "\r\n.\r\n", "cut 250"},
    };
    for (const auto& one : cases) {
        EXPECT_EQ(fate(with_defect(one.defect, on_port(script::Mode::Plain)), one.octets), one.fate)
            << to_string(one.defect);
    }
}

TEST(Content, OfNothingButTheFinalDotIsAMessage) {
    Rig rig;
    rig.hello();
    EXPECT_EQ(rig.deliver(".\r\n").substr(0, 3), "250");
    EXPECT_EQ(rig.server.store().count(), 1U);
}

TEST(Content, ThatCannotBeStoredIsRefusedForNowAndNotCounted) {
    Rig rig;
    bool full = true;
    rig.server.store().on_add([&full](const Mail&) -> tl::expected<void, std::string> {
        if (full) {
            return tl::unexpected(std::string("no space"));
        }
        return {};
    });
    rig.hello();
    EXPECT_EQ(rig.deliver("Subject: x\r\n\r\nbody\r\n.\r\n").substr(0, 9), "452 4.3.1");
    rig.envelope();
    rig.send("BDAT 4 LAST\r\nbody");
    EXPECT_EQ(rig.reply().substr(0, 9), "452 4.3.1");
    EXPECT_EQ(rig.server.store().count(), 0U);
    EXPECT_EQ(rig.server.store().octets(), 0U);
    EXPECT_EQ(rig.server.store().version(), 0U);
    full = false;
    EXPECT_EQ(rig.deliver("Subject: x\r\n\r\nbody\r\n.\r\n").substr(0, 3), "250");
    EXPECT_EQ(rig.server.store().all().at(0).number, 1U);
}

TEST(Content, MayBeSplitAnywhere) {
    Rig rig;
    rig.hello();
    rig.envelope();
    (void)rig.ask("DATA");
    rig.send_by("a: b\r\n\r\n..\r\n.\r\n", 1);
    EXPECT_EQ(rig.code(), 250);
    EXPECT_TRUE(rig.server.store().all().at(0).raw.ends_with("a: b\r\n\r\n.\r\n"));
}

TEST(Content, IsBoundedBySize) {
    auto config = on_port(script::Mode::Plain);
    config.limits.message_octets = 1000;
    Rig rig(config);
    rig.hello();
    EXPECT_EQ(rig.deliver(std::string(2000, 'a') + "\r\n.\r\n").substr(0, 9), "552 5.3.4");
    EXPECT_EQ(rig.ask("NOOP").substr(0, 3), "250");
    EXPECT_EQ(rig.server.store().count(), 0U);
}

TEST(Content, ComesInChunks) {
    Rig rig;
    rig.hello();
    rig.envelope();
    rig.send("BDAT 6\r\na: b\r\nBDAT 5 LAST\r\n\r\n.x.NOOP\r\n");
    EXPECT_EQ(rig.reply(), "250 2.0.0 6 octets received");
    EXPECT_EQ(rig.code(), 250);
    EXPECT_EQ(rig.code(), 250);
    EXPECT_TRUE(rig.server.store().all().at(0).raw.ends_with("a: b\r\n\r\n.x."));
}

TEST(Content, OfARefusedChunkIsReadAway) {
    Rig rig;
    rig.hello();
    rig.send("BDAT 6\r\nNOOP\r\nNOOP\r\n");
    EXPECT_EQ(rig.code(), 503);
    EXPECT_EQ(rig.code(), 250);
    EXPECT_EQ(rig.silent(), "silent");
    EXPECT_EQ(rig.ask("BDAT x").substr(0, 3), "501");
    rig.envelope();
    EXPECT_EQ(rig.ask("BDAT 0").substr(0, 3), "250");
    EXPECT_EQ(rig.ask("DATA").substr(0, 3), "503");
    EXPECT_EQ(rig.ask("BDAT 0 LAST").substr(0, 3), "250");
    EXPECT_EQ(rig.ask("MAIL FROM:<a@b.test> BODY=BINARYMIME").substr(0, 3), "250");
    EXPECT_EQ(rig.ask("RCPT TO:<b@mail.test>").substr(0, 3), "250");
    EXPECT_EQ(rig.ask("DATA").substr(0, 3), "503");
    rig.send(std::string("BDAT 3 LAST\r\n\0\n\r", 16));
    EXPECT_EQ(rig.code(), 250);
}

TEST(Content, ThatLoopsIsRefused) {
    std::string message;
    for (int i = 0; i < 100; ++i) {
        message += "Received: from a by b; Mon, 23 Nov 2026 00:00:00 +0000\r\n";
    }
    Rig rig;
    rig.hello();
    EXPECT_EQ(rig.deliver(message + "\r\n.\r\n").substr(0, 9), "554 5.4.6");
}

TEST(Content, IsTracedAsTheSessionWas) {
    Rig rig;
    rig.connect();
    (void)rig.reply();
    (void)rig.ask("HELO old.test");
    EXPECT_EQ(rig.deliver("x\r\n.\r\n").substr(0, 3), "250");
    (void)rig.ask("EHLO new.test");
    (void)rig.ask("MAIL FROM:<a@b.test> SMTPUTF8");
    (void)rig.ask("RCPT TO:<b@mail.test>");
    (void)rig.ask("DATA");
    EXPECT_EQ(rig.ask("x\r\n.").substr(0, 3), "250");
    const auto mails = rig.server.store().all();
    EXPECT_NE(mails.at(0).raw.find("from old.test ([127.0.0.1])\r\n\tby mail.test with SMTP id"),
              std::string::npos);
    EXPECT_NE(mails.at(1).raw.find("with UTF8SMTP id"), std::string::npos);
}

}  // namespace
}  // namespace smtpspec::mock
