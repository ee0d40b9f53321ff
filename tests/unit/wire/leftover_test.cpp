#include <gmock/gmock.h>

#include "tests/unit/wire/starttls.hpp"

namespace smtpspec::wire::test {
namespace {

using ::testing::HasSubstr;

// RFC 3207 §4.2, CVE-2011-0411: what came in clear before the switch.
TEST_F(Starttls, AServerDiscardsCommandsSentBehindStarttlsAndKeepsThemVisible) {
    connect();
    auto client_side = [&]() -> Awaitable<void> {
        co_await say(*client, "STARTTLS\r\nNOOP n\r\n");
        co_await client_starts();
        auto event = co_await client->receive(within(30ms));
        EXPECT_EQ(event, ReadEvent::timeout);
    };
    auto server_side = [&]() -> Awaitable<void> {
        co_await server->receive(soon());
        server->consume(10);
        co_await server_starts();
    };
    run_both(loop, client_side(), server_side());
    ASSERT_TRUE(server_result) << server_result.error().what;
    EXPECT_EQ(server->plain_leftover(), "NOOP n\r\n");
    EXPECT_EQ(server->input(), "");
}

TEST_F(Starttls, AWrongServerKeepsThemAsItsFirstInputInsideTls) {
    leftover = Leftover::keep_as_plaintext;
    connect();
    auto client_side = [&]() -> Awaitable<void> {
        co_await say(*client, "STARTTLS\r\nNO");
        co_await client_starts();
        co_await say(*client, "OP\r\n");
    };
    auto server_side = [&]() -> Awaitable<void> {
        co_await server->receive(soon());
        server->consume(10);
        co_await server_starts();
        co_await server->receive(soon());
    };
    run_both(loop, client_side(), server_side());
    ASSERT_TRUE(server_result) << server_result.error().what;
    EXPECT_EQ(server->input(), "NOOP\r\n") << "the fragment in clear is joined to the encrypted line";
    EXPECT_TRUE(server->inside_tls());
}

/// The server side meets a ClientHello that was caught from a real client, with something before it.
struct ClientHelloBehind : Starttls {
    /// The octets of a client's first flight.
    std::string client_hello() {
        Wired::connect();
        auto start = [&]() -> Awaitable<void> {
            auto failed = co_await client->start_tls_client(settings, within(1ms));
            EXPECT_FALSE(failed);
        };
        run(start());
        return client->raw_client_hello();
    }
    /// What the server says to `first` (its STARTTLS line is consumed), then to `second`.
    void serve(std::string first, std::string second) {
        auto raw = connect_client();
        Connection other(std::move(raw), server_log, server_options);
        auto peer = [&]() -> Awaitable<void> {
            co_await say(*client, first);
            boost::asio::steady_timer timer(loop, 5ms);
            co_await timer.async_wait(boost::asio::use_awaitable);
            if (!second.empty())
                co_await say(*client, second);
            auto event = co_await client->receive(within(2s));
            answered = event == ReadEvent::octets && client->input().substr(0, 2) == "\x16\x03";
            client->drop_fin();
        };
        auto server_side = [&]() -> Awaitable<void> {
            co_await other.receive(soon());
            other.consume(10);
            server_result = co_await other.start_tls_server(choose, leftover, soon());
            if (!server_result)
                other.drop_fin();
        };
        run_both(loop, peer(), server_side());
        plain_leftover = other.plain_leftover();
        raw_tail = other.raw_tail();
        input = other.input();
    }
    bool answered = false;
    std::string plain_leftover, raw_tail, input;
};

TEST_F(ClientHelloBehind, StarttlsAndClientHelloInOneSegmentWork) {
    serve("STARTTLS\r\n" + client_hello(), "");
    EXPECT_TRUE(answered);
    EXPECT_EQ(plain_leftover, "");
}

TEST_F(ClientHelloBehind, AClientHelloInPiecesWorks) {
    auto hello = client_hello();
    for (std::size_t cut : {std::size_t{1}, std::size_t{4}, std::size_t{60}, hello.size() - 1}) {
        answered = false;
        serve("STARTTLS\r\n" + hello.substr(0, cut), hello.substr(cut));
        EXPECT_TRUE(answered) << "cut at " << cut;
    }
}

TEST_F(ClientHelloBehind, ClearOctetsAndClientHelloInOneSegmentAreTakenApart) {
    serve("STARTTLS\r\nNOOP n\r\n" + client_hello(), "");
    EXPECT_TRUE(answered);
    EXPECT_EQ(plain_leftover, "NOOP n\r\n");
    EXPECT_EQ(input, "");
}

TEST_F(ClientHelloBehind, ClearOctetsAfterTheSwitchBreakTheHandshake) {
    serve("STARTTLS\r\n", "NOOP n\r\n" + client_hello());
    EXPECT_FALSE(answered);
    ASSERT_FALSE(server_result);
    EXPECT_EQ(server_result.error().kind, IoError::Kind::tls);
    EXPECT_THAT(server_result.error().what, HasSubstr("does not speak TLS here, it sent \"NOOP n.."));
    EXPECT_EQ(raw_tail.substr(0, 8), "NOOP n\r\n");
}

TEST_F(ClientHelloBehind, AWrongServerKeepsClearOctetsThatCameAfterTheSwitch) {
    leftover = Leftover::keep_as_plaintext;
    serve("STARTTLS\r\n", "NOOP n\r\n" + client_hello());
    EXPECT_TRUE(answered);
    EXPECT_EQ(input, "NOOP n\r\n");
    EXPECT_EQ(plain_leftover, "NOOP n\r\n");
}

TEST_F(ClientHelloBehind, AMalformedClientHelloIsAnsweredWithAnAlert) {
    connect();
    auto peer = [&]() -> Awaitable<void> {
        co_await say(*client, std::string("\x16\x03\x01\x00\x06\x01\x00\x00\x02\x03\x03", 11));
        co_await client->receive(soon());
        EXPECT_EQ(client->input(), std::string("\x15\x03\x03\x00\x02\x02\x32", 7)) << "fatal decode_error";
    };
    run_both(loop, peer(), server_starts());
    ASSERT_FALSE(server_result);
    EXPECT_THAT(server_result.error().what, HasSubstr("ClientHello is malformed"));
}

// The same from the other side: replies behind the 220 (CVE-2021-38371 and its family).
TEST_F(Starttls, AClientDiscardsRepliesSentBehindTheGoAhead) {
    connect();
    auto client_side = [&]() -> Awaitable<void> {
        co_await client->receive(soon());
        client->consume(8);
        co_await client_starts();
    };
    auto server_side = [&]() -> Awaitable<void> {
        co_await say(*server, "220 go\r\n250 injected\r\n");
        co_await server_starts();
    };
    run_both(loop, client_side(), server_side());
    ASSERT_TRUE(client_result) << client_result.error().what;
    EXPECT_EQ(client->plain_leftover(), "250 injected\r\n");
    EXPECT_EQ(client->input(), "");
}

struct LateReply : Starttls {
    /// The server sends a clear reply after the client began its handshake, then shakes hands.
    void talk() {
        connect();
        auto client_side = [&]() -> Awaitable<void> {
            co_await client_starts();
            if (!client_result)
                client->drop_fin();
        };
        auto server_side = [&]() -> Awaitable<void> {
            co_await server->receive(soon());  // the ClientHello, still to be read
            co_await say(*server, "250 injected\r\n");
            co_await server_starts();
        };
        run_both(loop, client_side(), server_side());
    }
};

TEST_F(LateReply, BreaksTheClientsHandshake) {
    talk();
    ASSERT_FALSE(client_result);
    EXPECT_EQ(client_result.error().kind, IoError::Kind::tls);
    EXPECT_THAT(client->raw_tail(), HasSubstr("250 injected\r\n"));
    EXPECT_FALSE(client->inside_tls());
}

TEST_F(LateReply, IsBelievedByAWrongClient) {
    auto wrong = [&] { client->set_client_leftover(Leftover::keep_as_plaintext); };
    connect();
    wrong();
    auto client_side = [&]() -> Awaitable<void> { co_await client_starts(); };
    auto server_side = [&]() -> Awaitable<void> {
        co_await server->receive(soon());
        co_await say(*server, "250 injected\r\n");
        co_await server_starts();
    };
    run_both(loop, client_side(), server_side());
    ASSERT_TRUE(client_result) << client_result.error().what;
    EXPECT_EQ(client->input(), "250 injected\r\n");
    EXPECT_EQ(client->plain_leftover(), "250 injected\r\n");
}

}  // namespace
}  // namespace smtpspec::wire::test
