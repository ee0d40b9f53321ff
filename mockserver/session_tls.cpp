#include "mockserver/session.hpp"

#include "protocol/wire/tls_records.hpp"

namespace smtpspec::mock {

using script::ServerEventKind;
using wire::Awaitable;

Awaitable<wire::IoResult<wire::TlsInfo>> Session::start_tls(Options options, wire::Deadline deadline) {
    auto info = co_await handshake(std::move(options), deadline);
    sent_ = connection_->octets_sent();
    co_return info;
}

tl::expected<wire::TlsServerSettings, std::string> Session::tls_settings(const Options& options) const {
    wire::TlsServerSettings settings;
    std::string certificate;
    for (const auto& [name, value] : options) {
        if (name == "cert") {
            certificate = value;
        } else if (name == "min") {
            settings.minimum = value;
        } else if (name == "max") {
            settings.maximum = value;
        } else if (name == "ciphers") {
            settings.ciphers = value;
        } else if (name == "alpn") {
            settings.alpn = value;
        }
    }
    twist_tls(settings);
    if (certificate.empty()) {
        certificate = certificate_of_defect();
    }
    if (certificate.empty() && shared_->config.own_certificate) {
        settings.context = shared_->config.own_certificate;
        return settings;
    }
    const auto kind = wire::certificate_kind(certificate.empty() ? shared_->config.certificate : certificate);
    if (!kind) {
        return tl::unexpected(kind.error());
    }
    settings.context = shared_->pki->server_context(*kind);
    return settings;
}

/// Rules on `client-hello` act on the raw socket before a ServerHello, so the ClientHello is looked at while
/// it is still input. Without rules the handshake reads it itself. False: what came after the switch is no
/// TLS, and here, unlike in the handshake, that has to be noticed before it is taken for a leftover from
/// before.
Awaitable<bool> Session::preview_client_hello(wire::Connection::Leftover policy, wire::Deadline deadline) {
    const auto leftover = connection_->input().size();
    for (;;) {
        const auto input = connection_->input();
        const auto start = input.empty() ? 0 : std::min(wire::find_record_start(input), input.size());
        const bool fresh_is_tls = start < leftover || wire::may_start_record(input.substr(leftover));
        if (!fresh_is_tls && policy == wire::Connection::Leftover::discard) {
            co_return false;
        }
        const auto progress = wire::parse_client_hello(input.substr(start));
        if (progress.state == wire::HelloProgress::State::complete) {
            auto happened = event(ServerEventKind::client_hello);
            happened.session.sni = progress.hello.server_name;
            if (!progress.hello.alpn.empty()) {
                happened.session.alpn = progress.hello.alpn.front();
            }
            script::Decision decision = decide(happened);
            for (const auto& act : decision.acts) {
                if (const auto* tls = std::get_if<script::act::Tls>(&act)) {
                    tls_options_.insert(tls_options_.end(), tls->options.begin(), tls->options.end());
                }
            }
            Answer nothing;
            co_await perform(std::move(decision), std::move(nothing));
            co_return true;
        }
        const bool keeps = policy != wire::Connection::Leftover::discard;
        const bool hopeless = keeps && !input.empty() && start == input.size();
        if (hopeless || progress.state != wire::HelloProgress::State::incomplete) {
            co_return true;
        }
        const auto came = co_await connection_->receive(deadline);
        if (came != wire::ReadEvent::octets) {
            co_return true;
        }
    }
}

/// The defects that never come to a handshake. True: this one is dealt with.
Awaitable<bool> Session::handshake_defect(wire::Deadline deadline) {
    const bool implicit = port_.mode == script::Mode::Tls;
    const bool fails =
        dialogue_.has(implicit ? Defect::implicit_handshake_fails : Defect::starttls_handshake_fails);
    const bool falls_back = dialogue_.has(Defect::tls_failure_falls_back) && !implicit;
    const bool hangs = dialogue_.has(Defect::tls_failure_hangs);
    if (dialogue_.has(Defect::tls_agrees_to_anything)) {
        const bool dealt_with = co_await agree_to_anything(deadline);
        co_return dealt_with;
    }
    if (!fails && !falls_back && !hangs) {
        co_return false;
    }
    if (!connection_->input().starts_with('\x16')) {
        connection_->consume(connection_->input().size());
        (void)co_await connection_->receive(deadline);
    }
    if (fails) {
        if (implicit) {
            co_await connection_->send_alert("handshake_failure", deadline);
        }
        connection_->drop_fin();
        finish(implicit ? "alert at the ClientHello" : "closed at the ClientHello");
        co_return true;
    }
    const auto input = connection_->input();
    if (input.empty() || wire::may_start_record(input)) {
        co_return false;
    }
    if (hangs) {
        co_await stall();
    }
    co_return true;
}

Awaitable<void> Session::handshake_failed(std::string why) {
    shared_->refuse_next = dialogue_.has(Defect::tls_failure_refuses_next);
    log("--", why);
    if (dialogue_.has(Defect::tls_failure_hangs)) {
        co_await stall();
    }
    finish(why);
    connection_->drop_fin();
}

Awaitable<wire::IoResult<wire::TlsInfo>> Session::handshake(Options options, wire::Deadline deadline) {
    tls_options_ = std::move(options);
    wire::IoError error;
    error.kind = wire::IoError::Kind::closed;
    const bool dealt_with = co_await handshake_defect(deadline);
    if (dealt_with) {
        error.what = "no handshake";
        co_return tl::unexpected(std::move(error));
    }
    const bool keeps = dialogue_.has(Defect::keep_plaintext_after_starttls) ||
                       dialogue_.has(Defect::keep_plaintext_until_next_command);
    const auto leftover =
        keeps ? wire::Connection::Leftover::keep_as_plaintext : wire::Connection::Leftover::discard;
    if (shared_->overlay != nullptr || shared_->observer != nullptr) {
        const bool speaks_tls = co_await preview_client_hello(leftover, deadline);
        if (!speaks_tls) {
            co_await handshake_failed("the peer does not speak TLS here");
        }
    }
    if (phase_ == Phase::over) {
        error.what = problem_;
        co_return tl::unexpected(std::move(error));
    }
    using Chosen = tl::expected<wire::TlsServerSettings, std::string>;
    wire::Connection::ChooseTls choose = [this](const wire::ClientHello& hello) {
        const bool known = hello.server_name == shared_->config.host;
        const bool refuses = dialogue_.has(Defect::tls_refuses_unknown_name) && !known;
        return refuses ? Chosen(tl::unexpected(std::string("alert unrecognized_name")))
                       : tls_settings(tls_options_);
    };
    auto info = co_await connection_->start_tls_server(std::move(choose), leftover, deadline);
    scanned_ = 0;
    last_input_ = wire::Clock::now();
    if (!info) {
        co_await handshake_failed(info.error().what);
        co_return info;
    }
    holds_leftover_ =
        dialogue_.has(Defect::keep_plaintext_until_next_command) && !connection_->input().empty();
    log("--", info->version + " " + info->cipher + (info->sni.empty() ? "" : " for " + info->sni));
    dialogue_.tls_started(connection_->channel_binding());
    const auto happened = event(ServerEventKind::tls);
    script::Decision decision = decide(happened);
    Answer nothing;
    co_await perform(std::move(decision), std::move(nothing));
    co_return info;
}

}  // namespace smtpspec::mock
