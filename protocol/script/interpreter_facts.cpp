#include <openssl/ssl.h>

#include "protocol/script/interpreter_link.hpp"
#include "protocol/script/interpreter_scope.hpp"
#include "protocol/smtp/text.hpp"

namespace smtpspec::script {

namespace {

Value unknown(const std::string& what) { return Unknown{Unknown::Why::peer, what}; }

}  // namespace

Value reply_fact(Link& link, const std::string& name) {
    if (!link.last_reply) {
        return unknown("a reply");
    }
    const smtp::Reply& reply = *link.last_reply;
    if (name == "code") {
        return reply.code;
    }
    if (name == "raw") {
        return reply.raw;
    }
    if (name == "text") {
        return reply.text();
    }
    ValueList lines;
    for (const smtp::ReplyLine& line : reply.lines) {
        lines.emplace_back(line.text);
    }
    return lines;
}

Value tls_fact(Link& link, const std::string& name) {
    const wire::TlsInfo* info = link.connection().tls_info();
    if (!info) {
        return std::string();
    }
    if (name == "version") {
        return info->version;
    }
    if (name == "cipher") {
        return info->cipher;
    }
    return name == "sni" ? info->sni : info->alpn;
}

Value certificate_fact(Link& link, const std::string& name) {
    const wire::TlsInfo* info = link.connection().tls_info();
    if (!info) {
        return unknown("a certificate");
    }
    if (name == "days") {
        return info->days ? Value(*info->days) : unknown("a certificate");
    }
    if (name == "names") {
        return ValueList(info->peer_names.begin(), info->peer_names.end());
    }
    if (name == "bits") {
        return info->bits;
    }
    if (name == "trusted") {
        return info->trusted;
    }
    return name == "matches" ? Value(info->matches) : Value(info->problem);
}

namespace {

/// Suites that OpenSSL 3 no longer knows by name, and whose offer is what a scenario asks about (RFC 9325
/// §4.1).
const std::map<int, std::string>& old_suites() {
    static const std::map<int, std::string> suites = {
        {0x0001, "NULL-MD5"},
        {0x0002, "NULL-SHA"},
        {0x0003, "EXP-RC4-MD5"},
        {0x0004, "RC4-MD5"},
        {0x0005, "RC4-SHA"},
        {0x0006, "EXP-RC2-CBC-MD5"},
        {0x0008, "EXP-DES-CBC-SHA"},
        {0x0009, "DES-CBC-SHA"},
        {0x000a, "DES-CBC3-SHA 3DES"},
        {0x0013, "EDH-DSS-DES-CBC3-SHA 3DES"},
        {0x0014, "EXP-EDH-RSA-DES-CBC-SHA"},
        {0x0015, "EDH-RSA-DES-CBC-SHA"},
        {0x0016, "EDH-RSA-DES-CBC3-SHA 3DES"},
        {0x0017, "EXP-ADH-RC4-MD5"},
        {0x0018, "ADH-RC4-MD5 anon"},
        {0x001a, "ADH-DES-CBC-SHA anon"},
        {0x001b, "ADH-DES-CBC3-SHA 3DES anon"},
        {0x0034, "ADH-AES128-SHA anon"},
        {0x003a, "ADH-AES256-SHA anon"},
        {0x003b, "NULL-SHA256"},
        {0xc002, "ECDH-ECDSA-RC4-SHA"},
        {0xc007, "ECDHE-ECDSA-RC4-SHA"},
        {0xc008, "ECDHE-ECDSA-DES-CBC3-SHA 3DES"},
        {0xc00c, "ECDH-RSA-RC4-SHA"},
        {0xc011, "ECDHE-RSA-RC4-SHA"},
        {0xc012, "ECDHE-RSA-DES-CBC3-SHA 3DES"},
        {0xc016, "AECDH-RC4-SHA anon"},
        {0xc018, "AECDH-AES128-SHA anon"},
    };
    return suites;
}

const char* version_name(int version) {
    switch (version) {
        case 0x0300:
            return "SSLv3";
        case 0x0301:
            return "TLSv1.0";
        case 0x0302:
            return "TLSv1.1";
        case 0x0303:
            return "TLSv1.2";
        case 0x0304:
            return "TLSv1.3";
        default:
            return "";
    }
}

/// Reads numbers out of a ClientHello (RFC 8446 §4.1.2); what is cut off reads as 0.
class HelloReader {
  public:
    explicit HelloReader(std::string_view octets) : octets_(octets) {}

    std::size_t number(std::size_t size) {
        std::size_t value = 0;
        for (std::size_t i = 0; i < size; ++i, ++at_) {
            value = value << 8 | (at_ < octets_.size() ? static_cast<unsigned char>(octets_[at_]) : 0U);
        }
        return value;
    }
    void skip(std::size_t size) { at_ += size; }
    std::size_t at() const { return at_; }
    bool over() const { return at_ >= octets_.size(); }

  private:
    std::string_view octets_;
    std::size_t at_ = 0;
};

struct Offer {
    std::vector<int> versions, suites;
};

void read_extensions(HelloReader& hello, Offer& offer) {
    const std::size_t end = hello.number(2) + hello.at();
    constexpr std::size_t supported_versions = 43;
    while (hello.at() < end && !hello.over()) {
        const std::size_t type = hello.number(2);
        const std::size_t next = hello.number(2) + hello.at();
        if (type == supported_versions) {
            offer.versions.clear();
            for (std::size_t left = hello.number(1); left >= 2 && !hello.over(); left -= 2) {
                offer.versions.push_back(static_cast<int>(hello.number(2)));
            }
        }
        hello.skip(next > hello.at() ? next - hello.at() : 0);
    }
}

/// `raw` begins with the record header (5 octets) or with the handshake message.
Offer read_hello(std::string_view raw) {
    HelloReader hello(raw);
    Offer offer;
    hello.skip(!raw.empty() && raw.front() == '\x16' ? 9 : 4);
    offer.versions.push_back(static_cast<int>(hello.number(2)));
    hello.skip(32);
    hello.skip(hello.number(1));
    for (std::size_t left = hello.number(2); left >= 2 && !hello.over(); left -= 2) {
        offer.suites.push_back(static_cast<int>(hello.number(2)));
    }
    hello.skip(hello.number(1));
    if (!hello.over()) {
        read_extensions(hello, offer);
    }
    return offer;
}

std::map<int, std::string> present_suites() {
    std::map<int, std::string> names;
    const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_method()), SSL_CTX_free);
    if (!context) {
        return names;
    }
    SSL_CTX_set_cipher_list(context.get(), "ALL:COMPLEMENTOFALL:@SECLEVEL=0");
    STACK_OF(SSL_CIPHER)* const ciphers = SSL_CTX_get_ciphers(context.get());
    for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); ++i) {
        const SSL_CIPHER* const cipher = sk_SSL_CIPHER_value(ciphers, i);
        names[SSL_CIPHER_get_protocol_id(cipher)] = SSL_CIPHER_get_name(cipher);
    }
    return names;
}

bool holds_text(const std::string& name, const std::string& text) {
    return smtp::to_upper(name).find(smtp::to_upper(text)) != std::string::npos;
}

}  // namespace

Value offers(Link& link, const std::string& text) {
    const std::string& raw = link.connection().raw_client_hello();
    if (raw.empty()) {
        return unknown("a ClientHello");
    }
    const Offer offer = read_hello(raw);
    for (const int version : offer.versions) {
        if (smtp::iequals(version_name(version), text)) {
            return true;
        }
    }
    static const std::map<int, std::string> present = present_suites();
    for (const int suite : offer.suites) {
        for (const auto* names : {&present, &old_suites()}) {
            const auto found = names->find(suite);
            if (found != names->end() && holds_text(found->second, text)) {
                return true;
            }
        }
    }
    return false;
}

}  // namespace smtpspec::script
