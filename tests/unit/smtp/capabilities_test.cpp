#include "protocol/smtp/capabilities.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace smtpspec::smtp {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Capabilities capabilities_of(std::string_view raw) {
    ReplyParser parser;
    parser.feed(raw);
    return Capabilities::from_reply(parser.take());
}

TEST(Capabilities, KeywordsAndWordsInAnyCase) {
    const auto offered =
        capabilities_of("250-s.test greets you\r\n250-auth plain Login\r\n250-size 9999\r\n250 StartTLS\r\n");
    EXPECT_EQ(offered.domain, "s.test");
    EXPECT_TRUE(offered.has("STARTTLS"));
    EXPECT_TRUE(offered.has("starttls"));
    EXPECT_FALSE(offered.has("START"));
    EXPECT_FALSE(offered.has("s.test"));
    EXPECT_THAT(offered.words("SIZE"), ElementsAre("9999"));
    EXPECT_THAT(offered.words("STARTTLS"), IsEmpty());
    EXPECT_TRUE(offered.auth_offers("PLAIN"));
    EXPECT_TRUE(offered.auth_offers("LOGIN"));
    EXPECT_FALSE(offered.auth_offers("CRAM-MD5"));
    EXPECT_TRUE(offered.has("AUTH", "login"));
    EXPECT_FALSE(offered.has("SIZE", "login"));
}

TEST(Capabilities, OldAuthLineCountsAsAuth) {
    const auto offered = capabilities_of("250-s.test\r\n250-AUTH=PLAIN LOGIN\r\n250 HELP\r\n");
    EXPECT_TRUE(offered.has("AUTH"));
    EXPECT_TRUE(offered.has("AUTH=PLAIN"));
    EXPECT_TRUE(offered.auth_offers("PLAIN"));
    EXPECT_TRUE(offered.auth_offers("LOGIN"));
    const auto both = capabilities_of("250-s.test\r\n250-AUTH PLAIN\r\n250 AUTH=LOGIN\r\n");
    EXPECT_THAT(both.words("AUTH"), ElementsAre("PLAIN", "LOGIN"));
    EXPECT_FALSE(capabilities_of("250-s.test\r\n250 AUTH=\r\n").auth_offers(""));
}

TEST(Capabilities, HeloReplyOffersNothing) {
    const auto offered = capabilities_of("250 s.test\r\n");
    EXPECT_EQ(offered.domain, "s.test");
    EXPECT_THAT(offered.keywords, IsEmpty());
}

TEST(Capabilities, EmptyLinesAndAnEmptyReplyAreNoTrouble) {
    EXPECT_EQ(capabilities_of("250\r\n").domain, "");
    EXPECT_THAT(capabilities_of("250-\r\n250- \r\n250 SIZE\r\n").keywords.size(), 1U);
    EXPECT_THAT(Capabilities::from_reply(Reply()).keywords, IsEmpty());
}

TEST(Capabilities, KeywordGivenTwiceHasAllItsWords) {
    EXPECT_THAT(capabilities_of("250-s\r\n250-LIMITS RCPTMAX=1\r\n250 limits MAILMAX=2\r\n").words("LIMITS"),
                ElementsAre("RCPTMAX=1", "MAILMAX=2"));
}

}  // namespace
}  // namespace smtpspec::smtp
