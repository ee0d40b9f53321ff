#include "harness/latency/load_session.hpp"

#include <fmt/format.h>
#include <boost/asio/co_spawn.hpp>

#include <algorithm>

#include "harness/latency/load_reply.hpp"
#include "protocol/smtp/base64.hpp"
#include "protocol/smtp/escape.hpp"
#include "protocol/wire/resolve.hpp"

/// From the connection to the login (RFC 5321 §3.1, 3207, 8314, 4954).
namespace smtpspec::latency {

namespace asio = boost::asio;

namespace {

constexpr std::string_view place = "the address";  // a load has one
constexpr std::size_t most_on_auth_line = 300;     // octets of secrets; RFC 4954 §4: a line has 512 octets

smtp::Reply parsed(std::string_view octets) {
    smtp::ReplyParser parser;
    parser.feed(octets);
    return parser.take();
}

std::string handshake_name(SSL* ssl) {
    return fmt::format("{} {} {}",
                       SSL_get_version(ssl),
                       SSL_get_cipher_name(ssl),
                       SSL_session_reused(ssl) == 1 ? "resumed" : "full");
}

}  // namespace

LoadSession::LoadSession(asio::io_context& loop,
                         const LoadPlan& plan,
                         LoadContent& content,
                         client::TlsSessions& tickets,
                         Owner& owner)
    : loop_(loop), plan_(plan), content_(content), tickets_(tickets), owner_(owner), channel_(loop, *this) {}

/// The old one's memory is used again.
void LoadSession::new_outcome(std::uint64_t number) {
    std::vector<LoadSample> samples = std::move(outcome_.samples);
    samples.clear();
    outcome_ = {};
    outcome_.samples = std::move(samples);
    outcome_.number = number;
}

void LoadSession::begin(std::uint64_t number, LoadClock::time_point intended, bool last) {
    new_outcome(number);
    last_ = last;
    const bool open = plan_.shape.kind == LoadShape::Kind::open;
    mark_ = intended_ = open ? intended : LoadClock::now();
    if (open)
        lap(Stage::wait);
    begun_ = mark_;
    if (state_ == State::idle) {
        start_mail();
        return;
    }
    ++connection_;
    messages_ = 0;
    tls_done_ = pipelining_ = false;
    if (!plan_.look_up.empty()) {
        look_up();
        return;
    }
    state_ = State::connecting;
    channel_.connect(plan_.address);
}

void LoadSession::look_up() {
    state_ = State::look_up;
    asio::co_spawn(loop_,
                   wire::resolve(loop_.get_executor(),
                                 plan_.look_up,
                                 plan_.address.port(),
                                 wire::Clock::now() + plan_.timeouts.connect),
                   [this, connection = connection_](std::exception_ptr, const auto& found) {
                       if (connection != connection_ || state_ != State::look_up)
                           return;
                       if (!found) {
                           fail(Stage::dns, Trouble::died, smtp::printable(found.error().what), true);
                           return;
                       }
                       lap(Stage::dns);
                       state_ = State::connecting;
                       channel_.connect(plan_.address);
                   });
}

void LoadSession::connected() {
    lap(Stage::connect);
    if (plan_.mode == script::Mode::Tls)
        start_tls();
    else
        state_ = State::greeting;
}

void LoadSession::start_tls() {
    state_ = State::handshake;
    wire::TlsClientSettings settings;
    settings.context = plan_.tls;
    settings.server_name = plan_.host;
    settings.minimum = "1.2";  // RFC 8996, RFC 9325 §3.1.1
    settings.verify_chain = settings.verify_host = plan_.verify;
    const client::TlsSessions::Pointer earlier =
        plan_.shape.tls_resumption ? tickets_.take(std::string(place)) : nullptr;
    settings.resume = earlier.get();
    channel_.start_tls(settings);
}

void LoadSession::secured() {
    lap(SSL_session_reused(channel_.tls()) == 1 ? Stage::tls_resumed : Stage::tls);
    outcome_.handshake = handshake_name(channel_.tls());
    tls_done_ = true;
    if (plan_.mode == script::Mode::Tls)
        state_ = State::greeting;
    else
        say_hello();
}

void LoadSession::say_hello() { command("EHLO " + plan_.ehlo_name, State::ehlo); }

void LoadSession::after_ehlo(std::string_view reply) {
    lap(tls_done_ && plan_.mode == script::Mode::Starttls ? Stage::ehlo_tls : Stage::ehlo);
    Hello& hello = hellos_[tls_done_ ? 1 : 0];
    if (hello.reply != reply) {
        hello.reply = reply;
        hello.offered = smtp::Capabilities::from_reply(parsed(reply));
    }
    if (plan_.mode == script::Mode::Starttls && !tls_done_) {
        if (offered().has("STARTTLS"))
            command("STARTTLS", State::starttls);
        else
            refuse(Stage::ehlo, 0, "STARTTLS is not offered, and a load in clear was not asked for");
        return;
    }
    pipelining_ = plan_.shape.pipelining && offered().has("PIPELINING");
    if (plan_.user.empty())
        start_mail();
    else
        log_in();
}

/// A load is not to measure its own key derivation: PLAIN first, where TLS covers it.
void LoadSession::log_in() {
    client::LoginChannel channel;
    channel.inside_tls = channel.secrets_allowed = tls_done_;
    client::LoginSecrets secrets;
    secrets.user = plan_.user;
    secrets.password = secrets.token = plan_.password;
    secrets.host = plan_.host;
    secrets.port = plan_.port;
    const client::Defects none;
    const std::vector<std::string> names =
        client::usable_mechanisms(offered(), channel, plan_.mechanisms, none);
    std::string chosen = names.empty() ? "" : names.front();
    for (const char* cheap : {"LOGIN", "PLAIN"})
        if (std::find(names.begin(), names.end(), cheap) != names.end())
            chosen = cheap;
    sasl_ = client::make_exchange(chosen, secrets, channel, offered(), none);
    if (!sasl_) {
        refuse(Stage::auth, 0, "no AUTH mechanism that both sides have and that is safe here");
        return;
    }
    std::string line = "AUTH " + chosen;
    const bool fits = plan_.user.size() + plan_.password.size() <= most_on_auth_line;
    if (const auto initial = fits ? sasl_->initial() : std::nullopt)
        line += " " + (initial->empty() ? "=" : smtp::base64_encode(*initial));
    command(line, State::auth);
}

void LoadSession::after_auth(int code, std::string_view reply) {
    if (code == 334) {
        const auto challenge = smtp::base64_decode(parsed(reply).lines.back().text);
        const auto answer = challenge ? sasl_->answer(*challenge)
                                      : tl::expected<std::string, std::string>(tl::unexpect, "no base64");
        if (answer)
            command(smtp::base64_encode(*answer), State::auth);
        else
            fail(Stage::auth, Trouble::refused, "AUTH: " + answer.error(), false);
        return;
    }
    const auto honest = code == 235 ? sasl_->success(parsed(reply).text())
                                    : tl::expected<void, std::string>(tl::unexpect, "");
    if (code != 235) {
        refuse(Stage::auth, code, reply);
    } else if (!honest) {
        fail(Stage::auth, Trouble::refused, "AUTH: " + honest.error(), false);
    } else {
        lap(Stage::auth);
        start_mail();
    }
}

void LoadSession::received() {
    while (state_ != State::content && !channel_.input().empty()) {
        if (state_ == State::idle) {  // an idle time-out, as a rule: the next message connects again
            drop();
            return;
        }
        if (state_ == State::parting) {
            channel_.consume(channel_.input().size());
            return;
        }
        const ReplyGlance found = glance(channel_.input());
        if (found.state == ReplyGlance::State::incomplete)
            return;
        if (found.state == ReplyGlance::State::malformed) {
            fail(stage(),
                 Trouble::refused,
                 "what came is no SMTP reply: " + shown(channel_.input(), 60),
                 true);
            return;
        }
        line_.assign(channel_.input().substr(0, found.length));
        channel_.consume(found.length);
        on_reply(found.code, line_);
    }
}

void LoadSession::on_reply(int code, std::string_view reply) {
    switch (state_) {
        case State::greeting:
            if (code != 220)
                return refuse(Stage::greeting, code, reply);
            lap(Stage::greeting);
            return say_hello();
        case State::ehlo:
            return code == 250 ? after_ehlo(reply) : refuse(stage(), code, reply);
        case State::starttls:
            if (code != 220)
                return refuse(Stage::starttls, code, reply);
            lap(Stage::starttls);
            return start_tls();
        case State::auth:
            return after_auth(code, reply);
        case State::handshake:
        case State::connecting:
        case State::look_up:
        case State::closed:
        case State::idle:
        case State::parting:
        case State::content:
            return;
        case State::mail:
        case State::rcpt:
        case State::data:
        case State::accepted:
        case State::quit:
            return on_transaction(code, reply);
    }
}

void LoadSession::ended(const std::string& why) {
    switch (state_) {
        case State::quit:
        case State::parting:
            return finish_without_quit();
        case State::idle:
        case State::closed:
            state_ = State::closed;
            return;
        default:
            break;
    }
    const bool tls = why.starts_with("TLS") || state_ == State::handshake;
    fail(stage(),
         tls && !why.empty() ? Trouble::refused : Trouble::died,
         why.empty() ? "the server closed the connection" : smtp::printable(why),
         true);
}

}  // namespace smtpspec::latency
