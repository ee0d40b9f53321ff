#include <gtest/gtest.h>

#include "harness/run/judge.hpp"

namespace smtpspec::run {
namespace {

std::vector<wire::Entry> received(const std::vector<std::pair<std::string, std::string>>& reads) {
    std::vector<wire::Entry> entries;
    for (const auto& [connection, octets] : reads) {
        wire::Entry entry;
        entry.kind = wire::EntryKind::received;
        entry.connection = connection;
        entry.octets = octets;
        entries.push_back(entry);
    }
    return entries;
}

/// The line that speaks of a limit; "" when none does.
std::string limit(const std::vector<wire::Entry>& transcript, const std::vector<Fact>& facts = {}) {
    const auto found = rate_limit_reply(transcript, facts);
    return found ? found->line : "";
}

TEST(RateLimitReply, IsKnownByItsWordsFromAnyServer) {
    for (const char* const reply :
         {"450 4.7.1 Rate limit exceeded",
          "421 4.7.0 Too many messages, slow down",
          "421 4.7.0 mail.example too many concurrent SMTP connections",
          "454 4.7.0 Throttling failure: Maximum sending rate exceeded.",
          "550 5.7.1 Too many messages. Try again in 60 seconds.",
          "421 4.3.2 Too many open connections.",
          "421 4.3.2 The maximum number of concurrent server connections has exceeded a limit",
          "421 4.7.0 Too many login attempts",
          "421 4.7.0 Too many logins from 192.0.2.1",
          "454 4.7.0 Too many logins for this account, try again later",
          "454 4.7.0 Too many logins",
          "454 4.7.0 Too many authentications from your address",
          "454 4.7.0 Too many authentication attempts",
          "452-4.2.2 daily sending quota exceeded"}) {
        EXPECT_EQ(limit(received({{"a", std::string(reply) + "\r\n"}})), reply);
    }
}

TEST(RateLimitReply, LimitsOfOneTransactionAndOtherRefusalsAreNone) {
    for (const char* const reply : {"452 4.5.3 Too many recipients",
                                    "421 4.7.0 Error: too many errors",
                                    "552 5.3.4 Message size exceeds fixed limit",
                                    "500 5.5.2 Line limit exceeded",
                                    "451 4.7.1 Greylisted, try again later",
                                    "421 4.7.0 Too many authentication failures",
                                    "421 4.7.0 Too many auth errors",
                                    "421 4.7.0 Too many failed logins",
                                    "421 4.7.0 Too many login failures",
                                    "250 rate limit 5/s"}) {
        EXPECT_FALSE(rate_limit_reply(received({{"a", std::string(reply) + "\r\n"}}), {})) << reply;
    }
}

TEST(RateLimitReply, MayComeInManyReadsOnOneOfSeveralConnections) {
    const auto found = rate_limit_reply(received({{"a", "450 4.7"},
                                                  {"b", "250 ok\r\n"},
                                                  {"a", ".1 Rate li"},
                                                  {"b", "221 bye\r\n"},
                                                  {"a", "mit exceeded\r"},
                                                  {"a", "\n"}}),
                                        {});
    ASSERT_TRUE(found);
    EXPECT_EQ(found->line, "450 4.7.1 Rate limit exceeded");
    EXPECT_EQ(found->entry, 5U) << "the read that completed it";
}

TEST(RateLimitReply, AProfileKnowsItsOwn) {
    Fact fact;
    fact.situation = "rate-limit";
    fact.reply = "/^550 .*come back/";
    EXPECT_TRUE(rate_limit_reply(received({{"a", "550 5.7.1 come back tomorrow\r\n"}}), {fact}));
    fact.situation = "bad-key";
    EXPECT_FALSE(rate_limit_reply(received({{"a", "550 5.7.1 come back tomorrow\r\n"}}), {fact}));
}

}  // namespace
}  // namespace smtpspec::run
