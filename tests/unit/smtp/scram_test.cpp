#include "protocol/smtp/scram.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/smtp/base64.hpp"
#include "test_crypto.hpp"

namespace smtpspec::smtp {
namespace {

using testing::HasSubstr;

// RFC 5802 §5
const std::string sha1_first = "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL";
const std::string sha1_server_first =
    "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096";
const std::string sha1_final =
    "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=";
const std::string sha1_server_final = "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=";

// RFC 7677 §3
const std::string sha256_server_first =
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
const std::string sha256_final =
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+"
    "Ute9ytag9zjfMHgsqmmiz7AndVQ=";
const std::string sha256_server_final = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

ScramClient rfc_client() {
    return ScramClient(test::sha1_crypto(), "user", "pencil", "fyko+d2lbbFgONRv9qkxdawL");
}

ScramServer server_for(ScramServerOptions options = {}, int iterations = 3) {
    const auto crypto = test::sha256_crypto();
    const auto lookup = [crypto, iterations](const std::string& user) {
        return user == "a,b" ? std::optional(make_scram_verifier(crypto, "pencil", "salt", iterations))
                             : std::nullopt;
    };
    return ScramServer(crypto, lookup, "SERVER", std::move(options));
}

ScramClient client_for(ChannelBinding binding = {}, std::string password = "pencil") {
    return ScramClient(test::sha256_crypto(), "a,b", std::move(password), "CLIENT", std::move(binding));
}

/// The whole exchange; "" when both sides are content, otherwise who refused and why.
std::string exchange(ScramClient client, ScramServer server) {
    const auto server_first = server.first(client.first());
    if (!server_first) {
        return "server: " + server_first.error();
    }
    const auto final = client.final(*server_first);
    if (!final) {
        return "client: " + final.error();
    }
    const auto server_final = server.final(*final);
    if (!server_final) {
        return "server: " + server_final.error();
    }
    const auto verified = client.verify(*server_final);
    return verified ? "" : "client: " + verified.error();
}

TEST(ScramClient, SpeaksTheExampleOfRfc5802) {
    ScramClient client = rfc_client();
    EXPECT_EQ(client.first(), sha1_first);
    EXPECT_EQ(client.final(sha1_server_first).value(), sha1_final);
    EXPECT_TRUE(client.verify(sha1_server_final));
}

TEST(ScramClient, SpeaksTheExampleOfRfc7677) {
    ScramClient client(test::sha256_crypto(), "user", "pencil", "rOprNGfwEbeRWgbNEkqO");
    EXPECT_EQ(client.final(sha256_server_first).value(), sha256_final);
    EXPECT_TRUE(client.verify(sha256_server_final));
}

TEST(ScramClient, RefusesBadServerFirstMessages) {
    const std::string r = "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j";
    const std::vector<std::pair<std::string, std::string>> cases{
        {"", "not a SCRAM attribute"},
        {"r", "not a SCRAM attribute"},
        {r + ",", "not a SCRAM attribute"},
        {r, "not r=…,s=…,i=…"},
        {r + ",i=4096,s=QSXCR+Q6sek8bf92", "not r=…,s=…,i=…"},
        {"m=ext," + r + ",s=QSXCR+Q6sek8bf92,i=4096", "mandatory extension"},
        {"e=other-error", "not r=…,s=…,i=…"},
        {"r=other,s=QSXCR+Q6sek8bf92,i=4096", "does not extend ours"},
        {"r=fyko+d2lbbFgONRv9qkxdawL,s=QSXCR+Q6sek8bf92,i=4096", "does not extend ours"},
        {"r=Fyko+d2lbbFgONRv9qkxdawL3,s=QSXCR+Q6sek8bf92,i=4096", "does not extend ours"},
        {"r=,s=QSXCR+Q6sek8bf92,i=4096", "not allowed"},
        {"r=a b,s=QSXCR+Q6sek8bf92,i=4096", "not allowed"},
        {r + ",s=,i=4096", "salt is empty"},
        {r + ",s=***,i=4096", "salt is base64"},
        {r + ",s=QSXCR+Q6sek8bf92,i=0", "iteration count 0"},
        {r + ",s=QSXCR+Q6sek8bf92,i=-1", "iteration count -1"},
        {r + ",s=QSXCR+Q6sek8bf92,i=04096", "iteration count 04096"},
        {r + ",s=QSXCR+Q6sek8bf92,i=1000001", "between 1 and 1000000"},
        {r + ",s=QSXCR+Q6sek8bf92,i=99999999999999999999", "iteration count"},
        {r + ",s=QSXCR+Q6sek8bf92,i=4096x", "iteration count"},
    };
    for (const auto& [message, why] : cases) {
        const auto final = rfc_client().final(message);
        ASSERT_FALSE(final) << message;
        EXPECT_THAT(final.error(), HasSubstr(why)) << message;
    }
}

TEST(ScramClient, PermitsOptionalExtensionsAndItsOwnLimits) {
    EXPECT_TRUE(rfc_client().final(sha1_server_first + ",x=anything"));
    ScramLimits limits;
    limits.min_iterations = 4096;
    const std::string few = "r=CLIENTx,s=QSXCR+Q6sek8bf92,i=4095";
    EXPECT_FALSE(ScramClient(test::sha1_crypto(), "u", "p", "CLIENT", {}, limits).final(few));
    EXPECT_TRUE(ScramClient(test::sha1_crypto(), "u", "p", "CLIENT").final(few));
}

TEST(ScramClient, RefusesBadServerFinalMessages) {
    EXPECT_THAT(rfc_client().verify(sha1_server_final).error(), HasSubstr("before our own"));
    for (const std::string& bad : {std::string(),
                                   std::string("v="),
                                   std::string("v=***"),
                                   std::string("e=invalid-proof"),
                                   std::string("v=AAAA"),
                                   std::string("v=rmF9pqV8S7suAoZWja4dJRkFsKA="),
                                   std::string("x=rmF9pqV8S7suAoZWja4dJRkFsKQ=")}) {
        ScramClient client = rfc_client();
        ASSERT_TRUE(client.final(sha1_server_first));
        EXPECT_FALSE(client.verify(bad)) << bad;
    }
}

TEST(Scram, ClientAndServerAgree) {
    EXPECT_EQ(exchange(client_for(), server_for()), "");
    EXPECT_EQ(exchange(client_for({"y,,", ""}), server_for()), "");
    EXPECT_EQ(exchange(client_for({"n,a=z=2Cz,", ""}), server_for()), "");
}

TEST(Scram, ServerKnowsWhoSpeaks) {
    ScramServer server = server_for();
    ASSERT_TRUE(server.first(client_for({"n,a=z=2Cz,", ""}).first()));
    EXPECT_EQ(server.user(), "a,b");
    EXPECT_EQ(server.authzid(), "z,z");
}

TEST(Scram, WrongPasswordIsAnInvalidProof) {
    EXPECT_EQ(exchange(client_for({}, "pencil2"), server_for()), "server: invalid-proof");
}

TEST(Scram, ChannelBindingMustMatch) {
    ScramServerOptions plus;
    plus.plus = true;
    plus.plus_offered = true;
    plus.binding_name = "tls-exporter";
    plus.binding_data = "EXPORTED";
    EXPECT_EQ(exchange(client_for({"p=tls-exporter,,", "EXPORTED"}), server_for(plus)), "");
    EXPECT_EQ(exchange(client_for({"p=tls-exporter,,", "STOLEN"}), server_for(plus)),
              "server: channel-bindings-dont-match");
    EXPECT_EQ(exchange(client_for({"p=tls-unique,,", "EXPORTED"}), server_for(plus)),
              "server: unsupported-channel-binding-type");
    EXPECT_EQ(exchange(client_for(), server_for(plus)), "server: channel-bindings-dont-match");
    EXPECT_EQ(exchange(client_for({"p=tls-exporter,,", "EXPORTED"}), server_for()),
              "server: channel-binding-not-supported");

    ScramServerOptions offered;
    offered.plus_offered = true;
    EXPECT_EQ(exchange(client_for({"y,,", ""}), server_for(offered)),
              "server: server-does-support-channel-binding");
    EXPECT_EQ(exchange(client_for(), server_for(offered)), "");
}

TEST(Scram, DefectsOfTheServerShow) {
    ScramServerOptions ignore;
    ignore.plus = true;
    ignore.binding_name = "tls-exporter";
    ignore.binding_data = "EXPORTED";
    ignore.ignore_binding = true;
    EXPECT_EQ(exchange(client_for({"p=tls-exporter,,", "STOLEN"}), server_for(ignore)), "");
    ScramServerOptions signature;
    signature.wrong_signature = true;
    EXPECT_THAT(exchange(client_for(), server_for(signature)),
                HasSubstr("client: the server's signature is wrong"));
    ScramServerOptions nonce;
    nonce.foreign_nonce = true;
    EXPECT_THAT(exchange(client_for(), server_for(nonce)),
                HasSubstr("client: the server's nonce does not extend ours"));
    ScramServerOptions proof;
    proof.skip_proof = true;
    EXPECT_THAT(exchange(client_for({}, "wrong"), server_for(proof)),
                HasSubstr("client: the server's signature is wrong"));
    ScramServerOptions extension;
    extension.first_extension = "m=ext,";
    EXPECT_THAT(exchange(client_for(), server_for(extension)),
                HasSubstr("client: the server asks for a mandatory extension"));
    ScramServerOptions iterations;
    iterations.iterations = 100'000'000;
    EXPECT_THAT(exchange(client_for(), server_for(iterations)),
                HasSubstr("client: the iteration count 100000000"));
}

TEST(ScramServer, RefusesBadFirstMessages) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"", "other-error"},
        {"n", "other-error"},
        {"n,", "other-error"},
        {"n,,", "other-error"},
        {"x,,n=a=2Cb,r=C", "other-error"},
        {"p=,,n=a=2Cb,r=C", "other-error"},
        {"n,,r=C,n=a=2Cb", "other-error"},
        {"n,,n=a=2Cb", "other-error"},
        {"n,,n=a=2Cb,r=", "other-error"},
        {"n,b=x,n=a=2Cb,r=C", "other-error"},
        {"n,a=,n=a=2Cb,r=C", "other-error"},
        {"n,,m=x,n=a=2Cb,r=C", "extensions-not-supported"},
        {"n,,n=a=b,r=C", "invalid-username-encoding"},
        {"n,,n=,r=C", "invalid-username-encoding"},
        {"n,,n=nobody,r=C", "unknown-user"},
    };
    for (const auto& [message, why] : cases) {
        const auto answer = server_for().first(message);
        ASSERT_FALSE(answer) << message;
        EXPECT_EQ(answer.error(), why) << message;
    }
}

TEST(ScramServer, RefusesBadFinalMessages) {
    EXPECT_EQ(server_for().final("c=biws,r=CLIENTSERVER,p=AAAA").error(), "other-error") << "before first()";
    const std::vector<std::pair<std::string, std::string>> cases{
        {"", "other-error"},
        {"c=biws", "other-error"},
        {"c=biws,r=CLIENTSERVER", "other-error"},
        {"r=CLIENTSERVER,c=biws,p=AAAA", "other-error"},
        {"c=biws,r=CLIENT,p=AAAA", "other-error"},
        {"c=***,r=CLIENTSERVER,p=AAAA", "invalid-encoding"},
        {"c=biws,r=CLIENTSERVER,p=*", "invalid-encoding"},
        {"c=eSws,r=CLIENTSERVER,p=AAAA", "channel-bindings-dont-match"},
        {"c=biws,r=CLIENTSERVER,p=AAAA", "invalid-proof"},
        {"c=biws,r=CLIENTSERVER,p=", "invalid-proof"},
    };
    for (const auto& [message, why] : cases) {
        ScramServer server = server_for();
        ASSERT_TRUE(server.first(client_for().first()));
        EXPECT_EQ(server.final(message).error(), why) << message;
    }
}

TEST(ScramFinal, MakesRightAndWrongExchanges) {
    const auto crypto = test::sha1_crypto();
    const auto right = scram_final(crypto, sha1_first, sha1_server_first, "pencil");
    ASSERT_TRUE(right);
    EXPECT_EQ(right->message, sha1_final);
    EXPECT_EQ("v=" + base64_encode(right->server_signature), sha1_server_final);
    EXPECT_THAT(scram_final(crypto, sha1_first, sha1_server_first, "pencil", "", "foreign")->message,
                HasSubstr(",r=foreign,"));
    EXPECT_THAT(scram_final(crypto, sha1_first, sha1_server_first, "pencil", "DATA")->message,
                HasSubstr("c=" + base64_encode("n,,DATA")));
    EXPECT_FALSE(scram_final(crypto, "no header", sha1_server_first, "pencil"));
    EXPECT_FALSE(scram_final(crypto, sha1_first, "nonsense", "pencil"));
}

}  // namespace
}  // namespace smtpspec::smtp
