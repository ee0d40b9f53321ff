#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "tests/unit/script/interpreter_rig.hpp"

namespace smtpspec::script {
namespace {

using namespace std::chrono_literals;
using test::labels;
using test::soon;

/// A session that plays nothing but the greeting.
class BareSession : public PlayedSession {
  public:
    explicit BareSession(std::unique_ptr<wire::Connection> connection) : connection_(std::move(connection)) {}

    wire::Connection& connection() override { return *connection_; }
    wire::Awaitable<tl::expected<void, std::string>> play_until(State state,
                                                                wire::Deadline deadline) override {
        if (state > State::Greeted) {
            co_return tl::make_unexpected(std::string("only the greeting is played here"));
        }
        if (state == State::Greeted) {
            co_await connection_->send("220 mock.test\r\n", deadline);
        }
        co_return tl::expected<void, std::string>();
    }
    wire::Awaitable<wire::IoResult<wire::TlsInfo>> start_tls(
        std::vector<std::pair<std::string, std::string>> options, wire::Deadline deadline) override {
        wire::CertificateKind kind = wire::CertificateKind::good;
        for (const auto& [name, value] : options) {
            kind = name == "cert" ? wire::certificate_kind(value).value_or(kind) : kind;
        }
        wire::Connection::ChooseTls choose = [&](const wire::ClientHello&) {
            wire::TlsServerSettings settings;
            settings.context = test::pki().server_context(kind);
            return tl::expected<wire::TlsServerSettings, std::string>(settings);
        };
        co_return co_await connection_->start_tls_server(
            std::move(choose), wire::Connection::Leftover::discard, deadline);
    }
    SessionFacts facts() const override {
        SessionFacts facts;
        facts.number = 1;
        facts.clear = !connection_->inside_tls();
        return facts;
    }

  private:
    std::unique_ptr<wire::Connection> connection_;
};

/// A client under test made of one coroutine, and a faithful server made of a list of events.
class ClientWorld : public test::PeerEnvironment, public ClientOracle {
  public:
    explicit ClientWorld(boost::asio::io_context& loop)
        : PeerEnvironment(loop, 0),
          listener_(std::move(*wire::Listener::open(loop.get_executor(), "127.0.0.1", 0))) {
        transcript_.we_are(wire::Side::server);
    }

    std::function<wire::Awaitable<void>(wire::Connection&)> client_work;
    std::vector<ServerEvent> events;  ///< what `serve` sees
    std::vector<Decision> decisions;
    std::string said = "sent";
    bool serve_for_ever = false;
    bool serve_was_cancelled = false;

    wire::Awaitable<wire::IoResult<std::unique_ptr<PlayedSession>>> accept(std::string name,
                                                                           wire::Deadline) override {
        auto work = dial();
        boost::asio::co_spawn(loop_, std::move(work), boost::asio::detached);
        auto socket = co_await listener_.accept();
        wire::ConnectionOptions options;
        options.name = std::move(name);
        auto connection =
            std::make_unique<wire::Connection>(std::move(*socket), transcript_, std::move(options));
        std::unique_ptr<PlayedSession> session = std::make_unique<BareSession>(std::move(connection));
        co_return std::move(session);
    }
    wire::Awaitable<void> serve(std::unique_ptr<PlayedSession>,
                                Overlay& overlay,
                                SessionObserver& observer,
                                std::optional<std::chrono::milliseconds>,
                                wire::Deadline) override {
        for (const ServerEvent& event : events) {
            observer.session_event(event);
            if (event.kind == ServerEventKind::command) {
                observer.client_line(event.session, event.line + "\r\n");
            }
            decisions.push_back(overlay.decide(event));
        }
        if (serve_for_ever) {
            serve_was_cancelled = true;  // the timer below ends by an exception only
            boost::asio::steady_timer timer(loop_, 1h);
            co_await timer.async_wait(boost::asio::use_awaitable);
            serve_was_cancelled = false;
        }
    }
    ClientOracle* client() override { return this; }
    std::string says() const override { return said; }
    std::string output() const override { return "certificate has expired"; }
    double peak() const override { return 1; }

  private:
    wire::Awaitable<void> dial() {
        wire::Transcript log;
        wire::Connection connection(loop_.get_executor(), log);
        const auto connected = co_await connection.connect(listener_.local(), soon());
        if (connected && client_work) {
            co_await client_work(connection);
        }
    }

    wire::Listener listener_;
};

class ClientScripts : public ::testing::Test {
  protected:
    boost::asio::io_context loop{1};
    ClientWorld world{loop};

    ScriptResult run(const std::string& script, const std::string& head = "") {
        const Scenario loaded = test::scenario("client", head, "good: pass, wrong: fail", script);
        const std::vector<CellParams> cells = expand_cells(loaded.head);
        if (cells.empty()) {
            return ScriptResult();
        }
        return wire::run_blocking(loop, run_script(loaded, cells.front(), world));
    }

    /// The client says its lines, each after something has come.
    void client_says(std::vector<std::string> lines) {
        world.client_work = [lines](wire::Connection& connection) -> wire::Awaitable<void> {
            for (const std::string& line : lines) {
                co_await connection.receive(soon());
                connection.consume(connection.input().size());
                co_await connection.send(line + "\r\n", soon());
            }
            co_await connection.receive(soon());
        };
    }

    ServerEvent command(const std::string& line, int session = 1) {
        ServerEvent event;
        event.kind = ServerEventKind::command;
        event.line = line;
        event.verb = line.substr(0, line.find(' '));
        event.session.number = session;
        return event;
    }
};

TEST_F(ClientScripts, our_lines_are_sent_and_theirs_awaited) {
    client_says({"ehlo client.test", "MAIL FROM:<a@x.test>"});
    const ScriptResult result =
        run("C: EHLO *\nS: 250 mock.test\nC: /FROM:<(?<who>[^>]*)>/ => good | any => wrong\n"
            "check who == \"a@x.test\" => good\n",
            "from: greeted\n");
    EXPECT_EQ(labels(result), "good good");
    EXPECT_EQ(result.reason, "");
}

TEST_F(ClientScripts, a_watch_sees_the_password_in_base64) {
    client_says({"EHLO x", "AUTH PLAIN AHUAc2VjcmV0LXBhc3M="});
    const ScriptResult result =
        run("watch C secret if session.clear => wrong\nC: EHLO *\nS: 250 AUTH PLAIN\nC: any\n",
            "from: greeted\n");
    EXPECT_EQ(labels(result), "wrong");
}

TEST_F(ClientScripts, a_line_inside_auth_is_no_command) {
    client_says({"AUTH LOGIN", "QUIT"});
    EXPECT_EQ(labels(run("C: AUTH *\nS: 334 VXNlcm5hbWU6\nC: QUIT => wrong | auth-line => good\n",
                         "from: greeted\n")),
              "good");
}

TEST_F(ClientScripts, rules_mark_reach_and_answer) {
    world.events = {command("MAIL FROM:<a@x.test>"), command("MAIL FROM:<a@x.test>"), command("NOOP")};
    const ScriptResult result =
        run("serve {\n"
            "  on MAIL first -> mark limited \"${text}\"\n"
            "  on MAIL => wrong\n"
            "}\n"
            "check count(limited) == 1 and client.says == \"sent\" => good\n",
            "params: {text: {r451: \"451 later\"}}\n");
    EXPECT_EQ(labels(result), "wrong good");
    ASSERT_EQ(world.decisions.size(), 3U);
    EXPECT_TRUE(world.decisions[0].answered);
    EXPECT_EQ(std::get<act::Reply>(world.decisions[0].acts.front()).octets, "451 later\r\n");
    EXPECT_FALSE(world.decisions[1].answered);
}

TEST_F(ClientScripts, conditions_see_labels_parameters_and_the_session) {
    world.events = {command("EHLO a"), command("STARTTLS"), command("EHLO b", 2)};
    const ScriptResult result =
        run("watch C STARTTLS => tried\n"
            "serve {\n"
            "  on EHLO if stls.name == \"missing\" and not tried -> omit STARTTLS\n"
            "  on EHLO if tried and session.number == 2 => good\n"
            "}\n",
            "params: {stls: {missing: \"502 no\"}}\n");
    EXPECT_EQ(labels(result), "tried good");
    EXPECT_EQ(world.decisions[0].acts.size(), 1U);
    EXPECT_TRUE(world.decisions[2].acts.empty());
}

TEST_F(ClientScripts, a_goal_with_an_exclamation_mark_ends_serve_at_once) {
    world.events = {command("MAIL FROM:<>")};
    world.serve_for_ever = true;
    const ScriptResult result = run("serve {\n  on MAIL => good!\n}\notherwise => wrong\n");
    EXPECT_EQ(labels(result), "good");
    EXPECT_EQ(result.end, ScriptEnd::finished);
    EXPECT_TRUE(world.serve_was_cancelled);
}

TEST_F(ClientScripts, serve_ends_with_the_total_time) {
    world.serve_for_ever = true;
    const ScriptResult result =
        run("serve {\n  on MAIL => wrong\n}\notherwise => good\n", "time: {total: 50ms}\n");
    EXPECT_EQ(labels(result), "");
    EXPECT_EQ(result.end, ScriptEnd::total_over);
}

TEST_F(ClientScripts, a_limiter_answers_to_real_traffic) {
    world.events = std::vector<ServerEvent>(5, command("MAIL FROM:<>"));
    const ScriptResult result =
        run("serve {\n  on MAIL if over(account) -> mark limited \"450 slow\"\n}\n"
            "check count(limited) == 3 => good\n",
            "limiter: {account: {rate: 1/m, burst: 2, per: all}}\n");
    EXPECT_EQ(labels(result), "good");
}

TEST_F(ClientScripts, a_client_that_takes_the_wrong_certificate_gets_into_tls) {
    world.client_work = [](wire::Connection& connection) -> wire::Awaitable<void> {
        wire::TlsClientSettings settings;
        co_await connection.start_tls_client(std::move(settings), soon());
        co_await connection.send("EHLO x\r\n", soon());
        co_await connection.receive(soon());
    };
    const ScriptResult result =
        run("tls cert=expired | fail => good!\nC: EHLO * => wrong\ncheck tls.offers(\"RC4\") => wrong\n"
            "check tls.offers(\"TLSv1.3\") => good\n");
    EXPECT_EQ(labels(result), "wrong good");
}

TEST_F(ClientScripts, a_passive_script_lets_the_client_do_one_delivery) {
    world.events = {command("EHLO x"), command("DATA")};
    const ScriptResult result = run("watch C /^DATA/ => good\notherwise => wrong\n");
    EXPECT_EQ(labels(result), "good");
}

TEST_F(ClientScripts, a_client_that_does_not_get_to_the_start_is_no_verdict) {
    const ScriptResult result = run("C: any => good | close => wrong\n", "from: envelope\n");
    EXPECT_EQ(labels(result), "");
    EXPECT_EQ(result.end, ScriptEnd::start_failed);
    EXPECT_EQ(result.got, "only the greeting is played here");
}

TEST_F(ClientScripts, elimination_needs_all_oracles) {
    world.events = {command("EHLO x")};
    const ScriptResult result =
        run("serve {\n}\ncheck client.says == \"sent\" and store.lost > 0 => wrong\notherwise => good\n");
    EXPECT_EQ(labels(result), "") << "nobody can say what the client thinks of its message";
    EXPECT_TRUE(result.no_oracle);
}

}  // namespace
}  // namespace smtpspec::script
