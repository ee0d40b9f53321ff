#include "mockserver/auth_exchange.hpp"

#include <algorithm>
#include <ctime>

#include "protocol/smtp/base64.hpp"
#include "protocol/smtp/sasl.hpp"
#include "protocol/wire/crypto.hpp"

namespace smtpspec::mock {
namespace {

using Step = AuthExchange::Step;
using Result = AuthExchange::Result;

const Account* find(const std::vector<Account>& accounts, std::string_view user) {
    const auto it =
        std::find_if(accounts.begin(), accounts.end(), [&](const Account& a) { return a.user == user; });
    return it == accounts.end() ? nullptr : &*it;
}

bool takes_any(const AuthContext& context) { return context.defects.has(Defect::auth_accepts_any_password); }

Step challenge(std::string octets) { return {Result::challenge, std::move(octets)}; }

/// RFC 4616: one message, the client's.
class Plain final : public AuthExchange {
  public:
    explicit Plain(const AuthContext& context) : context_(context) {}

    Step begin(std::optional<std::string> initial) override {
        if (!initial && context_.defects.has(Defect::auth_plain_needs_initial_response)) {
            return {Result::malformed, {}};
        }
        return initial ? next(std::move(*initial)) : challenge("");
    }

    Step next(std::string message) override {
        const auto credentials = smtp::parse_plain(message);
        if (!credentials) {
            return {takes_any(context_) ? Result::success : Result::malformed, {}};
        }
        user_ = credentials->user;
        const auto* account = find(context_.accounts, user_);
        const bool acts_for_another = !credentials->authzid.empty() && credentials->authzid != user_ &&
                                      !context_.defects.has(Defect::auth_authzid_ignored);
        if (takes_any(context_)) {
            return {Result::success, {}};
        }
        if (account == nullptr || account->password != credentials->password || acts_for_another) {
            return {Result::failure, {}};
        }
        return {Result::success, {}};
    }

  private:
    AuthContext context_;
};

/// Two prompts; an initial response is the user name (draft-murchison-sasl-login).
class Login final : public AuthExchange {
  public:
    explicit Login(const AuthContext& context) : context_(context) {}

    Step begin(std::optional<std::string> initial) override {
        const bool drops = context_.defects.has(Defect::auth_initial_response_ignored);
        if (initial && context_.defects.has(Defect::auth_login_initial_response_refused)) {
            return {Result::initial_refused, {}};
        }
        return initial && !drops ? next(std::move(*initial))
                                 : challenge(std::string(smtp::login_username_prompt));
    }

    Step next(std::string message) override {
        if (!named_) {
            named_ = true;
            user_ = std::move(message);
            return challenge(std::string(smtp::login_password_prompt));
        }
        const auto* account = find(context_.accounts, user_);
        const bool known = account != nullptr && account->password == message &&
                           !context_.defects.has(Defect::auth_login_refuses_right_password);
        const bool right = known || takes_any(context_);
        return {right ? Result::success : Result::failure, {}};
    }

  private:
    AuthContext context_;
    bool named_ = false;
};

/// RFC 2195: the server speaks first.
class CramMd5 final : public AuthExchange {
  public:
    explicit CramMd5(const AuthContext& context)
        : context_(context), challenge_("<" + unique(context) + "@" + context.host + ">") {}

    Step begin(std::optional<std::string> initial) override {
        if (initial && !context_.defects.has(Defect::auth_initial_response_ignored)) {
            return {Result::initial_refused, {}};
        }
        return challenge(challenge_);
    }

    Step next(std::string message) override {
        const auto response = smtp::parse_cram_md5(message);
        if (takes_any(context_)) {
            return {Result::success, {}};
        }
        if (!response) {
            return {Result::malformed, {}};
        }
        user_ = response->user;
        const auto* account = find(context_.accounts, user_);
        const bool right =
            account != nullptr &&
            smtp::hex_encode(wire::hmac("MD5", account->password, challenge_)) == response->digest &&
            !context_.defects.has(Defect::cram_refuses_right_digest);
        return {right ? Result::success : Result::failure, {}};
    }

  private:
    static std::string unique(const AuthContext& context) {
        return context.defects.has(Defect::cram_challenge_repeated)
                   ? "1896.697170952"
                   : wire::random_token(16) + "." + std::to_string(std::time(nullptr));
    }

    AuthContext context_;
    std::string challenge_;
};

/// XOAUTH2 and OAUTHBEARER (RFC 7628): a refusal is told in a challenge, which the client has to answer.
class Bearer final : public AuthExchange {
  public:
    enum class Flavour { xoauth2, oauthbearer };

    Bearer(const AuthContext& context, Flavour flavour) : context_(context), flavour_(flavour) {}

    Step begin(std::optional<std::string> initial) override {
        return initial ? next(std::move(*initial)) : challenge("");
    }

    Step next(std::string message) override {
        if (refused_) {
            return {Result::failure, {}};
        }
        const auto credentials =
            flavour_ == Flavour::xoauth2 ? smtp::parse_xoauth2(message) : smtp::parse_oauthbearer(message);
        if (!credentials) {
            return {Result::malformed, {}};
        }
        user_ = credentials->user;
        if (knows(*credentials) || takes_any(context_)) {
            return {Result::success, {}};
        }
        if (context_.defects.has(Defect::oauth_refuses_at_once)) {
            return {Result::failure, {}};
        }
        refused_ = true;
        if (context_.defects.has(Defect::oauth_error_is_prose)) {
            return challenge("invalid token");
        }
        return challenge(R"({"status":"invalid_token","schemes":"bearer","scope":"mail"})");
    }

  private:
    bool knows(const smtp::BearerCredentials& credentials) {
        for (const auto& account : context_.accounts) {
            const auto& token = account.token.empty() ? account.password : account.token;
            // The user of OAUTHBEARER may be left out: the token names it (RFC 7628 §3.1).
            if (token == credentials.token &&
                (credentials.user == account.user || credentials.user.empty())) {
                user_ = account.user;
                return true;
            }
        }
        return false;
    }

    AuthContext context_;
    Flavour flavour_;
    bool refused_ = false;
};

/// EXTERNAL without anything external to rely on (RFC 4422 appendix A): only a defect brings it here.
class External final : public AuthExchange {
  public:
    explicit External(const AuthContext& context) : context_(context) {}

    Step begin(std::optional<std::string> initial) override {
        return initial ? next(std::move(*initial)) : challenge("");
    }

    Step next(std::string message) override {
        user_ = std::move(message);
        const bool trusts = context_.defects.has(Defect::external_without_certificate);
        return {trusts ? Result::success : Result::failure, {}};
    }

  private:
    AuthContext context_;
};

}  // namespace

std::unique_ptr<AuthExchange> make_auth_exchange(std::string_view mechanism, const AuthContext& context) {
    if (mechanism == "PLAIN") {
        return std::make_unique<Plain>(context);
    }
    if (mechanism == "LOGIN") {
        return std::make_unique<Login>(context);
    }
    if (mechanism == "CRAM-MD5") {
        return std::make_unique<CramMd5>(context);
    }
    if (mechanism == "XOAUTH2") {
        return std::make_unique<Bearer>(context, Bearer::Flavour::xoauth2);
    }
    if (mechanism == "OAUTHBEARER") {
        return std::make_unique<Bearer>(context, Bearer::Flavour::oauthbearer);
    }
    if (mechanism == "EXTERNAL") {
        return std::make_unique<External>(context);
    }
    return make_scram_exchange(mechanism, context);
}

}  // namespace smtpspec::mock
