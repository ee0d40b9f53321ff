#include "rig.hpp"

namespace smtpspec::mock {
namespace {

using script::Mode;

ServerConfig wrong(Defect defect, Mode mode = Mode::Starttls) {
    return with_defect(defect, on_port(mode, with_account()));
}

void greet(Rig& rig) {
    rig.connect();
    EXPECT_EQ(rig.code(), 220);
    EXPECT_EQ(rig.ask("EHLO client.test").substr(0, 3), "250");
}

const std::string right = "AUTH PLAIN AGFubmEAc2VjcmV0IHdvcmQ=";

TEST(Starttls, DiscardsWhatCameInClear) {
    Rig rig(on_port(Mode::Starttls, with_account()));
    greet(rig);
    rig.send("STARTTLS\r\nNOOP injected\r\n");
    EXPECT_EQ(rig.code(), 220);
    EXPECT_TRUE(rig.tls());
    EXPECT_EQ(rig.silent(), "silent");
    EXPECT_EQ(rig.ask("XPROBE").substr(0, 3), "500");
}

TEST(Starttls, KeepsItWithTheDefect) {
    Rig rig(wrong(Defect::keep_plaintext_after_starttls));
    greet(rig);
    rig.send("STARTTLS\r\nNOOP injected\r\nNO");
    EXPECT_EQ(rig.code(), 220);
    EXPECT_TRUE(rig.tls());
    EXPECT_EQ(rig.reply().substr(0, 3), "250");
    EXPECT_EQ(rig.silent(), "silent");
    EXPECT_EQ(rig.ask("OP").substr(0, 3), "250");
}

TEST(Starttls, HoldsItBackUntilTheNextCommandWithTheDefect) {
    Rig rig(wrong(Defect::keep_plaintext_until_next_command));
    greet(rig);
    rig.send("STARTTLS\r\nNOOP injected\r\n");
    EXPECT_EQ(rig.code(), 220);
    EXPECT_TRUE(rig.tls());
    EXPECT_EQ(rig.silent(), "silent");
    EXPECT_EQ(rig.ask("XPROBE").substr(0, 3), "250");
    EXPECT_EQ(rig.code(), 500);
}

TEST(Starttls, TakesABareLfInWhatItKeepsWithTheDefect) {
    Rig rig(wrong(Defect::keep_plaintext_bare_lf));
    greet(rig);
    rig.send("STARTTLS\r\nNOOP injected\n");
    EXPECT_EQ(rig.code(), 220);
    EXPECT_TRUE(rig.tls());
    EXPECT_EQ(rig.code(), 250);
}

TEST(Starttls, ForgetsHelloLoginAndTransaction) {
    Rig rig(wrong(Defect::mail_in_clear_accepted));
    greet(rig);
    rig.envelope();
    rig.start_tls();
    EXPECT_EQ(rig.ask("DATA").substr(0, 3), "503");
    Rig other(wrong(Defect::auth_in_clear_accepted));
    greet(other);
    EXPECT_EQ(other.ask(right).substr(0, 3), "235");
    other.start_tls();
    (void)other.ask("EHLO client.test");
    EXPECT_EQ(other.ask("MAIL FROM:<a@b.test>").substr(0, 3), "530");
}

TEST(Starttls, RemembersThemWithTheDefects) {
    Rig hello(wrong(Defect::ehlo_survives_starttls));
    greet(hello);
    hello.start_tls();
    EXPECT_EQ(hello.deliver("x\r\n.\r\n").substr(0, 3), "250");
    EXPECT_NE(hello.server.store().all().at(0).raw.find("from client.test"), std::string::npos);

    Rig envelope(wrong(Defect::envelope_survives_starttls));
    greet(envelope);
    envelope.envelope();
    envelope.start_tls();
    (void)envelope.ask("EHLO client.test");
    EXPECT_EQ(envelope.ask("DATA").substr(0, 3), "354");

    Rig login(wrong(Defect::auth_survives_starttls));
    greet(login);
    EXPECT_EQ(login.ask(right).substr(0, 3), "235");
    login.start_tls();
    (void)login.ask("EHLO client.test");
    EXPECT_EQ(login.ask("MAIL FROM:<a@b.test>").substr(0, 3), "250");
    EXPECT_EQ(login.ask("RCPT TO:<x@elsewhere.example>").substr(0, 3), "250");
}

/// A conversation in clear on a STARTTLS port, then inside TLS: the beginning of each reply.
struct Talk {
    Defect defect;
    std::vector<std::pair<std::string, std::string>> clear, inside;
};

TEST(Defects, OfStarttlsChangeWhatTheySay) {
    const std::vector<Talk> talks = {
        {Defect::starttls_always_454, {{"STARTTLS", "454 4.7.0"}}, {}},
        {Defect::starttls_refused, {{"STARTTLS", "502 5.5.1"}, {"STARTTLS x", "501"}}, {}},
        {Defect::starttls_parameter_ignored, {{"STARTTLS x", "220"}}, {}},
        {Defect::starttls_trailing_space_refused, {{"STARTTLS ", "501 5.5.4"}}, {}},
        {Defect::noop_needs_tls, {{"NOOP", "530 5.7.0"}, {"RSET", "250"}}, {}},
        {Defect::starttls_inside_tls_accepted, {}, {{"STARTTLS", "220"}, {"NOOP", "250"}}},
        {Defect::starttls_inside_tls_hangs, {}, {{"STARTTLS", "220"}}},
        {Defect::mail_without_ehlo, {}, {{"MAIL FROM:<a@b.test>", "250"}}},
        {Defect::mail_demands_tls_not_login,
         {{"MAIL FROM:<a@b.test>", "530"}},
         {{"EHLO c.test", "250"},
          {"MAIL FROM:<a@b.test> AUTH=<>", "250"},
          {"RCPT TO:<x@elsewhere.example>", "550 5.7.1"},
          {"RCPT TO:<b@mail.test>", "250"},
          {right, "503"}}},
        {Defect::auth_in_transaction_started,
         {},
         {{"EHLO c.test", "250"}, {"MAIL FROM:<a@b.test>", "250"}, {"AUTH PLAIN", "334"}}},
        {Defect::auth_in_transaction_550,
         {},
         {{"EHLO c.test", "250"}, {"MAIL FROM:<a@b.test>", "250"}, {"AUTH PLAIN", "550 5.0.0 "}}},
        {Defect::mail_auth_param_refused,
         {},
         {{"EHLO c.test", "250"}, {"MAIL FROM:<a@b.test> AUTH=<>", "555"}, {"MAIL FROM:<a@b.test>", "250"}}},
        {Defect::envelope_cleared_550, {{"DATA", "550 5.5.1"}}, {}},
        {Defect::open_relay,
         {{"MAIL FROM:<a@b.test>", "530"}},
         {{"EHLO c.test", "250"}, {"MAIL FROM:<a@b.test>", "250"}, {"RCPT TO:<x@elsewhere.example>", "250"}}},
        {Defect::vrfy_names_users, {{"VRFY anna", "530"}}, {{"VRFY anna", "250 2.0.0 <anna@mail.test>"}}},
        {Defect::errors_say_550,
         {{"XYZZY", "550 5.0.0 Syntax error"}, {"MAIL FROM:<a@b.test>", "550 5.0.0"}},
         {}},
        {Defect::close_after_error, {{"NOOP", "250"}, {"XYZZY", "500"}, {"", "close"}}, {}},
        {Defect::auth_in_clear_tests_password,
         {{right, "538 5.7.11"}, {"AUTH PLAIN AGEAYg==", "535 5.7.8"}, {"AUTH PLAIN", "538"}},
         {}},
        {Defect::auth_not_offered, {}, {{"EHLO c.test", "250"}, {right, "502"}}},
        {Defect::auth_plain_not_offered, {}, {{"EHLO c.test", "250"}, {right, "504"}, {"AUTH LOGIN", "334"}}},
        {Defect::auth_unknown_mechanism_started, {}, {{"EHLO c.test", "250"}, {"AUTH XYZ", "334 "}}},
        {Defect::challenge_without_space,
         {},
         {{"EHLO c.test", "250"}, {"AUTH PLAIN", "334"}, {"*", "501"}, {"AUTH LOGIN", "334  VXNl"}}},
        {Defect::challenge_with_prose, {}, {{"EHLO c.test", "250"}, {"AUTH LOGIN", "334 Go ahead, please"}}},
        {Defect::auth_cancel_ignored,
         {},
         {{"EHLO c.test", "250"}, {"AUTH PLAIN", "334"}, {"*", "334 "}, {"AGFubmEAc2VjcmV0IHdvcmQ=", "235"}}},
        {Defect::base64_ignores_illegal,
         {},
         {{"EHLO c.test", "250"}, {"AUTH PLAIN", "334"}, {"AGFubmEA!c2VjcmV0IHdvcmQ=", "235"}}},
        {Defect::auth_line_limit_512,
         {},
         {{"EHLO c.test", "250"},
          {"AUTH PLAIN", "334"},
          {std::string(600, 'A'), "500 5.5.6"},
          {"NOOP", "250"}}},
        {Defect::auth_initial_response_ignored, {}, {{"EHLO c.test", "250"}, {"AUTH CRAM-MD5 YQ==", "334"}}},
        {Defect::auth_equals_ignored, {}, {{"EHLO c.test", "250"}, {"AUTH PLAIN =", "334"}}},
        {Defect::auth_accepts_any_password, {}, {{"EHLO c.test", "250"}, {"AUTH PLAIN =", "235"}}},
        {Defect::auth_failure_454, {}, {{"EHLO c.test", "250"}, {"AUTH PLAIN AGEAYg==", "454 4.7.0"}}},
        {Defect::second_auth_accepted, {}, {{"EHLO c.test", "250"}, {right, "235"}, {right, "235"}}},
    };
    for (const auto& talk : talks) {
        SCOPED_TRACE(std::string(to_string(talk.defect)));
        Rig rig(wrong(talk.defect));
        greet(rig);
        for (const auto& [line, reply] : talk.clear) {
            EXPECT_EQ((reply == "close" ? rig.reply() : rig.ask(line)).substr(0, reply.size()), reply)
                << line;
        }
        if (talk.inside.empty()) {
            continue;
        }
        rig.start_tls();
        for (const auto& [line, reply] : talk.inside) {
            EXPECT_EQ(rig.ask(line).substr(0, reply.size()), reply) << line;
        }
    }
}

std::string hello_line(Rig& rig, const std::string& keyword) {
    const auto hello = rig.ask("EHLO client.test");
    const auto at = hello.find(keyword);
    return at == std::string::npos ? "" : hello.substr(at, hello.find('\r', at) - at);
}

TEST(Defects, OfTheEhloReply) {
    const auto in_clear = [](Defect defect, const std::string& keyword) {
        Rig rig(wrong(defect));
        greet(rig);
        return hello_line(rig, keyword);
    };
    const auto inside = [](Defect defect, const std::string& keyword) {
        Rig rig(wrong(defect, Mode::Tls));
        rig.connect();
        EXPECT_TRUE(rig.tls());
        EXPECT_EQ(rig.code(), 220);
        return hello_line(rig, keyword);
    };
    EXPECT_EQ(in_clear(Defect::no_received, "STARTTLS"), "STARTTLS");
    EXPECT_EQ(in_clear(Defect::starttls_not_offered, "STARTTLS"), "");
    EXPECT_EQ(in_clear(Defect::starttls_advertised_with_argument, "STARTTLS"), "STARTTLS TLSv1.2");
    EXPECT_EQ(in_clear(Defect::auth_in_clear_accepted, "AUTH").substr(0, 10), "AUTH PLAIN");
    EXPECT_EQ(inside(Defect::no_received, "STARTTLS"), "");
    EXPECT_EQ(inside(Defect::starttls_readvertised, "STARTTLS"), "STARTTLS");
    EXPECT_EQ(inside(Defect::auth_not_offered, "AUTH"), "");
    EXPECT_EQ(inside(Defect::auth_list_malformed, "AUTH"), "AUTH plain,login");
    EXPECT_TRUE(inside(Defect::auth_list_duplicate, "AUTH PLAIN").ends_with(" PLAIN"));
    EXPECT_EQ(inside(Defect::auth_plain_not_offered, "AUTH").substr(0, 10), "AUTH LOGIN");
    EXPECT_EQ(inside(Defect::auth_plain_and_login_not_offered, "AUTH").substr(0, 13), "AUTH CRAM-MD5");
    EXPECT_EQ(inside(Defect::auth_login_alone_any_password, "AUTH"), "AUTH LOGIN");
    EXPECT_TRUE(inside(Defect::auth_list_duplicate_last, "AUTH").ends_with(" OAUTHBEARER OAUTHBEARER"));
    EXPECT_EQ(inside(Defect::auth_keyword_mixed_case, "Auth").substr(0, 10), "Auth PLAIN");
}

TEST(Defects, OfTheFirstWordInsideTls) {
    Rig refuses(wrong(Defect::starttls_tail_refused_inside_tls));
    greet(refuses);
    refuses.send("STARTTLS\r\nNOOP injected\r\n");
    EXPECT_EQ(refuses.code(), 220);
    EXPECT_TRUE(refuses.tls());
    EXPECT_EQ(refuses.reply().substr(0, 9), "554 5.5.0");
    EXPECT_EQ(refuses.reply(), "close");
    refuses.hello();  // nothing behind STARTTLS: nothing to refuse

    Rig greets(wrong(Defect::greets_inside_tls));
    greet(greets);
    greets.start_tls();
    EXPECT_EQ(greets.code(), 220);
}

TEST(Defects, OfTheThirdFailedLogin) {
    Rig rig(wrong(Defect::auth_third_failure_closes, Mode::Tls));
    rig.hello();
    const std::string login = "AUTH PLAIN " + smtp::base64_encode(std::string("\0anna\0wrong", 11));
    EXPECT_EQ(rig.ask(login).substr(0, 3), "535");
    EXPECT_EQ(rig.ask(login).substr(0, 3), "535");
    EXPECT_EQ(rig.ask(login).substr(0, 3), "421");
    EXPECT_EQ(rig.reply(), "close");
}

TEST(Defects, OfPipelinedOctetsAroundStarttlsAndAuth) {
    Rig refused(wrong(Defect::starttls_pipelining_refused));
    greet(refused);
    EXPECT_EQ(refused.ask("STARTTLS\r\nNOOP").substr(0, 9), "554 5.5.0");
    EXPECT_EQ(refused.reply(), "close");

    for (const auto& [defect, expected] : std::vector<std::pair<Defect, std::vector<std::string>>>{
             {Defect::no_received, {"235", "250"}},
             {Defect::auth_reply_after_next, {"250", "235"}},
             {Defect::auth_flushes_input, {"235", "silent"}}}) {
        Rig rig(wrong(defect, Mode::Tls));
        rig.hello();
        rig.send(right + "\r\nRSET\r\n");
        EXPECT_EQ(rig.silent().substr(0, expected[0].size()), expected[0]) << to_string(defect);
        EXPECT_EQ(rig.silent().substr(0, expected[1].size()), expected[1]) << to_string(defect);
    }

    Rig tail(wrong(Defect::auth_line_tail_run, Mode::Tls));
    tail.hello();
    (void)tail.ask("AUTH PLAIN");
    EXPECT_EQ(tail.ask(std::string(600, 'A')).substr(0, 1), "5");
    EXPECT_EQ(tail.reply().substr(0, 3), "500");
}

TEST(Defects, OfFailedHandshakes) {
    const auto garbage = [](Rig& rig) {
        greet(rig);
        EXPECT_EQ(rig.ask("STARTTLS").substr(0, 3), "220");
        return rig.ask("EHLO plain.test").substr(0, 3);
    };
    Rig good(on_port(Mode::Starttls, with_account()));
    EXPECT_EQ(garbage(good), "clo");
    good.connect();
    EXPECT_EQ(good.code(), 220);
    Rig back(wrong(Defect::tls_failure_falls_back));
    EXPECT_EQ(garbage(back), "250");
    Rig next(wrong(Defect::tls_failure_refuses_next));
    EXPECT_EQ(garbage(next), "clo");
    next.connect();
    EXPECT_EQ(next.reply().substr(0, 9), "421 4.3.2");
    next.connect();
    EXPECT_EQ(next.code(), 220);
    Rig hangs(wrong(Defect::tls_failure_hangs));
    greet(hangs);
    EXPECT_EQ(hangs.ask("STARTTLS").substr(0, 3), "220");
    hangs.send("EHLO plain.test\r\n");
    EXPECT_EQ(hangs.silent(), "silent");
    Rig fails(wrong(Defect::starttls_handshake_fails));
    greet(fails);
    EXPECT_EQ(fails.ask("STARTTLS").substr(0, 3), "220");
    EXPECT_FALSE(fails.tls());
}

TEST(Defects, OfPortsForImplicitTls) {
    Rig good(on_port(Mode::Tls, with_account()));
    good.connect();
    EXPECT_EQ(good.silent(), "silent");
    EXPECT_EQ(good.ask("EHLO plain.test"), "close");

    Rig speaks(wrong(Defect::implicit_port_speaks_clear, Mode::Tls));
    speaks.connect();
    EXPECT_EQ(speaks.code(), 220);
    EXPECT_EQ(speaks.ask("EHLO plain.test").substr(0, 3), "250");
    speaks.connect();
    EXPECT_EQ(speaks.code(), 220);
    EXPECT_TRUE(speaks.tls());
    EXPECT_EQ(speaks.code(), 220);

    Rig refuses(wrong(Defect::implicit_port_refuses_in_clear, Mode::Tls));
    refuses.connect();
    EXPECT_EQ(refuses.ask("EHLO plain.test").substr(0, 9), "554 5.7.0");
    refuses.hello();

    Rig fails(wrong(Defect::implicit_handshake_fails, Mode::Tls));
    fails.connect();
    EXPECT_FALSE(fails.tls());
    Rig closed(wrong(Defect::implicit_ports_closed, Mode::Tls));
    closed.connect();
    EXPECT_EQ(closed.reply(), "close");
}

}  // namespace
}  // namespace smtpspec::mock
