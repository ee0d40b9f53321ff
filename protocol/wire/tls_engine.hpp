#pragma once

#include <string>
#include <string_view>

#include "protocol/wire/openssl_ptr.hpp"
#include "protocol/wire/tls.hpp"

namespace smtpspec::wire {

/// What the certificate check found, whether or not it was asked to end the handshake.
struct VerifyRecord {
    bool stop_on_chain = false;
    bool stop_on_name = false;
    int chain_error = 0;  // X509_V_ERR_…, the first
    int name_error = 0;
};

/// One end of a TLS session without I/O: records go in, plaintext and records come out.
class TlsEngine {
  public:
    enum class Step {
        done,        ///< the handshake is complete; or read() gave octets
        want_input,  ///< feed() another record
        ended,       ///< close_notify has come
        failed,      ///< see error(); an alert may be waiting in take_output()
    };

    static tl::expected<std::unique_ptr<TlsEngine>, std::string> client(const TlsClientSettings& settings);
    static tl::expected<std::unique_ptr<TlsEngine>, std::string> server(const TlsServerSettings& settings);
    ~TlsEngine();
    TlsEngine(const TlsEngine&) = delete;
    TlsEngine& operator=(const TlsEngine&) = delete;

    void feed(std::string_view record);
    std::string take_output();
    Step handshake();
    /// Appends plaintext to `into`, at most until it holds `limit` octets.
    Step read(std::string& into, std::size_t limit);
    bool write(std::string_view octets);
    void close_notify();

    const std::string& error() const { return error_; }
    SSL* ssl() const { return ssl_.get(); }
    /// After the handshake.
    TlsInfo info() const;

  private:
    explicit TlsEngine(SSL_CTX* context);
    tl::expected<void, std::string> apply_client(const TlsClientSettings& settings);
    tl::expected<void, std::string> apply_server(const TlsServerSettings& settings);
    Step judge(int result);
    void examine_peer(TlsInfo& info) const;

    SslPtr ssl_;
    BIO* in_ = nullptr;   // owned by ssl_
    BIO* out_ = nullptr;  // owned by ssl_
    VerifyRecord verify_;
    std::string server_name_;  // client: the name to prove
    std::string alpn_;         // server: our list in wire format
    std::string error_;
};

/// The settings that both roles have: protocol versions, ciphers, security level.
tl::expected<void, std::string> apply_versions(SSL* ssl,
                                               const std::string& minimum,
                                               const std::string& maximum,
                                               const std::string& ciphers);
/// "a,b" as RFC 7301 §3.1 writes it: each with its length before it.
tl::expected<std::string, std::string> alpn_wire_format(const std::string& names);
/// Installs the callbacks that TlsEngine needs on a context that is not yet shared.
void prepare_context(SSL_CTX* context);
/// Index of the engine's VerifyRecord, and of its ALPN list, at an SSL.
int verify_record_index();
int alpn_index();
/// Verify callback: records every problem of the peer's chain and goes on, unless the settings say that it
/// ends the handshake.
int verify_and_record(int ok, X509_STORE_CTX* store);
bool is_address(const std::string& name);
std::shared_ptr<SSL_CTX> default_client_context();

}  // namespace smtpspec::wire
