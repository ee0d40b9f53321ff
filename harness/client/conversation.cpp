#include "harness/client/conversation.hpp"

#include <fmt/format.h>

#include "protocol/smtp/escape.hpp"

namespace smtpspec::client {
namespace {

using wire::Clock;

/// Enough for any honest server, and an end to the others.
smtp::ReplyLimits reply_limits() {
    smtp::ReplyLimits limits;
    limits.line = 16UL * 1024;
    limits.lines = 2000;
    limits.octets = 256UL * 1024;
    return limits;
}

/// What keeps a reply from meaning anything. Odd octets in the text are none of our business (RFC 5321 §4.2).
bool unusable(const smtp::Reply& reply) {
    using enum smtp::ReplyViolation;
    for (const smtp::ReplyViolation violation : {bad_code,
                                                 mixed_codes,
                                                 bare_lf,
                                                 bare_cr,
                                                 nul,
                                                 no_separator,
                                                 line_too_long,
                                                 too_many_lines,
                                                 too_many_octets,
                                                 truncated})
        if (reply.has(violation))
            return true;
    return reply.severity() < 2 || reply.severity() > 5;
}

bool looks_like_tls(std::string_view octets) {
    return octets.size() >= 2 && (octets[0] == 0x15 || octets[0] == 0x16) && octets[1] == 0x03;
}

Failure unusable_reply(std::string_view raw, Stage stage) {
    if (looks_like_tls(raw))
        return permanent(Cause::protocol,
                         Reach::port,
                         stage,
                         "the server speaks TLS at once: this is a port for implicit TLS, not for STARTTLS");
    const std::string shown = smtp::printable(raw, 120);
    if (stage == Stage::greeting)
        return permanent(
            Cause::protocol, Reach::port, stage, fmt::format("this is no SMTP greeting: {}", shown));
    return temporary(Cause::protocol, Reach::session, stage, fmt::format("this is no SMTP reply: {}", shown));
}

std::string timeout_text(Stage stage, Conversation::Limit limit, std::string_view pending) {
    std::string text = fmt::format("timeout: no complete reply within {} ms", limit.count());
    if (!pending.empty())
        text += fmt::format("; so far: {}", smtp::printable(pending, 60));
    else if (stage == Stage::greeting)
        text += " (does the port expect implicit TLS?)";
    return text;
}

}  // namespace

std::string_view to_string(Stage stage) {
    switch (stage) {
        case Stage::wait:
            return "waiting";
        case Stage::dns:
            return "DNS";
        case Stage::connect:
            return "connect";
        case Stage::greeting:
            return "greeting";
        case Stage::ehlo:
            return "EHLO";
        case Stage::starttls:
            return "STARTTLS";
        case Stage::tls:
            return "TLS handshake";
        case Stage::tls_resumed:
            return "TLS resumed";
        case Stage::ehlo_tls:
            return "EHLO in TLS";
        case Stage::auth:
            return "AUTH";
        case Stage::mail:
            return "MAIL";
        case Stage::rcpt:
            return "RCPT";
        case Stage::data:
            return "DATA";
        case Stage::content:
            return "content";
        case Stage::accepted:
            return "final dot";
        case Stage::rset:
            return "RSET";
        case Stage::quit:
            return "QUIT";
        case Stage::service:
            return "uncorrected";
        case Stage::total:
            break;
    }
    return "total";
}

Conversation::Conversation(wire::Connection& connection, const Defects& defects, StageObserver observer)
    : connection_(connection), defects_(defects), observer_(std::move(observer)) {}

wire::Awaitable<Step<smtp::Reply>> Conversation::reply(Stage stage, Limit limit) {
    const wire::Deadline deadline = Clock::now() + limit;
    smtp::ReplyParser parser(reply_limits());
    while (true) {
        const std::string_view input = connection_.input();
        if (!input.empty())
            connection_.consume(parser.feed(input));
        if (parser.complete())
            break;
        const wire::ReadEvent event = co_await connection_.receive(deadline);
        if (event == wire::ReadEvent::octets)
            continue;
        if (event == wire::ReadEvent::timeout && looks_like_tls(parser.pending()))
            co_return tl::unexpected(unusable_reply(parser.pending(), stage));
        if (event == wire::ReadEvent::timeout) {
            Failure failure = temporary(
                Cause::timeout, Reach::session, stage, timeout_text(stage, limit, parser.pending()));
            failure.again = false;
            co_return tl::unexpected(std::move(failure));
        }
        if (looks_like_tls(parser.pending()))
            co_return tl::unexpected(unusable_reply(parser.pending(), stage));
        co_return tl::unexpected(broken(stage));
    }
    smtp::Reply reply = parser.take();
    if (unusable(reply))
        co_return tl::unexpected(unusable_reply(reply.raw, stage));
    co_return reply;
}

wire::Awaitable<Step<smtp::Reply>> Conversation::command(std::string line, Stage stage, Limit limit) {
    Step<void> ready = nothing_buffered(stage);
    if (!ready)
        co_return tl::unexpected(ready.error());
    const Clock::time_point begin = Clock::now();
    Step<void> sent = co_await send(line + "\r\n", stage, limit);
    if (!sent)
        co_return tl::unexpected(sent.error());
    Step<smtp::Reply> answer = co_await reply(stage, limit);
    if (answer && stage != Stage::auth)  // of a login the whole exchange counts
        observe(stage, begin, connection_.last_receive());
    co_return answer;
}

wire::Awaitable<Step<void>> Conversation::send(std::string octets, Stage stage, Limit limit) {
    const wire::IoResult<void> sent = co_await connection_.send(std::move(octets), Clock::now() + limit);
    if (sent)
        co_return Step<void>();
    const bool late = sent.error().kind == wire::IoError::Kind::timeout;
    Failure failure = temporary(
        late ? Cause::timeout : Cause::closed, Reach::session, stage, smtp::printable(sent.error().what));
    failure.again = !late;
    co_return tl::unexpected(std::move(failure));
}

Step<void> Conversation::nothing_buffered(Stage stage) const {
    const bool in_clear = defects_.has(Defect::continue_in_clear) || defects_.has(Defect::mail_in_clear);
    const bool careless = defects_.has(Defect::trust_unsolicited_replies) ||
                          defects_.has(Defect::keep_plaintext_after_starttls) ||
                          (in_clear && !connection_.inside_tls());
    if (connection_.input().empty() || careless)
        return {};
    // RFC 5321 §3.8: a server that shuts down may say so without being asked.
    if (connection_.input().starts_with("421")) {
        const std::string_view line = connection_.input().substr(0, connection_.input().find('\r'));
        Failure failure =
            temporary(Cause::closed,
                      Reach::session,
                      stage,
                      "the server ends the session: " + smtp::printable(connection_.input(), 80));
        failure.reply = smtp::printable(line, 300);
        return tl::unexpected(std::move(failure));
    }
    return tl::unexpected(
        permanent(Cause::protocol,
                  Reach::port,
                  stage,
                  fmt::format("unexpected plaintext or injected reply, nothing was asked: {}",
                              smtp::printable(connection_.input(), 80))));
}

wire::Awaitable<Step<void>> Conversation::nothing_unread(Stage stage) {
    static_cast<void>(co_await connection_.receive(Clock::now()));
    co_return nothing_buffered(stage);
}

wire::Awaitable<bool> Conversation::idle() {
    const wire::ReadEvent event = co_await connection_.receive(Clock::now());
    co_return event == wire::ReadEvent::timeout&& connection_.input().empty() && connection_.is_open();
}

void Conversation::observe(Stage stage, Clock::time_point begin, Clock::time_point end) const {
    if (observer_)
        observer_(stage, std::chrono::duration_cast<std::chrono::microseconds>(end - begin));
}

Failure Conversation::broken(Stage stage) const {
    std::string text = "connection lost: ";
    if (!connection_.tls_error().empty())
        text += smtp::printable(connection_.tls_error(), 200);
    else if (connection_.peer_end() == wire::PeerEnd::rst)
        text += "reset by the server";
    else
        text += "closed by the server";
    return temporary(Cause::closed, Reach::session, stage, std::move(text));
}

Failure refusal(const smtp::Reply& reply, Stage stage, Reach reach) {
    Failure failure = temporary(Cause::reply, reach, stage, words_of(reply));
    failure.code = reply.code;
    if (reply.severity() == 5)
        failure.state = Delivery::permanent;
    if (reply.severity() == 2 || reply.severity() == 3) {
        failure = permanent(Cause::protocol, Reach::session, stage, "unexpected reply: " + words_of(reply));
        failure.code = reply.code;
    }
    if (reply.code == 421)
        failure.reach = Reach::session;
    failure.reply = words_of(reply);
    return failure;
}

std::string words_of(const smtp::Reply& reply) {
    std::string text = reply.text();
    for (char& c : text)
        c = c == '\n' ? ' ' : c;
    return fmt::format("{:03} {}", reply.code, smtp::printable(text, 300));
}

}  // namespace smtpspec::client
