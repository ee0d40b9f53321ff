#include "protocol/smtp/sasl.hpp"
#include "protocol/smtp/scram.hpp"
#include "protocol/wire/crypto.hpp"
#include "rig.hpp"

namespace smtpspec::mock {
namespace {

using smtp::base64_decode;
using smtp::base64_encode;

std::string challenge(const std::string& reply) {
    EXPECT_EQ(reply.substr(0, 4), "334 ");
    return base64_decode(std::string_view(reply).substr(std::min<std::size_t>(4, reply.size()))).value_or("");
}

Rig& prepared(Rig& rig) {
    rig.hello();
    return rig;
}

ServerConfig inside_tls() { return on_port(script::Mode::Tls, with_account()); }

TEST(Auth, PlainWithAndWithoutInitialResponse) {
    Rig rig(inside_tls());
    prepared(rig);
    const auto right = base64_encode(smtp::plain_message("", "anna", "secret word"));
    const auto wrong = base64_encode(smtp::plain_message("", "anna", "secret"));
    EXPECT_EQ(rig.ask("AUTH PLAIN " + wrong).substr(0, 9), "535 5.7.8");
    EXPECT_EQ(rig.ask("AUTH PLAIN"), "334 ");
    EXPECT_EQ(rig.ask(wrong).substr(0, 3), "535");
    EXPECT_EQ(rig.ask("AUTH PLAIN"), "334 ");
    EXPECT_EQ(rig.ask("*").substr(0, 3), "501");
    EXPECT_EQ(rig.ask("AUTH PLAIN ?").substr(0, 3), "501");
    EXPECT_EQ(rig.ask("AUTH PLAIN =").substr(0, 3), "501");
    EXPECT_EQ(rig.ask("AUTH NOTHING").substr(0, 3), "504");
    EXPECT_EQ(rig.ask("AUTH").substr(0, 3), "501");
    EXPECT_EQ(rig.ask("AUTH plain " + right).substr(0, 9), "235 2.7.0");
    EXPECT_EQ(rig.ask("AUTH PLAIN " + right).substr(0, 3), "503");
    EXPECT_EQ(rig.ask("MAIL FROM:<a@b.test> AUTH=<>").substr(0, 3), "250");
    EXPECT_EQ(rig.ask("RCPT TO:<x@elsewhere.example>").substr(0, 3), "250");
}

TEST(Auth, LongAnswersCostNoMoreThanTheLogin) {
    Rig rig(inside_tls());
    prepared(rig);
    EXPECT_EQ(rig.ask("AUTH PLAIN"), "334 ");
    EXPECT_EQ(rig.ask(std::string(12288, 'A')).substr(0, 1), "5");
    EXPECT_EQ(rig.ask("AUTH PLAIN"), "334 ");
    EXPECT_EQ(rig.ask(std::string(20000, 'A')).substr(0, 9), "500 5.5.6");
    EXPECT_EQ(rig.ask("NOOP").substr(0, 3), "250");
}

TEST(Auth, FailuresAreLimited) {
    Rig rig(inside_tls());
    prepared(rig);
    std::string last;
    int tries = 0;
    do {
        last = rig.ask("AUTH PLAIN AGEAYg==").substr(0, 3);
    } while (last == "535" && ++tries < 30);
    EXPECT_EQ(last, "421");
    EXPECT_EQ(tries, 9);
}

TEST(Auth, Login) {
    Rig rig(inside_tls());
    prepared(rig);
    EXPECT_EQ(challenge(rig.ask("AUTH LOGIN")), "Username:");
    EXPECT_EQ(challenge(rig.ask(base64_encode("anna"))), "Password:");
    EXPECT_EQ(rig.ask(base64_encode("wrong")).substr(0, 3), "535");
    EXPECT_EQ(challenge(rig.ask("AUTH LOGIN " + base64_encode("anna"))), "Password:");
    EXPECT_EQ(rig.ask(base64_encode("secret word")).substr(0, 3), "235");
}

TEST(Auth, CramMd5) {
    Rig rig(inside_tls());
    prepared(rig);
    EXPECT_EQ(rig.ask("AUTH CRAM-MD5 YQ==").substr(0, 9), "501 5.7.0");
    const auto text = challenge(rig.ask("AUTH CRAM-MD5"));
    const auto digest = smtp::hex_encode(wire::hmac("MD5", "secret word", text));
    EXPECT_EQ(rig.ask(base64_encode(smtp::cram_md5_message("anna", digest))).substr(0, 3), "235");
}

smtp::ScramCrypto crypto(const std::string& hash) {
    smtp::ScramCrypto made;
    made.hmac = [hash](std::string_view key, std::string_view text) { return wire::hmac(hash, key, text); };
    made.hash = [hash](std::string_view text) { return wire::hash(hash, text); };
    made.pbkdf2 = [hash](std::string_view password, std::string_view salt, int rounds) {
        return wire::pbkdf2(hash, password, salt, static_cast<unsigned>(rounds));
    };
    return made;
}

std::string scram(Rig& rig,
                  const std::string& mechanism,
                  const std::string& password,
                  const std::string& binding) {
    smtp::ChannelBinding channel;
    if (mechanism.ends_with("-PLUS")) {
        channel.gs2_header = "p=tls-exporter,,";
        channel.data = binding;
    }
    const auto hash = mechanism.find("256") != std::string::npos ? "SHA-256" : "SHA-1";
    smtp::ScramClient client(crypto(hash), "anna", password, "nonce", channel);
    const auto first = challenge(rig.ask("AUTH " + mechanism + " " + base64_encode(client.first())));
    const auto final = client.final(first);
    EXPECT_TRUE(final);
    const auto answer = rig.ask(base64_encode(final.value_or("")));
    if (answer.substr(0, 3) != "334") {
        return answer.substr(0, 3);
    }
    EXPECT_TRUE(client.verify(challenge(answer)));
    return rig.ask("").substr(0, 3);
}

TEST(Auth, ScramProvesBothSides) {
    for (const std::string mechanism :
         {"SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS"}) {
        Rig rig(inside_tls());
        prepared(rig);
        const auto binding = rig.client->channel_binding();
        EXPECT_EQ(scram(rig, mechanism, "wrong", binding), "535") << mechanism;
        EXPECT_EQ(scram(rig, mechanism, "secret word", binding), "235") << mechanism;
    }
}

TEST(Auth, ScramPlusComparesTheBinding) {
    const std::string mechanism = "SCRAM-SHA-256-PLUS";
    const std::string foreign(32, 'x');
    for (const auto& [defect, right, wrong] : std::vector<std::tuple<Defect, std::string, std::string>>{
             {Defect::no_received, "235", "535"},
             {Defect::scram_ignores_binding, "235", "235"},
             {Defect::scram_refuses_right_binding, "535", "535"}}) {
        Rig bad(with_defect(defect, inside_tls()));
        prepared(bad);
        EXPECT_EQ(scram(bad, mechanism, "secret word", foreign), wrong) << to_string(defect);
        Rig good(with_defect(defect, inside_tls()));
        prepared(good);
        EXPECT_EQ(scram(good, mechanism, "secret word", good.client->channel_binding()), right)
            << to_string(defect);
    }
}

TEST(Auth, BearerTokensAreExplainedWhenTheyAreRefused) {
    for (const std::string mechanism : {"XOAUTH2", "OAUTHBEARER"}) {
        Rig rig(inside_tls());
        prepared(rig);
        const auto message = [&](const std::string& token) {
            return base64_encode(mechanism == "XOAUTH2" ? smtp::xoauth2_message("anna", token)
                                                        : smtp::oauthbearer_message("anna", token));
        };
        EXPECT_NE(challenge(rig.ask("AUTH " + mechanism + " " + message("wrong"))).find("invalid_token"),
                  std::string::npos);
        EXPECT_EQ(rig.ask("AQ==").substr(0, 3), "535");
        EXPECT_EQ(rig.ask("AUTH " + mechanism + " " + message("tok-123")).substr(0, 3), "235");
    }
}

TEST(Auth, IsOfferedWithPlusOnlyWhereThereIsAChannel) {
    Rig rig(on_port(script::Mode::Plain, with_account()));
    rig.connect();
    (void)rig.reply();
    const auto hello = rig.ask("EHLO client.test");
    EXPECT_NE(hello.find("SCRAM-SHA-256"), std::string::npos);
    EXPECT_EQ(hello.find("PLUS"), std::string::npos);
    EXPECT_EQ(rig.ask("AUTH SCRAM-SHA-256-PLUS").substr(0, 3), "504");
}

}  // namespace
}  // namespace smtpspec::mock
