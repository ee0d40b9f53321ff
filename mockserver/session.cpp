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

constexpr std::size_t own_transcript_octets = 0;  // nobody can read it
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
      address_(dialogue_.peer().address),
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
    if (const wire::TlsInfo* tls = connection_->tls_info()) {
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
    last_input_ = wire::Clock::now();  // the time before belongs to the script
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
    last_input_ = wire::Clock::now();
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

}  // namespace smtpspec::mock
