#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

namespace smtpspec::wire {

/// The test certificates that scenario-language.md §5 names.
enum class CertificateKind {
    good,
    expired,
    not_yet_valid,
    expires_soon,  ///< in five days
    wrong_host,
    self_signed,
    unknown_ca,
    missing_intermediate,
    cn_only,
    san_differs,
    wildcard,
    wildcard_deep,
    weak_key,
    client_only,
};
std::string_view to_string(CertificateKind kind);  // "not-yet-valid" …
tl::expected<CertificateKind, std::string> certificate_kind(std::string_view name);

/// A CA and server certificates made in memory, so that no fixture expires (RFC 5280, RFC 7817 §3). P-256
/// keys except weak-key (RSA 1024). Certificates are made on first use; thread-safe.
class TestPki {
  public:
    /// `hosts`: DNS names and IP addresses that the good certificate proves ("mail.test", "127.0.0.1").
    explicit TestPki(std::vector<std::string> hosts);
    ~TestPki();
    TestPki(const TestPki&) = delete;
    TestPki& operator=(const TestPki&) = delete;

    std::string ca_pem() const;
    std::string certificate_pem(CertificateKind kind) const;  ///< chain as it is sent
    /// A server context with that certificate, made once and shared.
    std::shared_ptr<SSL_CTX> server_context(CertificateKind kind) const;
    /// SHA-256 of the certificate's SubjectPublicKeyInfo, lower-case hex: spki() of the scenario language.
    std::string spki_sha256(CertificateKind kind) const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace smtpspec::wire
