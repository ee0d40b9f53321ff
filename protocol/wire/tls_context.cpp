#include <openssl/err.h>
#include <openssl/pem.h>
#include <map>
#include <mutex>

#include <boost/asio/ip/address.hpp>

#include "protocol/wire/tls_engine.hpp"

namespace smtpspec::wire {
namespace {

using ContextResult = tl::expected<std::shared_ptr<SSL_CTX>, std::string>;

tl::expected<int, std::string> protocol_version(const std::string& name) {
    if (name.empty())
        return 0;
    auto number = name.rfind("TLSv", 0) == 0 ? name.substr(4) : name;
    if (number == "1.0" || number == "1")
        return TLS1_VERSION;
    if (number == "1.1")
        return TLS1_1_VERSION;
    if (number == "1.2")
        return TLS1_2_VERSION;
    if (number == "1.3")
        return TLS1_3_VERSION;
    return tl::unexpected("TLS version \"" + name + "\" is none of 1.0, 1.1, 1.2, 1.3");
}

int on_alpn(SSL* ssl,
            const unsigned char** out,
            unsigned char* out_length,
            const unsigned char* in,
            unsigned in_length,
            void*) {
    auto* ours = static_cast<const std::string*>(SSL_get_ex_data(ssl, alpn_index()));
    if (!ours || ours->empty())
        return SSL_TLSEXT_ERR_NOACK;
    unsigned char* chosen = nullptr;
    int found = SSL_select_next_proto(&chosen,
                                      out_length,
                                      reinterpret_cast<const unsigned char*>(ours->data()),
                                      static_cast<unsigned>(ours->size()),
                                      in,
                                      in_length);
    *out = chosen;
    // RFC 7301 §3.2: no overlap is a fatal no_application_protocol alert.
    return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

std::shared_ptr<SSL_CTX> new_context(const SSL_METHOD* method) {
    std::shared_ptr<SSL_CTX> context(SSL_CTX_new(method), SSL_CTX_free);
    if (context)
        prepare_context(context.get());
    return context;
}

tl::expected<void, std::string> trust_pem(SSL_CTX* context, const std::string& pem) {
    BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    int count = 0;
    while (X509Ptr certificate{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)}) {
        X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certificate.get());
        ++count;
    }
    ERR_clear_error();
    if (count == 0)
        return tl::unexpected(std::string("no certificate in the CA's PEM text"));
    return {};
}

}  // namespace

std::string take_openssl_error() {
    unsigned long code = ERR_get_error();
    const char* reason = code ? ERR_reason_error_string(code) : nullptr;
    std::string text = reason ? reason : code ? "OpenSSL error " + std::to_string(ERR_GET_REASON(code)) : "";
    if (code && ERR_SYSTEM_ERROR(code))
        text = std::generic_category().message(static_cast<int>(ERR_GET_REASON(code)));
    ERR_clear_error();
    return text;
}

bool is_address(const std::string& name) {
    boost::system::error_code ec;
    boost::asio::ip::make_address(name, ec);
    return !ec;
}

int verify_record_index() {
    static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return index;
}

int verify_and_record(int ok, X509_STORE_CTX* store) {
    if (ok)
        return 1;
    auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    auto* record = static_cast<VerifyRecord*>(ssl ? SSL_get_ex_data(ssl, verify_record_index()) : nullptr);
    if (!record)
        return 0;
    int error = X509_STORE_CTX_get_error(store);
    bool about_name = error == X509_V_ERR_HOSTNAME_MISMATCH || error == X509_V_ERR_IP_ADDRESS_MISMATCH;
    int& first = about_name ? record->name_error : record->chain_error;
    if (first == 0)
        first = error;
    return (about_name ? record->stop_on_name : record->stop_on_chain) ? 0 : 1;
}

int alpn_index() {
    static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return index;
}

void prepare_context(SSL_CTX* context) {
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_security_level(context,
                               2);  // whatever the system's configuration says: the verdicts depend on it
    SSL_CTX_set_alpn_select_cb(context, on_alpn, nullptr);
    static constexpr unsigned char kSessions[] = "smtpspec";
    SSL_CTX_set_session_id_context(context, kSessions, sizeof kSessions - 1);
}

tl::expected<void, std::string> apply_versions(SSL* ssl,
                                               const std::string& minimum,
                                               const std::string& maximum,
                                               const std::string& ciphers) {
    auto low = protocol_version(minimum);
    auto high = protocol_version(maximum);
    if (!low || !high)
        return tl::unexpected(!low ? low.error() : high.error());
    if (*low == 0)  // "at most 1.1" would leave nothing above the usual minimum (RFC 8997)
        low = *high != 0 && *high < TLS1_2_VERSION ? TLS1_VERSION : TLS1_2_VERSION;
    if (*high != 0 && *low > *high)
        return tl::unexpected("TLS minimum " + minimum + " is above the maximum " + maximum);
    if (*low < TLS1_2_VERSION)
        SSL_set_security_level(ssl, 0);  // OpenSSL 3 has TLS below 1.2 at level 0 only
    SSL_set_min_proto_version(ssl, *low);
    if (*high != 0)
        SSL_set_max_proto_version(ssl, *high);
    if (!ciphers.empty() && SSL_set_cipher_list(ssl, ciphers.c_str()) != 1)
        return tl::unexpected("ciphers \"" + ciphers + "\": " + take_openssl_error());
    return {};
}

tl::expected<std::string, std::string> alpn_wire_format(const std::string& names) {
    std::string wire;
    for (std::size_t from = 0; from < names.size();) {
        auto comma = std::min(names.find(',', from), names.size());
        auto name = names.substr(from, comma - from);
        if (name.empty() || name.size() > 255)
            return tl::unexpected("ALPN list \"" + names +
                                  "\" has a name that is empty or over 255 octets long");
        wire += static_cast<char>(name.size());
        wire += name;
        from = comma + 1;
    }
    return wire;
}

std::shared_ptr<SSL_CTX> default_client_context() {
    static const std::shared_ptr<SSL_CTX> context = new_context(TLS_client_method());
    return context;
}

namespace {

ContextResult make_client_context(const std::string& ca_file, const std::string& ca_pem) {
    ERR_clear_error();
    auto context = new_context(TLS_client_method());
    if (!context)
        return tl::unexpected("cannot make a TLS context: " + take_openssl_error());
    if (ca_file.empty() && ca_pem.empty())
        SSL_CTX_set_default_verify_paths(context.get());
    if (!ca_file.empty() && SSL_CTX_load_verify_locations(context.get(), ca_file.c_str(), nullptr) != 1) {
        auto reason = take_openssl_error();
        return tl::unexpected("CA file " + ca_file + ": " +
                              (reason.empty() ? "no certificate in it" : reason));
    }
    if (!ca_pem.empty())
        if (auto trusted = trust_pem(context.get(), ca_pem); !trusted)
            return tl::unexpected(trusted.error());
    return context;
}

}  // namespace

ContextResult client_context(const std::string& ca_file, const std::string& ca_pem) {
    if (!ca_file.empty() || ca_pem.empty())
        return make_client_context(ca_file, ca_pem);
    // A matrix asks for the same CA a thousand times; a context costs more than a handshake.
    static std::mutex mutex;
    static std::map<std::string, std::shared_ptr<SSL_CTX>> known;
    constexpr std::size_t most = 8;
    const std::lock_guard lock(mutex);
    if (const auto found = known.find(ca_pem); found != known.end())
        return found->second;
    auto made = make_client_context(ca_file, ca_pem);
    if (made) {
        if (known.size() >= most)
            known.clear();
        known[ca_pem] = *made;
    }
    return made;
}

ContextResult server_context(const std::string& chain_pem, const std::string& key_pem) {
    ERR_clear_error();
    auto context = new_context(TLS_server_method());
    if (!context)
        return tl::unexpected("cannot make a TLS context: " + take_openssl_error());
    BioPtr key_bio(BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size())));
    KeyPtr key(PEM_read_bio_PrivateKey(key_bio.get(), nullptr, nullptr, nullptr));
    if (!key)
        return tl::unexpected("no private key: " + take_openssl_error());
    bool weak = EVP_PKEY_get_security_bits(key.get()) < 112;
    if (weak)  // the weak-key test certificate could not even be loaded otherwise
        SSL_CTX_set_security_level(context.get(), 0);
    BioPtr chain(BIO_new_mem_buf(chain_pem.data(), static_cast<int>(chain_pem.size())));
    X509Ptr leaf(PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr));
    if (!leaf)
        return tl::unexpected("no certificate: " + take_openssl_error());
    if (SSL_CTX_use_certificate(context.get(), leaf.get()) != 1 ||
        SSL_CTX_use_PrivateKey(context.get(), key.get()) != 1)
        return tl::unexpected("certificate and key: " + take_openssl_error());
    while (X509* issuer = PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr))
        SSL_CTX_add0_chain_cert(context.get(), issuer);
    ERR_clear_error();
    SSL_CTX_set_options(context.get(), SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_RENEGOTIATION);
    // SHA-256 first: the key schedule is a tenth of a handshake, and processors have instructions for it.
    SSL_CTX_set_ciphersuites(context.get(),
                             "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256");
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);  // tickets do it without memory
    return context;
}

}  // namespace smtpspec::wire
