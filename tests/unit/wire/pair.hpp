#pragma once

#include <gtest/gtest.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <memory>
#include <string>

#include "protocol/wire/connection.hpp"
#include "protocol/wire/listener.hpp"
#include "protocol/wire/loop.hpp"
#include "protocol/wire/pki.hpp"
#include "protocol/wire/resolve.hpp"

namespace smtpspec::wire::test {

using namespace std::chrono_literals;
using boost::asio::ip::tcp;

/// In a coroutine, where gtest's ASSERT_… cannot return.
#define CO_ASSERT(condition)                     \
    if (!(condition)) {                          \
        ADD_FAILURE() << "expected " #condition; \
        co_return;                               \
    }

inline Deadline within(Clock::duration time) { return Clock::now() + time; }
inline Deadline soon() { return within(10s); }

/// Runs both to their ends.
inline void run_both(boost::asio::io_context& loop, Awaitable<void> a, Awaitable<void> b) {
    int running = 2;
    std::exception_ptr problem;
    auto finish = [&](std::exception_ptr thrown) {
        --running;
        problem = thrown ? thrown : problem;
    };
    boost::asio::co_spawn(loop, std::move(a), finish);
    boost::asio::co_spawn(loop, std::move(b), finish);
    loop.restart();
    while (running > 0 && loop.run_one() != 0) {
    }
    EXPECT_EQ(running, 0) << "a side still waits although nothing can happen any more";
    if (problem)
        std::rethrow_exception(problem);
}

/// Reads until input() ends with `tail`, and gives and consumes all of it; what came, when it does not come.
inline Awaitable<std::string> read_to(Connection& connection, std::string tail) {
    auto deadline = soon();
    while (!connection.input().ends_with(tail)) {
        auto event = co_await connection.receive(deadline);
        if (event != ReadEvent::octets)
            break;
    }
    std::string all(connection.input());
    connection.consume(all.size());
    co_return all;
}

/// Sends and expects that it works.
inline Awaitable<void> say(Connection& connection, std::string octets) {
    auto sent = co_await connection.send(std::move(octets), soon());
    EXPECT_TRUE(sent) << sent.error().what;
}

/// Two ends of a TCP connection on one loop.
class Wired : public ::testing::Test {
  protected:
    boost::asio::io_context loop{1};
    Transcript client_log, server_log;
    std::unique_ptr<Connection> client, server;
    ConnectionOptions client_options, server_options;

    /// Both ends are ours.
    void connect() {
        auto raw = connect_client();
        server_log.we_are(Side::server);
        server = std::make_unique<Connection>(std::move(raw), server_log, server_options);
    }
    /// Our client; the other end is a bare socket.
    tcp::socket connect_client() {
        auto listener = Listener::open(loop.get_executor(), "127.0.0.1", 0);
        EXPECT_TRUE(listener) << listener.error().what;
        client = std::make_unique<Connection>(loop.get_executor(), client_log, client_options);
        tcp::socket accepted(loop);
        auto accept = [&]() -> Awaitable<void> {
            auto got = co_await listener->accept();
            CO_ASSERT(got);
            accepted = std::move(*got);
        };
        auto dial = [&]() -> Awaitable<void> {
            auto connected = co_await client->connect(listener->local(), soon());
            EXPECT_TRUE(connected) << connected.error().what;
        };
        run_both(loop, accept(), dial());
        return accepted;
    }
    template <class T>
    T run(Awaitable<T> work) {
        return run_blocking(loop, std::move(work));
    }
    ReadEvent receive(Connection& from, Clock::duration time) { return run(from.receive(within(time))); }
    IoResult<void> send(Connection& from, std::string octets) {
        return run(from.send(std::move(octets), soon()));
    }
};

/// Test certificates are made once for the program: a key generation each.
inline const TestPki& pki() {
    static const TestPki made({"mail.smtp.test", "127.0.0.1"});
    return made;
}
inline std::shared_ptr<SSL_CTX> trusting_context() {
    static const std::shared_ptr<SSL_CTX> made = client_context("", pki().ca_pem()).value();
    return made;
}
inline TlsClientSettings client_settings() {
    TlsClientSettings settings;
    settings.context = trusting_context();
    settings.server_name = "mail.smtp.test";
    return settings;
}
inline Connection::ChooseTls certificate(CertificateKind kind) {
    return [kind](const ClientHello&) -> tl::expected<TlsServerSettings, std::string> {
        TlsServerSettings settings;
        settings.context = pki().server_context(kind);
        return settings;
    };
}

/// Entries of one kind, in order.
inline std::vector<std::string> octets_of(const Transcript& log, EntryKind kind) {
    std::vector<std::string> found;
    for (const auto& entry : log.entries())
        if (entry.kind == kind)
            found.push_back(entry.octets);
    return found;
}
inline std::string all_of(const Transcript& log, EntryKind kind) {
    std::string all;
    for (const auto& octets : octets_of(log, kind))
        all += octets;
    return all;
}

}  // namespace smtpspec::wire::test
