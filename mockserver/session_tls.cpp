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
    std::string certificate = shared_->config.certificate;
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
    const auto kind = wire::certificate_kind(certificate);
    if (!kind) {
        return tl::unexpected(kind.error());
    }
    settings.context = shared_->pki->server_context(*kind);
    return settings;
}

/// Rules on `client-hello` act on the raw socket before a ServerHello, so the ClientHello is looked at while
/// it is still input. Without rules the handshake reads it itself.
Awaitable<void> Session::preview_client_hello(wire::Deadline deadline) {
    for (;;) {
        const auto input = connection_->input();
        const auto start = input.empty() ? 0 : std::min(wire::find_record_start(input), input.size());
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
            co_return;
        }
        const bool hopeless = !input.empty() && start == input.size();
        if (hopeless || progress.state != wire::HelloProgress::State::incomplete) {
            co_return;
        }
        const auto came = co_await connection_->receive(deadline);
        if (came != wire::ReadEvent::octets) {
            co_return;
        }
    }
}

Awaitable<wire::IoResult<wire::TlsInfo>> Session::handshake(Options options, wire::Deadline deadline) {
    tls_options_ = std::move(options);
    if (shared_->overlay != nullptr || shared_->observer != nullptr) {
        co_await preview_client_hello(deadline);
    }
    if (phase_ == Phase::over) {
        wire::IoError error;
        error.kind = wire::IoError::Kind::closed;
        error.what = problem_;
        co_return tl::unexpected(std::move(error));
    }
    const auto leftover = dialogue_.has(Defect::keep_plaintext_after_starttls)
                              ? wire::Connection::Leftover::keep_as_plaintext
                              : wire::Connection::Leftover::discard;
    wire::Connection::ChooseTls choose = [this](const wire::ClientHello&) {
        return tls_settings(tls_options_);
    };
    auto info = co_await connection_->start_tls_server(std::move(choose), leftover, deadline);
    scanned_ = 0;
    last_input_ = wire::Clock::now();
    if (!info) {
        finish(info.error().what);
        connection_->drop_fin();
        co_return info;
    }
    log("--", info->version + " " + info->cipher + (info->sni.empty() ? "" : " for " + info->sni));
    dialogue_.tls_started(connection_->channel_binding());
    const auto happened = event(ServerEventKind::tls);
    script::Decision decision = decide(happened);
    Answer nothing;
    co_await perform(std::move(decision), std::move(nothing));
    co_return info;
}

}  // namespace smtpspec::mock
