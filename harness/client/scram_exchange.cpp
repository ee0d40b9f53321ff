#include "harness/client/mechanism.hpp"

#include <map>
#include <tuple>

#include "protocol/smtp/base64.hpp"
#include "protocol/smtp/sasl.hpp"
#include "protocol/smtp/text.hpp"
#include "protocol/wire/crypto.hpp"

/// SCRAM as an exchange (RFC 5802, RFC 7677), and a careless twin that trusts what it must check.
namespace smtpspec::client {
namespace {

using Answer = tl::expected<std::string, std::string>;

std::string hash_of(std::string_view mechanism) {
    return mechanism.find("SHA-256") != std::string_view::npos ? "SHA-256" : "SHA-1";
}

/// The server's signature, where it stands in the text of a 235.
std::string signature_in(std::string_view text) {
    for (const std::string& word : smtp::split_words(text)) {
        const tl::expected<std::string, std::string> octets = smtp::base64_decode(word);
        if (octets && octets->starts_with("v="))
            return *octets;
    }
    return {};
}

class Scram : public SaslExchange {
  public:
    Scram(std::string name,
          const LoginSecrets& secrets,
          smtp::ChannelBinding binding,
          smtp::ScramLimits limits)
        : name_(std::move(name)),
          client_(scram_crypto(hash_of(name_)),
                  secrets.user,
                  secrets.password,
                  wire::random_token(24),
                  std::move(binding),
                  limits) {}

    std::string_view name() const override { return name_; }
    std::optional<std::string> initial() override {
        step_ = 1;
        return client_.first();
    }
    Answer answer(std::string_view challenge) override {
        switch (step_++) {
            case 0:
                return client_.first();
            case 1:
                return client_.final(challenge);
            case 2:
                return check(challenge);
            default:
                return tl::unexpected(std::string("the server sent a challenge after the end of SCRAM"));
        }
    }
    tl::expected<void, std::string> success(std::string_view text) override {
        if (verified_)
            return {};
        if (step_ == 2 && client_.verify(signature_in(text)))
            return {};
        return tl::unexpected(std::string("the server accepts the login without its SCRAM signature"));
    }

  private:
    Answer check(std::string_view challenge) {
        const tl::expected<void, std::string> verdict = client_.verify(challenge);
        if (!verdict)
            return tl::unexpected(verdict.error());
        verified_ = true;
        return std::string();
    }

    std::string name_;
    smtp::ScramClient client_;
    bool verified_ = false;
    int step_ = 0;
};

/// Looks at the server's messages only as far as it has to: each check is left out by its own defect.
class CarelessScram : public SaslExchange {
  public:
    CarelessScram(std::string name,
                  const LoginSecrets& secrets,
                  smtp::ChannelBinding binding,
                  const Defects& defects)
        : name_(std::move(name)),
          secrets_(secrets),
          binding_(std::move(binding)),
          defects_(defects),
          nonce_(wire::random_token(24)) {}

    std::string_view name() const override { return name_; }
    std::optional<std::string> initial() override {
        step_ = 1;
        return first_ = binding_.gs2_header + "n=" + smtp::saslname_encode(secrets_.user) + ",r=" + nonce_;
    }
    Answer answer(std::string_view challenge) override {
        switch (step_++) {
            case 0:
                static_cast<void>(initial());
                return first_;
            case 1:
                return final(std::string(challenge));
            default:
                return check(challenge);
        }
    }
    tl::expected<void, std::string> success(std::string_view text) override {
        if (verified_ || defects_.has(Defect::scram_ignore_signature))
            return {};
        if (check(signature_in(text)))
            return {};
        return tl::unexpected(std::string("the server accepts the login without its SCRAM signature"));
    }

  private:
    Answer final(const std::string& server_first) {
        std::string readable = server_first;
        if (readable.starts_with("m=")) {
            if (!defects_.has(Defect::scram_ignore_extension))
                return tl::unexpected(std::string("unknown mandatory extension m="));
            readable.erase(0, readable.find(',') + 1);
        }
        const tl::expected<smtp::ScramServerFirst, std::string> parsed =
            smtp::parse_scram_server_first(readable, limits());
        if (!parsed)
            return tl::unexpected(parsed.error());
        if (!parsed->nonce.starts_with(nonce_) && !defects_.has(Defect::scram_ignore_nonce))
            return tl::unexpected(std::string("the server's nonce does not begin with ours"));
        return prove(server_first, *parsed);
    }
    /// RFC 5802 §3, over the server's message as it came.
    Answer prove(const std::string& server_first, const smtp::ScramServerFirst& parsed) {
        const smtp::ScramCrypto crypto = scram_crypto(hash_of(name_));
        const std::string without_proof =
            "c=" + smtp::base64_encode(binding_.gs2_header + binding_.data) + ",r=" + parsed.nonce;
        const std::string bare = first_.substr(binding_.gs2_header.size());
        const std::string text = bare + "," + server_first + "," + without_proof;
        const std::string salted = crypto.pbkdf2(secrets_.password, parsed.salt, parsed.iterations);
        std::string proof = crypto.hmac(salted, "Client Key");
        const std::string signature = crypto.hmac(crypto.hash(proof), text);
        for (size_t i = 0; i < proof.size(); ++i)
            proof[i] = static_cast<char>(proof[i] ^ signature[i]);
        expected_ = crypto.hmac(crypto.hmac(salted, "Server Key"), text);
        return without_proof + ",p=" + smtp::base64_encode(proof);
    }
    Answer check(std::string_view challenge) {
        if (!defects_.has(Defect::scram_ignore_signature) &&
            challenge.substr(0, challenge.find(',')) != "v=" + smtp::base64_encode(expected_))
            return tl::unexpected(std::string("the server's SCRAM signature is wrong"));
        verified_ = true;
        return std::string();
    }
    smtp::ScramLimits limits() const {
        smtp::ScramLimits limits;
        limits.min_iterations = defects_.has(Defect::scram_any_iteration_count) ? 1 : 4096;
        return limits;
    }

    std::string name_;
    LoginSecrets secrets_;
    smtp::ChannelBinding binding_;
    Defects defects_;
    std::string nonce_;
    std::string first_;
    std::string expected_;
    bool verified_ = false;
    int step_ = 0;
};

/// The salted password; the last ones are kept, as RFC 5802 §3 lets a client do, since a login costs
/// milliseconds otherwise.
std::string salted_password(const std::string& hash,
                            std::string_view password,
                            std::string_view salt,
                            int iterations) {
    using Key = std::tuple<std::string, std::string, std::string, int>;
    constexpr size_t most = 64;
    static thread_local std::map<Key, std::string> kept;
    Key key(hash, password, salt, iterations);
    if (const auto found = kept.find(key); found != kept.end())
        return found->second;
    if (kept.size() >= most)
        kept.clear();
    std::string made = wire::pbkdf2(hash, password, salt, static_cast<unsigned>(iterations));
    kept.emplace(std::move(key), made);
    return made;
}

bool careless(const Defects& defects) {
    return defects.has(Defect::scram_ignore_signature) || defects.has(Defect::scram_ignore_nonce) ||
           defects.has(Defect::scram_ignore_extension) || defects.has(Defect::scram_any_iteration_count) ||
           defects.has(Defect::scram_no_upper_limit);
}

}  // namespace

std::unique_ptr<SaslExchange> make_scram(std::string_view mechanism,
                                         const LoginSecrets& secrets,
                                         smtp::ChannelBinding binding,
                                         const Defects& defects) {
    std::string name(mechanism);
    if (careless(defects))
        return std::make_unique<CarelessScram>(std::move(name), secrets, std::move(binding), defects);
    smtp::ScramLimits limits;
    limits.min_iterations = 4096;  // RFC 7677 §4
    return std::make_unique<Scram>(std::move(name), secrets, std::move(binding), limits);
}

smtp::ScramCrypto scram_crypto(const std::string& hash) {
    smtp::ScramCrypto crypto;
    crypto.hmac = [hash](std::string_view key, std::string_view text) { return wire::hmac(hash, key, text); };
    crypto.hash = [hash](std::string_view text) { return wire::hash(hash, text); };
    crypto.pbkdf2 = [hash](std::string_view password, std::string_view salt, int iterations) {
        return salted_password(hash, password, salt, iterations);
    };
    return crypto;
}

}  // namespace smtpspec::client
