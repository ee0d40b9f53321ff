#include "tests/unit/client/rig.hpp"

namespace smtpspec::client {
namespace {

TEST(Delivery, ArrivesOnceOverEachOfTheFivePorts) {
    Rig rig;
    ClientTask task = rig.task({25, 465, 587, 2465, 2587});
    task.messages = messages(5);
    EXPECT_EQ(rig.run(std::move(task)), "sent") << rig.client->output();
    EXPECT_EQ(rig.server.store().count(), 5U);
    for (const mock::Mail& mail : rig.server.store().all()) {
        EXPECT_TRUE(mail.tls);
        EXPECT_EQ(mail.login, "anna");
    }
    for (const MessageResult& result : rig.client->results())
        EXPECT_EQ(rig.server.store().copies(result.id + "@client.test"), 1U);
}

TEST(Delivery, ContentIsTheSourceWithCrlfLineEnds) {
    Rig rig;
    ASSERT_EQ(rig.run(), "sent") << rig.client->output();
    const std::string raw = rig.server.store().all().at(0).raw;
    EXPECT_TRUE(raw.ends_with("Subject: x\r\n\r\nHello\r\n.dot\r\n")) << raw;
}

TEST(Delivery, LogsInWithTheStrongestMechanismAndOnlyInsideTls) {
    Rig rig;
    ASSERT_EQ(rig.run(), "sent") << rig.client->output();
    EXPECT_EQ(rig.ear.count("t AUTH SCRAM-SHA-256-PLUS "), 1) << rig.ear.all();
    EXPECT_EQ(rig.ear.count("c AUTH"), 0);
    EXPECT_EQ(rig.ear.count("t QUIT"), 1);
}

TEST(Delivery, EachMechanismCanBeAskedFor) {
    for (const char* name : {"PLAIN",
                             "LOGIN",
                             "CRAM-MD5",
                             "SCRAM-SHA-1",
                             "SCRAM-SHA-256",
                             "SCRAM-SHA-1-PLUS",
                             "SCRAM-SHA-256-PLUS",
                             "XOAUTH2",
                             "OAUTHBEARER"}) {
        Rig rig;
        ClientTask task = rig.task();
        task.mechanisms.emplace_back(name);
        task.token = "tok-123";
        EXPECT_EQ(rig.run(std::move(task)), "sent") << name << "\n" << rig.client->output();
    }
}

TEST(Delivery, ReusesAConnectionForSeveralMessages) {
    Rig rig;
    ClientTask task = rig.task();
    task.messages = messages(4);
    EXPECT_EQ(rig.run(std::move(task)), "sent") << rig.client->output();
    EXPECT_EQ(rig.server.sessions_total(), 1);
    EXPECT_EQ(rig.client->peak(), 1);
}

TEST(Delivery, OpensSeveralConnectionsWhenToldTo) {
    Rig rig;
    ClientTask task = rig.task();
    task.messages = messages(8);
    task.parallel = 4;
    EXPECT_EQ(rig.run(std::move(task)), "sent") << rig.client->output();
    EXPECT_EQ(rig.client->peak(), 4);
    EXPECT_EQ(rig.server.store().count(), 8U);
}

TEST(Delivery, WorksWithoutPipelining) {
    Rig rig({omit("PIPELINING")});
    EXPECT_EQ(rig.run(), "sent") << rig.client->output();
}

TEST(Delivery, ReportsEachRecipientForItself) {
    for (const bool pipelining : {true, false}) {
        std::vector<FakeRule> rules;
        if (!pipelining)
            rules.push_back(omit("PIPELINING"));
        Rig rig(std::move(rules));
        ClientTask task = rig.task();
        task.messages[0].to.emplace_back("bad@mail.test");
        EXPECT_EQ(rig.run(std::move(task)), "permanent");
        const auto& recipients = rig.client->results()[0].recipients;
        EXPECT_EQ(recipients[0].state, Delivery::sent);
        EXPECT_EQ(recipients[1].state, Delivery::permanent);
        EXPECT_EQ(rig.server.store().count(), 1U);
    }
}

TEST(Delivery, ALargeMessageArrivesWhole) {
    Rig rig;
    ClientTask task = rig.task();
    for (int i = 0; i < 20000; ++i)
        task.messages[0].content += ".line " + std::to_string(i) + "\n";
    EXPECT_EQ(rig.run(std::move(task)), "sent") << rig.client->output();
    EXPECT_TRUE(rig.server.store().all().at(0).raw.ends_with(".line 19999\r\n"));
}

TEST(Delivery, NoSecretIsInTheOutput) {
    Rig rig({answer("AUTH", "535 5.7.8 no, secret word is wrong")});
    EXPECT_EQ(rig.run(), "permanent");
    EXPECT_EQ(rig.client->output().find("secret word"), std::string::npos);
    EXPECT_NE(rig.client->output().find("535"), std::string::npos) << rig.client->output();
}

}  // namespace
}  // namespace smtpspec::client
