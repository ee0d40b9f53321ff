#include <gmock/gmock.h>

#include <algorithm>
#include <regex>

#include "rig.hpp"

namespace smtpspec::mock {
namespace {

using script::Mode;

ServerConfig plain(Defect defect) { return with_defect(defect, on_port(Mode::Plain)); }

/// What MAIL with these parameters is answered by a server with the defect.
std::string mail(Defect defect, const std::string& parameters, ServerConfig config = on_port(Mode::Plain)) {
    Rig rig(with_defect(defect, std::move(config)));
    rig.hello();
    return rig.ask("MAIL FROM:<a@client.test> " + parameters).substr(0, 9);
}

TEST(Extras, AreNotOfferedByTheFaithfulServer) {
    Rig rig;
    rig.connect();
    (void)rig.reply();
    const auto hello = rig.ask("EHLO client.test");
    for (const char* keyword : {"FUTURERELEASE", "DELIVERBY", "MT-PRIORITY", "REQUIRETLS", "ETRN"}) {
        EXPECT_EQ(hello.find(keyword), std::string::npos) << keyword;
    }
    for (const char* parameter : {"HOLDFOR=60", "BY=60;R", "MT-PRIORITY=1", "REQUIRETLS"}) {
        EXPECT_EQ(rig.ask(std::string("MAIL FROM:<a@client.test> ") + parameter).substr(0, 3), "555")
            << parameter;
    }
}

TEST(Extras, HoldMailWithinTheLimits) {
    constexpr auto offered = Defect::futurerelease_offered;
    EXPECT_EQ(mail(offered, "HOLDFOR=60"), "250 2.1.0");
    EXPECT_EQ(mail(offered, "HOLDFOR=86400"), "250 2.1.0");
    for (const char* wrong : {"HOLDFOR=86401",
                              "HOLDFOR=0",
                              "HOLDFOR=-1",
                              "HOLDFOR=x",
                              "HOLDFOR=99999999999",
                              "HOLDUNTIL=9999-12-31T23:59:59Z",
                              "HOLDUNTIL=tomorrow",
                              "HOLDFOR=60 HOLDUNTIL=2000-01-01T00:00:00Z"}) {
        EXPECT_EQ(mail(offered, wrong), "501 5.5.4") << wrong;
        EXPECT_EQ(mail(Defect::futurerelease_unchecked, wrong), "250 2.1.0") << wrong;
    }
}

TEST(Extras, WantTimeEnoughForReturningMail) {
    constexpr auto offered = Defect::deliverby_offered;
    for (const char* right : {"BY=60;R", "BY=+120;RT", "BY=-60;N", "BY=0;n"}) {
        EXPECT_EQ(mail(offered, right), "250 2.1.0") << right;
    }
    for (const char* wrong : {"BY=0;R", "BY=-5;R", "BY=60", "BY=60;", "BY=60;X", "BY=;R"}) {
        EXPECT_EQ(mail(offered, wrong), "501 5.5.4") << wrong;
        EXPECT_EQ(mail(Defect::deliverby_unchecked, wrong), "250 2.1.0") << wrong;
    }
    EXPECT_EQ(mail(offered, "BY=59;R"), "555 5.4.7");
    EXPECT_EQ(mail(Defect::deliverby_notice_refused, "BY=-60;N"), "501 5.5.4");
}

TEST(Extras, LowerThePriorityOfStrangers) {
    const auto tls = on_port(Mode::Tls, with_account());
    EXPECT_EQ(mail(Defect::mtpriority_offered, "MT-PRIORITY=9", tls), "530 5.7.0");
    EXPECT_EQ(mail(Defect::mtpriority_for_all, "MT-PRIORITY=9", tls), "250 2.3.6");
    EXPECT_EQ(mail(Defect::mtpriority_for_all, "MT-PRIORITY=-1", tls), "250 2.1.0");
    EXPECT_EQ(mail(Defect::mtpriority_unchecked, "MT-PRIORITY=9", tls), "250 2.1.0");
    Rig known(with_defect(Defect::mtpriority_offered, tls));
    known.login();
    EXPECT_EQ(known.ask("MAIL FROM:<a@client.test> MT-PRIORITY=9").substr(0, 9), "250 2.1.0");
}

TEST(Extras, RequireTlsInsideTls) {
    EXPECT_EQ(mail(Defect::requiretls_offered, "REQUIRETLS", on_port(Mode::Tls)), "250 2.1.0");
    EXPECT_EQ(mail(Defect::requiretls_offered, "REQUIRETLS"), "530 5.7.0");
    EXPECT_EQ(mail(Defect::requiretls_in_clear, "REQUIRETLS"), "250 2.1.0");
}

TEST(Peers, GiveUnknownUsersOfScramASaltThatStays) {
    const auto salt = [](Rig& rig, const std::string& user) {
        const auto reply = rig.ask("AUTH SCRAM-SHA-256 " + smtp::base64_encode("n,,n=" + user + ",r=abc"));
        (void)rig.ask("*");
        const auto text =
            smtp::base64_decode(std::string_view(reply).substr(std::min<std::size_t>(4, reply.size())));
        std::smatch found;
        const std::string octets = text.value_or("");
        return std::regex_search(octets, found, std::regex(",s=([^,]+),i=4096$")) ? found[1].str() : reply;
    };
    const auto config = on_port(Mode::Tls, with_account());
    Rig rig(config);
    rig.hello();
    EXPECT_EQ(salt(rig, "nobody"), salt(rig, "nobody"));
    EXPECT_NE(salt(rig, "nobody"), salt(rig, "anna"));
    EXPECT_EQ(salt(rig, "nobody").size(), salt(rig, "anna").size());
    Rig names(with_defect(Defect::scram_names_unknown_users, config));
    names.hello();
    EXPECT_EQ(salt(names, "nobody").substr(0, 3), "535");
    Rig changes(with_defect(Defect::scram_salt_of_nobody_changes, config));
    changes.hello();
    EXPECT_NE(salt(changes, "nobody"), salt(changes, "nobody"));
}

TEST(Peers, AddAMissingMessageIdToWhatAUserSubmits) {
    const auto stored = [](ServerConfig config, const std::string& content) {
        Rig rig(on_port(Mode::Tls, with_account(std::move(config))));
        rig.login();
        EXPECT_EQ(rig.deliver(content).substr(0, 3), "250");
        return rig.server.store().all().at(0).raw;
    };
    EXPECT_THAT(stored({}, "Subject: x\r\n\r\ny\r\n.\r\n"), testing::HasSubstr("\r\nMessage-ID: <"));
    EXPECT_THAT(stored({}, "message-id: <a@b.test>\r\n\r\ny\r\n.\r\n"),
                testing::Not(testing::HasSubstr("Message-ID: <")));
    EXPECT_THAT(stored(with_defect(Defect::no_message_id), "Subject: x\r\n\r\ny\r\n.\r\n"),
                testing::Not(testing::HasSubstr("Message-ID: <")));
    EXPECT_THAT(stored(with_defect(Defect::eighth_bit_stripped), "S: \xC3\xA4\r\n\r\ny\r\n.\r\n"),
                testing::HasSubstr("S: C$"));
}

TEST(Peers, DoNotTakeSizeForLength) {
    const auto stored = [](Defect defect) {
        Rig rig(plain(defect));
        rig.hello();
        EXPECT_EQ(rig.ask("MAIL FROM:<a@client.test> SIZE=4").substr(0, 3), "250");
        EXPECT_EQ(rig.ask("RCPT TO:<b@mail.test>").substr(0, 3), "250");
        EXPECT_EQ(rig.ask("DATA").substr(0, 3), "354");
        rig.send("abcdef\r\n.\r\n");
        const int code = rig.code();
        return code == 250 ? rig.server.store().all().at(0).raw : std::to_string(code);
    };
    EXPECT_THAT(stored(Defect::no_message_id), testing::EndsWith("abcdef\r\n"));
    EXPECT_THAT(stored(Defect::size_cuts_message), testing::EndsWith("abcd"));
    EXPECT_EQ(stored(Defect::size_mismatch_refused), "552");
}

TEST(Peers, ReportDeliveriesThatWereAskedFor) {
    const auto reports = [](const std::string& from, const std::string& notify, ServerConfig config = {}) {
        Rig rig(on_port(Mode::Plain, std::move(config)));
        rig.hello();
        EXPECT_EQ(rig.ask("MAIL FROM:<" + from + "> ENVID=e+2Bx").substr(0, 3), "250");
        EXPECT_EQ(rig.ask("RCPT TO:<b@mail.test> " + notify + " ORCPT=rfc822;c@x.example").substr(0, 3),
                  "250");
        EXPECT_EQ(rig.ask("DATA").substr(0, 3), "354");
        EXPECT_EQ(rig.ask("x\r\n.").substr(0, 3), "250");
        const auto all = rig.server.store().all();
        return all.size() == 2 ? all.at(1).raw : std::to_string(all.size());
    };
    const auto report = reports("a@mail.test", "NOTIFY=SUCCESS,DELAY");
    EXPECT_THAT(report, testing::StartsWith("Return-Path: <>\r\n"));
    EXPECT_THAT(report, testing::HasSubstr("\r\nOriginal-Envelope-Id: e+x\r\n"));
    EXPECT_THAT(report, testing::HasSubstr("\r\nOriginal-Recipient: rfc822;c@x.example\r\n"));
    EXPECT_THAT(report, testing::HasSubstr("\r\nAction: delivered\r\n"));
    EXPECT_EQ(reports("a@mail.test", "NOTIFY=FAILURE"), "1");
    EXPECT_EQ(reports("a@elsewhere.example", "NOTIFY=SUCCESS"), "1");
    EXPECT_EQ(reports("", "NOTIFY=SUCCESS"), "1");
    EXPECT_THAT(reports("", "NOTIFY=SUCCESS", with_defect(Defect::dsn_reports_to_null_sender)),
                testing::HasSubstr("To: <b@mail.test>"));
    EXPECT_EQ(reports("a@mail.test", "NOTIFY=SUCCESS", with_defect(Defect::dsn_never_reports)), "1");
}

TEST(Peers, RelayForWhoTheyShouldNot) {
    const auto asked = [](Defect defect, const std::string& from, const std::string& to) {
        Rig rig(with_defect(defect, on_port(Mode::Tls, with_account())));
        rig.hello();
        EXPECT_EQ(rig.ask("MAIL FROM:<" + from + ">").substr(0, 3), "250");
        return rig.ask("RCPT TO:<" + to + ">").substr(0, 3);
    };
    constexpr auto local = Defect::relays_for_local_senders;
    EXPECT_EQ(asked(local, "a@mail.test", "x@elsewhere.example"), "250");
    EXPECT_EQ(asked(local, "", "x@elsewhere.example"), "250");
    EXPECT_EQ(asked(local, "a@client.example", "x@elsewhere.example"), "550");
    constexpr auto routed = Defect::relays_routed_recipients;
    EXPECT_EQ(asked(routed, "a@client.example", "x%elsewhere.example@mail.test"), "250");
    EXPECT_EQ(asked(routed, "a@client.example", "@mail.test:x@elsewhere.example"), "250");
    EXPECT_EQ(asked(routed, "a@client.example", "postmaster@mail.test"), "250");
    EXPECT_EQ(asked(routed, "a@client.example", "x-1@mail.test"), "550");
    EXPECT_EQ(asked(routed, "a@client.example", "x@elsewhere.example"), "550");
}

TEST(Peers, SayOrDropWhatTheyShouldNot) {
    Rig echoes(plain(Defect::vrfy_echoes_utf8));
    echoes.hello();
    EXPECT_THAT(echoes.ask("VRFY \xCE\xB4"), testing::HasSubstr("\xCE\xB4"));
    Rig drops(plain(Defect::vrfy_utf8_drops));
    drops.hello();
    EXPECT_EQ(drops.ask("VRFY \xCE\xB4"), "close");
    Rig quits(plain(Defect::quit_waits_for_client));
    quits.hello();
    EXPECT_EQ(quits.ask("QUIT").substr(0, 3), "221");
    EXPECT_EQ(quits.silent(), "silent");
    Rig few(plain(Defect::few_extensions));
    few.connect();
    (void)few.reply();
    EXPECT_THAT(few.ask("EHLO client.test"), testing::Not(testing::HasSubstr("PIPELINING")));
}

}  // namespace
}  // namespace smtpspec::mock
