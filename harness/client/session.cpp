#include "harness/client/session.hpp"

#include <fmt/format.h>

#include <boost/asio/ip/address.hpp>

#include "protocol/smtp/address.hpp"
#include "protocol/smtp/escape.hpp"
#include "protocol/smtp/text.hpp"

namespace smtpspec::client {

using wire::Awaitable;
using wire::Clock;

namespace {

wire::ConnectionOptions named(std::string name) {
    wire::ConnectionOptions options;
    options.name = std::move(name);
    return options;
}

}  // namespace

Session::Session(wire::Connection::Executor executor,
                 wire::Transcript& transcript,
                 SessionPlan plan,
                 std::string name)
    : plan_(std::move(plan)),
      connection_(
          std::make_unique<wire::Connection>(std::move(executor), transcript, named(std::move(name)))),
      talk_(*connection_, plan_.defects, plan_.observer) {
    const bool blind = plan_.supplied_socket && plan_.defects.has(Defect::supplied_socket_is_secure);
    clear_by_defect_ = blind || plan_.clear_only;
    fell_back_ = clear_by_defect_;
}

/// The tickets of TLS 1.3 come behind the handshake, some time before the end.
Session::~Session() {
    if (plan_.tls_sessions && connection_->inside_tls())
        plan_.tls_sessions->put(tls_place(), connection_->tls_session());
}

Awaitable<Step<void>> Session::open() {
    Step<void> opened = co_await open_stages();
    open_ = opened.has_value();
    if (opened)
        co_return opened;
    const Cause cause = opened.error().cause;
    const bool polite = cause == Cause::reply || cause == Cause::policy || cause == Cause::login;
    if (polite && connection_->is_open() && opened.error().code != 421)
        co_await quit();
    else
        co_await connection_->close(Clock::now() + plan_.timeouts.quit);
    co_return opened;
}

Awaitable<Step<void>> Session::open_stages() {
    Step<void> done = co_await connect();
    if (done && implicit_tls())
        done = co_await handshake();
    if (done)
        done = co_await greet();
    if (done)
        done = co_await hello(Stage::ehlo);
    if (done && !connection_->inside_tls() && !clear_by_defect_)
        done = co_await secure();
    if (done && connection_->inside_tls() && plan_.defects.has(Defect::starttls_twice))
        done = co_await starttls();
    if (done && connection_->inside_tls() && has("STARTTLS") &&
        plan_.defects.has(Defect::starttls_in_tls_is_error))
        done = tl::unexpected(
            permanent(Cause::protocol, Reach::port, Stage::ehlo_tls, "STARTTLS offered inside TLS"));
    if (done)
        done = co_await login();
    co_return done;
}

Awaitable<Step<void>> Session::connect() {
    boost::system::error_code problem;
    const auto address = boost::asio::ip::make_address(plan_.address, problem);
    if (problem)
        co_return tl::unexpected(
            permanent(Cause::local,
                      Reach::port,
                      Stage::connect,
                      fmt::format("\"{}\" is no address", smtp::printable(plan_.address))));
    const boost::asio::ip::tcp::endpoint to(address, static_cast<std::uint16_t>(plan_.actual_port));
    const Clock::time_point begin = Clock::now();
    const wire::IoResult<void> connected = co_await connection_->connect(to, begin + plan_.timeouts.connect);
    if (connected) {
        talk_.observe(Stage::connect, begin, Clock::now());
        co_return Step<void>();
    }
    const bool late = connected.error().kind == wire::IoError::Kind::timeout;
    co_return tl::unexpected(temporary(late ? Cause::timeout : Cause::closed,
                                       Reach::session,
                                       Stage::connect,
                                       smtp::printable(connected.error().what)));
}

/// TLS from the first octet: by the port's mode, or because the policy says so everywhere (RFC 8314 §3.3).
bool Session::implicit_tls() const {
    if (clear_by_defect_ || plan_.defects.has(Defect::implicit_speaks_clear) ||
        plan_.defects.has(Defect::implicit_treated_as_starttls))
        return false;
    return plan_.mode == script::Mode::Tls || plan_.policy == Policy::implicit;
}

/// Waits for the whole greeting before it says anything (RFC 5321 §3.1, §4.3.1).
Awaitable<Step<void>> Session::greet() {
    const bool implicit_port = plan_.mode == script::Mode::Tls || plan_.policy == Policy::implicit;
    if (implicit_port && !connection_->inside_tls() && plan_.defects.has(Defect::implicit_speaks_clear)) {
        clear_by_defect_ = true;
        co_return Step<void>();
    }
    const Clock::time_point begin = Clock::now();
    Limit limit = plan_.timeouts.greeting;
    if (plan_.defects.has(Defect::no_greeting_timeout))
        limit = std::chrono::minutes(10);
    const Step<smtp::Reply> greeting = co_await talk_.reply(Stage::greeting, limit);
    if (!greeting)
        co_return tolerate(greeting.error());
    if (greeting->code != 220)
        co_return tolerate(refusal(*greeting, Stage::greeting, Reach::port));
    talk_.observe(Stage::greeting, begin, connection_->last_receive());
    Step<void> quiet = co_await talk_.nothing_unread(Stage::greeting);
    co_return quiet;
}

Awaitable<Step<void>> Session::hello(Stage stage) {
    const Step<smtp::Reply> reply =
        co_await talk_.command("EHLO " + plan_.ehlo_name, stage, plan_.timeouts.command);
    if (!reply)
        co_return tolerate(reply.error());
    if (reply->code == 250) {
        learn(*reply, stage);
        esmtp_ = true;
        co_return Step<void>();
    }
    // RFC 5321 §3.2: a server that does not know EHLO may know HELO. 550 and 554 mean us, not the command.
    const bool hopeless = stage == Stage::ehlo_tls && plan_.defects.has(Defect::retry_in_clear);
    const bool unknown_command = reply->code >= 500 && reply->code <= 504 && !hopeless;
    if (!unknown_command)
        co_return tolerate(refusal(*reply, stage, Reach::port));
    const Step<void> done = co_await helo(stage);
    co_return done;
}

Awaitable<Step<void>> Session::helo(Stage stage) {
    const Step<smtp::Reply> reply =
        co_await talk_.command("HELO " + plan_.ehlo_name, stage, plan_.timeouts.command);
    if (!reply)
        co_return tl::unexpected(reply.error());
    if (reply->code != 250)
        co_return tolerate(refusal(*reply, stage, Reach::port));
    capabilities_ = smtp::Capabilities();
    capabilities_.domain = smtp::Capabilities::from_reply(*reply).domain;
    hello_raw_.clear();
    list_seen_ = true;
    esmtp_ = false;
    co_return Step<void>();
}

/// Each list replaces the one before (RFC 3207 §4.2).
void Session::learn(const smtp::Reply& reply, Stage stage) {
    smtp::Capabilities fresh = smtp::Capabilities::from_reply(reply);
    const bool keep = stage == Stage::ehlo_tls && plan_.defects.has(Defect::keep_capabilities_after_starttls);
    if (keep)
        fresh.keywords.insert(
            fresh.keywords.end(), capabilities_.keywords.begin(), capabilities_.keywords.end());
    if (plan_.defects.has(Defect::keywords_case_sensitive))
        for (size_t line = 1; line < reply.lines.size(); ++line) {
            const std::vector<std::string> words = smtp::split_words(reply.lines[line].text);
            if (!words.empty() && words[0] != smtp::to_upper(words[0]))
                std::erase_if(fresh.keywords,
                              [&](const auto& entry) { return smtp::iequals(entry.first, words[0]); });
        }
    capabilities_ = std::move(fresh);
    hello_raw_ = reply.raw;
    list_seen_ = true;
}

bool Session::has(std::string_view keyword) const { return capabilities_.has(keyword); }

/// A strict client stops at anything odd before TLS; two defects go on in clear instead.
Step<void> Session::tolerate(Failure failure) {
    const bool forgiving =
        plan_.defects.has(Defect::continue_in_clear) || plan_.defects.has(Defect::mail_in_clear);
    if (!forgiving || connection_->inside_tls() || failure.cause == Cause::closed)
        return tl::unexpected(std::move(failure));
    clear_by_defect_ = true;
    return {};
}

Awaitable<void> Session::quit() {
    open_ = false;
    if (connection_->is_open()) {
        // Octets that came unasked must not be taken for the 221.
        const Step<smtp::Reply> reply = co_await talk_.command("QUIT", Stage::quit, plan_.timeouts.quit);
        static_cast<void>(reply);
    }
    co_await connection_->close(Clock::now() + plan_.timeouts.quit);
}

Awaitable<bool> Session::alive() {
    if (!usable())
        co_return false;
    const bool idle = co_await talk_.idle();
    co_return idle;
}

void Session::drop() {
    open_ = false;
    connection_->cancel();
    connection_->drop_rst();
}

}  // namespace smtpspec::client
