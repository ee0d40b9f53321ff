#include <gmock/gmock.h>

#include "tests/unit/wire/pair.hpp"

namespace smtpspec::wire::test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

void set_reset(tcp::socket& socket) { socket.set_option(boost::asio::socket_base::linger(true, 0)); }

TEST_F(Wired, WhatOneSideSendsTheOtherReceives) {
    connect();
    ASSERT_TRUE(send(*client, "EHLO x\r\n"));
    EXPECT_EQ(receive(*server, 5s), ReadEvent::octets);
    EXPECT_EQ(server->input(), "EHLO x\r\n");
    server->consume(5);
    EXPECT_EQ(server->input(), "x\r\n");
    EXPECT_EQ(client->octets_sent(), 8u);
    EXPECT_EQ(server->octets_received(), 8u);
    EXPECT_GE(server->last_receive(), client->last_send());
}

TEST_F(Wired, ATimedOutReadLeavesTheStreamAsItWas) {
    connect();
    EXPECT_EQ(receive(*client, 20ms), ReadEvent::timeout);
    EXPECT_EQ(receive(*client, 1ms), ReadEvent::timeout);
    ASSERT_TRUE(send(*server, "220 late\r\n"));
    EXPECT_EQ(receive(*client, 5s), ReadEvent::octets);
    EXPECT_EQ(client->input(), "220 late\r\n");
    EXPECT_TRUE(client->is_open());
    EXPECT_THAT(octets_of(client_log, EntryKind::note), Contains(HasSubstr("nothing came for ")));
}

TEST_F(Wired, ADeadlineInThePastStillReadsWhatIsThere) {
    connect();
    ASSERT_TRUE(send(*server, "220 here\r\n"));
    EXPECT_EQ(receive(*client, -1s), ReadEvent::octets);
    EXPECT_EQ(receive(*client, -1s), ReadEvent::timeout);
}

TEST_F(Wired, AShorterDeadlineAfterALongerOneIsKept) {
    connect();
    ASSERT_TRUE(send(*server, "a"));
    EXPECT_EQ(receive(*client, 60s), ReadEvent::octets);
    auto begun = Clock::now();
    EXPECT_EQ(receive(*client, 10ms), ReadEvent::timeout);
    EXPECT_LT(Clock::now() - begun, 5s);
}

TEST_F(Wired, APeerOnTheSameLoopGetsItsTurnsBeforeATimeOut) {
    client_options.settle_turns = 8;
    connect();
    // The peer has work for three turns of the loop and then answers; the deadline is over from the
    // beginning.
    auto peer = [&]() -> Awaitable<void> {
        boost::asio::steady_timer timer(loop);
        for (int turn = 0; turn < 3; ++turn) {
            timer.expires_after(0s);
            co_await timer.async_wait(boost::asio::use_awaitable);
        }
        co_await say(*server, "220 after three turns\r\n");
    };
    ReadEvent event = ReadEvent::timeout;
    auto reader = [&]() -> Awaitable<void> { event = co_await client->receive(Clock::now()); };
    run_both(loop, reader(), peer());
    EXPECT_EQ(event, ReadEvent::octets);
}

TEST_F(Wired, AStarvedMachineWaitsLongerBeforeItReportsATimeOut) {
    connect();
    auto begun = Clock::now();
    ReadEvent event = ReadEvent::timeout;
    auto reader = [&]() -> Awaitable<void> { event = co_await client->receive(begun + 5ms); };
    auto peer = [&]() -> Awaitable<void> {
        boost::asio::steady_timer timer(loop, 1ms);
        co_await timer.async_wait(boost::asio::use_awaitable);
        while (Clock::now() < begun + 100ms) {
        }  // nobody else gets the processor
        timer.expires_at(Clock::now() + 60ms);
        co_await timer.async_wait(boost::asio::use_awaitable);
        co_await say(*server, "220 not my fault\r\n");
    };
    run_both(loop, reader(), peer());
    EXPECT_EQ(event, ReadEvent::octets);
}

TEST_F(Wired, WithoutSettlingTheTimeOutIsReportedAtOnce) {
    client_options.settle_turns = 0;
    connect();
    EXPECT_EQ(receive(*client, 0s), ReadEvent::timeout);
}

TEST_F(Wired, FinAndResetAreToldApart) {
    auto raw = connect_client();
    raw.shutdown(tcp::socket::shutdown_send);
    EXPECT_EQ(receive(*client, 5s), ReadEvent::end);
    EXPECT_EQ(client->peer_end(), PeerEnd::fin);
    EXPECT_EQ(receive(*client, 5s), ReadEvent::end) << "the end repeats for ever";

    auto second = connect_client();
    set_reset(second);
    second.close();
    EXPECT_EQ(receive(*client, 5s), ReadEvent::end);
    EXPECT_EQ(client->peer_end(), PeerEnd::rst);
    EXPECT_FALSE(client->is_open());
    EXPECT_THAT(octets_of(client_log, EntryKind::end), ElementsAre("peer fin", "peer reset"));
}

TEST_F(Wired, OctetsBeforeAFinAreReadFirst) {
    auto raw = connect_client();
    boost::asio::write(raw, boost::asio::buffer("421 bye\r\n", 9));
    raw.close();
    EXPECT_EQ(receive(*client, 5s), ReadEvent::octets);
    EXPECT_EQ(client->input(), "421 bye\r\n");
    EXPECT_EQ(receive(*client, 5s), ReadEvent::end);
    EXPECT_EQ(client->peer_end(), PeerEnd::fin);
}

TEST_F(Wired, AFinStaysAFinWhenWritingAfterItIsAnsweredByAReset) {
    auto raw = connect_client();
    raw.close();
    ASSERT_TRUE(send(*client, "NOOP\r\n"));
    EXPECT_EQ(receive(*client, 5s), ReadEvent::end);
    EXPECT_EQ(client->peer_end(), PeerEnd::fin);
}

TEST_F(Wired, AHalfClosedPeerIsStillAnswered) {
    auto raw = connect_client();
    raw.shutdown(tcp::socket::shutdown_send);
    EXPECT_EQ(receive(*client, 5s), ReadEvent::end);
    ASSERT_TRUE(send(*client, "250 ok\r\n"));
    std::string got(8, ' ');
    boost::asio::read(raw, boost::asio::buffer(got));
    EXPECT_EQ(got, "250 ok\r\n");
}

TEST_F(Wired, SendingOnAConnectionThatWeClosedIsAnErrorAndANote) {
    connect();
    client->drop_rst();
    auto sent = send(*client, "NOOP\r\n");
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().kind, IoError::Kind::closed);
    EXPECT_THAT(sent.error().what, HasSubstr("send to 127.0.0.1:"));
    EXPECT_THAT(octets_of(client_log, EntryKind::note), Contains(HasSubstr("nothing sent")));
    EXPECT_TRUE(octets_of(client_log, EntryKind::sent).empty());
    EXPECT_EQ(receive(*client, 1s), ReadEvent::end);
}

TEST_F(Wired, SendingToAPeerThatResetFailsInTheEnd) {
    auto raw = connect_client();
    set_reset(raw);
    raw.close();
    EXPECT_EQ(receive(*client, 5s), ReadEvent::end);
    auto sent = send(*client, "NOOP\r\n");
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().kind, IoError::Kind::closed);
}

TEST_F(Wired, EachSendIsOneEntryAndOneSegment) {
    auto raw = connect_client();
    raw.set_option(tcp::no_delay(true));
    for (const char* piece : {"A", "B\r", "\nC", "\r\n"}) {
        ASSERT_TRUE(send(*client, piece));
        std::string got(16, ' ');
        got.resize(raw.read_some(boost::asio::buffer(got)));
        EXPECT_EQ(got, piece) << "no delay: what was written in one write arrives by itself";
    }
    EXPECT_THAT(octets_of(client_log, EntryKind::sent), ElementsAre("A", "B\r", "\nC", "\r\n"));
}

TEST_F(Wired, ManyMegabytesArriveWhole) {
    connect();
    std::string text;
    for (int i = 0; text.size() < 12'000'000; ++i)
        text += "line " + std::to_string(i) + "\r\n";
    std::string got;
    auto writer = [&]() -> Awaitable<void> { co_await say(*client, text); };
    auto reader = [&]() -> Awaitable<void> {
        while (got.size() < text.size()) {
            auto event = co_await server->receive(soon());
            CO_ASSERT(event == ReadEvent::octets);
            got += server->input();
            server->consume(server->input().size());
        }
    };
    run_both(loop, writer(), reader());
    EXPECT_TRUE(got == text);
}

TEST_F(Wired, AWriteThatThePeerDoesNotTakeTimesOut) {
    auto raw = connect_client();
    auto sent = run(client->send(std::string(32 << 20, 'x'), within(50ms)));
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().kind, IoError::Kind::timeout);
    EXPECT_THAT(sent.error().what, HasSubstr("were not taken by the peer"));
    EXPECT_EQ(receive(*client, 1ms), ReadEvent::timeout) << "reading goes on";
}

TEST_F(Wired, TenMegabytesWithoutALineEndAreLimited) {
    server_options.input_limit = 100'000;
    connect();
    bool limited = false;
    auto writer = [&]() -> Awaitable<void> {
        std::string flood(10 << 20, 'x');
        (void)co_await client->send(std::move(flood), soon());
    };
    auto reader = [&]() -> Awaitable<void> {
        for (auto event = ReadEvent::octets; event == ReadEvent::octets;) {
            event = co_await server->receive(soon());
            limited = event == ReadEvent::broken;
        }
        server->drop_rst();
    };
    run_both(loop, writer(), reader());
    EXPECT_TRUE(limited);
    EXPECT_EQ(server->input().size(), 100'000u);
    EXPECT_THAT(server->tls_error(), HasSubstr("100000 octets"));
}

TEST_F(Wired, AConnectionAtItsLimitGoesOnWhenSomethingIsConsumed) {
    server_options.input_limit = 10;
    connect();
    ASSERT_TRUE(send(*client, "0123456789abc"));
    EXPECT_EQ(receive(*server, 5s), ReadEvent::octets);
    EXPECT_EQ(receive(*server, 5s), ReadEvent::broken);
    server->consume(10);
    EXPECT_EQ(receive(*server, 5s), ReadEvent::octets);
    EXPECT_EQ(server->input(), "abc");
}

TEST_F(Wired, CloseWaitsForThePeersFin) {
    connect();
    auto closer = [&]() -> Awaitable<void> { co_await client->close(soon()); };
    auto peer = [&]() -> Awaitable<void> {
        auto event = co_await server->receive(soon());
        EXPECT_EQ(event, ReadEvent::end);
        EXPECT_EQ(server->peer_end(), PeerEnd::fin);
        co_await server->close(soon());
    };
    run_both(loop, closer(), peer());
    EXPECT_TRUE(client->closed_by_us());
    EXPECT_EQ(client->peer_end(), PeerEnd::fin);
    EXPECT_THAT(octets_of(client_log, EntryKind::end), ElementsAre("we closed", "peer fin"));
    EXPECT_THAT(octets_of(server_log, EntryKind::end), ElementsAre("peer fin", "we closed"));
}

TEST_F(Wired, CloseDoesNotWaitBeyondItsDeadline) {
    auto raw = connect_client();
    run(client->close(within(10ms)));
    EXPECT_TRUE(client->closed_by_us());
    EXPECT_EQ(client->peer_end(), PeerEnd::none);
}

TEST_F(Wired, ADroppedFinIsAFinEvenWithUnreadOctets) {
    connect();
    ASSERT_TRUE(send(*server, "220 unread\r\n"));
    client->drop_fin();
    EXPECT_EQ(receive(*server, 5s), ReadEvent::end);
    EXPECT_EQ(server->peer_end(), PeerEnd::fin);
}

TEST_F(Wired, ADroppedResetIsAReset) {
    connect();
    client->drop_rst();
    EXPECT_EQ(receive(*server, 5s), ReadEvent::end);
    EXPECT_EQ(server->peer_end(), PeerEnd::rst);
    EXPECT_THAT(octets_of(client_log, EntryKind::end), ElementsAre("we dropped it with a reset"));
}

TEST_F(Wired, CancelEndsAPendingRead) {
    connect();
    ReadEvent event = ReadEvent::octets;
    auto reader = [&]() -> Awaitable<void> { event = co_await client->receive(within(60s)); };
    auto canceller = [&]() -> Awaitable<void> {
        boost::asio::steady_timer timer(loop, 5ms);
        co_await timer.async_wait(boost::asio::use_awaitable);
        client->cancel();
    };
    run_both(loop, reader(), canceller());
    EXPECT_EQ(event, ReadEvent::timeout);
    ASSERT_TRUE(send(*server, "220 x\r\n"));
    EXPECT_EQ(receive(*client, 5s), ReadEvent::octets);
}

TEST_F(Wired, AReadThatTimesOutDoesNotDisturbAWriteInProgress) {
    connect();
    bool written = false;
    auto writer = [&]() -> Awaitable<void> {
        auto sent = co_await client->send(std::string(16 << 20, 'x'), soon());
        written = sent.has_value();
    };
    auto other = [&]() -> Awaitable<void> {
        auto event = co_await client->receive(within(20ms));
        EXPECT_EQ(event, ReadEvent::timeout);
        for (std::size_t got = 0; got < 16u << 20;) {
            event = co_await server->receive(soon());
            CO_ASSERT(event == ReadEvent::octets);
            got += server->input().size();
            server->consume(server->input().size());
        }
    };
    run_both(loop, writer(), other());
    EXPECT_TRUE(written);
}

TEST_F(Wired, ConnectingToAClosedPortIsRefusedAndMayBeTriedAgain) {
    auto listener = Listener::open(loop.get_executor(), "127.0.0.1", 0);
    ASSERT_TRUE(listener);
    auto address = listener->local();
    listener->close();
    Connection dialler(loop.get_executor(), client_log);
    auto refused = run(dialler.connect(address, soon()));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, IoError::Kind::refused);
    EXPECT_EQ(refused.error().what, "connect to " + to_string(address) + ": Connection refused");

    auto again = Listener::open(loop.get_executor(), "127.0.0.1", 0);
    EXPECT_TRUE(run(dialler.connect(again->local(), soon())));
    EXPECT_TRUE(dialler.is_open());
}

TEST_F(Wired, ConnectGivesUpAtItsDeadline) {
    // A listener whose queue is full drops further connection requests.
    tcp::acceptor full(loop, tcp::endpoint(boost::asio::ip::make_address("127.0.0.1"), 0));
    full.listen(0);
    std::vector<std::unique_ptr<Connection>> waiting;
    IoError::Kind last = IoError::Kind::other;
    for (int i = 0; i < 8 && last != IoError::Kind::timeout; ++i) {
        waiting.push_back(std::make_unique<Connection>(loop.get_executor(), client_log));
        auto connected = run(waiting.back()->connect(full.local_endpoint(), within(30ms)));
        last = connected ? IoError::Kind::other : connected.error().kind;
    }
    EXPECT_EQ(last, IoError::Kind::timeout);
}

TEST_F(Wired, AConnectionThatIsDestroyedLeavesNothingBehindOnTheLoop) {
    connect();
    EXPECT_EQ(receive(*client, 1ms), ReadEvent::timeout);
    ASSERT_TRUE(send(*server, "x"));
    EXPECT_EQ(receive(*client, 600s), ReadEvent::octets);  // the watchdog now sleeps for ten minutes
    client.reset();
    server.reset();
    loop.restart();
    auto begun = Clock::now();
    loop.run();
    EXPECT_LT(Clock::now() - begun, 5s);
}

}  // namespace
}  // namespace smtpspec::wire::test
