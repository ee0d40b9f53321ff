#include <algorithm>
#include <array>

#include "protocol/script/function_crypto.hpp"
#include "protocol/script/start_state.hpp"
#include "protocol/smtp/base64.hpp"
#include "protocol/smtp/sasl.hpp"
#include "protocol/wire/crypto.hpp"

namespace smtpspec::script {

namespace {

/// What we can do, best first (scenario-language.md §4).
constexpr std::array mechanisms = {"SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN", "CRAM-MD5"};

using Answer = tl::expected<StepReply, StepFailure>;

StepResult outcome(const Answer& answer) {
    if (!answer) {
        return tl::unexpected(answer.error());
    }
    return StepResult();
}

StepFailure broken(const std::string& step, std::string reason) {
    StepFailure result;
    result.step = step;
    result.reason = std::move(reason);
    return result;
}

/// The server's challenge, decoded. What is no base64 counts as it stands.
std::string challenge(const smtp::Reply& reply) {
    const std::string text = reply.lines.empty() ? std::string() : reply.lines.front().text;
    return smtp::base64_decode(text).value_or(text);
}

class Login {
  public:
    Login(ScriptState& state, Link& link, std::string mechanism)
        : state_(state), link_(link), mechanism_(std::move(mechanism)), step_("AUTH " + mechanism_) {
        const auto& given = state.environment.given();
        user_ = given.at("user");
        secret_ = given.at("secret");
    }

    wire::Awaitable<StepResult> run() {
        if (mechanism_ == "PLAIN") {
            co_return co_await plain();
        }
        if (mechanism_ == "LOGIN") {
            co_return co_await login();
        }
        if (mechanism_ == "CRAM-MD5") {
            co_return co_await cram_md5();
        }
        co_return co_await scram();
    }

  private:
    wire::Awaitable<Answer> say(std::string line, int wanted) {
        co_return co_await exchange(state_, link_, std::move(line), step_, wanted);
    }

    wire::Awaitable<StepResult> plain() {
        const std::string message = smtp::base64_encode(smtp::plain_message("", user_, secret_));
        const Answer answer = co_await say("AUTH PLAIN " + message, 235);
        co_return outcome(answer);
    }

    wire::Awaitable<StepResult> login() {
        const Answer first = co_await say("AUTH LOGIN", 334);
        if (!first) {
            co_return outcome(first);
        }
        const Answer second = co_await say(smtp::base64_encode(user_), 334);
        if (!second) {
            co_return outcome(second);
        }
        const Answer last = co_await say(smtp::base64_encode(secret_), 235);
        co_return outcome(last);
    }

    wire::Awaitable<StepResult> cram_md5() {
        const Answer first = co_await say("AUTH CRAM-MD5", 334);
        if (!first) {
            co_return outcome(first);
        }
        const std::string digest = *hmac_octets("MD5", secret_, challenge(first->reply));
        const std::string message = smtp::cram_md5_message(user_, smtp::hex_encode(digest));
        const Answer last = co_await say(smtp::base64_encode(message), 235);
        co_return outcome(last);
    }

    wire::Awaitable<StepResult> scram() {
        const std::string hash = mechanism_.substr(std::string_view("SCRAM-").size());
        smtp::ScramClient client(*scram_crypto(hash), user_, secret_, wire::random_token(24));
        const Answer opened =
            co_await say("AUTH " + mechanism_ + " " + smtp::base64_encode(client.first()), 334);
        if (!opened) {
            co_return outcome(opened);
        }
        const auto final = client.final(challenge(opened->reply));
        if (!final) {
            co_return tl::unexpected(broken(step_, final.error()));
        }
        const Answer proved = co_await say(smtp::base64_encode(*final), 0);
        if (!proved || proved->reply.code == 235) {
            co_return outcome(proved);
        }
        const auto verified = client.verify(challenge(proved->reply));
        if (proved->reply.code != 334 || !verified) {
            StepFailure refused = broken(step_, state_.shown(proved->reply.raw));
            refused.code = proved->reply.code;
            refused.reply = refused.reason;
            co_return tl::unexpected(std::move(refused));
        }
        const Answer last = co_await say("", 235);
        co_return outcome(last);
    }

    ScriptState& state_;
    Link& link_;
    std::string mechanism_;
    std::string step_;
    std::string user_, secret_;
};

}  // namespace

wire::Awaitable<StepResult> authenticate(ScriptState& state, Link& link) {
    if (link.capabilities.words("AUTH").empty()) {
        co_return tl::unexpected(broken("AUTH", "the server does not offer AUTH here"));
    }
    const auto* const best = std::find_if(mechanisms.begin(), mechanisms.end(), [&](const char* name) {
        return link.capabilities.auth_offers(name);
    });
    if (best == mechanisms.end()) {
        co_return tl::unexpected(broken("AUTH", "no mechanism in common"));
    }
    Login login(state, link, *best);
    const StepResult done = co_await login.run();
    if (done) {
        link.user = state.environment.given().at("user");
    }
    co_return done;
}

}  // namespace smtpspec::script
