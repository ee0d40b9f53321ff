#include "protocol/wire/mask.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace smtpspec::wire {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kKey = "re_8Xk2-pQ9z_LmN4";

Masker masker(std::string_view secret = kKey) {
    Masker made;
    made.add(secret);
    return made;
}

std::string base64(std::string_view octets) {
    static constexpr std::string_view kAlphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    for (std::size_t at = 0; at < octets.size(); at += 3) {
        auto group = octets.substr(at, 3);
        unsigned bits = 0;
        for (std::size_t i = 0; i < 3; ++i)
            bits = bits << 8 | (i < group.size() ? static_cast<unsigned char>(group[i]) : 0U);
        for (std::size_t i = 0; i < 4; ++i)
            text += i <= group.size() ? kAlphabet[bits >> (18 - 6 * i) & 63] : '=';
    }
    return text;
}

TEST(Masker, HidesASecretByValue) {
    EXPECT_EQ(masker().by_value("key re_8Xk2-pQ9z_LmN4!"), "key ********!");
    EXPECT_EQ(masker().by_value("re_8Xk2-pQ9z_LmN4re_8Xk2-pQ9z_LmN4"), "********");
    EXPECT_EQ(masker().by_value("nothing here"), "nothing here");
    EXPECT_EQ(masker().by_value("re_8Xk2-pQ9z_LmN"), "re_8Xk2-pQ9z_LmN") << "a whole text is judged as it is";
}

TEST(Masker, HidesBase64AtEveryAlignmentAndInsideLongerText) {
    for (std::string before : {"", "a", "ab", "abc", "user\0", "\0resend\0"})
        for (std::string after : {"", "x", "xy", "xyz"}) {
            auto text = base64(before + kKey + after);
            auto shown = masker().by_value("<" + text + ">");
            EXPECT_THAT(shown, HasSubstr("********")) << text;
            // At most the octets beside the secret may be left.
            EXPECT_LE(shown.size(), 2 + 8 + (before.size() + 2) / 3 * 4 + (after.size() + 2) / 3 * 4 + 4)
                << shown;
            EXPECT_TRUE(masker().reveals(text)) << text;
        }
}

TEST(Masker, HidesEveryWayOfWritingASecret) {
    auto made = masker("a<b>&\"c'/d e+\\f");
    for (const char* text : {
             "a<b>&\"c'/d e+\\f",
             "613c623e262263272f6420652b5c66",
             "613C623E262263272F6420652B5C66",
             "a%3Cb%3E%26%22c%27%2Fd%20e%2B%5Cf",
             "a%3cb%3e%26%22c%27%2fd%20e%2b%5cf",
             "a%3Cb%3E%26%22c'%2Fd%20e%2B%5Cf",
             "a%3Cb%3E%26%22c%27%2Fd+e%2B%5Cf",
             "a<b>&\\\"c'/d e+\\\\f",
             "a<b>&\\\"c'\\/d e+\\\\f",
             "a\\u003cb\\u003e\\u0026\\\"c\\u0027/d e+\\\\f",
             "a&lt;b&gt;&amp;&quot;c&#39;/d e+\\f",
             "a&lt;b&gt;&amp;&quot;c'/d e+\\f",
             "a&lt;b&gt;&amp;\"c&apos;/d e+\\f",
             "a&lt;b&gt;&amp;&quot;c&#x27;/d e+\\f",
         }) {
        EXPECT_EQ(made.by_value(std::string("[") + text + "]"), "[********]");
        EXPECT_TRUE(made.reveals(text)) << text;
    }
}

TEST(Masker, HidesJsonInAsciiAlone) {
    auto made = masker("p\xc3\xa4ss\"\xe2\x82\xac\xf0\x9f\x98\x80");  // two, three and four octets of UTF-8
    for (const char* text : {
             "p\\u00e4ss\\\"\\u20ac\\ud83d\\ude00",
             "p\\u00E4ss\\\"\\u20AC\\uD83D\\uDE00",
         }) {
        EXPECT_EQ(made.by_value(std::string("[") + text + "]"), "[********]");
        EXPECT_TRUE(made.reveals(text)) << text;
    }
    EXPECT_EQ(masker("p\xe4ssword").by_value("[p\xe4ssword]"), "[********]") << "no UTF-8 is a secret too";
}

TEST(Masker, HidesUrlSafeBase64) {
    std::string secret = "\xff\xef\xbe\xfb\xff\xfe";
    EXPECT_EQ(masker(secret).by_value("[/++++//+]"), "[********]");
    EXPECT_EQ(masker(secret).by_value("[_----__-]"), "[********]");
}

TEST(Masker, LeavesShortSecretsToPosition) {
    auto made = masker("abc");
    EXPECT_EQ(made.by_value("abc abcabc"), "abc abcabc");
    EXPECT_FALSE(made.empty());
    MaskState state;
    EXPECT_EQ(made.client_octets("AUTH PLAIN YWJj\r\n", state), "AUTH PLAIN ********\r\n");
    EXPECT_TRUE(made.reveals("AUTH PLAIN AGEAYWJj"));
    EXPECT_TRUE(made.reveals("YWJj")) << "an answer of AUTH LOGIN";
    EXPECT_FALSE(made.reveals("YWJk"));
}

struct Position {
    const char* client;
    const char* shown;
};

TEST(Masker, HidesSaslAnswersByPosition) {
    for (auto [client, shown] : {
             Position{"AUTH PLAIN AHgAeQ==\r\n", "AUTH PLAIN ********\r\n"},
             Position{"auth plain AHgAeQ==\r\n", "auth plain ********\r\n"},
             Position{"aUtH  XOAUTH2\t dXNlcg==\r\n", "aUtH  XOAUTH2\t ********\r\n"},
             Position{"AUTH PLAIN AHgAeQ==\n", "AUTH PLAIN ********\n"},
             Position{"AUTH PLAIN\r\n", "AUTH PLAIN\r\n"},
             Position{"AUTH PLAIN =\r\n", "AUTH PLAIN =\r\n"},
             Position{"AUTH\r\n", "AUTH\r\n"},
             Position{"AUTHX PLAIN AHgAeQ==\r\n", "AUTHX PLAIN AHgAeQ==\r\n"},
             Position{"NOOP AUTH PLAIN x\r\n", "NOOP AUTH PLAIN x\r\n"},
             Position{"AUTH LOGIN\r\nZm9v\r\nYmFy\r\n", "AUTH LOGIN\r\n********\r\n********\r\n"},
             Position{"EHLO x\r\nAUTH PLAIN QQ==\r\n", "EHLO x\r\nAUTH PLAIN ********\r\n"},
             Position{"AUTH LOGIN\r\n*\r\nNOOP\r\n", "AUTH LOGIN\r\n*\r\nNOOP\r\n"},
         }) {
        MaskState state;
        EXPECT_EQ(masker().client_octets(client, state), shown);
    }
}

TEST(Masker, FollowsAnExchangeUntilTheServerEndsIt) {
    auto made = masker();
    MaskState state;
    EXPECT_EQ(made.client_octets("AUTH LOGIN\r\n", state), "AUTH LOGIN\r\n");
    EXPECT_EQ(made.server_octets("334 VXNlcm5hbWU6\r\n", state), "334 VXNlcm5hbWU6\r\n");
    EXPECT_EQ(made.client_octets("cmVzZW5k\r\n", state), "********\r\n");
    EXPECT_EQ(made.server_octets("33", state), "33");
    EXPECT_EQ(made.server_octets("4 UGFzc3dvcmQ6\r\n", state), "4 UGFzc3dvcmQ6\r\n");
    EXPECT_EQ(made.client_octets("c2Vj", state), "********");
    EXPECT_EQ(made.client_octets("cmV0\r\n", state), "********\r\n");
    EXPECT_EQ(made.server_octets("535 no\r\n", state), "535 no\r\n");
    EXPECT_EQ(made.client_octets("MAIL FROM:<a@b.test>\r\n", state), "MAIL FROM:<a@b.test>\r\n");
}

TEST(Masker, APipelinedAuthIsRecognisedByItsChallenge) {
    auto made = masker();
    MaskState state;
    made.client_octets("EHLO x\r\nAUTH LOGIN\r\n", state);
    made.server_octets("250-mail.test\r\n250 AUTH LOGIN\r\n", state);
    made.server_octets("334 VXNlcm5hbWU6\r\n", state);
    EXPECT_EQ(made.client_octets("cmVzZW5k\r\n", state), "********\r\n");
}

TEST(Masker, ACommandCutAnywhereShowsNoMoreThanAWholeOne) {
    const std::string line = "AUTH PLAIN AHJlc2VuZABzZWNyZXQ=\r\n";
    auto made = masker();
    for (std::size_t cut = 0; cut <= line.size(); ++cut) {
        MaskState state;
        auto shown = made.client_octets(line.substr(0, cut), state);
        shown += made.client_octets(line.substr(cut), state);
        EXPECT_EQ(shown.substr(0, 11), "AUTH PLAIN ") << cut;
        EXPECT_THAT(shown, Not(HasSubstr("AHJ"))) << cut;
        EXPECT_THAT(shown, Not(HasSubstr("Q="))) << cut;
        EXPECT_TRUE(shown.ends_with("\r\n")) << cut;
    }
    MaskState state;
    std::string shown;
    for (char c : line)
        shown += made.client_octets(std::string(1, c), state);
    EXPECT_EQ(shown.substr(0, 11), "AUTH PLAIN ");
    EXPECT_THAT(shown.substr(11), Not(HasSubstr("A")));
}

TEST(Masker, ASecretThatIsSplitOverWritesShowsAtMostThreeOctets) {
    const std::string text = "X-Key: re_8Xk2-pQ9z_LmN4 end\r\n";
    auto made = masker();
    for (std::size_t piece = 1; piece < text.size(); ++piece) {
        MaskState client, server;
        std::string from_client, from_server;
        for (std::size_t at = 0; at < text.size(); at += piece) {
            from_client += made.client_octets(text.substr(at, piece), client);
            from_server += made.server_octets(text.substr(at, piece), server);
        }
        for (const auto& shown : {from_client, from_server}) {
            EXPECT_THAT(shown, Not(HasSubstr("re_8"))) << piece;
            EXPECT_THAT(shown, Not(HasSubstr("Xk2"))) << piece;
            EXPECT_THAT(shown, Not(HasSubstr("mN4"))) << piece;
            EXPECT_TRUE(shown.starts_with("X-Key: ")) << shown;
            EXPECT_TRUE(shown.ends_with(" end\r\n")) << shown;
        }
    }
}

TEST(Masker, AVeryLongInitialResponseStaysHidden) {
    auto made = masker();
    MaskState state;
    made.client_octets("AUTH XOAUTH2 " + std::string(9000, 'A'), state);
    EXPECT_LT(state.held.size(), 1000u) << "what is held is bounded";
    EXPECT_EQ(made.client_octets("BBBB", state), "********");
    EXPECT_EQ(made.client_octets("CCCC\r\n", state), "********\r\n");
    made.server_octets("235 ok\r\n", state);
    EXPECT_EQ(made.client_octets("NOOP\r\n", state), "NOOP\r\n");
}

TEST(Masker, WithoutSecretsItStillMasksByPosition) {
    Masker none;
    MaskState state;
    EXPECT_TRUE(none.empty());
    EXPECT_EQ(none.client_octets("AUTH PLAIN QQ==\r\n", state), "AUTH PLAIN ********\r\n");
    EXPECT_EQ(none.by_value("anything"), "anything");
    EXPECT_FALSE(none.reveals("anything"));
}

TEST(Masker, FindsASecretInsideASaslMessage) {
    auto made = masker();
    EXPECT_TRUE(made.reveals("AUTH PLAIN " + base64(std::string("\0resend\0", 8) + kKey)));
    EXPECT_TRUE(made.reveals("AUTH OAUTHBEARER " + base64("n,,\1auth=Bearer " + std::string(kKey) + "\1\1")));
    EXPECT_TRUE(made.reveals("PASS re_8Xk2-pQ9z_LmN4"));
    EXPECT_FALSE(made.reveals("AUTH CRAM-MD5"));
    EXPECT_FALSE(made.reveals(base64("resend 4f1d2c9b")));
}

TEST(Mask, ASecretBehindALongUnfinishedLineOfTheServerIsSeenWhereverItIsCut) {
    const std::string key = kKey;
    for (std::size_t cut = 1; cut < key.size(); ++cut) {
        const Masker made = masker();
        MaskState state;
        std::string seen = made.server_octets("250-" + std::string(9000, 'x'), state);
        seen += made.server_octets(key.substr(0, cut), state);
        const std::string rest = made.server_octets(key.substr(cut) + "\r\n", state);
        EXPECT_THAT(rest, Not(HasSubstr(key.substr(cut)))) << "cut at " << cut;
        EXPECT_THAT(seen + rest, Not(HasSubstr(key)));
    }
}

}  // namespace
}  // namespace smtpspec::wire
