#include <gmock/gmock.h>

#include <thread>

#include "tests/unit/wire/pair.hpp"

namespace smtpspec::wire::test {
namespace {

using ::testing::HasSubstr;
using Kind = CertificateKind;

struct Case {
    Kind kind;
    bool trusted;
    bool matches;
    const char* problem;  // OpenSSL's words; "" when a client that verifies accepts it
};
void PrintTo(const Case& c, std::ostream* out) { *out << to_string(c.kind); }

struct Certificates : Wired, ::testing::WithParamInterface<Case> {
    IoResult<TlsInfo> client_result = tl::unexpected(IoError()), server_result = tl::unexpected(IoError());
    TlsClientSettings settings = client_settings();
    void handshake() {
        connect();
        auto client_side = [&]() -> Awaitable<void> {
            client_result = co_await client->start_tls_client(settings, soon());
            if (client_result)
                co_await say(*client, "NOOP\r\n");
        };
        auto server_side = [&]() -> Awaitable<void> {
            auto choose = certificate(GetParam().kind);
            server_result = co_await server->start_tls_server(choose, Connection::Leftover::discard, soon());
            if (server_result)
                event = co_await server->receive(soon());
        };
        run_both(loop, client_side(), server_side());
    }
    ReadEvent event = ReadEvent::timeout;
};

std::string case_name(const ::testing::TestParamInfo<Case>& info) {
    std::string name(to_string(info.param.kind));
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
}

INSTANTIATE_TEST_SUITE_P(
    EachKind,
    Certificates,
    ::testing::Values(Case{Kind::good, true, true, ""},
                      Case{Kind::expired, false, true, "certificate has expired"},
                      Case{Kind::not_yet_valid, false, true, "certificate is not yet valid"},
                      Case{Kind::wrong_host, true, false, "hostname mismatch"},
                      Case{Kind::self_signed, false, true, "self-signed certificate"},
                      Case{Kind::unknown_ca, false, true, "unable to get local issuer certificate"},
                      Case{Kind::missing_intermediate, false, true, "unable to get local issuer certificate"},
                      Case{Kind::cn_only, true, true, "hostname mismatch"},
                      Case{Kind::san_differs, true, false, "hostname mismatch"},
                      Case{Kind::wildcard, true, true, ""},
                      Case{Kind::wildcard_deep, true, false, "hostname mismatch"},
                      Case{Kind::weak_key, false, true, "EE certificate key too weak"},
                      Case{Kind::client_only, false, true, "unsuitable certificate purpose"}),
    case_name);

TEST_P(Certificates, AreExaminedWithoutBeingVerified) {
    handshake();
    ASSERT_TRUE(client_result) << client_result.error().what;
    EXPECT_EQ(client_result->trusted, GetParam().trusted) << client_result->problem;
    EXPECT_EQ(client_result->matches, GetParam().matches);
    if (GetParam().kind == Kind::cn_only)
        EXPECT_EQ(client_result->problem, "the name is only in the common name, no subjectAltName holds it");
    else
        EXPECT_EQ(client_result->problem, GetParam().problem);
    EXPECT_EQ(client_result->peer_spki_sha256, pki().spki_sha256(GetParam().kind));
    EXPECT_EQ(event, ReadEvent::octets);
}

TEST_P(Certificates, AreAcceptedOrRefusedByAClientThatVerifies) {
    settings.verify_chain = settings.verify_host = true;
    handshake();
    if (*GetParam().problem == '\0') {
        EXPECT_TRUE(client_result) << client_result.error().what;
        return;
    }
    ASSERT_FALSE(client_result);
    EXPECT_EQ(client_result.error().kind, IoError::Kind::tls);
    EXPECT_EQ(client_result.error().what,
              "TLS handshake with " + to_string(client->remote()) +
                  ": certificate verify failed: " + GetParam().problem);
}

TEST_P(Certificates, ChainAndNameAreSeparateSwitches) {
    settings.verify_chain = true;
    handshake();
    EXPECT_EQ(client_result.has_value(), GetParam().trusted);
    settings.verify_chain = false;
    settings.verify_host = true;
    handshake();
    bool strict = GetParam().matches && GetParam().kind != Kind::cn_only;
    EXPECT_EQ(client_result.has_value(), strict);
}

TEST(TestCertificates, HaveTheNamesOfTheLanguage) {
    for (const char* name : {"good",
                             "expired",
                             "not-yet-valid",
                             "expires-soon",
                             "wrong-host",
                             "self-signed",
                             "unknown-ca",
                             "missing-intermediate",
                             "cn-only",
                             "san-differs",
                             "wildcard",
                             "wildcard-deep",
                             "weak-key",
                             "client-only"}) {
        auto kind = certificate_kind(name);
        ASSERT_TRUE(kind) << name;
        EXPECT_EQ(to_string(*kind), name);
    }
    EXPECT_THAT(certificate_kind("godo").error(),
                HasSubstr("unknown certificate \"godo\"; known are good, expired"));
}

TEST(TestCertificates, AContextIsMadeOnce) {
    EXPECT_EQ(pki().server_context(Kind::good), pki().server_context(Kind::good));
    EXPECT_EQ(pki().certificate_pem(Kind::good), pki().certificate_pem(Kind::good));
    EXPECT_EQ(pki().spki_sha256(Kind::good).size(), 64u);
    EXPECT_NE(pki().spki_sha256(Kind::good), pki().spki_sha256(Kind::expired));
}

TEST(TestCertificates, MayBeAskedForByManyThreadsAtOnce) {
    TestPki shared({"mail.smtp.test"});
    std::vector<std::shared_ptr<SSL_CTX>> seen(8);
    std::vector<std::thread> threads;
    for (auto& context : seen)
        threads.emplace_back([&] {
            context = shared.server_context(Kind::good);
            EXPECT_NE(shared.server_context(Kind::missing_intermediate), context);
            EXPECT_FALSE(shared.ca_pem().empty());
        });
    for (auto& thread : threads)
        thread.join();
    for (const auto& context : seen)
        EXPECT_EQ(context, seen.front());
}

TEST(TlsContexts, SayWhatIsWrongWithTheirFiles) {
    EXPECT_THAT(client_context("/no/such/ca.pem").error(), HasSubstr("CA file /no/such/ca.pem: "));
    EXPECT_THAT(client_context("", "nonsense").error(), HasSubstr("no certificate in the CA's PEM text"));
    EXPECT_THAT(server_context(pki().certificate_pem(Kind::good), "nonsense").error(),
                HasSubstr("no private key"));
}

}  // namespace
}  // namespace smtpspec::wire::test
