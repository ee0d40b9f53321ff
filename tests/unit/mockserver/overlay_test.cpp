#include <functional>

#include "mockserver/chaos.hpp"
#include "rig.hpp"

namespace smtpspec::mock {
namespace {

namespace act = script::act;
using script::Decision;
using script::ServerEvent;
using script::ServerEventKind;

/// Rules as a function.
class Rules final : public script::Overlay {
  public:
    using Rule = std::function<void(const ServerEvent&, Decision&)>;
    explicit Rules(Rule rule) : rule_(std::move(rule)) {}
    Decision decide(const ServerEvent& event) override {
        Decision decision;
        rule_(event, decision);
        return decision;
    }
    std::optional<std::chrono::milliseconds> next_idle(std::chrono::milliseconds idle) const override {
        return idle < idle_at ? idle_at : std::optional<std::chrono::milliseconds>();
    }
    std::optional<std::size_t> next_data_size(std::size_t octets) const override {
        return octets < data_at ? std::optional(data_at) : std::nullopt;
    }
    std::chrono::milliseconds idle_at{0};
    std::size_t data_at = 0;

  private:
    Rule rule_;
};

act::Reply reply(const std::string& text) {
    act::Reply made;
    made.octets = text + "\r\n";
    return made;
}

Rules::Rule on(const std::string& verb, std::vector<script::PlayedAct> acts) {
    return [verb, acts](const ServerEvent& event, Decision& decision) {
        if (event.kind == ServerEventKind::command && event.verb == verb) {
            decision.acts = acts;
            decision.answered = true;
        }
    };
}

Rules::Rule on(ServerEventKind kind, std::vector<script::PlayedAct> acts) {
    return [kind, acts](const ServerEvent& event, Decision& decision) {
        if (event.kind == kind) {
            decision.acts = acts;
            decision.answered = true;
        }
    };
}

TEST(Overlay, ARepliesEffectIsWhatItClaims) {
    Rig rig;
    Rules rules([](const ServerEvent& event, Decision& decision) {
        if (event.verb == "RCPT" && event.address == "bad@mail.test") {
            decision.acts.emplace_back(reply("250 2.1.5 welcome"));
            decision.answered = true;
        }
        if (event.verb == "RCPT" && event.address == "b@mail.test") {
            decision.acts.emplace_back(reply("451 4.7.1 later"));
            decision.answered = true;
        }
    });
    rig.server.set_overlay(&rules);
    rig.hello();
    (void)rig.ask("MAIL FROM:<a@b.test>");
    EXPECT_EQ(rig.ask("RCPT TO:<b@mail.test>"), "451 4.7.1 later");
    EXPECT_EQ(rig.ask("DATA").substr(0, 3), "554");
    EXPECT_EQ(rig.ask("RCPT TO:<bad@mail.test>"), "250 2.1.5 welcome");
    EXPECT_EQ(rig.ask("DATA").substr(0, 3), "354");
    EXPECT_EQ(rig.ask("x\r\n.").substr(0, 3), "250");
    EXPECT_EQ(rig.server.store().all().at(0).recipients, std::vector<std::string>{"bad@mail.test"});
}

TEST(Overlay, A421ClosesUnlessKept) {
    for (const bool keep : {false, true}) {
        Rig rig;
        std::vector<script::PlayedAct> acts = {reply("421 4.3.2 away")};
        if (keep) {
            acts.emplace_back(act::Keep{});
        }
        Rules rules(on("MAIL", acts));
        rig.server.set_overlay(&rules);
        rig.hello();
        EXPECT_EQ(rig.ask("MAIL FROM:<a@b.test>").substr(0, 3), "421");
        EXPECT_EQ(rig.ask("NOOP").substr(0, 3), keep ? "250" : "clo");
    }
}

TEST(Overlay, SwallowedActionsHappenWithoutAReply) {
    Rig rig;
    Rules rules(on(ServerEventKind::end_of_data, {act::Swallow{}, act::DropRst{}}));
    rig.server.set_overlay(&rules);
    rig.hello();
    EXPECT_EQ(rig.deliver("x\r\n.\r\n"), "close");
    EXPECT_EQ(rig.client->peer_end(), wire::PeerEnd::rst);
    EXPECT_EQ(rig.server.store().count(), 1U);
}

TEST(Overlay, ARefusedEndOfDataStoresNothing) {
    Rig rig;
    Rules rules(on(ServerEventKind::end_of_data, {reply("451 4.3.0 no")}));
    rig.server.set_overlay(&rules);
    rig.hello();
    EXPECT_EQ(rig.deliver("x\r\n.\r\n").substr(0, 3), "451");
    EXPECT_EQ(rig.server.store().count(), 0U);
    EXPECT_EQ(rig.ask("NOOP").substr(0, 3), "250");
}

TEST(Overlay, EditsTheEhloReply) {
    Rig rig(on_port(script::Mode::Starttls, with_account()));
    Rules rules([](const ServerEvent& event, Decision& decision) {
        if (event.verb == "EHLO") {
            decision.acts.emplace_back(act::Omit{"STARTTLS"});
            decision.acts.emplace_back(act::Offer{"AUTH PLAIN LOGIN"});
            decision.acts.emplace_back(act::Offer{"SIZE 10"});
        }
    });
    rig.server.set_overlay(&rules);
    rig.connect();
    (void)rig.reply();
    const auto hello = rig.ask("EHLO client.test");
    EXPECT_EQ(hello.find("STARTTLS"), std::string::npos);
    EXPECT_NE(hello.find("AUTH PLAIN LOGIN"), std::string::npos);
    EXPECT_TRUE(hello.ends_with("250 SIZE 10")) << hello;
    EXPECT_EQ(rig.ask("AUTH PLAIN").substr(0, 3), "334");
}

TEST(Overlay, PassesInPieces) {
    Rig rig;
    act::Pass slowly;
    slowly.piece = 1;
    Rules rules(on("NOOP", {slowly, act::Raw{{}, "250 extra\r\n"}}));
    rig.server.set_overlay(&rules);
    rig.hello();
    EXPECT_EQ(rig.ask("NOOP"), "250 2.0.0 OK");
    EXPECT_EQ(rig.reply(), "250 extra");
}

TEST(Overlay, AnswersConnectInsteadOfTheGreeting) {
    for (const auto mode : {script::Mode::Plain, script::Mode::Tls}) {
        Rig rig(on_port(mode));
        Rules rules(on(ServerEventKind::connect, {reply("554 5.3.2 nobody home")}));
        rig.server.set_overlay(&rules);
        rig.connect();
        if (mode == script::Mode::Tls) {
            EXPECT_TRUE(rig.tls());
        }
        EXPECT_EQ(rig.reply(), "554 5.3.2 nobody home");
        EXPECT_EQ(rig.ask("EHLO a.test").substr(0, 3), "503");
        EXPECT_EQ(rig.ask("QUIT").substr(0, 3), "221");
    }
}

TEST(Overlay, DropsAtConnectBeforeAnyHandshake) {
    Rig rig(on_port(script::Mode::Tls));
    Rules rules(on(ServerEventKind::connect, {act::DropFin{}}));
    rig.server.set_overlay(&rules);
    rig.connect();
    EXPECT_EQ(rig.reply(), "close");
}

TEST(Overlay, DoesNotMistakeClearOctetsAfterTheSwitchForALeftover) {
    Rules rules([](const ServerEvent&, Decision&) {});
    Rig rig(on_port(script::Mode::Starttls));
    rig.server.set_overlay(&rules);
    rig.connect();
    EXPECT_EQ(rig.code(), 220);
    EXPECT_EQ(rig.ask("EHLO client.test").substr(0, 3), "250");
    EXPECT_EQ(rig.ask("STARTTLS").substr(0, 3), "220");
    EXPECT_EQ(rig.ask("EHLO client.test"), "close");
}

TEST(Overlay, LooksAtAClientHelloBehindALeftover) {
    int hellos = 0;
    Rules rules(
        [&](const ServerEvent& event, Decision&) { hellos += event.kind == ServerEventKind::client_hello; });
    Rig rig(on_port(script::Mode::Starttls));
    rig.server.set_overlay(&rules);
    rig.connect();
    EXPECT_EQ(rig.code(), 220);
    EXPECT_EQ(rig.ask("EHLO client.test").substr(0, 3), "250");
    rig.send("STARTTLS\r\nNOOP injected\r\n");
    EXPECT_EQ(rig.code(), 220);
    EXPECT_TRUE(rig.tls());
    EXPECT_EQ(rig.silent(), "silent");
    EXPECT_EQ(hellos, 1);
}

TEST(Overlay, ChoosesTheCertificateAndAlerts) {
    for (const bool alert : {false, true}) {
        Rig rig(on_port(script::Mode::Tls));
        Rules rules([&](const ServerEvent& event, Decision& decision) {
            if (event.kind != ServerEventKind::client_hello) {
                return;
            }
            EXPECT_EQ(event.session.sni, "mail.test");
            if (alert) {
                decision.acts.emplace_back(act::Alert{"handshake_failure"});
                decision.answered = true;
            } else {
                act::Tls tls;
                tls.options.emplace_back("cert", "wrong-host");
                tls.options.emplace_back("max", "1.2");
                decision.acts.emplace_back(tls);
            }
        });
        rig.server.set_overlay(&rules);
        rig.connect();
        EXPECT_EQ(rig.tls(), !alert);
        if (!alert) {
            EXPECT_EQ(rig.client->tls_info()->version, "TLSv1.2");
            EXPECT_EQ(rig.client->tls_info()->peer_spki_sha256,
                      test_pki()->spki_sha256(wire::CertificateKind::wrong_host));
        }
    }
}

TEST(Overlay, StallsUntilTheClientGoes) {
    Rig rig;
    Rules rules(on("NOOP", {act::Stall{}}));
    rig.server.set_overlay(&rules);
    rig.hello();
    rig.send("NOOP\r\nNOOP\r\n");
    EXPECT_EQ(rig.silent(), "silent");
    rig.client.reset();
    EXPECT_TRUE(
        wire::run_blocking(rig.loop, rig.server.wait_idle(std::chrono::milliseconds(1), Rig::soon())));
}

TEST(Overlay, SeesIdleTimesAndContentSizes) {
    Rig rig;
    std::vector<std::string> seen;
    Rules rules([&](const ServerEvent& event, Decision& decision) {
        if (event.kind == ServerEventKind::idle) {
            seen.push_back("idle " + std::to_string(event.idle.count()));
        }
        if (event.kind == ServerEventKind::data) {
            seen.push_back("data " + std::to_string(event.octets));
            decision.acts.emplace_back(reply("452 4.3.1 enough"));
            decision.answered = true;
        }
    });
    rules.idle_at = std::chrono::milliseconds(30);
    rules.data_at = 10;
    rig.server.set_overlay(&rules);
    rig.hello();
    EXPECT_EQ(rig.silent(), "silent");
    EXPECT_EQ(rig.deliver(std::string(100, 'a') + "\r\n.\r\n").substr(0, 3), "452");
    EXPECT_EQ(rig.ask("NOOP").substr(0, 3), "250");
    EXPECT_EQ(rig.server.store().count(), 0U);
    ASSERT_GE(seen.size(), 2U);
    EXPECT_EQ(seen.front(), "idle 30");
    EXPECT_EQ(seen.back(), "data 10");
}

TEST(Overlay, AScriptedChallengeLeadsIntoTheLogin) {
    Rig rig(on_port(script::Mode::Plain, with_account()));
    Rules rules([](const ServerEvent& event, Decision& decision) {
        if (event.verb == "AUTH") {
            decision.acts.emplace_back(reply("334 Zm9v"));
            decision.answered = true;
        }
        if (event.kind == ServerEventKind::auth_line && event.line == "YmFy") {
            decision.acts.emplace_back(reply("235 2.7.0 in"));
            decision.answered = true;
        }
    });
    rig.server.set_overlay(&rules);
    rig.hello();
    EXPECT_EQ(rig.ask("AUTH XYZ"), "334 Zm9v");
    EXPECT_EQ(rig.ask("YmFy"), "235 2.7.0 in");
    rig.envelope();
}

/// Everything that passes, as text.
class Recorder final : public script::SessionObserver {
  public:
    void client_line(const script::SessionFacts&, std::string_view line) override {
        text += "C " + std::string(line) + "\n";
    }
    void client_content(const script::SessionFacts&, std::string_view octets) override { content += octets; }
    void server_octets(const script::SessionFacts&, std::string_view octets) override {
        text += "S " + std::string(octets.substr(0, 3)) + "\n";
    }
    void session_event(const ServerEvent& event) override {
        if (event.kind == ServerEventKind::end) {
            text += "end\n";
        }
    }
    std::string text, content;
};

TEST(Observer, SeesEveryLineAndOctet) {
    Rig rig;
    Recorder recorder;
    rig.server.set_observer(&recorder);
    rig.hello();
    EXPECT_EQ(rig.deliver("..x\r\n.\r\n").substr(0, 3), "250");
    rig.client->drop_fin();
    EXPECT_TRUE(
        wire::run_blocking(rig.loop, rig.server.wait_idle(std::chrono::milliseconds(1), Rig::soon())));
    EXPECT_EQ(recorder.text,
              "S 220\nC EHLO client.test\nS 250\nC MAIL FROM:<a@client.test>\nS 250\nC RCPT "
              "TO:<b@mail.test>\nS 250\n"
              "C DATA\nS 354\nS 250\nend\n");
    EXPECT_EQ(recorder.content, "..x\r\n.\r\n");
}

TEST(Chaos, IsTheSameWithTheSameSeed) {
    const auto run = [] {
        ChaosSpec spec;
        spec.rate = 0.5;
        spec.seed = 7;
        const auto chaos = make_chaos(spec);
        std::string faults;
        for (int i = 0; i < 50; ++i) {
            ServerEvent event;
            event.kind = ServerEventKind::command;
            event.verb = "NOOP";
            const auto decision = chaos->decide(event);
            faults += decision.answered ? std::to_string(decision.acts.at(0).index()) : "-";
        }
        return faults;
    };
    EXPECT_EQ(run(), run());
    EXPECT_NE(run().find('-'), std::string::npos);
    EXPECT_NE(run().find('0'), std::string::npos);
}

TEST(Limiter, RefusesWhatIsOverAndRecovers) {
    LimiterSpec spec;
    spec.rate = 10;
    spec.burst = 2;
    Limiters limiters({spec});
    const auto start = Limiters::Clock::now();
    LimiterKey anna;
    anna.login = "anna";
    LimiterKey ben;
    ben.login = "ben";
    EXPECT_EQ(limiters.over(LimiterStage::mail, anna, start), nullptr);
    EXPECT_EQ(limiters.over(LimiterStage::rcpt, anna, start), nullptr);
    EXPECT_EQ(limiters.over(LimiterStage::mail, anna, start), nullptr);
    EXPECT_NE(limiters.over(LimiterStage::mail, anna, start), nullptr);
    EXPECT_EQ(limiters.over(LimiterStage::mail, ben, start), nullptr);
    EXPECT_EQ(limiters.over(LimiterStage::mail, anna, start + std::chrono::milliseconds(110)), nullptr);
}

TEST(Limiter, IsHeardOnTheWire) {
    auto config = on_port(script::Mode::Plain);
    LimiterSpec mails;
    mails.per_connection = 1;
    mails.reply = "452 4.4.5 Messages per second limit exceeded";
    LimiterSpec sessions;
    sessions.stage = LimiterStage::connect;
    sessions.concurrent = 1;
    sessions.reply = "421 Too many concurrent SMTP connections";
    config.limiters = {mails, sessions};
    Rig rig(config);
    rig.hello();
    EXPECT_EQ(rig.deliver("x\r\n.\r\n").substr(0, 3), "250");
    EXPECT_EQ(rig.ask("MAIL FROM:<a@b.test>"), mails.reply);
    const auto first = std::move(rig.client);
    rig.connect();
    EXPECT_EQ(rig.reply(), sessions.reply);
    EXPECT_EQ(rig.reply(), "close");
}

}  // namespace
}  // namespace smtpspec::mock
