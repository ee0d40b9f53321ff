#include <gmock/gmock.h>

#include <set>

#include "rig.hpp"

namespace smtpspec::mock {
namespace {

using script::Mode;

ServerConfig wrong(Defect defect) { return with_defect(defect, on_port(Mode::Plain)); }

TEST(Defects, HaveNamesThatAreTheirOwn) {
    std::set<std::string_view> names;
    for (const auto& info : server_defects()) {
        EXPECT_TRUE(names.insert(info.name).second) << info.name;
        EXPECT_FALSE(info.description.empty()) << info.name;
        EXPECT_EQ(defect_from_string(info.name), info.defect);
        EXPECT_EQ(to_string(info.defect), info.name);
    }
    DefectSet set;
    EXPECT_TRUE(set.none());
    const auto unknown = set.add("no-recieved");
    ASSERT_FALSE(unknown);
    EXPECT_NE(unknown.error().find("no-received"), std::string::npos) << unknown.error();
}

TEST(Defects, IncludeOthers) {
    const DefectSet set(Defect::auth_in_transaction_550);
    EXPECT_TRUE(set.has(Defect::errors_say_550));
    EXPECT_TRUE(set.has(Defect::mail_demands_tls_not_login));
    EXPECT_FALSE(set.has(Defect::open_relay));
}

TEST(Defects, OfTheFinalReply) {
    Rig twice(wrong(Defect::final_reply_twice));
    twice.hello();
    EXPECT_EQ(twice.deliver("x\r\n.\r\n").substr(0, 3), "250");
    EXPECT_EQ(twice.code(), 250);

    Rig says(wrong(Defect::data_says_250));
    says.hello();
    says.envelope();
    EXPECT_EQ(says.ask("DATA").substr(0, 3), "250");
    EXPECT_EQ(says.ask("x\r\n.").substr(0, 3), "250");
    EXPECT_EQ(says.server.store().count(), 1U);

    Rig confused(wrong(Defect::eod_bare_lf_cuts_message));
    confused.hello();
    EXPECT_EQ(confused.deliver("x\n.\n").substr(0, 3), "250");
    EXPECT_EQ(confused.ask("MAIL FROM:<a@b.test>").substr(0, 3), "503");
    EXPECT_EQ(confused.ask("RSET").substr(0, 3), "250");
    EXPECT_EQ(confused.ask("MAIL FROM:<a@b.test>").substr(0, 3), "250");
}

TEST(Defects, OfTheFinalDot) {
    Rig first(wrong(Defect::eod_first_dot_ignored));
    first.hello();
    first.envelope();
    (void)first.ask("DATA");
    first.send(".\r\n");
    EXPECT_EQ(first.silent(), "silent");
    EXPECT_EQ(first.ask(".").substr(0, 3), "250");
    EXPECT_TRUE(first.server.store().all().at(0).raw.ends_with("\r\n.\r\n"));

    Rig empty(wrong(Defect::empty_message_closes));
    empty.hello();
    EXPECT_EQ(empty.deliver(".\r\n").substr(0, 9), "554 5.6.0");
    EXPECT_EQ(empty.reply(), "close");

    Rig whole(wrong(Defect::eod_needs_one_segment));
    whole.hello();
    whole.envelope();
    (void)whole.ask("DATA");
    whole.send_by("a\r\n.\r\n", 4);
    EXPECT_EQ(whole.silent(), "silent");
    whole.send("b\r\n.\r\n");
    EXPECT_EQ(whole.code(), 250);

    Rig stuffed(wrong(Defect::unstuff_never));
    stuffed.hello();
    EXPECT_EQ(stuffed.deliver("..x\r\n.\r\n").substr(0, 3), "250");
    EXPECT_TRUE(stuffed.server.store().all().at(0).raw.ends_with("..x\r\n"));

    Rig decides(wrong(Defect::eod_first_line_decides));
    decides.hello();
    EXPECT_EQ(decides.deliver("a\nb\n.\n").substr(0, 3), "250");
}

TEST(Defects, OfASlowEndOfData) {
    const std::pair<Defect, std::vector<int>> rows[] = {
        {Defect::eod_accepts_bare_lf_slowly, {250, 500, 500, 250}},
        // as Postfix does with smtpd_forbidden_commands
        {Defect::eod_accepts_bare_lf_slowly_then_hangs_up, {250, 500, 221}},
    };
    for (const auto& [defect, codes] : rows) {
        Rig slow(wrong(defect));
        slow.hello();
        slow.envelope();
        (void)slow.ask("DATA");
        slow.send("x\n.\n");
        slow.send("\r\n.\r\nNOOP\r\n");
        for (const int code : codes) {
            EXPECT_EQ(slow.code(), code) << to_string(defect);
        }
    }
}

TEST(Defects, OfTraceFields) {
    Rig none(wrong(Defect::no_received));
    none.hello();
    EXPECT_EQ(none.deliver("x\r\n.\r\n").substr(0, 3), "250");
    EXPECT_EQ(none.server.store().all().at(0).raw, "x\r\n");
    Rig plain(wrong(Defect::received_says_smtp));
    plain.hello();
    EXPECT_EQ(plain.deliver("x\r\n.\r\n").substr(0, 3), "250");
    EXPECT_NE(plain.server.store().all().at(0).raw.find("with SMTP id"), std::string::npos);
    Rig box(wrong(Defect::mailbox_adds_received));
    box.hello();
    EXPECT_EQ(box.deliver("x\r\n.\r\n").substr(0, 3), "250");
    const auto raw = box.server.store().all().at(0).raw;
    ASSERT_NE(raw.find("with LMTP id"), std::string::npos);
    EXPECT_LT(raw.find("with LMTP id"), raw.find("with ESMTP id"));
}

TEST(Defects, OfPipelining) {
    const std::string group =
        "MAIL FROM:<a@b.test>\r\nRCPT TO:<b@mail.test>\r\nRCPT TO:<bad@mail.test>\r\nRCPT "
        "TO:<c@mail.test>\r\n"
        "DATA\r\n";
    const auto codes = [&](Defect defect, std::size_t size) {
        Rig rig(wrong(defect));
        rig.hello();
        rig.send_by(group, size);
        std::string all;
        for (auto reply = rig.silent(); reply != "silent"; reply = rig.silent()) {
            all += reply.substr(0, 3) + " ";
        }
        return all;
    };
    for (const std::size_t size : {4096U, 7U}) {
        EXPECT_EQ(codes(Defect::no_received, size), "250 250 550 250 354 ");
        EXPECT_EQ(codes(Defect::flush_input_on_error, size), "250 250 550 ");
        EXPECT_EQ(codes(Defect::reply_out_of_order, size), "550 250 250 250 354 ");
        EXPECT_EQ(codes(Defect::bad_recipient_refused_late, size), "250 250 250 250 354 ");
    }
}

TEST(Defects, OfRecipients) {
    Rig late(wrong(Defect::bad_recipient_refused_late));
    late.hello();
    (void)late.ask("MAIL FROM:<a@b.test>");
    EXPECT_EQ(late.ask("RCPT TO:<bad@mail.test>").substr(0, 3), "250");
    EXPECT_EQ(late.ask("DATA").substr(0, 3), "354");
    EXPECT_EQ(late.ask("x\r\n.").substr(0, 3), "550");
    for (const auto& [defect, code] :
         {std::pair(Defect::rcpt_limit_50, "452"), std::pair(Defect::rcpt_limit_50_closes, "421")}) {
        Rig rig(wrong(defect));
        rig.hello();
        (void)rig.ask("MAIL FROM:<a@b.test>");
        for (int i = 0; i < 50; ++i) {
            EXPECT_EQ(rig.ask("RCPT TO:<b@mail.test>").substr(0, 3), "250");
        }
        EXPECT_EQ(rig.ask("RCPT TO:<b@mail.test>").substr(0, 3), code);
    }
}

TEST(Defects, OfDsn) {
    Rig lax(wrong(Defect::dsn_accepts_anything));
    lax.hello();
    EXPECT_EQ(lax.ask("MAIL FROM:<a@b.test> RET=ALL").substr(0, 3), "250");
    for (const std::string arg :
         {"NOTIFY=NEVER,SUCCESS", "NOTIFY=", "NOTIFY=MAYBE", "NOTIFY=NEVER NOTIFY=SUCCESS"}) {
        EXPECT_EQ(lax.ask("RCPT TO:<b@mail.test> " + arg).substr(0, 3), "250") << arg;
    }
    Rig none(wrong(Defect::dsn_refuses_notify));
    none.hello();
    EXPECT_EQ(none.ask("MAIL FROM:<a@b.test> RET=HDRS").substr(0, 3), "250");
    EXPECT_EQ(none.ask("RCPT TO:<b@mail.test> NOTIFY=NEVER").substr(0, 3), "555");
}

TEST(Defects, OfLimits) {
    Rig endless(wrong(Defect::no_line_limit));
    endless.hello();
    endless.send(std::string(300'000, 'a'));
    EXPECT_EQ(endless.silent(), "silent");
    EXPECT_EQ(endless.ask("").substr(0, 3), "500");

    Rig one(wrong(Defect::one_client_at_a_time));
    one.hello();
    auto first = std::move(one.client);
    one.connect();
    EXPECT_EQ(one.silent(), "silent");
    first.reset();
    EXPECT_EQ(one.code(), 220);
}

}  // namespace
}  // namespace smtpspec::mock
