#include "protocol/wire/tls_engine.hpp"

#include <openssl/err.h>

#include <algorithm>
#include <array>

namespace smtpspec::wire {
namespace {

/// RFC 9525 §2: the subject's common name proves nothing; §6.3: a wildcard is a whole label.
constexpr unsigned kStrictNames = X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;

tl::expected<void, std::string> require_name(SSL* ssl, const std::string& name) {
    auto* param = SSL_get0_param(ssl);
    X509_VERIFY_PARAM_set_hostflags(param, kStrictNames);
    bool set = is_address(name) ? X509_VERIFY_PARAM_set1_ip_asc(param, name.c_str()) == 1
                                : X509_VERIFY_PARAM_set1_host(param, name.c_str(), name.size()) == 1;
    if (!set)
        return tl::unexpected("server name \"" + name + "\" cannot be checked");
    return {};
}

std::string san_text(const GENERAL_NAME* name) {
    if (name->type == GEN_DNS)
        return std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                           static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
    if (name->type != GEN_IPADD)
        return {};
    std::string octets(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.iPAddress)),
                       static_cast<std::size_t>(ASN1_STRING_length(name->d.iPAddress)));
    std::array<char, 64> text{};
    auto* bytes = reinterpret_cast<unsigned char*>(octets.data());
    if (octets.size() == 4)
        std::snprintf(text.data(), text.size(), "%d.%d.%d.%d", bytes[0], bytes[1], bytes[2], bytes[3]);
    for (std::size_t i = 0; octets.size() == 16 && i < 16; i += 2)
        std::snprintf(text.data() + std::char_traits<char>::length(text.data()),
                      6,
                      i ? ":%x" : "%x",
                      bytes[i] << 8 | bytes[i + 1]);
    return text.data();
}

std::vector<std::string> names_of(X509* certificate) {
    std::vector<std::string> names;
    GeneralNamesPtr all(
        static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
    for (int i = 0; all && i < sk_GENERAL_NAME_num(all.get()); ++i)
        if (auto text = san_text(sk_GENERAL_NAME_value(all.get(), i)); !text.empty())
            names.push_back(std::move(text));
    return names;
}

bool proves(X509* certificate, const std::string& name, unsigned flags) {
    if (name.empty())
        return false;
    if (is_address(name))
        return X509_check_ip_asc(certificate, name.c_str(), 0) == 1;
    return X509_check_host(certificate, name.c_str(), name.size(), flags, nullptr) == 1;
}

/// A resumed session was not verified again; its chain is at hand all the same.
int verify_again(SSL* ssl, X509* leaf) {
    StoreContextPtr context(X509_STORE_CTX_new());
    auto* store = SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl));
    X509_STORE_CTX_init(context.get(), store, leaf, SSL_get_peer_cert_chain(ssl));
    X509_STORE_CTX_set_default(context.get(), "ssl_server");
    return X509_verify_cert(context.get()) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(context.get());
}

std::optional<int> days_left(X509* certificate) {
    int days = 0, seconds = 0;
    if (ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(certificate)) != 1)
        return std::nullopt;
    return seconds < 0 ? days - 1 : days;
}

}  // namespace

std::string spki_sha256(X509* certificate) {
    unsigned char* der = nullptr;
    int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    if (length <= 0)
        return {};
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned digest_length = 0;
    EVP_Digest(der, static_cast<std::size_t>(length), digest.data(), &digest_length, EVP_sha256(), nullptr);
    OPENSSL_free(der);
    std::string text;
    for (unsigned i = 0; i < digest_length; ++i) {
        static constexpr char kHex[] = "0123456789abcdef";
        text += kHex[digest[i] >> 4];
        text += kHex[digest[i] & 15];
    }
    return text;
}

TlsEngine::TlsEngine(SSL_CTX* context) : ssl_(SSL_new(context)) {
    in_ = BIO_new(BIO_s_mem());
    out_ = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl_.get(), in_, out_);
    SSL_set_ex_data(ssl_.get(), verify_record_index(), &verify_);
    SSL_set_ex_data(ssl_.get(), alpn_index(), &alpn_);
}

/// However the connection ended, its session may be resumed (RFC 4346 §7.2.1).
TlsEngine::~TlsEngine() {
    if (SSL_is_init_finished(ssl()))
        SSL_set_shutdown(ssl(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

tl::expected<std::unique_ptr<TlsEngine>, std::string> TlsEngine::client(const TlsClientSettings& settings) {
    ERR_clear_error();
    auto context = settings.context ? settings.context : default_client_context();
    std::unique_ptr<TlsEngine> engine(new TlsEngine(context.get()));
    if (auto applied = engine->apply_client(settings); !applied)
        return tl::unexpected(applied.error());
    SSL_set_connect_state(engine->ssl());
    return engine;
}

tl::expected<std::unique_ptr<TlsEngine>, std::string> TlsEngine::server(const TlsServerSettings& settings) {
    ERR_clear_error();
    if (!settings.context)
        return tl::unexpected(std::string("no certificate was given for the server side of TLS"));
    std::unique_ptr<TlsEngine> engine(new TlsEngine(settings.context.get()));
    if (auto applied = engine->apply_server(settings); !applied)
        return tl::unexpected(applied.error());
    SSL_set_accept_state(engine->ssl());
    return engine;
}

tl::expected<void, std::string> TlsEngine::apply_client(const TlsClientSettings& settings) {
    server_name_ = settings.server_name;
    if (auto applied = apply_versions(ssl(), settings.minimum, settings.maximum, settings.ciphers); !applied)
        return applied;
    auto alpn = alpn_wire_format(settings.alpn);
    if (!alpn)
        return tl::unexpected(alpn.error());
    if (!alpn->empty())
        SSL_set_alpn_protos(
            ssl(), reinterpret_cast<const unsigned char*>(alpn->data()), static_cast<unsigned>(alpn->size()));
    bool has_name = !server_name_.empty();
    if (!has_name && settings.verify_host)
        return tl::unexpected(std::string("the host is to be verified, but no server name was given"));
    if (has_name && settings.send_sni && !is_address(server_name_))  // RFC 6066 §3: no addresses
        SSL_set_tlsext_host_name(ssl(), server_name_.c_str());
    if (has_name)
        if (auto named = require_name(ssl(), server_name_); !named && settings.verify_host)
            return named;
    verify_.stop_on_chain = settings.verify_chain;
    verify_.stop_on_name = settings.verify_host;
    SSL_set_verify(ssl(), SSL_VERIFY_PEER, verify_and_record);
    if (settings.resume)
        SSL_set_session(ssl(), settings.resume);
    return {};
}

tl::expected<void, std::string> TlsEngine::apply_server(const TlsServerSettings& settings) {
    if (auto applied = apply_versions(ssl(), settings.minimum, settings.maximum, settings.ciphers); !applied)
        return applied;
    auto alpn = alpn_wire_format(settings.alpn);
    if (!alpn)
        return tl::unexpected(alpn.error());
    alpn_ = *alpn;
    return {};
}

void TlsEngine::feed(std::string_view record) {
    BIO_write(in_, record.data(), static_cast<int>(record.size()));
}

std::string TlsEngine::take_output() {
    char* data = nullptr;
    long length = BIO_get_mem_data(out_, &data);
    std::string output(data, length > 0 ? static_cast<std::size_t>(length) : 0);
    (void)BIO_reset(out_);
    return output;
}

TlsEngine::Step TlsEngine::judge(int result) {
    switch (SSL_get_error(ssl(), result)) {
        case SSL_ERROR_WANT_READ:
        case SSL_ERROR_WANT_WRITE:
            return Step::want_input;
        case SSL_ERROR_ZERO_RETURN:
            return Step::ended;
        default:
            error_ = take_openssl_error();
            if (error_.empty())
                error_ = "the TLS session is in a state that OpenSSL does not explain";
    }
    int problem = verify_.stop_on_chain && verify_.chain_error ? verify_.chain_error
                  : verify_.stop_on_name                       ? verify_.name_error
                                                               : 0;
    if (problem && error_ == "certificate verify failed")
        error_ += std::string(": ") + X509_verify_cert_error_string(problem);
    return Step::failed;
}

TlsEngine::Step TlsEngine::handshake() {
    ERR_clear_error();
    int result = SSL_do_handshake(ssl());
    return result == 1 ? Step::done : judge(result);
}

TlsEngine::Step TlsEngine::read(std::string& into, std::size_t limit) {
    std::array<char, 16 * 1024> buffer;
    bool got = false;
    while (into.size() < limit) {
        ERR_clear_error();
        auto most = std::min(buffer.size(), limit - into.size());
        int count = SSL_read(ssl(), buffer.data(), static_cast<int>(most));
        if (count <= 0) {
            auto step = judge(count);
            return step == Step::want_input && got ? Step::done : step;
        }
        into.append(buffer.data(), static_cast<std::size_t>(count));
        got = true;
    }
    return got ? Step::done : Step::want_input;
}

bool TlsEngine::write(std::string_view octets) {
    if (octets.empty())
        return true;
    ERR_clear_error();
    int count = SSL_write(ssl(), octets.data(), static_cast<int>(octets.size()));
    if (count == static_cast<int>(octets.size()))
        return true;
    judge(count);
    return false;
}

void TlsEngine::close_notify() {
    ERR_clear_error();
    SSL_shutdown(ssl());
    ERR_clear_error();
}

TlsInfo TlsEngine::info() const {
    TlsInfo info;
    info.version = SSL_get_version(ssl());
    info.cipher = SSL_get_cipher_name(ssl());
    const char* sni = SSL_get_servername(ssl(), TLSEXT_NAMETYPE_host_name);
    info.sni = sni ? sni : "";
    const unsigned char* alpn = nullptr;
    unsigned alpn_length = 0;
    SSL_get0_alpn_selected(ssl(), &alpn, &alpn_length);
    info.alpn.assign(reinterpret_cast<const char*>(alpn), alpn_length);
    info.resumed = SSL_session_reused(ssl()) == 1;
    if (!SSL_is_server(ssl()))
        examine_peer(info);
    ERR_clear_error();
    return info;
}

void TlsEngine::examine_peer(TlsInfo& info) const {
    auto* leaf = SSL_get0_peer_certificate(ssl());
    if (!leaf) {
        info.problem = "no certificate was sent";
        return;
    }
    info.peer_names = names_of(leaf);
    info.days = days_left(leaf);
    info.bits = EVP_PKEY_get_bits(X509_get0_pubkey(leaf));
    info.peer_spki_sha256 = spki_sha256(leaf);
    int chain_error = info.resumed ? verify_again(ssl(), leaf) : verify_.chain_error;
    info.trusted = chain_error == X509_V_OK;
    info.matches = proves(leaf, server_name_, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (!info.trusted)
        info.problem = X509_verify_cert_error_string(chain_error);
    else if (!server_name_.empty() && !info.matches)
        info.problem = X509_verify_cert_error_string(is_address(server_name_) ? X509_V_ERR_IP_ADDRESS_MISMATCH
                                                                              : X509_V_ERR_HOSTNAME_MISMATCH);
    else if (info.matches && !proves(leaf, server_name_, kStrictNames))
        info.problem = "the name is only in the common name, no subjectAltName holds it";
}

}  // namespace smtpspec::wire
