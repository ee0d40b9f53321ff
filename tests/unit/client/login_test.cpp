#include <algorithm>

#include "protocol/smtp/base64.hpp"
#include "protocol/smtp/text.hpp"
#include "tests/unit/client/rig.hpp"

/// AUTH: which mechanism, how its messages are sent, and what ends it.
namespace smtpspec::client {
namespace {

using Where = FakeRule::Where;

TEST(Login, TakesTheStrongestWhateverTheOrder) {
    const std::pair<const char*, const char*> cases[] = {
        {"AUTH LOGIN PLAIN CRAM-MD5 SCRAM-SHA-256", "t AUTH SCRAM-SHA-256 "},
        {"AUTH SCRAM-SHA-1 LOGIN SCRAM-SHA-256-PLUS SCRAM-SHA-256", "t AUTH SCRAM-SHA-256-PLUS "},
        {"AUTH LOGIN PLAIN CRAM-MD5", "t AUTH CRAM-MD5"},
        {"AUTH LOGIN PLAIN XOAUTH2", "t AUTH PLAIN "},
        {"AUTH LOGIN", "t AUTH LOGIN"},
    };
    for (const auto& [list, line] : cases) {
        mock::ServerConfig config = five_ports();
        config.extensions.mechanisms = smtp::split_words(std::string_view(list).substr(5));
        Rig rig({}, config);
        EXPECT_EQ(rig.run(), "sent") << list << rig.client->output();
        EXPECT_EQ(rig.ear.count(line), 1) << list << rig.ear.all();
    }
}

TEST(Login, WithoutACommonMechanismNothingIsSent) {
    for (const char* list : {"AUTH GSSAPI", "AUTH XOAUTH2"}) {
        Rig rig({offer(list, Where::inside_tls)});
        EXPECT_EQ(rig.run(), "permanent");
        EXPECT_EQ(rig.ear.count("t MAIL") + rig.ear.count("t AUTH"), 0) << rig.ear.all();
        EXPECT_EQ(rig.ear.count("t QUIT"), 1);
        EXPECT_NE(rig.client->output().find("AUTH"), std::string::npos);
    }
    Rig none({omit("AUTH")});
    EXPECT_EQ(none.run(), "permanent");
    EXPECT_EQ(none.ear.count("t MAIL"), 0);
}

TEST(Login, AnInitialResponseThatIsTooLongFollowsTheChallenge) {
    mock::ServerConfig config = five_ports();
    config.accounts[0].token = std::string(2000, 't');
    for (const char* defect : {"", "long-initial-response"}) {
        Rig rig({}, config);
        ClientTask task = rig.task();
        task.mechanisms = {"XOAUTH2"};
        task.token = std::string(2000, 't');
        if (*defect != '\0')
            task.defects.insert(defect);
        rig.run(std::move(task));
        bool alone = false;
        for (const std::string& line : rig.ear.lines)
            alone = alone || line == "t AUTH XOAUTH2";
        EXPECT_EQ(alone, *defect == '\0') << rig.ear.all();
        if (alone) {
            EXPECT_EQ(rig.client->says(), "sent") << rig.client->output();
        }
    }
}

TEST(Login, TheEmptyChallengeMayLackItsBlank) {
    for (const char* line : {"334 ", "334"}) {
        Rig rig(
            {offer("AUTH PLAIN", Where::inside_tls), answer("AUTH", line), answer("auth-line", "235 ok")});
        ClientTask task = rig.task();
        task.password = std::string(400, 'p');
        rig.run(std::move(task));
        EXPECT_EQ(rig.ear.count("t MAIL"), 1) << rig.ear.all() << rig.client->output();
    }
}

TEST(Login, ABadChallengeIsCancelled) {
    struct Case {
        const char* list;
        std::vector<std::string> replies;  ///< to AUTH, then to each answer
        const char* defect;
    };
    const std::vector<Case> cases = {
        {"AUTH PLAIN", {"334 %%%%"}, "answer-any-challenge"},
        {"AUTH PLAIN", {"334 Zm9v"}, "answer-any-challenge"},
        {"AUTH CRAM-MD5", {"334 "}, "close-on-bad-challenge"},
        {"AUTH SCRAM-SHA-256", {"334 Zm9v"}, "close-on-bad-challenge"},
    };
    for (const Case& one : cases)
        for (const bool good : {true, false}) {
            Rig rig({offer(one.list, Where::inside_tls),
                     answer("AUTH", one.replies[0]),
                     answer("auth-line", "501 5.5.2 cancelled")});
            ClientTask task = rig.task();
            if (!good)
                task.defects.insert(one.defect);
            EXPECT_EQ(rig.run(std::move(task)), "permanent") << one.list << rig.client->output();
            EXPECT_EQ(rig.ear.count("t *"), good ? 1 : 0) << one.list << rig.ear.all();
            EXPECT_EQ(rig.ear.count("t MAIL"), 0);
            EXPECT_EQ(rig.ear.count("t AUTH"), 1) << "no second try";
        }
}

TEST(Login, Only235IsALogin) {
    for (const char* line : {"250 ok", "220 ok", "354 ok", "535 no", "534 weak", "504 what", "550 no"}) {
        Rig rig({answer("AUTH", line)});
        EXPECT_EQ(rig.run(), "permanent") << line;
        EXPECT_EQ(rig.ear.count("t AUTH"), 1) << line << rig.ear.all();
        EXPECT_EQ(rig.ear.count("t MAIL"), 0) << line;
    }
}

TEST(Login, A235WithoutTheScramSignatureIsNotBelieved) {
    for (const bool good : {true, false}) {
        Rig rig({offer("AUTH SCRAM-SHA-256", Where::inside_tls), answer("AUTH", "235 2.7.0 welcome")});
        ClientTask task = rig.task();
        if (!good)
            task.defects.insert("scram-ignore-signature");
        rig.run(std::move(task));
        EXPECT_EQ(rig.ear.count("t MAIL"), good ? 0 : 1) << rig.ear.all();
    }
}

TEST(Login, ScramChecksWhatTheServerSays) {
    for (const char* text : {"r=foreign,s=c2FsdA==,i=4096",
                             "m=ext,r=%NONCE%x,s=c2FsdA==,i=4096",
                             "r=%NONCE%x,s=c2FsdA==,i=1",
                             "r=%NONCE%x,s=c2FsdA==,i=2000000000"}) {
        // Without the client's nonce the first check fails; each of these is refused in any case.
        Rig rig({offer("AUTH SCRAM-SHA-256", Where::inside_tls),
                 answer("AUTH", "334 " + smtp::base64_encode(text)),
                 answer("auth-line", "535 no")});
        EXPECT_EQ(rig.run(), "permanent") << text;
        EXPECT_EQ(rig.ear.count("t *"), 1) << text << rig.ear.all();
    }
    Rig lax({offer("AUTH SCRAM-SHA-256", Where::inside_tls),
             answer("AUTH", "334 " + smtp::base64_encode("r=foreign,s=c2FsdA==,i=4096")),
             answer("auth-line", "535 no")});
    lax.run_with("scram-ignore-nonce");
    EXPECT_EQ(lax.ear.count("t *"), 0) << lax.ear.all();
}

TEST(Login, CarelessScramStillLogsIn) {
    for (const char* defect : {"scram-ignore-signature",
                               "scram-ignore-nonce",
                               "scram-ignore-extension",
                               "scram-any-iteration-count",
                               "scram-no-upper-limit"}) {
        Rig rig;
        EXPECT_EQ(rig.run_with(defect), "sent") << defect << rig.client->output();
    }
}

TEST(Login, TheErrorOfABearerMechanismIsAnsweredSoThatThe535CanFollow) {
    const std::pair<const char*, const char*> cases[] = {{"OAUTHBEARER", "t AQ=="}, {"XOAUTH2", "t "}};
    for (const auto& [mechanism, line] : cases) {
        Rig rig;
        ClientTask task = rig.task();
        task.mechanisms = {mechanism};
        task.token = "wrong";
        EXPECT_EQ(rig.run(std::move(task)), "permanent");
        EXPECT_NE(std::find(rig.ear.lines.begin(), rig.ear.lines.end(), line), rig.ear.lines.end())
            << rig.ear.all();
        EXPECT_NE(rig.client->output().find("535"), std::string::npos) << rig.client->output();
    }
}

TEST(Login, LoginWantsNoParticularPrompts) {
    for (const bool good : {true, false}) {
        FakeRule first = answer("auth-line", "334 eA==", 1);
        Rig rig({offer("AUTH LOGIN", Where::inside_tls),
                 answer("AUTH", "334 VXNlciBOYW1lAA=="),
                 first,
                 answer("auth-line", "235 ok")});
        ClientTask task = rig.task();
        if (!good)
            task.defects.insert("login-matches-prompts");
        rig.run(std::move(task));
        EXPECT_EQ(rig.ear.count("t " + smtp::base64_encode("secret word")), good ? 1 : 0) << rig.ear.all();
    }
}

TEST(LoginDefects, ShowOnTheWire) {
    struct Case {
        const char* defect;
        const char* list;
        const char* seen;
    };
    const Case cases[] = {
        {"prefer-plain", "AUTH SCRAM-SHA-256 PLAIN LOGIN", "t AUTH PLAIN"},
        {"prefer-login", "AUTH SCRAM-SHA-256 PLAIN LOGIN", "t AUTH LOGIN"},
        {"auth-unoffered", "AUTH GSSAPI", "t AUTH PLAIN"},
        {"mail-without-login", "AUTH GSSAPI", "t MAIL"},
        {"login-password-first", "AUTH LOGIN", "t c2VjcmV0IHdvcmQ="},
        {"truncate-password", "AUTH LOGIN", "t c2VjcmV0IHc="},
    };
    for (const Case& one : cases) {
        Rig rig({offer(one.list, Where::inside_tls)});
        rig.run_with(one.defect);
        EXPECT_GE(rig.ear.count(one.seen), 1) << one.defect << rig.ear.all();
    }
}

TEST(LoginDefects, PlainInClearFallsBackToTheWeaker) {
    Rig rig({omit("STARTTLS"), offer("AUTH CRAM-MD5 PLAIN"), answer("AUTH", "535 no")});
    ClientTask task = rig.task();
    task.policy = Policy::opportunistic;
    task.defects.insert("plain-in-clear");
    rig.run(std::move(task));
    EXPECT_EQ(rig.ear.count("c AUTH PLAIN"), 1) << rig.ear.all();
}

}  // namespace
}  // namespace smtpspec::client
