#include <gtest/gtest.h>

#include "harness/latency/load_reply.hpp"
#include "protocol/smtp/reply.hpp"

namespace smtpspec::latency {
namespace {

using State = ReplyGlance::State;

struct Case {
    std::string octets;
    State state;
    int code = 0;
    std::size_t length = 0;
};

const std::vector<Case> cases = {
    {"250 ok\r\n", State::complete, 250, 8},
    {"250\r\n", State::complete, 250, 5},
    {"250 \r\n", State::complete, 250, 6},
    {"250-a\r\n250 b\r\n", State::complete, 250, 14},
    {"250-a\r\n250\r\n", State::complete, 250, 12},
    {"354 go\r\n250 next\r\n", State::complete, 354, 8},
    {"", State::incomplete},
    {"2", State::incomplete},
    {"25", State::incomplete},
    {"250 ok", State::incomplete},
    {"250-a\r\n", State::incomplete},
    {"250-a\r\n25", State::incomplete},
    {"250-a\r\n354 b\r\n", State::malformed},
    {"250 ok\n", State::malformed},
    {"250ok\r\n", State::malformed},
    {"hello\r\n", State::malformed},
    {"HTTP/1.1 400 Bad", State::malformed},
    {"\r\n", State::malformed},
    {"\n", State::malformed},
    {"99 x\r\n", State::malformed},
    {"650 x\r\n", State::malformed},
    {"150 x\r\n", State::malformed},
};

TEST(Glance, FindsTheEndAndTheCode) {
    for (const Case& one : cases) {
        const ReplyGlance found = glance(one.octets);
        EXPECT_EQ(found.state, one.state) << one.octets;
        if (one.state == State::complete) {
            EXPECT_EQ(found.code, one.code) << one.octets;
            EXPECT_EQ(found.length, one.length) << one.octets;
        }
    }
}

TEST(Glance, AgreesWithTheParserThatJudges) {
    for (const Case& one : cases) {
        smtp::ReplyParser parser;
        const std::size_t taken = parser.feed(one.octets);
        const ReplyGlance found = glance(one.octets);
        if (found.state != State::complete)
            continue;
        ASSERT_TRUE(parser.complete()) << one.octets;
        EXPECT_EQ(taken, found.length) << one.octets;
        const smtp::Reply reply = parser.take();
        EXPECT_TRUE(reply.well_formed()) << one.octets;
        EXPECT_EQ(reply.code, found.code) << one.octets;
    }
}

TEST(Glance, NeverCompletesEarlier) {
    for (const Case& one : cases) {
        if (one.state != State::complete)
            continue;
        for (std::size_t length = 0; length < one.length; ++length)
            EXPECT_EQ(glance(std::string_view(one.octets).substr(0, length)).state, State::incomplete)
                << one.octets << " " << length;
    }
}

TEST(Glance, GivesUpOnAReplyWithoutEnd) {
    std::string endless;
    while (endless.size() <= most_octets)
        endless += "250-more\r\n";
    EXPECT_EQ(glance(endless).state, State::malformed);
    EXPECT_EQ(glance("250 " + std::string(most_octets, 'x')).state, State::malformed);
}

}  // namespace
}  // namespace smtpspec::latency
