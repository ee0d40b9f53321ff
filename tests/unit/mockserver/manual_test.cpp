#include "rig.hpp"

namespace smtpspec::mock {
namespace {

using script::State;

wire::Awaitable<void> talk(Rig& rig, std::vector<std::string> lines) {
    for (const auto& line : lines) {
        (void)co_await rig.client->send(line + "\r\n", Rig::soon());
    }
}

std::unique_ptr<script::PlayedSession> taken(Rig& rig) {
    auto session = wire::run_blocking(
        rig.loop, [](Rig& r) -> wire::Awaitable<std::shared_ptr<std::unique_ptr<script::PlayedSession>>> {
            auto next = co_await r.server.next_session("b", Rig::soon());
            co_return std::make_shared<std::unique_ptr<script::PlayedSession>>(next ? std::move(*next)
                                                                                    : nullptr);
        }(rig));
    return std::move(*session);
}

bool plays(Rig& rig, script::PlayedSession& session, State state, int ms = 5000) {
    return wire::run_blocking(rig.loop,
                              [](script::PlayedSession& s, State to, int time) -> wire::Awaitable<bool> {
                                  auto done = co_await s.play_until(to, Rig::soon(time));
                                  co_return done.has_value();
                              }(session, state, ms));
}

TEST(Manual, TheFaithfulServerAnswersUntilTheState) {
    Rig rig(on_port(script::Mode::Plain, with_account()));
    rig.server.manual();
    rig.connect();
    auto session = taken(rig);
    ASSERT_TRUE(session);
    EXPECT_EQ(session->connection().name(), "b");
    EXPECT_TRUE(plays(rig, *session, State::Connected));
    EXPECT_EQ(rig.silent(), "silent");
    EXPECT_TRUE(plays(rig, *session, State::Greeted));
    EXPECT_EQ(rig.code(), 220);
    wire::run_blocking(rig.loop,
                       talk(rig,
                            {"EHLO c.test",
                             "AUTH PLAIN AGFubmEAc2VjcmV0IHdvcmQ=",
                             "MAIL FROM:<a@b.test>",
                             "RCPT TO:<b@mail.test>",
                             "DATA"}));
    EXPECT_TRUE(plays(rig, *session, State::Ehlo));
    EXPECT_EQ(rig.code(), 250);
    EXPECT_EQ(rig.silent(), "silent");
    EXPECT_TRUE(plays(rig, *session, State::Envelope));
    EXPECT_EQ(rig.code(), 235);
    EXPECT_EQ(session->facts().user, "anna");
    EXPECT_TRUE(plays(rig, *session, State::Data));
    EXPECT_EQ((rig.code(), rig.code(), rig.code()), 354);
    session.reset();
    EXPECT_EQ(rig.reply(), "close");
}

TEST(Manual, ASessionThatAScriptHasSpokenInGoesOnByItself) {
    Rig rig(on_port(script::Mode::Plain, with_account()));
    rig.server.manual();
    rig.connect();
    auto session = taken(rig);
    ASSERT_TRUE(session);
    ASSERT_TRUE(plays(rig, *session, State::Greeted));
    (void)rig.reply();
    wire::run_blocking(rig.loop, [](script::PlayedSession& s) -> wire::Awaitable<void> {
        (void)co_await s.connection().send("250 x.test\r\n", Rig::soon());
    }(*session));
    EXPECT_EQ(rig.reply(), "250 x.test");
    rig.server.adopt(std::move(session));
    rig.envelope();
    EXPECT_EQ(rig.ask("QUIT").substr(0, 3), "221");
}

TEST(Manual, TimeRunsOut) {
    Rig rig;
    rig.server.manual();
    rig.connect();
    auto session = taken(rig);
    ASSERT_TRUE(session);
    EXPECT_FALSE(plays(rig, *session, State::Ehlo, 50));
}

TEST(Manual, WaitingConnectionsAreServedLater) {
    Rig rig;
    rig.server.manual();
    rig.connect();
    EXPECT_EQ(rig.silent(), "silent");
    EXPECT_EQ(rig.server.sessions(), 1);
    rig.server.serve();
    EXPECT_EQ(rig.code(), 220);
    EXPECT_EQ(rig.server.sessions_total(), 1);
}

TEST(Server, StopsInTheMiddleOfEverything) {
    Rig rig;
    rig.hello();
    rig.envelope();
    (void)rig.ask("DATA");
    rig.send("half a li");
    wire::run_blocking(rig.loop, rig.server.stop());
    EXPECT_EQ(rig.server.sessions(), 0);
    EXPECT_EQ(rig.reply(), "close");
}

TEST(Server, NamesThePortThatItCannotBind) {
    Rig rig;
    auto config = on_port(script::Mode::Plain);
    config.ports[0].bind = rig.server.ports()[0].actual;
    Server second(rig.loop.get_executor(), config, test_pki());
    const auto started = second.start();
    ASSERT_FALSE(started);
    EXPECT_NE(started.error().find(std::to_string(config.ports[0].bind)), std::string::npos)
        << started.error();
}

TEST(Server, LogsWithoutSecrets) {
    Rig rig(on_port(script::Mode::Plain, with_account()));
    std::string log;
    rig.server.set_log([&](std::string_view line) { log += std::string(line) + "\n"; });
    rig.login();
    EXPECT_NE(log.find("C: EHLO client.test"), std::string::npos) << log;
    EXPECT_NE(log.find("S: 235"), std::string::npos) << log;
    EXPECT_EQ(log.find("c2VjcmV0"), std::string::npos) << log;
    rig.server.set_log(nullptr);
}

}  // namespace
}  // namespace smtpspec::mock
