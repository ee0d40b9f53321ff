#include <algorithm>
#include <map>
#include <mutex>
#include <tuple>

#include "mockserver/auth_exchange.hpp"
#include "protocol/smtp/scram.hpp"
#include "protocol/wire/crypto.hpp"

namespace smtpspec::mock {
namespace {

constexpr int iterations = 4096;  // RFC 7677 §4: at least
constexpr int too_few_iterations = 1000;

smtp::ScramCrypto scram_crypto(const std::string& hash) {
    smtp::ScramCrypto crypto;
    crypto.hmac = [hash](std::string_view key, std::string_view text) { return wire::hmac(hash, key, text); };
    crypto.hash = [hash](std::string_view text) { return wire::hash(hash, text); };
    crypto.pbkdf2 = [hash](std::string_view password, std::string_view salt, int count) {
        return wire::pbkdf2(hash, password, salt, static_cast<unsigned>(count));
    };
    return crypto;
}

/// The same for a name each time, whether or not there is such a user, as long as the process runs.
std::string salt_of(const std::string& user) {
    static const std::string key = wire::random_token(32);
    return wire::hmac("SHA-256", key, user).substr(0, 16);
}

/// A server keeps the salted password and does not make it again for each login (RFC 5802 §2.3); a matrix has
/// a server for each cell, and all of them the same accounts.
smtp::ScramVerifier verifier(const smtp::ScramCrypto& crypto,
                             const std::string& hash,
                             const std::string& user,
                             const std::string& password) {
    static std::mutex mutex;
    static std::map<std::tuple<std::string, std::string, std::string>, smtp::ScramVerifier> known;
    constexpr std::size_t most = 64;
    const std::lock_guard lock(mutex);
    if (known.size() >= most)
        known.clear();
    auto [at, added] = known.try_emplace({hash, user, password});
    if (added)
        at->second = smtp::make_scram_verifier(crypto, password, salt_of(user), iterations);
    return at->second;
}

/// What nobody can log in with, and looks like everybody's (RFC 5802 §9 speaks of guessing offline; who is
/// known here is nobody's business before the proof).
smtp::ScramVerifier verifier_of_nobody(const std::string& user) {
    smtp::ScramVerifier nobody;
    nobody.salt = salt_of(user);
    nobody.iterations = iterations;
    nobody.stored_key = wire::random_token(32);
    nobody.server_key = wire::random_token(32);
    return nobody;
}

class Scram final : public AuthExchange {
  public:
    Scram(const AuthContext& context, const std::string& hash, bool plus)
        : hash_(hash),
          crypto_(scram_crypto(hash)),
          defects_(context.defects),
          takes_any_(context.defects.has(Defect::auth_accepts_any_password)),
          refuses_right_(plus && context.defects.has(Defect::scram_refuses_right_binding)),
          server_(crypto_, lookup(context.accounts), server_nonce(context), options(context, plus)) {}

    /// The client speaks first (RFC 5802 §5).
    Step begin(std::optional<std::string> initial) override {
        return initial ? next(std::move(*initial)) : Step{Result::challenge, {}};
    }

    Step next(std::string message) override {
        switch (stage_) {
            case Stage::first:
                return first(message);
            case Stage::final:
                return final(message);
            case Stage::confirm:
                break;
        }
        // The client's empty answer to our signature, for 235 carries no data (RFC 4954 §4).
        return {message.empty() ? Result::success : Result::malformed, {}};
    }

  private:
    enum class Stage { first, final, confirm };

    static smtp::ScramServerOptions options(const AuthContext& context, bool plus) {
        smtp::ScramServerOptions options;
        options.plus = plus;
        options.plus_offered = context.plus_offered;
        options.binding_name = "tls-exporter";
        options.binding_data = context.channel_binding;
        options.ignore_binding = context.defects.has(Defect::scram_ignores_binding);
        options.ignore_nonce = context.defects.has(Defect::scram_ignores_nonce);
        options.ignore_extension = context.defects.has(Defect::scram_ignores_extension);
        options.wrong_signature = context.defects.has(Defect::scram_wrong_signature);
        options.foreign_nonce = context.defects.has(Defect::scram_foreign_nonce);
        options.iterations = context.defects.has(Defect::scram_few_iterations) ? too_few_iterations : 0;
        return options;
    }

    static std::string server_nonce(const AuthContext& context) {
        return context.defects.has(Defect::scram_nonce_repeated) ? "the-same-each-time"
                                                                 : wire::random_token(24);
    }

    smtp::ScramServer::Lookup lookup(const std::vector<Account>& accounts) {
        return [this, &accounts](const std::string& user) -> std::optional<smtp::ScramVerifier> {
            const auto it = std::find_if(
                accounts.begin(), accounts.end(), [&](const Account& a) { return a.user == user; });
            if (it == accounts.end() && defects_.has(Defect::scram_names_unknown_users)) {
                return std::nullopt;
            }
            if (it == accounts.end()) {
                const bool changes = defects_.has(Defect::scram_salt_of_nobody_changes);
                return verifier_of_nobody(changes ? wire::random_token(8) : user);
            }
            return verifier(crypto_, hash_, user, it->password);
        };
    }

    Step first(const std::string& message) {
        auto answer = server_.first(message);
        user_ = server_.user();
        if (!answer) {
            return {Result::failure, {}};
        }
        stage_ = Stage::final;
        return {Result::challenge, std::move(*answer)};
    }

    Step final(const std::string& message) {
        auto answer = server_.final(message);
        if (!answer && takes_any_) {
            return {Result::success, {}};
        }
        if (!answer || refuses_right_) {
            return {Result::failure, {}};
        }
        if (defects_.has(Defect::scram_without_signature)) {
            return {Result::success, {}};
        }
        stage_ = Stage::confirm;
        return {Result::challenge, std::move(*answer)};
    }

    std::string hash_;
    smtp::ScramCrypto crypto_;
    const DefectSet& defects_;
    bool takes_any_;
    bool refuses_right_;
    smtp::ScramServer server_;
    Stage stage_ = Stage::first;
};

}  // namespace

std::unique_ptr<AuthExchange> make_scram_exchange(std::string_view mechanism, const AuthContext& context) {
    const bool plus = mechanism.ends_with("-PLUS");
    const auto family = plus ? mechanism.substr(0, mechanism.size() - 5) : mechanism;
    if (family == "SCRAM-SHA-1") {
        return std::make_unique<Scram>(context, "SHA-1", plus);
    }
    if (family == "SCRAM-SHA-256") {
        return std::make_unique<Scram>(context, "SHA-256", plus);
    }
    return nullptr;
}

}  // namespace smtpspec::mock
