#include <gmock/gmock.h>

#include "rig.hpp"

/// The defects of mockserver/dialogue_wrong.cpp and their neighbours: one command, and what is wrong with the
/// reply.
namespace smtpspec::mock {
namespace {

using script::Mode;
using testing::HasSubstr;
using testing::StartsWith;

ServerConfig wrong(Defect defect) { return with_defect(defect, on_port(Mode::Plain)); }

/// What a line gets as its first reply, behind EHLO.
struct Row {
    Defect defect;
    std::string line;
    std::string reply;  ///< begins so; "silent", "close"
};

class CommandDefect : public testing::TestWithParam<Row> {};

TEST_P(CommandDefect, ShowsInTheReply) {
    Rig rig(wrong(GetParam().defect));
    rig.hello();
    rig.send(GetParam().line + "\r\n");
    const auto got = GetParam().reply == "silent" ? rig.silent() : rig.reply();
    EXPECT_THAT(got, StartsWith(GetParam().reply));
}

using namespace std::string_literals;

INSTANTIATE_TEST_SUITE_P(
    All,
    CommandDefect,
    testing::Values(Row{Defect::helo_refused, "HELO a.test", "502"},
                    Row{Defect::helo_unwelcome, "HELO a.test", "550"},
                    Row{Defect::helo_lists_extensions, "HELO a.test", "250-mail.test"},
                    Row{Defect::verbs_upper_case_only, "noop", "500"},
                    Row{Defect::hollow_capabilities, "HELP", "502"},
                    Row{Defect::ehlo_without_name_taken, "EHLO", "250-"},
                    Row{Defect::ehlo_literal_refused, "EHLO [192.0.2.1]", "501"},
                    Row{Defect::ehlo_literal_unwelcome, "EHLO [192.0.2.1]", "550 5.7.1"},
                    Row{Defect::ehlo_any_name, "EHLO a\x01z", "250-mail.test greets a"},
                    Row{Defect::ehlo_name_echoed, "EHLO a\x01z", "250-mail.test greets a\x01z\r\n250-PIPE"},
                    Row{Defect::ehlo_keyword_garbled, "EHLO a.test", "250-mail.test greets a.test"},
                    Row{Defect::ehlo_unnamed, "EHLO a.test", "250-(mail)"},
                    Row{Defect::noop_refused, "NOOP", "502"},
                    Row{Defect::noop_argument_refused, "NOOP x", "501"},
                    Row{Defect::rset_refused, "RSET", "502"},
                    Row{Defect::rcpt_without_mail_taken, "RCPT TO:<b@mail.test>", "250"},
                    Row{Defect::data_without_recipients_taken, "DATA", "354"},
                    Row{Defect::mail_without_recipients_taken, "DATA", "354"},
                    Row{Defect::arguments_ignored, "RSET now", "250"},
                    Row{Defect::arguments_ignored, "QUIT now", "221"},
                    Row{Defect::quit_says_250, "QUIT", "250"},
                    Row{Defect::quit_unanswered, "QUIT", "close"},
                    Row{Defect::vrfy_unknown, "VRFY b", "500"},
                    Row{Defect::vrfy_denies_all, "VRFY b", "550 5.1.1"},
                    Row{Defect::vrfy_tells_truth, "VRFY b@mail.test", "250"},
                    Row{Defect::vrfy_tells_truth, "VRFY bad@mail.test", "550 5.1.1"},
                    Row{Defect::unknown_unanswered, "FOOBAR", "silent"},
                    Row{Defect::empty_line_ignored, "", "silent"},
                    Row{Defect::unknown_ends_session, "FOOBAR", "221"},
                    Row{Defect::nul_dropped, "NO\0OP"s, "250"},
                    Row{Defect::nul_ends_command, "NOOP\0x"s, "250"},
                    Row{Defect::reply_code_out_of_range, "HELP", "614"},
                    Row{Defect::reply_second_digit_odd, "HELP", "284"},
                    Row{Defect::reply_codes_mixed, "HELP", "214-2.0.0 EHLO MAIL RCPT\r\n250"},
                    Row{Defect::reply_eight_bit, "HELP", "214 2.0.0 \xC9HLO"},
                    Row{Defect::reply_bare_cr, "HELP", "214 2.0.0 EHLO\rMAIL"},
                    Row{Defect::echoes_commands, "FOO\rBAR", "500 5.5.2 Not understood: FOO\rBAR"},
                    Row{Defect::echoes_commands, "VRFY b", "252 2.5.0 Will try b"},
                    Row{Defect::enhanced_code_missing, "FOOBAR", "500 Syntax"},
                    Row{Defect::enhanced_code_zeros, "FOOBAR", "500 5.05.2 Syntax"},
                    Row{Defect::enhanced_class_differs, "FOOBAR", "500 4.5.2 Syntax"}));

TEST(CommandDefects, OfEhlo) {
    Rig refused(wrong(Defect::ehlo_refused));
    refused.connect();
    EXPECT_EQ(refused.code(), 220);
    EXPECT_THAT(refused.ask("EHLO a.test"), StartsWith("500"));
    EXPECT_THAT(refused.ask("HELO a.test"), StartsWith("250"));

    Rig mixed(wrong(Defect::ehlo_codes_mixed));
    mixed.connect();
    EXPECT_EQ(mixed.code(), 220);
    EXPECT_THAT(mixed.ask("EHLO a.test"), StartsWith("220-mail.test"));

    Rig final(wrong(Defect::ehlo_error_is_final));
    final.hello();
    EXPECT_THAT(final.ask("EHLO"), StartsWith("501"));
    EXPECT_THAT(final.ask("EHLO a.test"), StartsWith("503"));

    Rig old(wrong(Defect::ehlo_old_spelling));
    old.hello();
    EXPECT_THAT(old.ask("EHLO a.test"), HasSubstr("250 AUTH=PLAIN LOGIN"));

    Rig own(wrong(Defect::ehlo_private_keyword));
    own.hello();
    EXPECT_THAT(own.ask("EHLO a.test"), HasSubstr("250 MAGIC"));

    Rig garbled(wrong(Defect::ehlo_keyword_garbled));
    garbled.hello();
    EXPECT_THAT(garbled.ask("EHLO a.test"), HasSubstr("250 (no limits here)"));

    Rig first(wrong(Defect::hello_comes_first));
    first.connect();
    EXPECT_EQ(first.code(), 220);
    EXPECT_THAT(first.ask("NOOP"), StartsWith("503"));
    EXPECT_THAT(first.ask("EHLO a.test"), StartsWith("250"));
    EXPECT_THAT(first.ask("NOOP"), StartsWith("250"));

    Rig helo(wrong(Defect::helo_not_enough));
    helo.hello();
    EXPECT_THAT(helo.ask("HELO a.test"), StartsWith("250"));
    EXPECT_THAT(helo.ask("MAIL FROM:<a@b.test>"), StartsWith("503"));

    Rig compared(wrong(Defect::ehlo_name_compared));
    compared.hello();
    EXPECT_THAT(compared.ask("MAIL FROM:<a@b.test>"), StartsWith("250"));
    EXPECT_THAT(compared.ask("RCPT TO:<b@mail.test>"), StartsWith("550 5.7.1"));
}

/// What DATA gets when `line` was said in the middle of a transaction.
std::string data_after(Defect defect, const std::string& line) {
    Rig rig(wrong(defect));
    rig.hello();
    rig.envelope();
    const auto said = rig.ask(line);
    return said.substr(0, 3) + " " + rig.ask("DATA").substr(0, 3);
}

TEST(CommandDefects, OfTransactions) {
    EXPECT_EQ(data_after(Defect::no_received, "EHLO a.test"), "250 503");  // as it should be
    EXPECT_EQ(data_after(Defect::no_received, "RSET"), "250 503");
    EXPECT_EQ(data_after(Defect::no_received, "EHLO"), "501 354");
    EXPECT_EQ(data_after(Defect::ehlo_keeps_transaction, "EHLO a.test"), "250 354");
    EXPECT_EQ(data_after(Defect::ehlo_in_transaction_refused, "EHLO a.test"), "503 354");
    EXPECT_EQ(data_after(Defect::ehlo_error_clears, "EHLO"), "501 503");
    EXPECT_EQ(data_after(Defect::rset_keeps_transaction, "RSET"), "250 354");
    EXPECT_EQ(data_after(Defect::rset_closes, "RSET"), "250 clo");
    EXPECT_EQ(data_after(Defect::noop_clears_transaction, "NOOP"), "250 503");
    EXPECT_EQ(data_after(Defect::nested_mail_restarts, "MAIL FROM:<>"), "250 503");
    EXPECT_EQ(data_after(Defect::nested_mail_restarts_late, "MAIL FROM:<>"), "250 354");
    EXPECT_EQ(data_after(Defect::nested_mail_mixed, "MAIL FROM:<>"), "250 354");
}

TEST(CommandDefects, OfMessages) {
    Rig late(wrong(Defect::data_without_recipients_taken));
    late.hello();
    EXPECT_THAT(late.ask("DATA"), StartsWith("354"));
    EXPECT_THAT(late.ask("x\r\n."), StartsWith("554 5.5.1"));
    EXPECT_EQ(late.server.store().count(), 0U);

    Rig nobody(wrong(Defect::mail_without_recipients_taken));
    nobody.hello();
    EXPECT_THAT(nobody.ask("DATA"), StartsWith("354"));
    EXPECT_THAT(nobody.ask("x\r\n."), StartsWith("250"));

    Rig together(wrong(Defect::messages_run_together));
    together.hello();
    EXPECT_THAT(together.deliver("first\r\n.\r\n"), StartsWith("250"));
    EXPECT_THAT(together.deliver("second\r\n.\r\n"), StartsWith("250"));
    EXPECT_TRUE(together.server.store().all().at(1).raw.ends_with("first\r\nsecond\r\n"));

    Rig ends(wrong(Defect::end_of_connection_ends_data));
    ends.hello();
    ends.envelope();
    EXPECT_THAT(ends.ask("DATA"), StartsWith("354"));
    ends.send("half a mess");
    ends.client->drop_fin();
    for (int i = 0; i < 100 && ends.server.store().count() == 0; ++i) {
        ends.loop.run_for(std::chrono::milliseconds(10));
    }
    EXPECT_EQ(ends.server.store().count(), 1U);
}

TEST(CommandDefects, OfQuit) {
    Rig stays(wrong(Defect::quit_stays_open));
    stays.hello();
    EXPECT_THAT(stays.ask("QUIT"), StartsWith("221"));
    EXPECT_THAT(stays.ask("NOOP"), StartsWith("250"));

    Rig abrupt(with_defect(Defect::closes_without_notify, on_port(Mode::Tls)));
    abrupt.hello();
    EXPECT_THAT(abrupt.ask("QUIT"), StartsWith("221"));
    EXPECT_EQ(abrupt.reply(), "close");
    EXPECT_EQ(abrupt.client->peer_end(), wire::PeerEnd::fin);
}

TEST(CommandDefects, OfLinesAndTheNumberOfReplies) {
    Rig twice(wrong(Defect::replies_twice));
    twice.hello();
    EXPECT_THAT(twice.ask("NOOP"), StartsWith("250"));
    EXPECT_EQ(twice.code(), 250);
    EXPECT_THAT(twice.ask("FOOBAR"), StartsWith("500"));
    EXPECT_EQ(twice.code(), 500);

    Rig lf(wrong(Defect::command_bare_lf));
    lf.hello();
    lf.send("NOOP\n");
    EXPECT_EQ(lf.code(), 250);

    Rig cr(wrong(Defect::command_bare_cr));
    cr.hello();
    cr.send("NOOP\rNOOP\r\n");
    EXPECT_EQ(cr.code(), 250);
    EXPECT_EQ(cr.code(), 250);

    Rig segments(wrong(Defect::segment_is_line));
    segments.hello();
    segments.send_by("NOOP\r\n", 3);
    EXPECT_EQ(segments.code(), 500);

    Rig bare(wrong(Defect::reply_bare_lf));
    bare.hello();
    bare.send("HELP\r\n");
    const auto came = wire::run_blocking(bare.loop, bare.client->receive(Rig::soon()));
    EXPECT_EQ(came, wire::ReadEvent::octets);
    EXPECT_EQ(bare.client->input(), "214 2.0.0 EHLO MAIL RCPT\n");
}

/// The first two replies to a client that does not wait for the greeting.
std::string early(Defect defect) {
    Rig rig(wrong(defect));
    rig.connect();
    rig.send("NOOP\r\n");
    const auto first = rig.reply().substr(0, 3);
    return first + " " + rig.reply(200).substr(0, 3);
}

TEST(CommandDefects, OfTheGreeting) {
    EXPECT_EQ(early(Defect::no_received), "220 250");  // as it should be
    EXPECT_EQ(early(Defect::early_talk_refused), "554 clo");
    EXPECT_EQ(early(Defect::early_talk_dropped), "220 sil");
    Rig twice(wrong(Defect::early_talk_answered_twice));
    twice.connect();
    twice.send("EHLO a.test\r\n");
    EXPECT_EQ(twice.code(), 220);
    EXPECT_EQ(twice.code(), 250);
    EXPECT_EQ(twice.code(), 250);

    Rig unnamed(wrong(Defect::greeting_unnamed));
    unnamed.connect();
    EXPECT_THAT(unnamed.reply(), StartsWith("220 ESMTP"));

    Rig garbled(wrong(Defect::greeting_garbled));
    garbled.connect();
    EXPECT_THAT(garbled.reply(), HasSubstr("\r\n221 "));
}

TEST(CommandDefects, OfTime) {
    ServerConfig late = wrong(Defect::greeting_late);
    late.idle_timeout = std::chrono::milliseconds(3000);
    Rig slow(late);
    slow.connect();
    EXPECT_EQ(slow.silent(), "silent");
    EXPECT_EQ(slow.code(), 220);

    ServerConfig brief = wrong(Defect::idle_time_short);
    brief.idle_timeout = std::chrono::milliseconds(3000);
    Rig idle(brief);
    idle.hello();
    EXPECT_THAT(idle.reply(2000), StartsWith("421 4.4.2"));
}

}  // namespace
}  // namespace smtpspec::mock
