#include "tests/unit/client/rig.hpp"

/// TLS policies: what the good client refuses, and what each defect does instead.
namespace smtpspec::client {
namespace {

using Where = FakeRule::Where;

std::vector<FakeRule> stripped() { return {offer("AUTH PLAIN LOGIN", Where::clear), omit("STARTTLS")}; }

TEST(RequireTls, StopsWhenStarttlsIsMissing) {
    Rig rig(stripped());
    EXPECT_EQ(rig.run(), "permanent");
    EXPECT_EQ(rig.ear.count("c AUTH"), 0) << rig.ear.all();
    EXPECT_EQ(rig.ear.count("c MAIL"), 0);
    EXPECT_EQ(rig.ear.count("c QUIT"), 1);
    EXPECT_NE(rig.client->output().find("STARTTLS"), std::string::npos);
    EXPECT_EQ(rig.server.sessions_total(), 1) << "a policy failure is not tried again";
}

TEST(RequireTls, NoReplyToStarttlsButExactly220StartsTls) {
    for (const char* line :
         {"221 no", "250 ok", "200 x", "354 go", "454 later", "500 no", "501 no", "530 no"}) {
        Rig rig({offer("AUTH PLAIN", Where::clear), answer("STARTTLS", line)});
        EXPECT_NE(rig.run(), "sent") << line;
        EXPECT_EQ(rig.ear.count("c AUTH") + rig.ear.count("c MAIL") + rig.ear.count("t "), 0)
            << line << "\n"
            << rig.ear.all();
    }
}

TEST(RequireTls, OddGreetingsAndEhloRepliesEndTheAttempt) {
    for (const char* event : {"connect", "EHLO"})
        for (const char* line :
             {"221 x", "354 x", "421 x", "500 x", "501 x", "530 x", "554 x", "999 x", "SSH-2.0-x"}) {
            Rig rig({answer(event, line)});
            EXPECT_NE(rig.run(), "sent") << event << line;
            EXPECT_EQ(rig.ear.count("c AUTH") + rig.ear.count("c MAIL"), 0) << event << line;
        }
}

std::vector<std::string> handshakes(const wire::Transcript& transcript) {
    std::vector<std::string> found;
    for (const wire::Entry& entry : transcript.entries())
        if (entry.kind == wire::EntryKind::tls)
            found.push_back(entry.octets);
    return found;
}

TEST(Resumption, IsTriedOnTheNextConnectionOnly) {
    Rig rig;
    ClientTask task = rig.task();
    task.messages = messages(3);
    task.reuse = false;
    EXPECT_EQ(rig.run(std::move(task)), "sent");
    const std::vector<std::string> seen = handshakes(rig.server_transcript);
    ASSERT_EQ(seen.size(), 3U);
    EXPECT_FALSE(seen[0].ends_with(" resumed")) << seen[0];
    EXPECT_TRUE(seen[1].ends_with(" resumed")) << seen[1];
    EXPECT_TRUE(seen[2].ends_with(" resumed")) << seen[2];
}

TEST(Resumption, HidesNoCertificateThatHasChanged) {
    for (const char* kind : {"expired", "wrong-host", "self-signed", "unknown-ca"}) {
        FakeRule later = certificate(kind);
        later.after = 1;
        Rig rig({later});
        ClientTask task = rig.task();
        task.messages = messages(2);
        task.reuse = false;
        EXPECT_EQ(rig.run(std::move(task)), "permanent") << kind;
        EXPECT_EQ(rig.ear.count("t AUTH"), 1) << kind;
    }
}

TEST(ContinueInClear, LogsInWithoutTls) {
    for (const std::string defect : {"continue-in-clear", "mail-in-clear"}) {
        const int logins = defect == "continue-in-clear" ? 1 : 0;
        for (std::vector<FakeRule> rules :
             {stripped(),
              std::vector<FakeRule>{offer("AUTH PLAIN", Where::clear), answer("STARTTLS", "454 no")},
              std::vector<FakeRule>{offer("AUTH PLAIN", Where::clear), answer("EHLO", "421 no")},
              std::vector<FakeRule>{answer("connect", "554 no")}}) {
            for (FakeRule& rule : rules)
                if (rule.event == "EHLO" && rule.answers)
                    rule.acts.emplace_back(script::act::Keep{});
            Rig rig(std::move(rules));
            rig.run_with(defect);
            EXPECT_GE(rig.ear.count("c AUTH PLAIN"), logins) << defect << "\n" << rig.ear.all();
            if (logins == 0) {
                EXPECT_GE(rig.ear.count("c MAIL"), 1) << rig.ear.all();
                EXPECT_EQ(rig.ear.count("c AUTH"), 0) << rig.ear.all();
            }
        }
    }
}

TEST(Opportunistic, SendsInClearOnlyWhenStarttlsIsNotOffered) {
    for (const bool offered : {false, true}) {
        mock::ServerConfig open = five_ports();
        open.accounts.clear();
        open.extensions.starttls = offered;
        std::vector<FakeRule> rules;
        if (offered)
            rules.push_back(answer("STARTTLS", "454 no"));
        Rig rig(std::move(rules), open);
        ClientTask task = rig.task();
        task.policy = Policy::opportunistic;
        task.user.clear();
        EXPECT_EQ(rig.run(std::move(task)), offered ? "temporary" : "sent") << rig.client->output();
        EXPECT_EQ(rig.ear.count("c MAIL"), offered ? 0 : 1);
    }
}

TEST(Opportunistic, NeverShowsThePasswordInClear) {
    for (const char* list : {"AUTH PLAIN LOGIN", "AUTH PLAIN CRAM-MD5"}) {
        Rig rig({offer(list), omit("STARTTLS"), answer("AUTH", "535 no")});
        ClientTask task = rig.task();
        task.policy = Policy::opportunistic;
        EXPECT_EQ(rig.run(std::move(task)), "permanent");
        EXPECT_EQ(rig.ear.count("c AUTH PLAIN") + rig.ear.count("c AUTH LOGIN"), 0) << rig.ear.all();
        EXPECT_EQ(rig.ear.count("c MAIL"), 0);
    }
}

TEST(Injection, AbortsAtPlaintextBehindTheReplyToStarttls) {
    for (const char* tail :
         {"250-x.test\r\n250 AUTH LOGIN\r\n", "250-AUTH LOGIN ", "250 x\r\n235 ok\r\n250 ok\r\n"}) {
        Rig rig({act_on("STARTTLS", raw("220 go\r\n" + std::string(tail)))});
        EXPECT_EQ(rig.run(), "permanent");
        EXPECT_EQ(rig.ear.count("t "), 0) << rig.ear.all();
        EXPECT_NE(rig.client->output().find("unexpected plaintext"), std::string::npos)
            << rig.client->output();
        EXPECT_EQ(rig.server.sessions_total(), 1);
    }
}

TEST(Injection, AbortsAtRepliesThatNobodyAskedFor) {
    Rig greeting({act_on("connect", raw("220 x\r\n250-x\r\n250 AUTH PLAIN\r\n235 ok\r\n"))});
    EXPECT_EQ(greeting.run(), "permanent");
    EXPECT_EQ(greeting.ear.lines.size(), 0U) << greeting.ear.all();
    Rig ehlo({act_on("EHLO", raw("250-x.test\r\n250 STARTTLS\r\n220 go\r\n"))});
    EXPECT_EQ(ehlo.run(), "permanent");
    EXPECT_EQ(ehlo.ear.count("c STARTTLS"), 0) << ehlo.ear.all();
}

TEST(KeepPlaintextAfterStarttls, BelievesTheInjectedList) {
    Rig rig({act_on("STARTTLS", raw("220 go\r\n250-x.test\r\n250 AUTH LOGIN\r\n"))});
    rig.run_with("keep-plaintext-after-starttls");
    EXPECT_EQ(rig.ear.count("t AUTH LOGIN"), 1) << rig.ear.all() << rig.client->output();
}

TEST(DiscardInjectedReplies, GoesOnWithTheTrueList) {
    Rig rig({act_on("STARTTLS", raw("220 go\r\n250-x.test\r\n250 AUTH LOGIN\r\n"))});
    EXPECT_EQ(rig.run_with("discard-injected-replies"), "sent") << rig.client->output();
    EXPECT_EQ(rig.ear.count("t AUTH SCRAM"), 1) << rig.ear.all();
}

TEST(TrustUnsolicitedReplies, TakesAnEarlyReplyForTheAnswerToStarttls) {
    Rig rig(
        {act_on("EHLO", raw("250-x.test\r\n250 STARTTLS\r\n220 go\r\n"), 1), answer("STARTTLS", "454 no")});
    rig.run_with("trust-unsolicited-replies");
    EXPECT_EQ(rig.ear.count("c STARTTLS"), 1) << rig.ear.all() << rig.client->output();
}

TEST(Certificates, ThatDoNotProveTheHostEndTheAttemptBeforeLogin) {
    for (const char* kind : {"expired",
                             "not-yet-valid",
                             "wrong-host",
                             "self-signed",
                             "unknown-ca",
                             "missing-intermediate",
                             "cn-only",
                             "san-differs",
                             "wildcard-deep",
                             "client-only"})
        for (const int port : {587, 465}) {
            Rig rig({certificate(kind)});
            EXPECT_EQ(rig.run(rig.task({port})), "permanent") << kind << port;
            EXPECT_EQ(rig.ear.count("t "), 0) << kind << port;
            EXPECT_NE(rig.client->output().find("certificate"), std::string::npos) << rig.client->output();
            EXPECT_EQ(rig.server.sessions_total(), 1);
        }
}

TEST(Certificates, NotCheckedByADefectAreAccepted) {
    for (const char* kind : {"expired", "wrong-host", "self-signed", "unknown-ca"}) {
        Rig rig({certificate(kind)});
        EXPECT_EQ(rig.run_with("no-certificate-check"), "sent") << kind << rig.client->output();
    }
    Rig name({certificate("wrong-host")});
    EXPECT_EQ(name.run_with("no-host-check"), "sent") << name.client->output();
    Rig dates({certificate("expired")});
    EXPECT_EQ(dates.run_with("no-host-check"), "permanent");
    Rig without({certificate("expired")});
    without.run_with("bad-certificate-skips-login");
    EXPECT_EQ(without.ear.count("t AUTH"), 0);
    EXPECT_EQ(without.ear.count("t MAIL"), 1) << without.ear.all() << without.client->output();
}

TEST(Handshake, AFailedOneIsNotFollowedByClearText) {
    script::act::Alert alert;
    alert.name = "handshake_failure";
    for (FakeRule rule : {act_on("client-hello", alert),
                          act_on("client-hello", script::act::DropRst{}),
                          act_on("STARTTLS", raw("220 go\r\n")),
                          act_on("client-hello", script::act::Close{})}) {
        if (rule.event == "STARTTLS")
            rule.acts.emplace_back(script::act::Close{});
        Rig rig({offer("AUTH PLAIN", Where::clear), rule});
        EXPECT_NE(rig.run(), "sent");
        EXPECT_EQ(rig.ear.count("c AUTH") + rig.ear.count("c MAIL"), 0) << rig.ear.all();
        Rig bad({offer("AUTH PLAIN", Where::clear), rule});
        bad.run_with("retry-in-clear");
        EXPECT_GE(bad.ear.count("c AUTH PLAIN"), 1) << bad.ear.all() << bad.client->output();
    }
}

TEST(ImplicitTls, NeverSpeaksInClear) {
    Rig rig({omit("nothing")});
    ClientTask task = rig.task({587});
    task.policy = Policy::implicit;
    EXPECT_NE(rig.run(std::move(task)), "sent");
    EXPECT_EQ(rig.ear.count("c EHLO"), 0) << rig.ear.all();
    EXPECT_NE(rig.client->output().find("TLS"), std::string::npos) << rig.client->output();
}

TEST(ImplicitTls, DefectsSpeakInClear) {
    for (const char* defect :
         {"implicit-speaks-clear", "implicit-falls-back-to-clear", "implicit-treated-as-starttls"}) {
        Rig rig({offer("AUTH PLAIN")});
        ClientTask task = rig.task({587});
        task.policy = Policy::implicit;
        task.defects.insert(defect);
        rig.run(std::move(task));
        EXPECT_NE(rig.ear.all().find("EHLO client.example"), std::string::npos)
            << defect << rig.ear.all() << rig.client->output();
    }
}

struct StarttlsCase {
    const char* defect;
    std::vector<FakeRule> rules;
    const char* seen;  ///< begins a line of the client
};

TEST(StarttlsDefects, ShowOnTheWire) {
    const std::vector<StarttlsCase> cases = {
        {"ignore-starttls-offer", {offer("AUTH PLAIN", Where::clear)}, "c AUTH PLAIN"},
        {"no-ehlo-after-tls", {offer("AUTH PLAIN", Where::clear)}, "t AUTH PLAIN"},
        {"starttls-unasked", {omit("STARTTLS")}, "c STARTTLS"},
        {"starttls-substring-match", {omit("STARTTLS"), offer("XSTARTTLS")}, "c STARTTLS"},
        {"starttls-twice", {offer("STARTTLS", Where::inside_tls)}, "t STARTTLS"},
        {"no-handshake-after-220", {}, "c STARTTLS"},
        {"pipeline-after-starttls", {}, "c STARTTLS"},
        {"supplied-socket-is-secure", {offer("AUTH PLAIN", Where::clear)}, "c AUTH PLAIN"},
    };
    for (const StarttlsCase& one : cases) {
        Rig rig(one.rules);
        ClientTask task = rig.task();
        task.supplied_socket = true;
        task.defects.insert(one.defect);
        rig.run(std::move(task));
        EXPECT_GE(rig.ear.count(one.seen), 1) << one.defect << "\n" << rig.ear.all() << rig.client->output();
        Rig good(one.rules);
        good.run();
        EXPECT_EQ(good.ear.count("c AUTH") + good.ear.count("t STARTTLS"), 0) << one.defect << good.ear.all();
    }
}

TEST(Capabilities, FromBeforeTlsAreForgotten) {
    const std::vector<FakeRule> rules = {offer("SIZE 10", Where::clear),
                                         offer("AUTH LOGIN", Where::clear),
                                         offer("AUTH PLAIN", Where::inside_tls)};
    Rig good(rules);
    EXPECT_EQ(good.run(), "sent") << good.client->output();
    EXPECT_EQ(good.ear.count("t AUTH PLAIN"), 1);
    Rig bad({offer("AUTH LOGIN", Where::clear), omit("AUTH", Where::inside_tls)});
    bad.run_with("keep-capabilities-after-starttls");
    EXPECT_EQ(bad.ear.count("t AUTH LOGIN"), 1) << bad.ear.all();
}

TEST(Keywords, MatchWholeAndInAnyCase) {
    Rig lower({omit("STARTTLS", Where::clear),
               offer("StartTls", Where::clear),
               omit("AUTH", Where::inside_tls),
               offer("auth plain", Where::inside_tls)});
    EXPECT_EQ(lower.run(), "sent") << lower.client->output();
    Rig part({omit("STARTTLS"), offer("XSTARTTLS"), offer("STARTTLSX")});
    EXPECT_EQ(part.run(), "permanent");
    EXPECT_EQ(part.ear.count("c STARTTLS"), 0);
    Rig bad({omit("STARTTLS", Where::clear), offer("StartTls", Where::clear)});
    EXPECT_EQ(bad.run_with("keywords-case-sensitive"), "permanent");
}

}  // namespace
}  // namespace smtpspec::client
