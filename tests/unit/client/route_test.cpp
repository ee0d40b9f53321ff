#include "harness/client/route.hpp"

#include "harness/client/zone.hpp"
#include "tests/unit/client/rig.hpp"

/// MX routing and DANE, with the DNS of a scenario.
namespace smtpspec::client {
namespace {

std::shared_ptr<Zone> zone(const std::string& text) {
    auto parsed = Zone::parse(text, "127.0.0.1");
    EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error());
    return parsed ? *parsed : nullptr;
}

TEST(Zone, AnswersAsItsLinesSay) {
    const auto dns = zone(
        "SECURE a.test.\n"
        "a.test.          3600 IN MX 20 far.a.test.   ; second\n"
        "a.test.          MX 10 NEAR.a.test.\n"
        "near.a.test.     A @\n"
        "near.a.test.     AAAA ::1\n"
        "_25._tcp.near.a.test. TLSA 3 1 1 AB CD\n"
        "b.test.          MX SERVFAIL\n"
        "c.test.          MX 0 .\n"
        "t.test.          TXT \"v=STSv1; id=1\"\n"
        "\n# nothing\n");
    EXPECT_EQ(dns->mx("A.TEST").status, DnsStatus::secure);
    EXPECT_EQ(dns->mx("a.test").records.at(1).host, "near.a.test");
    EXPECT_EQ(dns->addresses("near.a.test.").records, (std::vector<std::string>{"127.0.0.1", "::1"}));
    EXPECT_EQ(dns->tlsa(25, "near.a.test").records.at(0).data, "abcd");
    EXPECT_EQ(dns->mx("b.test").status, DnsStatus::servfail);
    EXPECT_EQ(dns->mx("c.test").records.at(0).host, "");
    EXPECT_EQ(dns->mx("d.test").status, DnsStatus::nxdomain);
    EXPECT_EQ(dns->records("txt", "t.test").records.at(0), "v=STSv1; id=1");
}

TEST(Zone, NamesTheLineThatIsWrong) {
    for (const char* text :
         {"a.test. A @\na.test. MX 10\n", "a.test. A @\nwhat\n", "a.test. A @\nx TLSA 3 1 1\n"}) {
        const auto parsed = Zone::parse(text, "127.0.0.1");
        ASSERT_FALSE(parsed) << text;
        EXPECT_NE(parsed.error().find("line 2"), std::string::npos) << parsed.error();
    }
}

TEST(MailHosts, AreOrderedByPreferenceAndFallBackToTheDomain) {
    const auto dns = zone(
        "a.test. MX 20 far.a.test.\na.test. MX 10 near.a.test.\nnear.a.test. A 127.0.0.1\n"
        "far.a.test. A 127.0.0.2\nb.test. A 127.0.0.3\n");
    const auto two = mail_hosts(*dns, "a.test", 25, true);
    ASSERT_TRUE(two);
    EXPECT_EQ(two->at(0).host, "near.a.test");
    EXPECT_EQ(two->at(1).address, "127.0.0.2");
    const auto itself = mail_hosts(*dns, "b.test", 25, true);
    ASSERT_TRUE(itself);
    EXPECT_EQ(itself->at(0).host, "b.test");
}

TEST(MailHosts, ANullMxIsPermanentAndALostLookupDefers) {
    const auto dns = zone("n.test. MX 0 .\nn.test. A 127.0.0.1\ns.test. MX SERVFAIL\n");
    const auto null = mail_hosts(*dns, "n.test", 25, true);
    ASSERT_FALSE(null);
    EXPECT_EQ(null.error().state, Delivery::permanent);
    const auto lost = mail_hosts(*dns, "s.test", 25, true);
    ASSERT_FALSE(lost);
    EXPECT_EQ(lost.error().state, Delivery::temporary);
    EXPECT_FALSE(lost.error().again);
}

struct DaneCase {
    std::string tlsa;
    std::string certificate;
    bool starttls;
    const char* defect;
    size_t stored;
};

TEST(Dane, SecureRecordsAreObeyed) {
    const std::string wrong = test_pki()->spki_sha256(wire::CertificateKind::wrong_host);
    const std::string old = test_pki()->spki_sha256(wire::CertificateKind::expired);
    const std::string zeros(64, '0');
    const std::vector<DaneCase> cases = {
        {"3 1 1 " + wrong, "wrong-host", true, "", 1},
        {"3 1 1 " + old, "expired", true, "", 1},
        {"3 1 1 " + zeros, "good", true, "", 0},
        {"3 1 1 " + wrong, "wrong-host", false, "", 0},
        {"SERVFAIL", "wrong-host", true, "", 0},
        {"3 1 1 " + zeros, "wrong-host", true, "ignore-tlsa", 1},
        {"SERVFAIL", "wrong-host", true, "ignore-tlsa", 1},
        {"3 1 1 " + wrong, "wrong-host", true, "dane-also-checks-name", 0},
        {"3 1 1 " + old, "expired", true, "dane-also-checks-name", 0},
    };
    for (const DaneCase& one : cases) {
        std::vector<FakeRule> rules = {certificate(one.certificate)};
        if (!one.starttls)
            rules.push_back(answer("STARTTLS", "502 no"));
        Rig rig(std::move(rules));
        ClientTask task = rig.task({25});
        task.dns = zone(
            "SECURE dane.test.\ndane.test. MX 10 mx.dane.test.\nmx.dane.test. A @\n"
            "_25._tcp.mx.dane.test. TLSA " +
            one.tlsa + "\n");
        task.messages[0].to = {"a@dane.test"};
        if (*one.defect != '\0')
            task.defects.insert(one.defect);
        rig.run(std::move(task));
        EXPECT_EQ(rig.server.store().count(), one.stored)
            << one.tlsa << one.certificate << one.defect << rig.client->output();
    }
}

TEST(MailHosts, TheNextIsTriedWhenTheFirstCannotBeReached) {
    Rig rig;
    ClientTask task = rig.task({25});
    task.dns = zone(
        "mail.test. MX 10 dead.mail.test.\nmail.test. MX 20 mail.test.\ndead.mail.test. A 127.255.255.254\n"
        "mail.test. A @\n");
    EXPECT_EQ(rig.run(std::move(task)), "sent") << rig.client->output();
}

}  // namespace
}  // namespace smtpspec::client
