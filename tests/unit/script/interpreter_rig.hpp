#pragma once

#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "protocol/script/interpreter.hpp"
#include "protocol/smtp/text.hpp"
#include "protocol/wire/listener.hpp"
#include "protocol/wire/loop.hpp"
#include "protocol/wire/pki.hpp"

namespace smtpspec::script::test {

using namespace std::chrono_literals;

inline const wire::TestPki& pki() {
    static const wire::TestPki made({"mail.smtp.test", "127.0.0.1"});
    return made;
}

inline wire::Deadline soon() { return wire::Clock::now() + 10s; }

/// A tiny server: a table of answers by the beginning of a line. An answer may hold the words <close>, <rst>
/// and <tls> behind its octets, <slow> for octets that come one by one, and <pauses> for lines that take the
/// peer `pause` each.
class Peer {
  public:
    explicit Peer(boost::asio::io_context& loop) : loop_(loop) {
        auto opened = wire::Listener::open(loop.get_executor(), "127.0.0.1", 0);
        listener_ = std::make_unique<wire::Listener>(std::move(*opened));
    }

    std::string greeting = "220 peer.test\r\n";
    std::vector<std::pair<std::string, std::string>> answers = {
        {"EHLO", "250-peer.test\r\n250-SIZE 1000\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n"},
        {"STARTTLS", "220 go\r\n<tls>"},
        {"AUTH PLAIN", "235 welcome\r\n"},
        {"MAIL", "250 ok\r\n"},
        {"RCPT", "250 ok\r\n"},
        {"DATA", "354 go\r\n"},
        {"QUIT", "221 bye\r\n<close>"},
    };
    std::string end_of_data = "250 stored\r\n";
    std::chrono::milliseconds pause{0};
    std::vector<std::string> lines;  ///< what it was told, content without
    int quits = 0;

    /// Replaces or adds an answer.
    void on(const std::string& begin, const std::string& answer) {
        answers.insert(answers.begin(), {begin, answer});
    }
    std::uint16_t port() const { return listener_->port(); }
    void start() { boost::asio::co_spawn(loop_, accept_all(), boost::asio::detached); }
    void stop() { listener_->close(); }

  private:
    wire::Awaitable<void> accept_all() {
        while (true) {
            auto socket = co_await listener_->accept();
            if (!socket) {
                co_return;
            }
            auto work = serve(std::move(*socket));
            boost::asio::co_spawn(loop_, std::move(work), boost::asio::detached);
        }
    }

    wire::Awaitable<void> serve(boost::asio::ip::tcp::socket socket) {
        wire::Transcript log;
        log.we_are(wire::Side::server);
        wire::Connection connection(std::move(socket), log);
        co_await say(connection, greeting);
        bool data = false;
        while (connection.is_open()) {
            const std::size_t end = connection.input().find('\n');
            if (end == std::string_view::npos) {
                const auto event = co_await connection.receive(soon());
                if (event != wire::ReadEvent::octets) {
                    co_return;
                }
                continue;
            }
            const std::string line(connection.input().substr(0, end + 1));
            connection.consume(end + 1);
            if (data) {
                data = line != ".\r\n";
                if (!data) {
                    co_await say(connection, end_of_data);
                }
                continue;
            }
            const std::string answer = answer_to(line);
            data = answer.starts_with("354");
            co_await say(connection, answer);
        }
    }

    std::string answer_to(const std::string& line) {
        lines.push_back(line.substr(0, line.find_first_of("\r\n")));
        quits += smtp::istarts_with(line, "QUIT") ? 1 : 0;
        for (const auto& [begin, answer] : answers) {
            if (smtp::istarts_with(line, begin)) {
                return answer;
            }
        }
        return "500 what\r\n";
    }

    wire::Awaitable<void> say(wire::Connection& connection, std::string answer) {
        const std::size_t word = answer.find('<');
        const std::string octets = answer.substr(0, word);
        const std::string then = word == std::string::npos ? std::string() : answer.substr(word);
        if (then == "<slow>") {
            for (const char c : octets) {
                co_await connection.send(std::string(1, c), soon());
            }
        } else if (then == "<pauses>") {
            co_await send_with_pauses(connection, octets);
        } else if (!octets.empty()) {
            co_await connection.send(octets, soon());
        }
        if (then == "<close>") {
            co_await connection.close(soon());
        } else if (then == "<rst>") {
            connection.drop_rst();
        } else if (then == "<tls>") {
            wire::Connection::ChooseTls choose = [](const wire::ClientHello&) {
                wire::TlsServerSettings settings;
                settings.context = pki().server_context(wire::CertificateKind::good);
                return tl::expected<wire::TlsServerSettings, std::string>(settings);
            };
            co_await connection.start_tls_server(
                std::move(choose), wire::Connection::Leftover::discard, soon());
        }
    }

    wire::Awaitable<void> send_with_pauses(wire::Connection& connection, std::string octets) {
        boost::asio::steady_timer timer(loop_);
        while (!octets.empty()) {
            timer.expires_after(pause);
            co_await timer.async_wait(boost::asio::use_awaitable);
            const std::size_t end = octets.find('\n') + 1;
            std::string line = octets.substr(0, end);
            octets.erase(0, end);
            co_await connection.send(std::move(line), soon());
        }
    }

    boost::asio::io_context& loop_;
    std::unique_ptr<wire::Listener> listener_;
};

/// A store that holds what a test puts into it.
class FixedStore : public StoreOracle {
  public:
    std::vector<StoredMail> mails;
    int asked = 0;

    wire::Awaitable<std::vector<StoredMail>> settled(wire::Deadline) override {
        ++asked;
        co_return mails;
    }
    int lost() const override { return 0; }
    int doubled() const override { return 0; }
};

/// The world of one cell: the peer above, on this loop.
class PeerEnvironment : public Environment {
  public:
    PeerEnvironment(boost::asio::io_context& loop, std::uint16_t port) : loop_(loop), port_(port) {
        masker_.add("secret-pass");
    }

    std::map<std::string, std::string> values = {{"ehlo", "client.test"},
                                                 {"from", "a@x.test"},
                                                 {"to", "b@x.test"},
                                                 {"user", "u"},
                                                 {"secret", "secret-pass"},
                                                 {"nonce", "n0nce"}};
    Mode port_mode = Mode::Starttls;
    std::unique_ptr<FixedStore> mailbox;

    const std::map<std::string, std::string>& given() const override { return values; }
    std::string recipient(int n) const override { return "r" + std::to_string(n) + "@x.test"; }
    Mode mode() const override { return port_mode; }
    bool loopback() const override { return true; }
    std::chrono::milliseconds quiet() const override { return 100ms; }
    double time_scale() const override { return 1; }
    std::uint64_t seed() const override { return 1; }
    wire::Transcript& transcript() override { return transcript_; }
    const wire::Masker& masker() const override { return masker_; }
    boost::asio::any_io_executor executor() override { return loop_.get_executor(); }

    wire::Awaitable<wire::IoResult<std::unique_ptr<wire::Connection>>> open(
        OpenRequest request, wire::Deadline deadline) override {
        wire::ConnectionOptions options;
        options.name = request.name;
        auto connection =
            std::make_unique<wire::Connection>(loop_.get_executor(), transcript_, std::move(options));
        const boost::asio::ip::tcp::endpoint to(boost::asio::ip::make_address("127.0.0.1"), port_);
        const auto done = co_await connection->connect(to, deadline);
        if (!done) {
            co_return tl::unexpected(done.error());
        }
        co_return std::move(connection);
    }
    wire::TlsClientSettings client_tls() const override {
        wire::TlsClientSettings settings;
        settings.context = wire::client_context("", pki().ca_pem()).value();
        settings.server_name = "mail.smtp.test";
        return settings;
    }
    wire::Awaitable<wire::IoResult<std::unique_ptr<PlayedSession>>> accept(std::string,
                                                                           wire::Deadline) override {
        wire::IoError error;
        error.what = "no client";
        co_return tl::unexpected(error);
    }
    wire::Awaitable<void> serve(std::unique_ptr<PlayedSession>,
                                Overlay&,
                                SessionObserver&,
                                std::optional<std::chrono::milliseconds>,
                                wire::Deadline) override {
        co_return;
    }
    void observe(SessionObserver*) override {}
    StoreOracle* store() override { return mailbox.get(); }
    ClientOracle* client() override { return nullptr; }
    std::optional<std::string> spki(const std::string&) const override { return std::nullopt; }
    std::optional<std::vector<std::string>> dns(const std::string&, const std::string&) override {
        return std::nullopt;
    }
    std::optional<std::string> web(const std::string&) override { return std::nullopt; }
    std::optional<std::string> file(const std::string&) override { return std::nullopt; }

  protected:
    boost::asio::io_context& loop_;
    std::uint16_t port_;
    wire::Masker masker_;
    wire::Transcript transcript_{&masker_};
};

inline Scenario scenario(const std::string& side,
                         const std::string& head,
                         const std::string& outcomes,
                         const std::string& script) {
    const std::string text = "---\nid: test.case\nrev: 1\ntitle: A test\nfail_means: Nothing\nside: " + side +
                             "\nlevel: MUST\nseverity: low\nrefs: [RFC 5321]\n" + head + "outcomes: {" +
                             outcomes + "}\nselftest: {some-defect: wrong}\n---\n" + script;
    auto loaded = load_scenario(text, "test.case.smtp");
    EXPECT_TRUE(loaded) << (loaded ? "" : loaded.error().render());
    return loaded ? std::move(*loaded) : Scenario();
}

inline std::string labels(const ScriptResult& result) {
    std::string text;
    for (const Reached& reached : result.labels) {
        text += (text.empty() ? "" : " ") + reached.label;
    }
    return text;
}

/// Scripts against the peer, all on one loop.
class ServerScripts : public ::testing::Test {
  protected:
    boost::asio::io_context loop{1};
    Peer peer{loop};
    PeerEnvironment environment{loop, peer.port()};

    ScriptResult run(const std::string& from, const std::string& script, const std::string& head = "") {
        peer.start();
        const Scenario loaded =
            scenario("server", "from: " + from + "\n" + head, "good: pass, wrong: fail", script);
        const std::vector<CellParams> cells = expand_cells(loaded.head);
        if (cells.empty()) {
            return ScriptResult();
        }
        ScriptResult result = wire::run_blocking(loop, run_script(loaded, cells.at(0), environment));
        peer.stop();
        return result;
    }
};

}  // namespace smtpspec::script::test
