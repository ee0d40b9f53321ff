#include "protocol/script/interpreter_link.hpp"

namespace smtpspec::script {

Link::Link(std::string name, int number, std::unique_ptr<wire::Connection> own)
    : name_(std::move(name)), number_(number), own_(std::move(own)) {}

Link::Link(std::string name, int number, std::unique_ptr<PlayedSession> session)
    : name_(std::move(name)), number_(number), session_(std::move(session)) {}

wire::Connection& Link::connection() { return own_ ? *own_ : session_->connection(); }

std::string_view Link::unread() { return connection().input(); }

const smtp::Reply* Link::peek_reply() {
    if (waiting_) {
        return &*waiting_;
    }
    const std::string_view input = unread();
    while (fed_ < input.size() && !parser_.complete()) {
        fed_ += parser_.feed(input.substr(fed_));
    }
    if (parser_.complete()) {
        waiting_ = parser_.take();
    } else if (ended_ && !garbage_) {
        waiting_ = parser_.abandon();
    }
    return waiting_ ? &*waiting_ : nullptr;
}

std::string_view Link::peek_line() {
    const std::string_view input = unread();
    const std::size_t end = input.find('\n');
    if (end != std::string_view::npos) {
        return input.substr(0, end + 1);
    }
    return ended_ && !garbage_ ? input : std::string_view();
}

void Link::connection_ended() { ended_ = true; }

void Link::take_reply() {
    connection().consume(fed_);
    fed_ = 0;
    garbage_ = false;
    last_reply = std::move(waiting_);
    waiting_.reset();
    tracker.replied(last_reply->code);
    if (tracker.was_ehlo()) {
        capabilities = smtp::Capabilities::from_reply(*last_reply);
    }
}

void Link::take_line() {
    const std::string_view line = peek_line();
    context.inside_data = context.inside_data && line != ".\r\n" && line != ".\n";
    connection().consume(line.size());
    garbage_ = false;
}

void Link::take_all() {
    connection().consume(unread().size());
    fed_ = 0;
    parser_ = smtp::ReplyParser();
    waiting_.reset();
    garbage_ = true;
}

void Link::sent(std::string_view octets) {
    garbage_ = false;
    if (own_) {
        tracker.sent(octets);
        return;
    }
    while (octets.ends_with('\n') || octets.ends_with('\r')) {
        octets.remove_suffix(1);
    }
    const std::size_t line = octets.rfind('\n');
    const std::string_view last = line == std::string_view::npos ? octets : octets.substr(line + 1);
    context.inside_auth = last.starts_with("334");
    context.inside_data = context.inside_data || last.starts_with("354");
}

void Link::tls_started() {
    tracker.tls_started();
    parser_ = smtp::ReplyParser();
    waiting_.reset();
    fed_ = 0;
    context = LineContext();
    capabilities = smtp::Capabilities();
}

SessionFacts Link::facts() {
    if (session_) {
        return session_->facts();
    }
    SessionFacts facts;
    facts.number = number_;
    facts.connection = name_;
    if (own_) {
        facts.clear = !own_->inside_tls();
        facts.user = user;
    }
    return facts;
}

}  // namespace smtpspec::script
