#include "mockserver/session.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "protocol/smtp/text.hpp"

namespace smtpspec::mock {

namespace asio = boost::asio;
using script::ServerEventKind;
using wire::Awaitable;

namespace {

constexpr std::size_t own_transcript_octets = 64U << 10;
constexpr std::size_t unlimited_input = 64U << 20;

wire::ConnectionOptions connection_options(const ServerConfig& config, std::string name) {
    wire::ConnectionOptions options;
    options.name = std::move(name);
    if (config.defects.has(Defect::no_line_limit)) {
        options.input_limit = unlimited_input;
    }
    return options;
}

Peer peer_of(const asio::ip::tcp::socket& socket, const PortInfo& port, int number) {
    Peer peer;
    peer.session = number;
    peer.port = port.logical;
    peer.mode = port.mode;
    boost::system::error_code ignored;
    peer.address = socket.remote_endpoint(ignored).address().to_string();
    return peer;
}

}  // namespace

Session::Session(
    std::shared_ptr<Shared> shared, asio::ip::tcp::socket socket, PortInfo port, int number, std::string name)
    : shared_(std::move(shared)),
      port_(std::move(port)),
      number_(number),
      own_transcript_(&shared_->masker, own_transcript_octets),
      sleeper_(shared_->executor),
      dialogue_(shared_->config, shared_->store, peer_of(socket, port_, number)),
      address_(peer_of(socket, port_, number).address),
      last_input_(wire::Clock::now()) {
    auto& transcript = shared_->transcript != nullptr ? *shared_->transcript : own_transcript_;
    connection_ = std::make_unique<wire::Connection>(
        std::move(socket), transcript, connection_options(shared_->config, std::move(name)));
    shared_->sessions.push_back(this);
    shared_->peak = std::max(shared_->peak, static_cast<int>(shared_->sessions.size()));
    LimiterKey key;
    key.address = address_;
    shared_->limiters.session_opened(key);
}

Session::~Session() {
    std::erase(shared_->sessions, this);
    LimiterKey key;
    key.address = address_;
    shared_->limiters.session_closed(key);
    shared_->notify();
}

script::SessionFacts Session::facts() const {
    script::SessionFacts facts;
    facts.number = number_;
    facts.clear = !connection_->inside_tls();
    facts.mails = dialogue_.mails();
    facts.rcpts = dialogue_.rcpts();
    facts.user = dialogue_.user();
    facts.address = address_;
    facts.port = port_.logical;
    facts.connection = connection_->name();
    if (const auto& tls = connection_->tls_info()) {
        facts.sni = tls->sni;
        facts.alpn = tls->alpn;
    }
    return facts;
}

void Session::abort() {
    aborted_ = true;
    sleeper_.cancel();
    connection_->cancel();
}

void Session::finish(std::string_view why) {
    if (phase_ == Phase::over) {
        return;
    }
    phase_ = Phase::over;
    if (problem_.empty()) {
        problem_ = why;
    }
    log("--", why);
}

Awaitable<void> Session::run() {
    running_ = true;
    script_deadline_.reset();
    while (phase_ != Phase::over) {
        co_await step();
        if (aborted_) {
            finish("the server stops");
        }
    }
    if (connection_->is_open()) {
        co_await connection_->close(wire::Clock::now() + shared_->config.linger);
    }
}

Awaitable<tl::expected<void, std::string>> Session::play_until(script::State state, wire::Deadline deadline) {
    script_deadline_ = deadline;
    while (!reached(state) && phase_ != Phase::over && !aborted_ && wire::Clock::now() < deadline) {
        co_await step();
    }
    co_await flush();
    sent_ = connection_->octets_sent();
    script_deadline_.reset();
    if (reached(state)) {
        co_return tl::expected<void, std::string>();
    }
    std::string why = "the client did not come to the state " + std::string(script::to_string(state));
    why += problem_.empty() ? " in time" : ": " + problem_;
    co_return tl::unexpected(std::move(why));
}

bool Session::reached(script::State state) const {
    const bool hello = dialogue_.said_hello();
    const bool safe = port_.mode != script::Mode::Starttls || connection_->inside_tls();
    const bool login = dialogue_.authenticated() || shared_->config.accounts.empty();
    switch (state) {
        case script::State::Tcp:
            return true;
        case script::State::Connected:
            return phase_ != Phase::tcp;
        case script::State::Greeted:
            return greeted_;
        case script::State::Ehlo:
            return hello || connection_->inside_tls();
        case script::State::Tls:
            return hello && safe;
        case script::State::Authenticated:
            return hello && safe && login;
        case script::State::Envelope:
            return dialogue_.has_recipient();
        case script::State::Data:
            return phase_ == Phase::content;
    }
    return false;
}

/// A script that spoke on the connection itself has moved the conversation on: what the client was told is
/// then not known here, and the order of its commands is trusted.
void Session::notice_script() {
    if (connection_->octets_sent() <= sent_) {
        return;
    }
    sent_ = connection_->octets_sent();
    dialogue_.trust_order();
    greeted_ = true;
    phase_ = phase_ == Phase::over ? Phase::over : Phase::command;
}

Awaitable<void> Session::step() {
    notice_script();
    switch (phase_) {
        case Phase::tcp:
            co_await step_connect();
            break;
        case Phase::greeting:
            co_await step_greeting();
            break;
        case Phase::command:
            co_await step_command();
            break;
        case Phase::auth_line:
            co_await step_auth_line();
            break;
        case Phase::content:
            co_await step_content();
            break;
        case Phase::over:
            break;
    }
    sent_ = connection_->octets_sent();
}

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

Awaitable<void> Session::step_greeting() {
    if (shared_->flooded) {
        co_await sleep(std::chrono::seconds(6));
    }
    Answer greeting = limited(LimiterStage::connect, dialogue_.greeting());
    if (std::exchange(shared_->refuse_next, false)) {
        greeting = dialogue_.closing(421, "4.3.2", "Service not available");
    }
    script::Decision decision = std::move(connect_decision_);
    connect_decision_ = script::Decision();
    dialogue_.greeting_effect(effective_code(decision, greeting));
    phase_ = Phase::command;
    greeted_ = true;
    last_input_ = wire::Clock::now();
    co_await perform(std::move(decision), std::move(greeting));
}

Awaitable<void> Session::step_command() {
    if (speaks_first_) {
        co_await hear_first_octet();
        co_return;
    }
    const auto& limits = shared_->config.limits;
    auto got = co_await read_line(std::max(limits.auth_octets, limits.command_octets));
    const bool long_line = line_.size() + 2 > limits.command_octets && !smtp::istarts_with(line_, "AUTH ");
    if (got == Got::line && long_line && !dialogue_.has(Defect::no_line_limit)) {
        got = Got::overlong;
    }
    if (got == Got::overlong) {
        Answer answer = dialogue_.twist(dialogue_.reply(500, "5.5.2", "Line too long"));
        count_error(answer);
        script::Decision none;
        co_await perform(std::move(none), std::move(answer));
    }
    if (got != Got::line) {
        co_return;
    }
    smtp::Command command = smtp::parse_command(line_ + "\r\n");
    auto happened = event(ServerEventKind::command);
    happened.verb = command.verb;
    happened.line = line_;
    happened.octets = line_.size() + 2;
    if (command.verb == "MAIL" || command.verb == "RCPT") {
        const auto open = line_.find('<');
        const auto shut = line_.find('>', open == std::string::npos ? 0 : open);
        if (open != std::string::npos && shut != std::string::npos) {
            happened.address = line_.substr(open + 1, shut - open - 1);
        }
    }
    if (command.verb == "BDAT") {
        co_await chunk_command(std::move(happened), std::move(command));
        co_return;
    }
    script::Decision decision = decide(happened);
    Answer answer = answer_to(command);
    if (!decision.answered) {
        count_error(answer);
    }
    edit_hello(decision, answer);
    const int code = effective_code(decision, answer);
    const Follow next = dialogue_.effect(command, code);
    if (command.verb == "AUTH" && code != 334 && dialogue_.has(Defect::auth_reply_after_next) &&
        connection_->input().find("\r\n") != std::string_view::npos) {
        held_reply_ = std::exchange(answer.octets, std::string());
        co_return;
    }
    const bool first = code >= 400 && command.verb == "RCPT" && dialogue_.has(Defect::reply_out_of_order);
    if (first && !decision.answered) {
        queue(std::exchange(answer.octets, std::string()), Place::first);
    }
    co_await perform(std::move(decision), std::move(answer));
    queue(std::exchange(held_reply_, std::string()));
    co_await after_answer(command.verb, code);
    co_await follow(next);
}

/// The faithful answer, unless a limit is in the way.
Answer Session::answer_to(const smtp::Command& command) {
    const bool behind = !connection_->input().empty();
    if (command.verb == "STARTTLS" && behind && dialogue_.has(Defect::starttls_pipelining_refused)) {
        return dialogue_.closing(554, "5.5.0", "Error: SMTP protocol synchronization");
    }
    static constexpr std::pair<std::string_view, LimiterStage> stages[] = {{"EHLO", LimiterStage::ehlo},
                                                                           {"AUTH", LimiterStage::auth},
                                                                           {"MAIL", LimiterStage::mail},
                                                                           {"RCPT", LimiterStage::rcpt},
                                                                           {"DATA", LimiterStage::data}};
    Answer answer = dialogue_.check(command);
    for (const auto& [verb, stage] : stages) {
        if (command.verb == verb && answer.code < 400) {
            answer = limited(stage, std::move(answer));
        }
    }
    return answer;
}

/// Defects that throw input away.
Awaitable<void> Session::after_answer(std::string verb, int code) {
    if (verb == "AUTH" && dialogue_.has(Defect::auth_flushes_input)) {
        connection_->consume(connection_->input().size());
        scanned_ = 0;
    }
    if (code >= 400 && dialogue_.has(Defect::flush_input_on_error)) {
        co_await drain();
    }
}

/// Throws away what is here and what comes right behind it: a group may arrive in pieces.
Awaitable<void> Session::drain() {
    co_await flush();
    auto came = wire::ReadEvent::octets;
    while (came == wire::ReadEvent::octets) {
        connection_->consume(connection_->input().size());
        scanned_ = 0;
        came = co_await connection_->receive(wire::Clock::now() + std::chrono::milliseconds(20));
    }
}

Awaitable<void> Session::follow(Follow next) {
    if (phase_ == Phase::over) {
        co_return;
    }
    switch (next) {
        case Follow::command:
            phase_ = Phase::command;
            break;
        case Follow::auth_line:
            phase_ = Phase::auth_line;
            break;
        case Follow::content:
            phase_ = Phase::content;
            break;
        case Follow::start_tls: {
            co_await flush();
            phase_ = Phase::command;
            Options none;
            if (dialogue_.has(Defect::early_client_hello_lost)) {
                connection_->consume(connection_->input().size());
            }
            const bool patient = dialogue_.has(Defect::handshake_never_times_out);
            const auto deadline =
                patient ? wire::Deadline::max() : wire::Clock::now() + shared_->config.handshake_timeout;
            co_await handshake(std::move(none), deadline);
            break;
        }
        case Follow::hang:
            co_await stall();
            break;
        case Follow::end:
            co_await close();
            break;
    }
}

Awaitable<void> Session::step_auth_line() {
    const auto got = co_await read_line(shared_->config.limits.auth_octets);
    if (got == Got::overlong) {
        Answer answer =
            dialogue_.reply(500, "5.5.6", "Authentication exchange line is too long");  // RFC 4954 §4
        (void)dialogue_.auth_effect(answer.code);
        phase_ = Phase::command;
        script::Decision none;
        co_await perform(std::move(none), std::move(answer));
    }
    if (got != Got::line) {
        co_return;
    }
    if (line_.size() + 2 > 512 && dialogue_.has(Defect::auth_line_tail_run)) {
        next_line_ = line_.substr(510);
        line_.resize(510);
    }
    auto happened = event(ServerEventKind::auth_line);
    happened.line = line_;
    happened.octets = line_.size() + 2;
    script::Decision decision = decide(happened);
    Answer answer = dialogue_.check_auth_line(line_);
    const Follow next = dialogue_.auth_effect(effective_code(decision, answer));
    co_await perform(std::move(decision), std::move(answer));
    co_await follow(next);
}

}  // namespace smtpspec::mock
