#pragma once

#include <openssl/ssl.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

namespace smtpspec::wire {

/// How we start TLS as a client. Empty fields mean OpenSSL's default (TLS 1.2 and 1.3). Asking for a version
/// below 1.2 also lowers the security level to 0, without which OpenSSL 3 has no cipher for it.
struct TlsClientSettings {
    std::shared_ptr<SSL_CTX>
        context;  ///< made once (client_context()); null: a default one without verification
    std::string
        server_name;  ///< SNI and, when `verify`, the name checked (RFC 7817); an address is checked as such
    bool send_sni = true;
    bool verify_chain = false;  ///< a bad chain ends the handshake; it is examined in any case (TlsInfo)
    bool verify_host =
        false;  ///< a wrong name ends it. A name that is only in the CN is refused (RFC 9525 §2)
    std::string minimum, maximum;   ///< "1.0" … "1.3"
    std::string alpn;               ///< comma-separated
    std::string ciphers;            ///< OpenSSL list, TLS 1.2 and below
    SSL_SESSION* resume = nullptr;  ///< session to offer, not owned
};

/// How we answer a ClientHello as a server.
struct TlsServerSettings {
    std::shared_ptr<SSL_CTX> context;  ///< required (TestPki::server_context)
    std::string minimum, maximum, ciphers;
    std::string alpn;  ///< comma-separated, our order decides; no overlap is answered with an alert
};

/// What is known of a ClientHello before it is answered (RFC 8446 §4.1.2, RFC 6066 §3).
struct ClientHello {
    std::string server_name;
    std::vector<std::string> alpn;
    std::vector<std::uint16_t> versions;
    std::vector<std::uint16_t> cipher_suites;
};

/// The result of a completed handshake.
struct TlsInfo {
    std::string version;  ///< "TLSv1.3"
    std::string cipher;
    std::string sni, alpn;
    bool resumed = false;
    std::vector<std::string> peer_names;  ///< DNS and IP names of the peer's certificate
    std::optional<int> days;              ///< until it expires, negative when it has
    int bits = 0;
    bool trusted = false;          ///< chain leads to a CA of the context
    bool matches = false;          ///< it proves `server_name` (also by the CN alone, see `problem`)
    std::string problem;           ///< OpenSSL's words, "" when trusted and properly matching
    std::string peer_spki_sha256;  ///< lower-case hex
    std::chrono::microseconds duration{0};
};

/// A client context that trusts `ca_file` (PEM) and/or `ca_pem`, or the system's CAs when both are empty.
tl::expected<std::shared_ptr<SSL_CTX>, std::string> client_context(const std::string& ca_file,
                                                                   const std::string& ca_pem = {});

/// A server context for a certificate chain and key in PEM, as TestPki and `--cert` need it.
tl::expected<std::shared_ptr<SSL_CTX>, std::string> server_context(const std::string& chain_pem,
                                                                   const std::string& key_pem);

/// True when OpenSSL knows `name` as an alert ("handshake_failure", "unknown_ca" …, RFC 8446 §6).
bool is_alert_name(std::string_view name);

}  // namespace smtpspec::wire
