#include "protocol/wire/pki.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <array>
#include <ctime>
#include <map>
#include <mutex>
#include <stdexcept>

#include "protocol/wire/crypto.hpp"
#include "protocol/wire/openssl_ptr.hpp"
#include "protocol/wire/tls_engine.hpp"

namespace smtpspec::wire {
namespace {

constexpr long kHour = 3600, kDay = 24 * kHour;

constexpr std::array<std::pair<CertificateKind, std::string_view>, 14> kNames{{
    {CertificateKind::good, "good"},
    {CertificateKind::expired, "expired"},
    {CertificateKind::not_yet_valid, "not-yet-valid"},
    {CertificateKind::expires_soon, "expires-soon"},
    {CertificateKind::wrong_host, "wrong-host"},
    {CertificateKind::self_signed, "self-signed"},
    {CertificateKind::unknown_ca, "unknown-ca"},
    {CertificateKind::missing_intermediate, "missing-intermediate"},
    {CertificateKind::cn_only, "cn-only"},
    {CertificateKind::san_differs, "san-differs"},
    {CertificateKind::wildcard, "wildcard"},
    {CertificateKind::wildcard_deep, "wildcard-deep"},
    {CertificateKind::weak_key, "weak-key"},
    {CertificateKind::client_only, "client-only"},
}};

/// What goes into one certificate.
struct Plan {
    std::string common_name;
    std::vector<std::string> alternative_names;
    bool is_ca = false;
    const char* extended_usage = "serverAuth";
    long from = -kHour;
    long until = 90 * kDay;
};

/// A certificate with its key: an issuer, or what a server shows.
struct Identity {
    X509Ptr certificate;
    KeyPtr key;
};

[[noreturn]] void fail(const char* step) {
    throw std::runtime_error(std::string("test certificate: ") + step + ": " + take_openssl_error());
}

KeyPtr new_key(CertificateKind kind) {
    KeyPtr key(kind == CertificateKind::weak_key
                   ? EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{1024})
                   : EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
    if (!key)
        fail("key generation");
    return key;
}

void add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
    if (!extension || X509_add_ext(certificate, extension.get(), -1) != 1)
        fail(OBJ_nid2sn(nid));
}

std::string alternative_names(const std::vector<std::string>& names) {
    std::string text;
    for (const auto& name : names)
        text += (text.empty() ? "" : ",") + std::string(is_address(name) ? "IP:" : "DNS:") + name;
    return text;
}

void set_name(X509_NAME* name, const std::string& common_name) {
    static const unsigned char kOrganisation[] = "smtpspec test";
    X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, kOrganisation, -1, -1, 0);
    auto text = common_name.substr(0, 64);  // RFC 5280 appendix A.1: ub-common-name
    X509_NAME_add_entry_by_txt(
        name, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(text.c_str()), -1, -1, 0);
}

/// `issuer` null: self-signed.
Identity issue(const Plan& plan, KeyPtr key, const Identity* issuer) {
    Identity made;
    made.key = std::move(key);
    made.certificate.reset(X509_new());
    auto* certificate = made.certificate.get();
    X509_set_version(certificate, X509_VERSION_3);
    auto serial = random_octets(8);
    serial[0] = static_cast<char>((serial[0] & 0x3f) | 0x40);  // positive and of constant length
    std::uint64_t number = 0;
    for (unsigned char c : serial)
        number = number << 8 | c;
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), number);
    X509_gmtime_adj(X509_getm_notBefore(certificate), plan.from);
    X509_gmtime_adj(X509_getm_notAfter(certificate), plan.until);
    set_name(X509_get_subject_name(certificate), plan.common_name);
    X509* signer = issuer ? issuer->certificate.get() : certificate;
    X509_set_issuer_name(certificate, X509_get_subject_name(signer));
    X509_set_pubkey(certificate, made.key.get());
    add_extension(
        certificate, signer, NID_basic_constraints, plan.is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
    bool rsa = EVP_PKEY_is_a(made.key.get(), "RSA") == 1;
    add_extension(certificate,
                  signer,
                  NID_key_usage,
                  plan.is_ca ? "critical,keyCertSign,cRLSign"
                  : rsa      ? "critical,digitalSignature,keyEncipherment"
                             : "critical,digitalSignature");
    add_extension(certificate, signer, NID_subject_key_identifier, "hash");
    if (issuer)
        add_extension(certificate, signer, NID_authority_key_identifier, "keyid:always");
    if (!plan.is_ca)
        add_extension(certificate, signer, NID_ext_key_usage, plan.extended_usage);
    if (!plan.alternative_names.empty())
        add_extension(certificate, signer, NID_subject_alt_name, alternative_names(plan.alternative_names));
    if (X509_sign(certificate, issuer ? issuer->key.get() : made.key.get(), EVP_sha256()) == 0)
        fail("signature");
    return made;
}

Identity issue_ca(const std::string& name, const Identity* issuer) {
    Plan plan;
    plan.common_name = name;
    plan.is_ca = true;
    plan.from = -100 * kDay;  // also the expired certificate was issued while its CA was valid
    plan.until = 100 * kDay;
    return issue(plan, new_key(CertificateKind::good), issuer);
}

template <class Write>
std::string to_pem(Write write) {
    BioPtr bio(BIO_new(BIO_s_mem()));
    if (write(bio.get()) != 1)
        fail("PEM");
    char* data = nullptr;
    long length = BIO_get_mem_data(bio.get(), &data);
    return std::string(data, static_cast<std::size_t>(length));
}
std::string pem_of(X509* certificate) {
    return to_pem([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate); });
}
std::string pem_of(EVP_PKEY* key) {
    return to_pem(
        [&](BIO* bio) { return PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr); });
}

/// "*." and what follows the first `labels` labels, for each DNS name that has so many and one more.
std::vector<std::string> wildcards(const std::vector<std::string>& hosts,
                                   int labels,
                                   const std::string& stars) {
    std::vector<std::string> names;
    for (const auto& host : hosts) {
        std::size_t dot = 0;
        for (int i = 0; i < labels && dot != std::string::npos; ++i)
            dot = host.find('.', i == 0 ? 0 : dot + 1);
        if (!is_address(host) && dot != std::string::npos)
            names.push_back(stars + host.substr(dot));
    }
    return names;
}

}  // namespace

std::string_view to_string(CertificateKind kind) {
    for (const auto& [value, name] : kNames)
        if (value == kind)
            return name;
    return "unknown";
}

tl::expected<CertificateKind, std::string> certificate_kind(std::string_view name) {
    std::string all;
    for (const auto& [value, known] : kNames) {
        if (known == name)
            return value;
        all.append(all.empty() ? "" : ", ").append(known);
    }
    return tl::unexpected("unknown certificate \"" + std::string(name) + "\"; known are " + all);
}

struct TestPki::Impl {
    struct Made {
        std::string chain_pem;
        std::shared_ptr<SSL_CTX> context;
        std::string spki;
    };

    std::vector<std::string> hosts;
    Identity ca, other_ca, intermediate;
    std::mutex mutex;
    std::map<CertificateKind, Made> made;

    explicit Impl(std::vector<std::string> names) : hosts(std::move(names)), ca(issue_ca(kCaName, nullptr)) {}
    static constexpr const char* kCaName = "smtpspec test CA";

    Plan plan(CertificateKind kind) const;
    const Identity* issuer(CertificateKind kind);
    const Made& get(CertificateKind kind);
};

Plan TestPki::Impl::plan(CertificateKind kind) const {
    using Kind = CertificateKind;
    Plan plan;
    plan.common_name = hosts.empty() ? "mail.test" : hosts.front();
    plan.alternative_names = hosts;
    if (kind == Kind::expired) {
        plan.from = -90 * kDay;
        plan.until = -kDay;
    } else if (kind == Kind::expires_soon) {
        plan.until = 5 * kDay;
    } else if (kind == Kind::not_yet_valid) {
        plan.from = kDay;
    } else if (kind == Kind::wrong_host) {
        plan.common_name = "wrong-host.test";
        plan.alternative_names = {"wrong-host.test"};
    } else if (kind == Kind::san_differs) {
        plan.alternative_names = {"other.test"};
    } else if (kind == Kind::cn_only) {
        plan.alternative_names.clear();
    } else if (kind == Kind::wildcard) {
        plan.alternative_names = wildcards(hosts, 1, "*");
        plan.common_name = "wildcard";
    } else if (kind == Kind::wildcard_deep) {
        // Neither spans two labels: RFC 6125 §6.4.3, RFC 9525 §6.3.
        plan.alternative_names = wildcards(hosts, 2, "*");
        for (auto& name : wildcards(hosts, 2, "*.*"))
            plan.alternative_names.push_back(std::move(name));
        plan.common_name = "wildcard deep";
    } else if (kind == Kind::client_only) {
        plan.extended_usage = "clientAuth";
    }
    bool needs_name = kind == Kind::wildcard || kind == Kind::wildcard_deep;
    if (needs_name && plan.alternative_names.empty())  // a wildcard must not cover a top-level label
        plan.alternative_names = {"*.no-such-domain.test"};
    return plan;
}

const Identity* TestPki::Impl::issuer(CertificateKind kind) {
    if (kind == CertificateKind::self_signed)
        return nullptr;
    if (kind == CertificateKind::unknown_ca) {
        if (!other_ca.certificate)
            other_ca = issue_ca(kCaName, nullptr);
        return &other_ca;
    }
    if (kind == CertificateKind::missing_intermediate) {
        if (!intermediate.certificate)
            intermediate = issue_ca("smtpspec test intermediate CA", &ca);
        return &intermediate;
    }
    return &ca;
}

auto TestPki::Impl::get(CertificateKind kind) -> const Made& {
    std::lock_guard lock(mutex);
    auto& entry = made[kind];
    if (entry.context)
        return entry;
    auto identity = issue(plan(kind), new_key(kind), issuer(kind));
    entry.chain_pem = pem_of(identity.certificate.get());  // no kind sends an intermediate
    entry.spki = wire::spki_sha256(identity.certificate.get());
    auto context = wire::server_context(entry.chain_pem, pem_of(identity.key.get()));
    if (!context)
        throw std::runtime_error("test certificate " + std::string(to_string(kind)) + ": " + context.error());
    entry.context = *context;
    return entry;
}

TestPki::TestPki(std::vector<std::string> hosts) : impl_(std::make_unique<Impl>(std::move(hosts))) {}
TestPki::~TestPki() = default;

std::string TestPki::ca_pem() const { return pem_of(impl_->ca.certificate.get()); }
std::string TestPki::certificate_pem(CertificateKind kind) const { return impl_->get(kind).chain_pem; }
std::shared_ptr<SSL_CTX> TestPki::server_context(CertificateKind kind) const {
    return impl_->get(kind).context;
}
std::string TestPki::spki_sha256(CertificateKind kind) const { return impl_->get(kind).spki; }

}  // namespace smtpspec::wire
