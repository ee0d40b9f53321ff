#include <fmt/format.h>

#include "harness/latency/load_session.hpp"
#include "protocol/smtp/escape.hpp"

/// From MAIL to QUIT (RFC 5321 §3.3, §4.1.1.10), and what is done when it does not go well.
namespace smtpspec::latency {

std::string LoadSession::shown(std::string_view octets, std::size_t most) const {
    while (!octets.empty() && (octets.back() == '\n' || octets.back() == '\r'))
        octets.remove_suffix(1);
    const std::string whole(octets);
    return smtp::printable(plan_.mask ? plan_.mask(whole) : whole, most);
}

void LoadSession::command(std::string_view text, State next) {
    state_ = next;
    std::string line(text);
    line += "\r\n";
    channel_.send(line);
}

void LoadSession::lap(Stage stage) {
    const LoadClock::time_point now = LoadClock::now();
    LoadSample sample;
    sample.stage = stage;
    sample.time = now - mark_;
    outcome_.samples.push_back(sample);
    mark_ = now;
}

void LoadSession::start_mail() {
    recipient_ = 0;
    if (!pipelining_) {
        command("MAIL FROM:<" + plan_.from + ">", State::mail);
        return;
    }
    // RFC 2920 §3.1: DATA may be the last of a group.
    std::string group = "MAIL FROM:<" + plan_.from + ">\r\n";
    for (const std::string& to : plan_.to)
        group += "RCPT TO:<" + to + ">\r\n";
    command(group + "DATA", State::mail);
}

void LoadSession::on_transaction(int code, std::string_view reply) {
    switch (state_) {
        case State::mail:
            if (code != 250)
                return refuse(Stage::mail, code, reply);
            lap(Stage::mail);
            if (pipelining_)
                state_ = State::rcpt;
            else
                command("RCPT TO:<" + plan_.to.front() + ">", State::rcpt);
            return;
        case State::rcpt:
            if (code != 250 && code != 251)
                return refuse(Stage::rcpt, code, reply);
            return after_rcpt();
        case State::data:
            if (code != 354)
                return refuse(Stage::data, code, reply);
            lap(Stage::data);
            return send_content();
        case State::accepted:
            if (code != 250)
                return refuse(Stage::accepted, code, reply);
            lap(Stage::accepted);
            outcome_.sent = true;
            ++messages_;
            if (last_)
                return send_quit();
            state_ = State::idle;
            return finish();
        default:  // the reply to QUIT; the server closes first, so that the wait for lost segments is its own
            if (outcome_.sent)
                lap(Stage::quit);
            state_ = State::parting;
    }
}

void LoadSession::after_rcpt() {
    lap(Stage::rcpt);
    if (++recipient_ == plan_.to.size()) {
        if (pipelining_)
            state_ = State::data;
        else
            command("DATA", State::data);
    } else if (!pipelining_) {
        command("RCPT TO:<" + plan_.to[recipient_] + ">", State::rcpt);
    }
}

void LoadSession::send_content() {
    state_ = State::content;
    if (channel_.send(content_.numbered(outcome_.number)) && state_ == State::content)
        content_sent();
}

/// A reply that came before the end of the content has waited in the input.
void LoadSession::content_sent() {
    lap(Stage::content);
    state_ = State::accepted;
}

void LoadSession::drained() {
    if (state_ != State::content)
        return;
    content_sent();
    received();
}

void LoadSession::send_quit() {
    if (plan_.shape.tls_resumption && channel_.inside_tls())
        tickets_.put("the address", SSL_get1_session(channel_.tls()));
    command("QUIT", State::quit);
}

void LoadSession::quit() {
    if (state_ != State::idle)
        return;
    new_outcome(no_message);
    mark_ = LoadClock::now();
    send_quit();
}

void LoadSession::drop() {
    channel_.close();
    state_ = State::closed;
}

/// The message is done, one way or the other.
void LoadSession::finish() {
    if (outcome_.sent) {
        LoadSample sample;
        sample.stage = Stage::total;
        sample.time = mark_ - intended_;
        outcome_.samples.push_back(sample);
        if (plan_.shape.kind == LoadShape::Kind::open) {
            sample.stage = Stage::service;
            sample.time = mark_ - begun_;
            outcome_.samples.push_back(sample);
        }
    }
    owner_.message_done(*this, outcome_);
}

/// The connection is over before the server said so. What became of the message was known before QUIT.
void LoadSession::finish_without_quit() {
    outcome_.quit_unanswered = state_ == State::quit;
    drop();
    finish();
}

/// The server does not want the message, or we do not want this server.
void LoadSession::refuse(Stage stage, int code, std::string_view reply) {
    constexpr std::size_t enough = 200;
    const std::string words = shown(reply, enough);
    const bool limits = code != 0 && plan_.is_limit && plan_.is_limit(words);
    const bool no_login = stage == Stage::auth && code >= 500;
    const Trouble cause = no_login ? Trouble::login_refused
                          : limits ? Trouble::rate_limited
                                   : Trouble::refused;
    // Replies to the rest of the group are under way: where DATA is accepted, an end would deliver an empty
    // message.
    const bool amid_group = pipelining_ && (stage == Stage::mail || stage == Stage::rcpt);
    if (code == 421 || amid_group) {
        outcome_.error.code = code;
        fail(stage, cause, words, false);
        return;
    }
    outcome_.error.stage = stage;
    outcome_.error.code = code;
    outcome_.error.cause = cause;
    outcome_.error.text = words;
    outcome_.error.count = 1;
    send_quit();
}

void LoadSession::fail(Stage stage, Trouble cause, std::string text, bool lost) {
    drop();
    outcome_.sent = false;
    outcome_.lost = lost;
    outcome_.error.stage = stage;
    outcome_.error.cause = cause;
    outcome_.error.text = plan_.mask ? plan_.mask(text) : std::move(text);
    outcome_.error.count = 1;
    finish();
}

void LoadSession::abandon() {
    if (state_ == State::quit || state_ == State::parting)
        finish_without_quit();
    else if (busy())
        fail(stage(), Trouble::died, "no answer until the end of the load", true);
}

void LoadSession::check_time(LoadClock::time_point now) {
    if (!busy() || now - mark_ <= limit())
        return;
    if (state_ == State::quit || state_ == State::parting)
        return finish_without_quit();
    fail(stage(),
         Trouble::died,
         fmt::format("no answer within {:g} s", static_cast<double>(limit().count()) / 1000),
         true);
}

Stage LoadSession::stage() const {
    switch (state_) {
        case State::look_up:
            return Stage::dns;
        case State::closed:
        case State::connecting:
            return Stage::connect;
        case State::handshake:
            return Stage::tls;
        case State::greeting:
            return Stage::greeting;
        case State::ehlo:
            return tls_done_ && plan_.mode == script::Mode::Starttls ? Stage::ehlo_tls : Stage::ehlo;
        case State::starttls:
            return Stage::starttls;
        case State::auth:
            return Stage::auth;
        case State::idle:
        case State::mail:
            return Stage::mail;
        case State::rcpt:
            return Stage::rcpt;
        case State::data:
            return Stage::data;
        case State::content:
            return Stage::content;
        case State::accepted:
            return Stage::accepted;
        case State::quit:
        case State::parting:
            break;
    }
    return Stage::quit;
}

std::chrono::milliseconds LoadSession::limit() const {
    switch (state_) {
        case State::look_up:
        case State::connecting:
            return plan_.timeouts.connect;
        case State::handshake:
            return plan_.timeouts.tls;
        case State::greeting:
            return plan_.timeouts.greeting;
        case State::data:
            return plan_.timeouts.data_start;
        case State::content:
        case State::accepted:
            return plan_.timeouts.data_end;
        case State::quit:
        case State::parting:
            return plan_.timeouts.quit;
        default:
            return plan_.timeouts.command;
    }
}

}  // namespace smtpspec::latency
