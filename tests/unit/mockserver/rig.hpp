#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "mockserver/server.hpp"
#include "protocol/smtp/base64.hpp"
#include "protocol/smtp/reply.hpp"
#include "protocol/wire/connection.hpp"
#include "protocol/wire/loop.hpp"

namespace smtpspec::mock {

/// One PKI for all tests of the program: keys cost time.
inline std::shared_ptr<const wire::TestPki> test_pki() {
    static const auto pki =
        std::make_shared<const wire::TestPki>(std::vector<std::string>{"mail.test", "127.0.0.1"});
    return pki;
}

inline ServerConfig with_account(ServerConfig config = {}) {
    Account account;
    account.user = "anna";
    account.password = "secret word";
    account.token = "tok-123";
    config.accounts.push_back(account);
    return config;
}

inline ServerConfig on_port(script::Mode mode, ServerConfig config = {}) {
    config.ports.resize(1);
    config.ports[0].mode = mode;
    config.linger = std::chrono::milliseconds(200);
    return config;
}

inline ServerConfig with_defect(Defect defect, ServerConfig config = {}) {
    config.defects.add(defect);
    return config;
}

/// A server, and a client that speaks raw octets, on one loop. Everything blocks until it is done.
class Rig {
  public:
    explicit Rig(ServerConfig config = on_port(script::Mode::Plain))
        : server(loop.get_executor(), std::move(config), test_pki()) {
        const auto started = server.start();
        EXPECT_TRUE(started) << (started ? "" : started.error());
    }
    ~Rig() {
        client.reset();
        wire::run_blocking(loop, server.stop());
    }

    static wire::Deadline soon(int ms = 5000) { return wire::Clock::now() + std::chrono::milliseconds(ms); }

    void connect(std::size_t port = 0) {
        client = std::make_unique<wire::Connection>(loop.get_executor(), transcript);
        parser = smtp::ReplyParser();
        const auto& info = server.ports().at(port);
        const boost::asio::ip::tcp::endpoint to(boost::asio::ip::make_address(info.address), info.actual);
        const auto connected = wire::run_blocking(loop, client->connect(to, soon()));
        EXPECT_TRUE(connected);
    }

    bool tls() {
        wire::TlsClientSettings settings;
        settings.server_name = "mail.test";
        parser = smtp::ReplyParser();
        const auto info = wire::run_blocking(loop, handshake(std::move(settings)));
        return info;
    }

    void send(const std::string& octets) { (void)wire::run_blocking(loop, put(octets)); }
    /// In writes of `size` octets, each after the server has had time to read it.
    void send_by(const std::string& octets, std::size_t size) {
        for (std::size_t at = 0; at < octets.size(); at += size) {
            send(octets.substr(at, size));
            loop.poll();
        }
    }

    /// The next reply without line ends at its end; "close" when the connection is over, "silent" when
    /// nothing comes.
    std::string reply(int ms = 5000) { return wire::run_blocking(loop, next(ms)); }
    std::string silent() { return reply(80); }
    int code() {
        const auto text = reply();
        return text.size() >= 3 ? std::atoi(text.substr(0, 3).c_str()) : 0;
    }
    /// Sends a line and gives the reply to it.
    std::string ask(const std::string& line) {
        send(line + "\r\n");
        return reply();
    }

    /// Greeting, EHLO, and on a port with TLS that too.
    void hello() {
        connect();
        const auto mode = server.ports().at(0).mode;
        if (mode == script::Mode::Tls) {
            EXPECT_TRUE(tls());
        }
        EXPECT_EQ(reply().substr(0, 3), "220");
        EXPECT_EQ(ask("EHLO client.test").substr(0, 3), "250");
        if (mode == script::Mode::Starttls) {
            start_tls();
            EXPECT_EQ(ask("EHLO client.test").substr(0, 3), "250");
        }
    }
    void start_tls() {
        EXPECT_EQ(ask("STARTTLS").substr(0, 3), "220");
        EXPECT_TRUE(tls());
    }
    void login() {
        hello();
        EXPECT_EQ(
            ask("AUTH PLAIN " + smtp::base64_encode(std::string("\0anna\0secret word", 17))).substr(0, 3),
            "235");
    }
    void envelope() {
        EXPECT_EQ(ask("MAIL FROM:<a@client.test>").substr(0, 3), "250");
        EXPECT_EQ(ask("RCPT TO:<b@mail.test>").substr(0, 3), "250");
    }
    /// The code of the reply to the end of `content`, which is sent as it is behind DATA.
    std::string deliver(const std::string& content) {
        envelope();
        EXPECT_EQ(ask("DATA").substr(0, 3), "354");
        send(content);
        return reply();
    }

    boost::asio::io_context loop{1};
    wire::Transcript transcript;
    Server server;
    std::unique_ptr<wire::Connection> client;
    smtp::ReplyParser parser;

  private:
    wire::Awaitable<bool> put(std::string octets) {
        auto sent = co_await client->send(std::move(octets), soon());
        co_return sent.has_value();
    }
    wire::Awaitable<bool> handshake(wire::TlsClientSettings settings) {
        auto info = co_await client->start_tls_client(std::move(settings), soon());
        co_return info.has_value();
    }
    wire::Awaitable<std::string> next(int ms) {
        const auto deadline = soon(ms);
        for (;;) {
            const auto taken = parser.feed(client->input());
            client->consume(taken);
            if (parser.complete()) {
                std::string raw = parser.take().raw;
                while (!raw.empty() && (raw.back() == '\n' || raw.back() == '\r')) {
                    raw.pop_back();
                }
                co_return raw;
            }
            const auto came = co_await client->receive(deadline);
            if (came == wire::ReadEvent::timeout) {
                co_return "silent";
            }
            if (came != wire::ReadEvent::octets) {
                co_return "close";
            }
        }
    }
};

}  // namespace smtpspec::mock
