#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "mockserver/session.hpp"
#include "protocol/wire/tls_records.hpp"

namespace smtpspec::mock {

using wire::Awaitable;

namespace {

/// A ServerHello that takes the client's version and its first cipher suite (RFC 5246 §7.4.1.3), in a record.
std::string server_hello(std::uint16_t version, std::uint16_t suite) {
    const auto pair = [](std::uint16_t number) {
        return std::string{static_cast<char>(number >> 8), static_cast<char>(number & 0xff)};
    };
    const std::string body = pair(version) + std::string(32, 'r') + '\0' + pair(suite) + '\0';
    const std::string message = std::string{'\x02', '\0', '\0', static_cast<char>(body.size())} + body;
    return '\x16' + pair(version) + pair(static_cast<std::uint16_t>(message.size())) + message;
}

}  // namespace

/// Only ClientHellos that do not know TLS 1.3 are met by this defect: others show that the server works.
Awaitable<bool> Session::agree_to_anything(wire::Deadline deadline) {
    auto progress = wire::parse_client_hello(connection_->input());
    while (progress.state == wire::HelloProgress::State::incomplete) {
        const auto came = co_await connection_->receive(deadline);
        if (came != wire::ReadEvent::octets) {
            co_return false;
        }
        progress = wire::parse_client_hello(connection_->input());
    }
    const auto& hello = progress.hello;
    const bool modern = std::any_of(
        hello.versions.begin(), hello.versions.end(), [](std::uint16_t version) { return version > 0x0303; });
    if (modern || hello.versions.empty() || hello.cipher_suites.empty()) {
        co_return false;
    }
    connection_->consume(progress.octets);
    queue(server_hello(hello.versions.front(), hello.cipher_suites.front()));
    co_await flush();
    co_await stall();
    co_return true;
}

/// The certificate that a defect shows; empty: the right one.
std::string Session::certificate_of_defect() const {
    static constexpr std::pair<Defect, const char*> shown[] = {
        {Defect::certificate_wrong_host, "wrong-host"},
        {Defect::certificate_cn_only, "cn-only"},
        {Defect::certificate_expired, "expired"},
        {Defect::certificate_not_yet_valid, "not-yet-valid"},
        {Defect::certificate_expires_soon, "expires-soon"},
        {Defect::certificate_chain_cut, "missing-intermediate"},
        {Defect::certificate_self_signed, "self-signed"},
        {Defect::certificate_weak_key, "weak-key"},
        {Defect::tls_takes_static_rsa, "weak-key"},  // static RSA needs a certificate for RSA
        {Defect::tls_only_static_rsa, "weak-key"},
    };
    for (const auto& [defect, certificate] : shown) {
        if (dialogue_.has(defect)) {
            return certificate;
        }
    }
    return {};
}

void Session::twist_tls(wire::TlsServerSettings& settings) const {
    const bool only_11 = dialogue_.has(Defect::tls_only_11);
    if (dialogue_.has(Defect::tls_takes_old_versions) || only_11) {
        settings.minimum = "1.0";
    }
    if (only_11) {
        settings.maximum = "1.1";
    }
    if (dialogue_.has(Defect::tls_only_12) || dialogue_.has(Defect::tls_only_static_rsa)) {
        settings.maximum = "1.2";
    }
    if (dialogue_.has(Defect::tls_only_13)) {
        settings.minimum = "1.3";
    }
    if (dialogue_.has(Defect::tls_takes_static_rsa)) {
        settings.ciphers = "kRSA:ALL:@SECLEVEL=0";
    }
    if (dialogue_.has(Defect::tls_takes_null)) {
        settings.ciphers = "ALL:eNULL:@SECLEVEL=0";
    }
    if (dialogue_.has(Defect::tls_takes_anonymous)) {
        settings.ciphers = "ALL:aNULL:@SECLEVEL=0";
    }
    if (dialogue_.has(Defect::tls_only_static_rsa)) {
        settings.ciphers = "kRSA:@SECLEVEL=0";
    }
    if (dialogue_.has(Defect::tls_selects_any_alpn)) {
        settings.alpn = "h2,http/1.1";
    }
    if (dialogue_.has(Defect::tls_refuses_foreign_alpn)) {
        settings.alpn = "smtp";
    }
}

}  // namespace smtpspec::mock
