#include "protocol/smtp/sasl.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace smtpspec::smtp {
namespace {

using namespace std::string_literals;

TEST(Sasl, MechanismNames) {
    for (const char* good : {"PLAIN", "SCRAM-SHA-256-PLUS", "X", "9P2000", "A_B"}) {
        EXPECT_TRUE(is_sasl_mechanism(good)) << good;
    }
    for (const char* bad : {"", "plain", "PLAIN LOGIN", "ABCDEFGHIJKLMNOPQRSTU", "A=B", "A\r"}) {
        EXPECT_FALSE(is_sasl_mechanism(bad)) << bad;
    }
}

TEST(Plain, GoesBothWays) {
    EXPECT_EQ(plain_message("", "tim", "tanstaaftanstaaf"), "\0tim\0tanstaaftanstaaf"s);
    const auto parsed = parse_plain("Ursel\0Kurt\0xipj3plmq"s);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->authzid, "Ursel");
    EXPECT_EQ(parsed->user, "Kurt");
    EXPECT_EQ(parsed->password, "xipj3plmq");
}

TEST(Plain, RefusesMalformedMessages) {
    for (const std::string& bad : {""s,
                                   "user"s,
                                   "user\0pass"s,
                                   "\0user"s,
                                   "\0\0"s,
                                   "\0user\0"s,
                                   "\0\0pass"s,
                                   "\0a\0b\0c"s,
                                   "\0user\0\xff"s}) {
        EXPECT_FALSE(parse_plain(bad)) << testing::PrintToString(bad);
    }
}

TEST(CramMd5, GoesBothWays) {
    const std::string digest = "b913a602c7eda7a495b4e6e7334d3890";
    EXPECT_EQ(cram_md5_message("tim", digest), "tim " + digest);
    EXPECT_EQ(parse_cram_md5("tim " + digest)->user, "tim");
    EXPECT_EQ(parse_cram_md5("tim t " + digest)->user, "tim t");
    EXPECT_EQ(parse_cram_md5("tim " + digest)->digest, digest);
    for (const std::string& bad : {""s,
                                   digest,
                                   " " + digest,
                                   "tim "s,
                                   "tim " + digest + "0",
                                   "tim " + digest.substr(1),
                                   "tim B" + digest.substr(1),
                                   "tim x" + digest.substr(1)}) {
        EXPECT_FALSE(parse_cram_md5(bad)) << bad;
    }
}

TEST(Xoauth2, GoesBothWays) {
    const std::string message = xoauth2_message("someuser@example.test", "ya29.token");
    EXPECT_EQ(message, "user=someuser@example.test\1auth=Bearer ya29.token\1\1");
    EXPECT_EQ(parse_xoauth2(message)->user, "someuser@example.test");
    EXPECT_EQ(parse_xoauth2(message)->token, "ya29.token");
    EXPECT_EQ(parse_xoauth2("user=a\1auth=bearer t\1\1")->token, "t");
    for (const std::string& bad : {""s,
                                   "\1"s,
                                   "\1\1"s,
                                   "user=a\1\1"s,
                                   "auth=Bearer t\1\1"s,
                                   "user=a\1auth=Bearer t\1"s,
                                   "user=a\1auth=Bearer t"s,
                                   "user=a\1auth=Basic t\1\1"s,
                                   "user=a\1auth=Bearer \1\1"s,
                                   "user=a\1auth=Bearer t\1\1x"s,
                                   "user\1auth=Bearer t\1\1"s}) {
        EXPECT_FALSE(parse_xoauth2(bad)) << testing::PrintToString(bad);
    }
}

TEST(OauthBearer, GoesBothWays) {
    // RFC 7628 §4.1
    const std::string message = oauthbearer_message(
        "user@example.com", "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==", "server.example.com", "143");
    EXPECT_EQ(message,
              "n,a=user@example.com,\1host=server.example.com\1port=143\1auth=Bearer "
              "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\1\1");
    const auto parsed = parse_oauthbearer(message);
    ASSERT_TRUE(parsed) << parsed.error();
    EXPECT_EQ(parsed->user, "user@example.com");
    EXPECT_EQ(parsed->token, "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==");
    EXPECT_EQ(parsed->host, "server.example.com");
    EXPECT_EQ(parsed->port, "143");
    EXPECT_EQ(oauthbearer_message("", "t"), "n,,\1auth=Bearer t\1\1");
    EXPECT_EQ(parse_oauthbearer("n,,\1auth=Bearer t\1\1")->user, "");
    EXPECT_EQ(parse_oauthbearer(oauthbearer_message("a,b=c", "t"))->user, "a,b=c");
    EXPECT_EQ(parse_oauthbearer("n,a=u,\1user=v\1auth=Bearer t\1\1")->user, "u")
        << "the GS2 header names the user";
    for (const std::string& bad : {""s,
                                   "n"s,
                                   "n,"s,
                                   "n,,"s,
                                   "\1"s,
                                   "n,\1auth=Bearer t\1\1"s,
                                   "x,,\1auth=Bearer t\1\1"s,
                                   "p=tls-exporter,,\1auth=Bearer t\1\1"s,
                                   "n,b=u,\1auth=Bearer t\1\1"s,
                                   "n,a=,\1auth=Bearer t\1\1"s,
                                   "n,a=x=2X,\1auth=Bearer t\1\1"s,
                                   "n,a,\1auth=Bearer t\1\1"s,
                                   "n,,auth=Bearer t\1\1"s,
                                   "n,,\1auth=Bearer t\1"s,
                                   "n,,\1\1"s,
                                   "n,,\1"s}) {
        EXPECT_FALSE(parse_oauthbearer(bad)) << testing::PrintToString(bad);
    }
}

TEST(Saslname, EscapesCommaAndEquals) {
    EXPECT_EQ(saslname_encode("a,b=c"), "a=2Cb=3Dc");
    EXPECT_EQ(saslname_decode("a=2Cb=3Dc").value(), "a,b=c");
    EXPECT_EQ(saslname_decode("gr\xc3\xbc").value(), "gr\xc3\xbc");
    for (const std::string& bad : {""s, "a,b"s, "a=b"s, "a="s, "a=2"s, "a=2c"s, "a=3d"s, "a\0"s, "\xfc"s}) {
        EXPECT_FALSE(saslname_decode(bad)) << testing::PrintToString(bad);
    }
}

}  // namespace
}  // namespace smtpspec::smtp
