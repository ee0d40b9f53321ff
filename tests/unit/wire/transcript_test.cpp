#include "protocol/wire/transcript.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace smtpspec::wire {
namespace {

using ::testing::HasSubstr;

TEST(Transcript, KeepsWhatHappenedInOrder) {
    Transcript log;
    log.record(EntryKind::received, "a", false, "220 x\r\n");
    log.record(EntryKind::sent, "b", true, std::string("N\0P\r\n", 5));
    log.note("a", "a remark");
    ASSERT_EQ(log.entries().size(), 3u);
    EXPECT_EQ(log.position(), 3u);
    EXPECT_EQ(log.entries()[0].octets, "220 x\r\n");
    EXPECT_EQ(log.entries()[1].octets, std::string("N\0P\r\n", 5));
    EXPECT_EQ(log.entries()[1].connection, "b");
    EXPECT_TRUE(log.entries()[1].inside_tls);
    EXPECT_EQ(log.entries()[2].kind, EntryKind::note);
    EXPECT_LE(log.entries()[0].at, log.entries()[2].at);
}

TEST(Transcript, MasksWhatTheClientSaysOnWhicheverSideWeAre) {
    Masker masker;
    masker.add("topsecret");
    Transcript as_client(&masker), as_server(&masker);
    as_server.we_are(Side::server);
    as_client.record(EntryKind::sent, "a", true, "AUTH PLAIN QQ==\r\n");
    as_server.record(EntryKind::received, "a", true, "AUTH PLAIN QQ==\r\n");
    as_server.record(EntryKind::sent, "a", true, "AUTH PLAIN QQ==\r\n");
    as_client.note("a", "password topsecret was refused");
    EXPECT_EQ(as_client.entries()[0].octets, "AUTH PLAIN ********\r\n");
    EXPECT_EQ(as_server.entries()[0].octets, "AUTH PLAIN ********\r\n");
    EXPECT_EQ(as_server.entries()[1].octets, "AUTH PLAIN QQ==\r\n") << "the server does not log in";
    EXPECT_EQ(as_client.entries()[1].octets, "password ******** was refused");
}

TEST(Transcript, KeepsTheExchangesOfTwoConnectionsApart) {
    Masker masker;
    Transcript log(&masker);
    log.record(EntryKind::sent, "a", true, "AUTH LOGIN\r\n");
    log.record(EntryKind::sent, "b", true, "EHLO x\r\n");
    log.record(EntryKind::sent, "a", true, "Zm9v\r\n");
    EXPECT_EQ(log.entries()[1].octets, "EHLO x\r\n");
    EXPECT_EQ(log.entries()[2].octets, "********\r\n");
}

TEST(Transcript, ALongEntryIsCutAndSaysHowMuchIsLeftOut) {
    for (bool masking : {false, true}) {
        Masker masker;
        masker.add("topsecret");
        Transcript log(masking ? &masker : nullptr, 8000);
        log.record(EntryKind::sent, "a", false, std::string(100'000, 'x'));
        log.record(EntryKind::received, "a", false, "250 ok\r\n");
        ASSERT_EQ(log.entries().size(), 3u);
        EXPECT_EQ(log.entries()[0].octets.size(), 2000u);
        EXPECT_EQ(log.entries()[1].octets, "98000 more octets of this entry are left out");
        EXPECT_EQ(log.entries()[2].octets, "250 ok\r\n");
        EXPECT_EQ(log.left_out(), 98'000u);
    }
}

TEST(Transcript, WhenItIsFullOneNoteCountsTheRest) {
    Transcript log(nullptr, 2000);
    for (int i = 0; i < 10'000; ++i)
        log.record(EntryKind::received, "a", false, "250-0123456789\r\n");
    log.record(EntryKind::end, "a", false, "peer fin");
    EXPECT_LT(log.entries().size(), 40u);
    const auto& full = log.entries()[log.entries().size() - 2].octets;
    EXPECT_THAT(full, HasSubstr("the transcript is full: "));
    EXPECT_THAT(full, HasSubstr(std::to_string(log.left_out())));
    EXPECT_EQ(log.entries().back().octets, "peer fin") << "how it ended is kept all the same";
    for (int i = 0; i < 10'000; ++i)
        log.note("a", "a remark that repeats");
    EXPECT_LT(log.entries().size(), 400u);
}

TEST(Transcript, ALimitOfZeroRecordsNothing) {
    Transcript log(nullptr, 0);
    log.record(EntryKind::sent, "a", false, "EHLO x\r\n");
    log.note("a", "x");
    EXPECT_TRUE(log.entries().empty());
}

}  // namespace
}  // namespace smtpspec::wire
