#include "harness/client/mechanism.hpp"

#include <algorithm>
#include <array>

#include "protocol/smtp/base64.hpp"
#include "protocol/smtp/sasl.hpp"
#include "protocol/smtp/text.hpp"
#include "protocol/wire/crypto.hpp"

namespace smtpspec::client {
namespace {

using Answer = tl::expected<std::string, std::string>;

Answer cancel(std::string why) { return tl::unexpected(std::move(why)); }

class Plain : public SaslExchange {
  public:
    Plain(const LoginSecrets& secrets, const Defects& defects)
        : secrets_(secrets), careless_(defects.has(Defect::answer_any_challenge)) {}
    std::string_view name() const override { return "PLAIN"; }
    std::optional<std::string> initial() override {
        sent_ = true;
        return message();
    }
    Answer answer(std::string_view) override {
        if (sent_ && !careless_)
            return cancel("the server sent a challenge after the PLAIN response");
        sent_ = true;
        return message();
    }

  private:
    std::string message() const { return smtp::plain_message("", secrets_.user, secrets_.password); }
    LoginSecrets secrets_;
    bool careless_;
    bool sent_ = false;
};

/// The prompts are not looked at: servers word them as they like.
class Login : public SaslExchange {
  public:
    Login(const LoginSecrets& secrets, const Defects& defects) : secrets_(secrets), defects_(defects) {}
    std::string_view name() const override { return "LOGIN"; }
    std::optional<std::string> initial() override { return std::nullopt; }
    Answer answer(std::string_view challenge) override {
        if (++step_ > 2 && !defects_.has(Defect::answer_any_challenge))
            return cancel("the server sent a third LOGIN challenge");
        if (defects_.has(Defect::login_matches_prompts))
            return by_prompt(challenge);
        const bool user_now = (step_ == 1) != defects_.has(Defect::login_password_first);
        return user_now ? secrets_.user : secrets_.password;
    }

  private:
    Answer by_prompt(std::string_view prompt) const {
        if (prompt == smtp::login_username_prompt)
            return secrets_.user;
        if (prompt == smtp::login_password_prompt)
            return secrets_.password;
        return cancel("the server asks something else than user name and password");
    }
    LoginSecrets secrets_;
    Defects defects_;
    int step_ = 0;
};

class CramMd5 : public SaslExchange {
  public:
    explicit CramMd5(const LoginSecrets& secrets) : secrets_(secrets) {}
    std::string_view name() const override { return "CRAM-MD5"; }
    std::optional<std::string> initial() override { return std::nullopt; }
    Answer answer(std::string_view challenge) override {
        if (done_)
            return cancel("the server sent a second CRAM-MD5 challenge");
        if (challenge.empty())
            return cancel("the CRAM-MD5 challenge is empty");
        done_ = true;
        return smtp::cram_md5_message(secrets_.user,
                                      smtp::hex_encode(wire::hmac("MD5", secrets_.password, challenge)));
    }

  private:
    LoginSecrets secrets_;
    bool done_ = false;
};

/// OAUTHBEARER and XOAUTH2: one message; a challenge after it is the server's error report and is answered so
/// that the 535 can follow (RFC 7628 §3.2.3).
class Bearer : public SaslExchange {
  public:
    Bearer(std::string name, const LoginSecrets& secrets, const Defects& defects)
        : name_(std::move(name)),
          secrets_(secrets),
          repeats_(defects.has(Defect::oauth_repeats_token)),
          rubbish_(defects.has(Defect::oauth_answers_rubbish)) {}
    std::string_view name() const override { return name_; }
    std::optional<std::string> initial() override {
        sent_ = true;
        return message();
    }
    Answer answer(std::string_view challenge) override {
        if (!sent_) {
            sent_ = true;
            return message();
        }
        if (!refusal_.empty() && !repeats_)
            return cancel("the server sent a second challenge after its error report");
        refusal_ = challenge.empty() ? "token refused" : std::string(challenge);
        if (repeats_)
            return message();
        if (rubbish_)
            return std::string("?");
        return name_ == "OAUTHBEARER" ? std::string("\x01") : std::string();
    }
    std::string refusal() const override { return refusal_; }
    tl::expected<void, std::string> success(std::string_view) override {
        if (refusal_.empty())
            return {};
        return tl::unexpected(std::string("the server reports an error and then a success"));
    }

  private:
    std::string message() const {
        if (name_ != "OAUTHBEARER")
            return smtp::xoauth2_message(secrets_.user, secrets_.token);
        return smtp::oauthbearer_message(
            secrets_.user, secrets_.token, secrets_.host, std::to_string(secrets_.port));
    }
    std::string name_;
    LoginSecrets secrets_;
    std::string refusal_;
    bool repeats_;
    bool rubbish_;
    bool sent_ = false;
};

constexpr std::array<std::string_view, 9> by_strength = {
    "SCRAM-SHA-256-PLUS",
    "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-256",
    "SCRAM-SHA-1",
    "CRAM-MD5",
    "PLAIN",
    "LOGIN",
    "OAUTHBEARER",
    "XOAUTH2",
};

bool is_bearer(std::string_view mechanism) { return mechanism == "XOAUTH2" || mechanism == "OAUTHBEARER"; }

bool shows_the_secret(std::string_view mechanism) {
    return mechanism == "PLAIN" || mechanism == "LOGIN" || is_bearer(mechanism);
}

bool wanted(std::string_view mechanism, const std::vector<std::string>& only) {
    if (only.empty())
        return !is_bearer(mechanism);
    return std::any_of(
        only.begin(), only.end(), [&](const std::string& name) { return smtp::iequals(name, mechanism); });
}

void prefer(std::vector<std::string>& names, std::string_view mechanism) {
    const auto it = std::find(names.begin(), names.end(), mechanism);
    if (it != names.end())
        std::rotate(names.begin(), it, it + 1);
}

smtp::ChannelBinding binding_for(std::string_view mechanism,
                                 const LoginChannel& channel,
                                 const smtp::Capabilities& offered) {
    smtp::ChannelBinding binding;
    if (mechanism.ends_with("-PLUS")) {
        binding.gs2_header = "p=tls-exporter,,";
        binding.data = channel.binding;
    } else if (!channel.binding.empty() && !offered.auth_offers(std::string(mechanism) + "-PLUS")) {
        binding.gs2_header = "y,,";  // we could have, had it been offered (RFC 5802 §6)
    }
    return binding;
}

}  // namespace

std::vector<std::string> usable_mechanisms(const smtp::Capabilities& offered,
                                           const LoginChannel& channel,
                                           const std::vector<std::string>& only,
                                           const Defects& defects) {
    std::vector<std::string> names;
    for (const std::string_view mechanism : by_strength) {
        if (!offered.auth_offers(mechanism) || !wanted(mechanism, only))
            continue;
        if (mechanism.ends_with("-PLUS") && channel.binding.empty())
            continue;
        if (channel.secrets_allowed || !shows_the_secret(mechanism))
            names.emplace_back(mechanism);
    }
    if (defects.has(Defect::plain_and_login_only))
        std::erase_if(names, [](const std::string& name) { return name != "PLAIN" && name != "LOGIN"; });
    if (defects.has(Defect::prefer_plain))
        prefer(names, "PLAIN");
    if (defects.has(Defect::prefer_login))
        prefer(names, "LOGIN");
    return names;
}

std::unique_ptr<SaslExchange> make_exchange(std::string_view mechanism,
                                            const LoginSecrets& secrets,
                                            const LoginChannel& channel,
                                            const smtp::Capabilities& offered,
                                            const Defects& defects) {
    if (mechanism == "PLAIN")
        return std::make_unique<Plain>(secrets, defects);
    if (mechanism == "LOGIN")
        return std::make_unique<Login>(secrets, defects);
    if (mechanism == "CRAM-MD5")
        return std::make_unique<CramMd5>(secrets);
    if (is_bearer(mechanism))
        return std::make_unique<Bearer>(std::string(mechanism), secrets, defects);
    if (mechanism.starts_with("SCRAM-SHA-"))
        return make_scram(mechanism, secrets, binding_for(mechanism, channel, offered), defects);
    return nullptr;
}

}  // namespace smtpspec::client
