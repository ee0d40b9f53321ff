#include <gmock/gmock.h>

#include "tests/unit/wire/pair.hpp"

namespace smtpspec::wire::test {
namespace {

/// A path that passes so many octets in each direction and is then cut.
struct Path {
    tcp::socket left, right;
    std::size_t to_right_limit, to_left_limit;
    bool reset;
    std::size_t to_right = 0, to_left = 0;

    Awaitable<void> carry(tcp::socket& from, tcp::socket& to, std::size_t& passed, std::size_t limit) {
        std::string buffer(4096, ' ');
        boost::system::error_code ignored;
        while (passed < limit) {
            auto room = boost::asio::buffer(buffer.data(), std::min(buffer.size(), limit - passed));
            auto [ec, count] =
                co_await from.async_read_some(room, boost::asio::as_tuple(boost::asio::use_awaitable));
            if (ec) {
                to.shutdown(tcp::socket::shutdown_send, ignored);
                co_return;
            }
            boost::asio::write(to, boost::asio::buffer(buffer.data(), count), ignored);
            passed += count;
        }
        for (auto* end : {&left, &right}) {
            if (reset)
                end->set_option(boost::asio::socket_base::linger(true, 0), ignored);
            else
                end->shutdown(tcp::socket::shutdown_send, ignored);
            end->close(ignored);
        }
    }
    Awaitable<void> rightwards() { return carry(left, right, to_right, to_right_limit); }
    Awaitable<void> leftwards() { return carry(right, left, to_left, to_left_limit); }
};

/// A conversation with everything in it, over a path that may be cut.
struct EveryStep : Wired {
    bool client_done = false, server_done = false;
    std::string client_problem, server_problem;

    std::pair<tcp::socket, tcp::socket> tcp_pair() {
        tcp::acceptor acceptor(loop, tcp::endpoint(boost::asio::ip::make_address("127.0.0.1"), 0));
        tcp::socket one(loop);
        one.connect(acceptor.local_endpoint());
        auto other = acceptor.accept();
        return {std::move(one), std::move(other)};
    }
    Awaitable<void> client_side() {
        auto greeting = co_await read_to(*client, "\r\n");
        auto sent = co_await client->send("STARTTLS\r\n", soon());
        auto go = co_await read_to(*client, "220 go\r\n");
        auto settings = client_settings();
        auto secured = co_await client->start_tls_client(std::move(settings), soon());
        client_problem = secured ? "" : secured.error().what;
        sent = co_await client->send("EHLO x\r\n", soon());
        auto reply = co_await read_to(*client, "\r\n");
        client_done = sent && reply == "250 ok\r\n";
        co_await client->close(soon());
    }
    Awaitable<void> server_side() {
        auto sent = co_await server->send("220 x\r\n", soon());
        auto command = co_await read_to(*server, "\r\n");
        sent = co_await server->send("220 go\r\n", soon());
        auto choose = certificate(CertificateKind::good);
        auto secured = co_await server->start_tls_server(choose, Connection::Leftover::discard, soon());
        server_problem = secured ? "" : secured.error().what;
        command = co_await read_to(*server, "\r\n");
        if (command == "EHLO x\r\n")
            sent = co_await server->send("250 ok\r\n", soon());
        auto event = co_await server->receive(soon());
        server_done = sent && event == ReadEvent::end && server->peer_end() == PeerEnd::notify;
        co_await server->close(soon());
    }
    Path talk(std::size_t to_server, std::size_t to_client, bool reset) {
        client_done = server_done = false;
        auto [near, left] = tcp_pair();
        auto [far, right] = tcp_pair();
        client = std::make_unique<Connection>(std::move(near), client_log);
        server = std::make_unique<Connection>(std::move(far), server_log);
        Path path{std::move(left), std::move(right), to_server, to_client, reset};
        int running = 4;
        auto finish = [&](std::exception_ptr thrown) {
            --running;
            EXPECT_FALSE(thrown);
        };
        boost::asio::co_spawn(loop, path.rightwards(), finish);
        boost::asio::co_spawn(loop, path.leftwards(), finish);
        boost::asio::co_spawn(loop, client_side(), finish);
        boost::asio::co_spawn(loop, server_side(), finish);
        loop.restart();
        auto begun = Clock::now();
        while (running > 0 && loop.run_one() != 0) {
        }
        EXPECT_EQ(running, 0);
        EXPECT_LT(Clock::now() - begun, 5s) << "nobody waits for what cannot come";
        return path;
    }
};

constexpr std::size_t kAll = 1 << 30;

TEST_F(EveryStep, TheWholeConversationSucceeds) {
    talk(kAll, kAll, false);
    EXPECT_TRUE(client_done) << client_problem;
    EXPECT_TRUE(server_done) << server_problem;
}

TEST_F(EveryStep, ACutAnywhereEndsBothSidesAndIsNeverASuccess) {
    auto whole = talk(kAll, kAll, false);
    for (bool reset : {false, true}) {
        for (std::size_t cut = 0; cut < whole.to_right; cut += cut < 24 ? 1 : 41) {
            talk(cut, kAll, reset);
            EXPECT_FALSE(server_done) << "cut after " << cut << " octets to the server";
        }
        for (std::size_t cut = 0; cut < whole.to_left - 60; cut += cut < 24 ? 1 : 41) {
            talk(kAll, cut, reset);
            EXPECT_FALSE(client_done) << "cut after " << cut << " octets to the client";
            EXPECT_NE(client->peer_end(), PeerEnd::notify);
        }
    }
}

}  // namespace
}  // namespace smtpspec::wire::test
