#include <algorithm>
#include <utility>

#include "mockserver/session.hpp"

namespace smtpspec::mock {

using script::ServerEventKind;
using wire::Awaitable;

/// The connection is there. What is answered to `connect` with octets is the greeting, inside TLS where the
/// port is so; what only ends the connection happens before that.
Awaitable<void> Session::step_connect() {
    log("--", "connection from " + address_);
    if (dialogue_.has(Defect::one_client_at_a_time)) {
        co_await wait_for_turn();
    }
    const auto happened = event(ServerEventKind::connect);
    connect_decision_ = decide(happened);
    if (connect_decision_.answered && effective_code(connect_decision_, Answer{}) == 0) {
        const auto speaks = [](const script::PlayedAct& act) {
            return std::holds_alternative<script::act::Raw>(act) ||
                   std::holds_alternative<script::act::Pass>(act) ||
                   std::holds_alternative<script::act::Swallow>(act);
        };
        const auto& acts = connect_decision_.acts;
        if (std::none_of(acts.begin(), acts.end(), speaks)) {
            Answer nothing;
            co_await perform(std::move(connect_decision_), std::move(nothing));
            connect_decision_ = script::Decision();
            if (phase_ != Phase::tcp) {
                co_return;
            }
        }
    }
    if (port_.mode == script::Mode::Tls) {
        const bool done = co_await implicit_tls_defect();
        if (done) {
            co_return;
        }
        Options none;
        const auto deadline = wire::Clock::now() + shared_->config.handshake_timeout;
        co_await handshake(std::move(none), deadline);
    }
    if (phase_ == Phase::tcp) {
        phase_ = Phase::greeting;
    }
}

Awaitable<void> Session::wait_for_turn() {
    const auto first = [this] {
        const auto& all = shared_->sessions;
        return std::none_of(all.begin(), all.end(), [this](const Session* other) {
            return other->number() < number_ && !other->over();
        });
    };
    while (!first() && !aborted_) {
        co_await sleep(std::chrono::milliseconds(10));
    }
}

/// The defects of ports for implicit TLS. True: this connection is dealt with.
Awaitable<bool> Session::implicit_tls_defect() {
    if (dialogue_.has(Defect::implicit_ports_closed)) {
        connection_->drop_fin();
        finish("closed");
        co_return true;
    }
    if (dialogue_.has(Defect::implicit_port_speaks_clear)) {
        speaks_first_ = true;
        phase_ = Phase::greeting;
        co_return true;
    }
    if (dialogue_.has(Defect::implicit_port_refuses_in_clear)) {
        const auto deadline = wire::Clock::now() + shared_->config.handshake_timeout;
        (void)co_await connection_->receive(deadline);
        if (!connection_->input().starts_with('\x16')) {
            queue(dialogue_.reply(554, "5.7.0", "This port wants TLS from the first octet").octets);
            co_await close();
            co_return true;
        }
    }
    co_return false;
}

/// The defect: greeted in clear, the client may begin TLS or speak in clear.
Awaitable<void> Session::hear_first_octet() {
    const auto got = co_await wait_input();
    if (got != Got::octets) {
        co_return;
    }
    speaks_first_ = false;
    if (connection_->input().starts_with('\x16')) {
        Options none;
        const auto deadline = wire::Clock::now() + shared_->config.handshake_timeout;
        const auto info = co_await handshake(std::move(none), deadline);
        if (info) {
            phase_ = Phase::greeting;
        }
    }
}

/// The defects about a client that speaks before it is greeted. True: this one did.
Awaitable<bool> Session::hear_early_talk() {
    const bool late = dialogue_.has(Defect::greeting_late);
    const bool drops = late || dialogue_.has(Defect::early_talk_dropped);
    if (late) {
        co_await sleep(shared_->config.idle_timeout / 15);
    }
    if (!drops && !dialogue_.has(Defect::early_talk_refused) &&
        !dialogue_.has(Defect::early_talk_answered_twice)) {
        co_return false;
    }
    (void)co_await connection_->receive(wire::Clock::now() + std::chrono::milliseconds(30));
    const bool early = !connection_->input().empty();
    if (drops) {
        connection_->consume(connection_->input().size());
    }
    co_return early;
}

Awaitable<void> Session::step_greeting() {
    if (shared_->flooded) {
        co_await sleep(std::chrono::seconds(6));
    }
    const bool early = co_await hear_early_talk();
    Answer greeting = limited(LimiterStage::connect, dialogue_.greeting());
    if (std::exchange(shared_->refuse_next, false)) {
        greeting = dialogue_.closing(421, "4.3.2", "Service not available");
    }
    if (early && dialogue_.has(Defect::early_talk_refused)) {
        greeting = dialogue_.closing(554, "5.5.0", "Error: SMTP protocol synchronization");
    } else if (early && dialogue_.has(Defect::early_talk_answered_twice)) {
        greeting.octets += dialogue_.reply(250, "2.0.0", "OK").octets;
    }
    script::Decision decision = std::move(connect_decision_);
    connect_decision_ = script::Decision();
    dialogue_.greeting_effect(effective_code(decision, greeting));
    phase_ = Phase::command;
    greeted_ = true;
    last_input_ = wire::Clock::now();
    co_await perform(std::move(decision), std::move(greeting));
}

}  // namespace smtpspec::mock
