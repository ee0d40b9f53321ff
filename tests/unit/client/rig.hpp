#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "harness/client/client_under_test.hpp"
#include "mockserver/server.hpp"
#include "protocol/wire/loop.hpp"

namespace smtpspec::client {

/// One PKI for all tests of the program: keys cost time.
inline std::shared_ptr<const wire::TestPki> test_pki() {
    static const auto pki =
        std::make_shared<const wire::TestPki>(std::vector<std::string>{"mail.test", "127.0.0.1"});
    return pki;
}

/// Rules as C++ values: the event by its verb (or "connect", "client-hello", "tls", "auth-line",
/// "end-of-data"), the first `times` of them, in clear or inside TLS, and what to do.
struct FakeRule {
    enum class Where { anywhere, clear, inside_tls };
    std::string event;
    std::vector<script::PlayedAct> acts;
    int times = 1'000'000;
    Where where = Where::anywhere;
    bool answers = true;
    int after = 0;
};

inline script::PlayedAct reply(const std::string& line) {
    script::act::Reply act;
    act.octets = line + "\r\n";
    script::Write write;
    write.octets = act.octets;
    act.writes.push_back(write);
    return act;
}

inline script::PlayedAct raw(const std::string& octets) {
    script::act::Raw act;
    act.octets = octets;
    script::Write write;
    write.octets = octets;
    act.writes.push_back(write);
    return act;
}

inline FakeRule answer(std::string event, const std::string& line, int times = 1'000'000) {
    FakeRule rule;
    rule.event = std::move(event);
    rule.acts.push_back(reply(line));
    rule.times = times;
    return rule;
}

inline FakeRule act_on(std::string event, script::PlayedAct first, int times = 1'000'000) {
    FakeRule rule;
    rule.event = std::move(event);
    rule.acts.push_back(std::move(first));
    rule.times = times;
    return rule;
}

inline FakeRule omit(const std::string& keyword, FakeRule::Where where = FakeRule::Where::anywhere) {
    script::act::Omit act;
    act.keyword = keyword;
    FakeRule rule = act_on("EHLO", act);
    rule.where = where;
    rule.answers = false;
    return rule;
}

inline FakeRule offer(const std::string& line, FakeRule::Where where = FakeRule::Where::anywhere) {
    script::act::Offer act;
    act.line = line;
    FakeRule rule = act_on("EHLO", act);
    rule.where = where;
    rule.answers = false;
    return rule;
}

inline FakeRule certificate(const std::string& kind) {
    script::act::Tls act;
    act.options.emplace_back("cert", kind);
    FakeRule rule = act_on("client-hello", act);
    rule.answers = false;
    return rule;
}

class FakeOverlay : public script::Overlay {
  public:
    explicit FakeOverlay(std::vector<FakeRule> rules) : rules_(std::move(rules)) {}
    script::Decision decide(const script::ServerEvent& event) override {
        script::Decision decision;
        for (FakeRule& rule : rules_) {
            const bool place = rule.where == FakeRule::Where::anywhere ||
                               (rule.where == FakeRule::Where::clear) == event.session.clear;
            if (decision.answered || rule.event != name_of(event) || !place || rule.times <= 0)
                continue;
            if (rule.after-- > 0)
                continue;
            --rule.times;
            for (const script::PlayedAct& act : rule.acts)
                decision.acts.push_back(act);
            decision.answered = rule.answers;
        }
        return decision;
    }
    std::optional<std::chrono::milliseconds> next_idle(std::chrono::milliseconds) const override {
        return {};
    }
    std::optional<std::size_t> next_data_size(std::size_t) const override { return {}; }

  private:
    static std::string name_of(const script::ServerEvent& event) {
        switch (event.kind) {
            case script::ServerEventKind::connect:
                return "connect";
            case script::ServerEventKind::client_hello:
                return "client-hello";
            case script::ServerEventKind::tls:
                return "tls";
            case script::ServerEventKind::auth_line:
                return "auth-line";
            case script::ServerEventKind::end_of_data:
                return "end-of-data";
            default:
                return event.verb;
        }
    }
    std::vector<FakeRule> rules_;
};

/// Keeps the client's lines: "c " in clear, "t " inside TLS.
class Ear : public script::SessionObserver {
  public:
    void client_line(const script::SessionFacts& session, std::string_view line) override {
        lines.push_back((session.clear ? "c " : "t ") + std::string(line));
    }
    void client_content(const script::SessionFacts&, std::string_view) override {}
    void server_octets(const script::SessionFacts&, std::string_view) override {}
    void session_event(const script::ServerEvent&) override {}

    int count(std::string_view start) const {
        int found = 0;
        for (const std::string& line : lines)
            found += line.starts_with(start) ? 1 : 0;
        return found;
    }
    std::string all() const {
        std::string text;
        for (const std::string& line : lines)
            text += line + "\n";
        return text;
    }
    std::vector<std::string> lines;
};

inline mock::ServerConfig five_ports() {
    mock::ServerConfig config;
    config.ports.clear();
    for (const int logical : {25, 465, 587, 2465, 2587}) {
        mock::PortSpec port;
        port.logical = logical;
        port.mode = logical == 465 || logical == 2465 ? script::Mode::Tls : script::Mode::Starttls;
        config.ports.push_back(port);
    }
    mock::Account account;
    account.user = "anna";
    account.password = "secret word";
    account.token = "tok-123";
    config.accounts.push_back(account);
    return config;
}

inline OutgoingMessage message(const std::string& id) {
    OutgoingMessage mail;
    mail.id = id;
    mail.from = "anna@client.test";
    mail.to.push_back("bert@mail.test");
    mail.content =
        "From: <anna@client.test>\nMessage-ID: <" + id + "@client.test>\nSubject: x\n\nHello\n.dot\n";
    return mail;
}

inline std::vector<OutgoingMessage> messages(int count) {
    std::vector<OutgoingMessage> all;
    for (int i = 1; i <= count; ++i)
        all.push_back(message("m" + std::to_string(i)));
    return all;
}

/// The mock server, and a client that is run against it on the same loop.
class Rig {
  public:
    explicit Rig(std::vector<FakeRule> rules = {}, mock::ServerConfig config = five_ports())
        : overlay(std::move(rules)), server(loop.get_executor(), std::move(config), test_pki()) {
        const auto started = server.start();
        EXPECT_TRUE(started) << (started ? "" : started.error());
        server.set_overlay(&overlay);
        server.set_observer(&ear);
        server.set_transcript(&server_transcript);
        server.serve();
    }
    ~Rig() { wire::run_blocking(loop, server.stop()); }

    /// A task for port 587 that requires TLS, with one message.
    ClientTask task(std::vector<int> ports = {587}) const {
        ClientTask task;
        task.host = "mail.test";
        for (const mock::PortInfo& port : server.ports()) {
            task.ports[port.logical] = port.actual;
            task.modes[port.logical] = port.mode;
        }
        task.use_ports = std::move(ports);
        task.ca_pem = test_pki()->ca_pem();
        task.user = "anna";
        task.password = "secret word";
        task.messages = messages(1);
        task.retry = RetryPolicy::embedded();
        task.timeouts = Timeouts::embedded();
        return task;
    }

    /// Runs the client to its end; gives what it says.
    std::string run(ClientTask task) {
        client = make_reference_client(loop.get_executor(), std::move(task), &client_transcript);
        wire::run_blocking(loop, client->run());
        return client->says();
    }
    std::string run() { return run(task()); }
    std::string run_with(const std::string& defect) {
        ClientTask with = task();
        with.defects.insert(defect);
        return run(std::move(with));
    }

    boost::asio::io_context loop{1};
    FakeOverlay overlay;
    Ear ear;
    wire::Transcript server_transcript;
    wire::Transcript client_transcript;
    mock::Server server;
    std::unique_ptr<ClientUnderTest> client;
};

}  // namespace smtpspec::client
