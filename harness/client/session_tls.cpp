#include <fmt/format.h>

#include "harness/client/session.hpp"
#include "protocol/smtp/escape.hpp"
#include "protocol/smtp/text.hpp"

/// The way to TLS (RFC 3207, RFC 8314 §3.3) and what its certificate must prove (RFC 7817, RFC 7672).
namespace smtpspec::client {

using wire::Awaitable;
using wire::Clock;

bool Session::starttls_offered() const {
    if (plan_.defects.has(Defect::starttls_substring_match))
        return smtp::to_upper(hello_raw_).find("STARTTLS") != std::string::npos;
    return has("STARTTLS");
}

/// On a STARTTLS port, after the first EHLO.
Awaitable<Step<void>> Session::secure() {
    Step<void> done = co_await talk_.nothing_unread(Stage::ehlo);
    if (!done)
        co_return done;
    if (plan_.defects.has(Defect::ignore_starttls_offer)) {
        clear_by_defect_ = true;
        co_return done;
    }
    if (!starttls_offered() && !plan_.defects.has(Defect::starttls_unasked))
        co_return without_starttls();
    done = co_await starttls();
    if (!done || !connection_->inside_tls())
        co_return done;
    done = co_await hello_inside_tls();
    co_return done;
}

Step<void> Session::without_starttls() {
    if (plan_.tlsa)
        return tl::unexpected(temporary(Cause::policy,
                                        Reach::port,
                                        Stage::starttls,
                                        "DANE wants TLS, but the server does not offer STARTTLS"));
    if (plan_.policy == Policy::opportunistic)
        return {};
    return tolerate(permanent(Cause::policy,
                              Reach::port,
                              Stage::starttls,
                              "TLS is required, but the server does not offer STARTTLS"));
}

Awaitable<Step<void>> Session::starttls() {
    if (connection_->inside_tls() && !has("STARTTLS"))
        co_return Step<void>();
    const bool hurried = plan_.defects.has(Defect::pipeline_after_starttls);
    const std::string line = hurried ? "STARTTLS\r\nEHLO " + plan_.ehlo_name : std::string("STARTTLS");
    const Step<smtp::Reply> reply = co_await talk_.command(line, Stage::starttls, plan_.timeouts.command);
    if (!reply)
        co_return tl::unexpected(reply.error());
    Step<void> done = co_await after_starttls_reply(*reply);
    co_return done;
}

Awaitable<Step<void>> Session::after_starttls_reply(const smtp::Reply& reply) {
    const Defects& defects = plan_.defects;
    if (!defects.has(Defect::keep_plaintext_after_starttls) &&
        !defects.has(Defect::discard_injected_replies)) {
        Step<void> quiet = co_await talk_.nothing_unread(Stage::starttls);
        if (!quiet && !defects.has(Defect::continue_in_clear) && !defects.has(Defect::mail_in_clear))
            co_return quiet;
    }
    if (reply.code != 220 && !defects.has(Defect::ignore_starttls_reply_code)) {
        const bool shrug =
            (defects.has(Defect::clear_after_refusal) && plan_.policy == Policy::opportunistic) ||
            (defects.has(Defect::ignore_tlsa) && plan_.relay);
        if (shrug)
            co_return Step<void>();
        Failure refused = refusal(reply, Stage::starttls, Reach::port);
        refused.text = "STARTTLS refused: " + refused.text;
        co_return tolerate(std::move(refused));
    }
    if (connection_->inside_tls())
        co_return tl::unexpected(permanent(Cause::handshake, Reach::port, Stage::starttls, "TLS inside TLS"));
    if (defects.has(Defect::discard_injected_replies))
        connection_->consume(connection_->input().size());
    if (defects.has(Defect::no_handshake_after_220)) {
        clear_by_defect_ = true;
        Step<void> clear = co_await hello(Stage::ehlo);
        co_return clear;
    }
    Step<void> done = co_await handshake();
    co_return done;
}

Awaitable<Step<void>> Session::hello_inside_tls() {
    if (plan_.defects.has(Defect::no_ehlo_after_tls))
        co_return Step<void>();
    Step<void> done = co_await hello(Stage::ehlo_tls);
    co_return done;
}

wire::TlsClientSettings Session::tls_settings() const {
    const Defects& defects = plan_.defects;
    wire::TlsClientSettings settings;
    settings.context = plan_.tls_context;
    settings.server_name = plan_.host;
    settings.minimum = "1.2";  // RFC 8996, RFC 9325 §3.1.1
    const bool look_later = plan_.tlsa.has_value() || defects.has(Defect::no_certificate_check) ||
                            defects.has(Defect::bad_certificate_skips_login) ||
                            (defects.has(Defect::ignore_tlsa) && plan_.relay);
    settings.verify_chain = !look_later || (plan_.tlsa && defects.has(Defect::dane_also_checks_name));
    settings.verify_host = settings.verify_chain && !defects.has(Defect::no_host_check);
    return settings;
}

std::string Session::tls_place() const {
    return plan_.host + ' ' + plan_.address + ' ' + std::to_string(plan_.actual_port);
}

Awaitable<Step<void>> Session::handshake() {
    const bool tempted = (plan_.defects.has(Defect::implicit_falls_back_to_clear) && !list_seen_) ||
                         (plan_.defects.has(Defect::clear_after_failed_handshake) && list_seen_);
    if (tempted) {
        Step<void> clear = co_await tempt_clear_banner();
        if (!clear || clear_by_defect_)
            co_return clear;
    }
    if (plan_.defects.has(Defect::keep_plaintext_after_starttls))
        connection_->set_client_leftover(wire::Connection::Leftover::keep_as_plaintext);
    const Clock::time_point begin = Clock::now();
    wire::TlsClientSettings settings = tls_settings();
    const TlsSessions::Pointer earlier = plan_.tls_sessions ? plan_.tls_sessions->take(tls_place()) : nullptr;
    settings.resume = earlier.get();
    const wire::IoResult<wire::TlsInfo> info =
        co_await connection_->start_tls_client(std::move(settings), begin + plan_.timeouts.tls);
    if (info) {
        talk_.observe(Stage::tls, begin, Clock::now());
        co_return judge_certificate(*info);
    }
    const std::string why = smtp::printable(info.error().what);
    const bool certificate =
        why.find("certificate") != std::string::npos && why.find("verif") != std::string::npos;
    if (certificate)
        co_return tl::unexpected(permanent(Cause::policy, Reach::port, Stage::tls, why));
    Failure failure = permanent(Cause::handshake, Reach::port, Stage::tls, "TLS handshake failed: " + why);
    switch (info.error().kind) {
        case wire::IoError::Kind::timeout:
            failure.state = Delivery::temporary;
            failure.again = false;
            break;
        case wire::IoError::Kind::closed:
        case wire::IoError::Kind::reset:
            failure.state = Delivery::temporary;
            failure.reach = Reach::session;
            break;
        default:
            if (!connection_->raw_tail().empty() || why.find("no TLS record") != std::string::npos)
                failure.text += " (unexpected plaintext: the server does not speak TLS here)";
    }
    co_return tl::unexpected(std::move(failure));
}

/// The certificate that a lenient handshake has let through.
Step<void> Session::judge_certificate(const wire::TlsInfo& info) {
    if (plan_.tlsa && !plan_.defects.has(Defect::ignore_tlsa))
        return judge_dane(info);
    if (plan_.defects.has(Defect::bad_certificate_skips_login))
        skip_login_ = skip_login_ || !info.trusted || !info.matches || !info.problem.empty();
    return {};
}

/// A usable record that matches proves the server, whatever the names and dates (RFC 7672 §3.1.1). Only 3 1 1
/// is known here; without a usable record TLS is enough.
Step<void> Session::judge_dane(const wire::TlsInfo& info) const {
    bool usable = false;
    for (const TlsaRecord& record : *plan_.tlsa) {
        if (record.usage != 3 || record.selector != 1 || record.matching != 1)
            continue;
        usable = true;
        if (smtp::iequals(record.data, info.peer_spki_sha256))
            return {};
    }
    if (!usable)
        return {};
    return tl::unexpected(temporary(
        Cause::policy, Reach::port, Stage::tls, "DANE: the certificate matches no TLSA record of the host"));
}

/// What two defects do: a ClientHello, and clear text if the answer is no ServerHello. On a port for implicit
/// TLS that has to be clear text itself; after STARTTLS anything will do.
Awaitable<Step<void>> Session::tempt_clear_banner() {
    static constexpr unsigned char hello[] = {
        0x16, 0x03, 0x01, 0x00, 0x31, 0x01, 0x00, 0x00, 0x2d, 0x03, 0x03};
    std::string octets(reinterpret_cast<const char*>(hello), sizeof hello);
    octets += std::string(32, 'r');
    octets += std::string("\x00\x00\x02\x13\x01\x01\x00\x00\x00", 9);
    octets.resize(5 + 0x31, '\0');
    Step<void> sent = co_await talk_.send(std::move(octets), Stage::tls, plan_.timeouts.tls);
    if (!sent)
        co_return sent;
    const wire::ReadEvent event = co_await connection_->receive(Clock::now() + plan_.timeouts.tls);
    const std::string_view input = connection_->input();
    const bool after_starttls = list_seen_;
    clear_by_defect_ =
        event == wire::ReadEvent::octets && input[0] != 0x16 && (after_starttls || input[0] != 0x15);
    if (clear_by_defect_ && after_starttls)
        connection_->consume(input.size());
    if (clear_by_defect_)
        co_return Step<void>();
    co_return tl::unexpected(temporary(Cause::handshake, Reach::session, Stage::tls, "TLS handshake failed"));
}

}  // namespace smtpspec::client
