#include <fmt/format.h>

#include <charconv>

#include "harness/client/session.hpp"
#include "protocol/smtp/base64.hpp"
#include "protocol/smtp/escape.hpp"
#include "protocol/smtp/sasl.hpp"
#include "protocol/smtp/text.hpp"

/// AUTH (RFC 4954): the best mechanism that both sides have, once. A refused login is never tried with a
/// weaker one.
namespace smtpspec::client {

using wire::Awaitable;

namespace {

constexpr size_t max_command_line = 512;  // with CRLF: RFC 5321 §4.5.3.1.4, RFC 4954 §4

/// The base64 text behind 334, with or without the blank.
std::string_view challenge_text(const smtp::Reply& reply) { return reply.lines.back().text; }

/// Iterations that a SCRAM server asks for; 0 when the challenge has none.
long iterations_in(std::string_view challenge) {
    const size_t at = challenge.rfind(",i=");
    long count = 0;
    if (at != std::string_view::npos)
        std::from_chars(challenge.data() + at + 3, challenge.data() + challenge.size(), count);
    return count;
}

std::string folded(const std::string& text) {
    std::string out;
    for (size_t at = 0; at < text.size(); at += 76)
        out += (at == 0 ? "" : "\r\n") + text.substr(at, 76);
    return out;
}

}  // namespace

LoginChannel Session::channel() const {
    LoginChannel channel;
    channel.inside_tls = connection_->inside_tls();
    channel.binding = channel.inside_tls ? connection_->channel_binding() : std::string();
    channel.secrets_allowed = channel.inside_tls || plan_.auth_in_clear || clear_by_defect_ ||
                              plan_.defects.has(Defect::plain_in_clear);
    return channel;
}

LoginSecrets Session::secrets() const {
    LoginSecrets secrets;
    secrets.user = plan_.user;
    secrets.password = plan_.password;
    if (plan_.defects.has(Defect::truncate_password))
        secrets.password = secrets.password.substr(0, 8);
    secrets.token = plan_.token.empty() ? plan_.password : plan_.token;
    secrets.host = plan_.host;
    secrets.port = plan_.port;
    return secrets;
}

std::vector<std::string> Session::mechanisms() const {
    const bool unasked = plan_.defects.has(Defect::auth_unoffered) || (clear_by_defect_ && !list_seen_);
    if (clear_by_defect_ && (capabilities_.auth_offers("PLAIN") || !list_seen_))
        return {"PLAIN"};
    std::vector<std::string> names =
        usable_mechanisms(capabilities_, channel(), plan_.mechanisms, plan_.defects);
    if (names.empty() && unasked)
        names.emplace_back("PLAIN");
    return names;
}

Awaitable<Step<void>> Session::login() {
    const bool without = skip_login_ || (clear_by_defect_ && plan_.defects.has(Defect::mail_in_clear));
    if (plan_.user.empty() || without)
        co_return Step<void>();
    const bool shrug = plan_.defects.has(Defect::mail_without_login) ||
                       (plan_.defects.has(Defect::clear_after_refusal) && !connection_->inside_tls());
    const std::vector<std::string> names = mechanisms();
    if (names.empty() && shrug)
        co_return Step<void>();
    if (names.empty())
        co_return tl::unexpected(no_mechanism());
    Step<void> done = co_await authenticate(names.front());
    const bool weaker = plan_.defects.has(Defect::plain_in_clear) && !connection_->inside_tls();
    for (size_t next = 1; weaker && !done && next < names.size() && connection_->is_open(); ++next)
        done = co_await authenticate(names[next]);
    if (!done && shrug && connection_->is_open())
        co_return Step<void>();
    co_return done;
}

Failure Session::no_mechanism() const {
    std::string text = "the server does not offer AUTH, but a login is wanted";
    if (has("AUTH")) {
        const std::string offered = fmt::format("{}", fmt::join(capabilities_.words("AUTH"), " "));
        text = "no common AUTH mechanism: the server offers " + smtp::printable(offered, 200);
    }
    return permanent(Cause::login, Reach::port, Stage::auth, std::move(text));
}

Awaitable<Step<void>> Session::authenticate(std::string mechanism) {
    const std::unique_ptr<SaslExchange> sasl =
        make_exchange(mechanism, secrets(), channel(), capabilities_, plan_.defects);
    if (!sasl)
        co_return tl::unexpected(permanent(
            Cause::login, Reach::port, Stage::auth, "unknown AUTH mechanism " + smtp::printable(mechanism)));
    const wire::Clock::time_point begin = wire::Clock::now();
    Step<void> done = co_await exchange(*sasl);
    if (done)
        talk_.observe(Stage::auth, begin, connection_->last_receive());
    else
        done.error().text = fmt::format("login with {} failed: {}", mechanism, done.error().text);
    co_return done;
}

/// AUTH, then answers to 334 until another reply comes.
Awaitable<Step<void>> Session::exchange(SaslExchange& sasl) {
    Step<smtp::Reply> reply = co_await begin_exchange(sasl);
    while (reply && reply->code == 334) {
        const Step<std::string> response = co_await respond(sasl, *reply);
        if (!response)
            co_return tl::unexpected(response.error());
        reply = co_await talk_.command(*response, Stage::auth, plan_.timeouts.command);
    }
    if (!reply)
        co_return tl::unexpected(reply.error());
    co_return conclude(sasl, *reply);
}

/// The initial response goes on the AUTH line only if the line stays within 512 octets (RFC 4954 §4).
Awaitable<Step<smtp::Reply>> Session::begin_exchange(SaslExchange& sasl) {
    std::string line = "AUTH " + std::string(sasl.name());
    const std::unique_ptr<SaslExchange> trial =
        make_exchange(sasl.name(), secrets(), channel(), capabilities_, plan_.defects);
    const std::optional<std::string> measure = trial->initial();
    if (measure) {
        const size_t octets = line.size() + 1 + smtp::base64_encode(*measure).size() + 2;
        if (octets <= max_command_line || plan_.defects.has(Defect::long_initial_response)) {
            const std::string text = smtp::base64_encode(*sasl.initial());
            line += " " + (plan_.defects.has(Defect::fold_base64) ? folded(text) : text);
        }
    }
    Step<smtp::Reply> reply = co_await talk_.command(line, Stage::auth, plan_.timeouts.command);
    co_return reply;
}

/// The line that answers a challenge; the error when the exchange had to be cancelled.
Awaitable<Step<std::string>> Session::respond(SaslExchange& sasl, const smtp::Reply& reply) {
    const std::string_view text = challenge_text(reply);
    tl::expected<std::string, std::string> challenge = smtp::base64_decode(text);
    if (!challenge && plan_.defects.has(Defect::answer_any_challenge))
        challenge = std::string();
    if (!challenge) {
        Failure failure = co_await cancel("the challenge is no base64: " + smtp::printable(text, 60));
        co_return tl::unexpected(std::move(failure));
    }
    if (text.empty() && plan_.defects.has(Defect::empty_challenge_is_error)) {
        connection_->drop_fin();  // a QUIT would be taken for an answer
        co_return tl::unexpected(permanent(Cause::login, Reach::port, Stage::auth, "the challenge is empty"));
    }
    const bool stubborn = plan_.defects.has(Defect::scram_any_iteration_count) ||
                          plan_.defects.has(Defect::scram_no_upper_limit);
    if (stubborn && iterations_in(*challenge) > 1'000'000) {
        wire::ReadEvent event = wire::ReadEvent::octets;
        while (event == wire::ReadEvent::octets) {
            connection_->consume(connection_->input().size());
            event = co_await connection_->receive(wire::Clock::now() + std::chrono::hours(1));
        }
        co_return tl::unexpected(temporary(Cause::closed, Reach::session, Stage::auth, "stuck"));
    }
    const std::string before = sasl.refusal();
    const tl::expected<std::string, std::string> response = sasl.answer(*challenge);
    if (!response) {
        Failure failure = co_await cancel(response.error());
        co_return tl::unexpected(std::move(failure));
    }
    if (sasl.refusal() != before && plan_.defects.has(Defect::oauth_error_unanswered)) {
        connection_->drop_fin();
        co_return tl::unexpected(permanent(Cause::login, Reach::account, Stage::auth, sasl.refusal()));
    }
    const std::string encoded = smtp::base64_encode(*response);
    if (plan_.defects.has(Defect::fold_base64))
        co_return folded(encoded);
    co_return encoded;
}

/// "*" and the reply to it (RFC 4954 §4). The login is over, and nothing weaker follows.
Awaitable<Failure> Session::cancel(std::string why) {
    if (plan_.defects.has(Defect::close_on_bad_challenge)) {
        connection_->drop_fin();
    } else {
        const Step<smtp::Reply> reply = co_await talk_.command("*", Stage::auth, plan_.timeouts.command);
        static_cast<void>(reply);
    }
    co_return permanent(Cause::login, Reach::port, Stage::auth, "AUTH cancelled: " + why);
}

/// The reply that ends the exchange: only 235 is a login (RFC 4954 §6).
Step<void> Session::conclude(SaslExchange& sasl, const smtp::Reply& reply) const {
    if (reply.code == 235) {
        const tl::expected<void, std::string> honest = sasl.success(reply.text());
        if (honest)
            return {};
        return tl::unexpected(permanent(Cause::login, Reach::port, Stage::auth, honest.error()));
    }
    const bool final_word = reply.severity() == 5;
    Failure refused = refusal(reply, Stage::auth, final_word ? Reach::account : Reach::session);
    if (!sasl.refusal().empty())
        refused.text += " (" + smtp::printable(sasl.refusal(), 200) + ")";
    return tl::unexpected(std::move(refused));
}

}  // namespace smtpspec::client
