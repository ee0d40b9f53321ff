#include <algorithm>

#include "mockserver/dialogue.hpp"
#include "protocol/smtp/base64.hpp"
#include "protocol/smtp/sasl.hpp"
#include "protocol/smtp/text.hpp"

namespace smtpspec::mock {

using Step = AuthExchange::Step;
using Result = AuthExchange::Result;

/// Passwords only inside TLS, or where there is no TLS at all (RFC 4954 §4, RFC 8314 §3.3).
bool Dialogue::offers_auth() const {
    if (has(Defect::auth_not_offered)) {
        return false;
    }
    const bool lax = has(Defect::auth_in_clear_accepted) && peer_.mode == script::Mode::Starttls;
    const bool safe = inside_tls_ || peer_.mode == script::Mode::Plain || lax;
    return safe && !config_.accounts.empty() && !mechanisms().empty();
}

std::vector<std::string> Dialogue::mechanisms() const {
    std::vector<std::string> names = config_.extensions.mechanisms;
    if (channel_binding_.empty()) {
        std::erase_if(names, [](const std::string& name) { return name.ends_with("-PLUS"); });
    }
    if (has(Defect::auth_plain_not_offered) || has(Defect::auth_plain_and_login_not_offered)) {
        std::erase(names, "PLAIN");
    }
    if (has(Defect::auth_plain_and_login_not_offered)) {
        std::erase(names, "LOGIN");
    }
    if (has(Defect::auth_login_alone_any_password)) {
        std::erase_if(names, [](const std::string& name) { return name != "LOGIN"; });
    }
    if (has(Defect::external_listed) || has(Defect::external_without_certificate)) {
        names.emplace_back("EXTERNAL");
    }
    return names;
}

std::optional<Answer> Dialogue::refuse_auth() const {
    if (config_.accounts.empty() || has(Defect::auth_not_offered)) {
        return reply(502, "5.5.1", "AUTH is not offered here");
    }
    if (has(Defect::auth_always_454)) {
        return reply(454, "4.7.0", "Temporary authentication failure");
    }
    if (hello_ != Hello::ehlo && !trusts_order_) {
        return reply(503, "5.5.1", "Send EHLO first");
    }
    if (authenticated_ && !has(Defect::second_auth_accepted)) {
        return reply(503, "5.5.1", "Already authenticated");  // RFC 4954 §4
    }
    if (transaction_ && !has(Defect::auth_in_transaction_started)) {
        return reply(503, "5.5.1", "Not during a mail transaction");
    }
    return std::nullopt;
}

/// The defect: the answer in clear tells whether the password is right.
Answer Dialogue::test_password_in_clear(const std::vector<std::string>& words) const {
    if (words.size() == 2 && smtp::iequals(words[0], "PLAIN")) {
        const auto message = smtp::base64_decode(words[1]);
        const auto plain = message ? smtp::parse_plain(*message) : tl::unexpected(std::string());
        const auto knows = [&](const Account& account) {
            return plain && account.user == plain->user && account.password == plain->password;
        };
        if (std::none_of(config_.accounts.begin(), config_.accounts.end(), knows)) {
            return reply(535, "5.7.8", "Authentication credentials invalid");
        }
    }
    return reply(538, "5.7.11", "Encryption required");
}

Answer Dialogue::on_auth(const Command& command) {
    if (auto refusal = refuse_auth()) {
        return std::move(*refusal);
    }
    const auto words = smtp::split_words(command.argument);
    if (!offers_auth() && !clear_auth_) {
        return has(Defect::auth_in_clear_tests_password)
                   ? test_password_in_clear(words)
                   : reply(538, "5.7.11", "Encryption required for this authentication mechanism");
    }
    if (words.empty() || words.size() > 2) {
        return reply(501, "5.5.4", "Syntax: AUTH mechanism [initial-response]");
    }
    auto name = has(Defect::auth_mechanism_in_capitals_only) ? words[0] : smtp::to_upper(words[0]);
    const auto offered = mechanisms();
    std::optional<std::string> initial;
    if (std::find(offered.begin(), offered.end(), name) == offered.end()) {
        if (!has(Defect::auth_unknown_mechanism_started)) {
            return reply(504, "5.5.4", "Unrecognized authentication type");
        }
        name = "PLAIN";
    } else if (words.size() == 2 && words[1] == "=") {
        if (!has(Defect::auth_equals_ignored)) {
            initial = "";  // an empty response (RFC 4954 §4)
        }
    } else if (words.size() == 2) {
        auto decoded = decode(words[1]);
        if (!decoded) {
            return reply(501, "5.5.2", "Cannot decode the initial response");
        }
        initial = std::move(*decoded);
    }
    const auto binds = [](const std::string& mechanism) { return mechanism.ends_with("-PLUS"); };
    const bool plus = std::any_of(offered.begin(), offered.end(), binds);
    AuthContext context{config_.accounts, config_.defects, config_.host, channel_binding_, plus};
    exchange_ = make_auth_exchange(name, context);
    if (!exchange_) {
        return reply(504, "5.5.4", "Unrecognized authentication type");
    }
    return auth_answer(exchange_->begin(std::move(initial)));
}

tl::expected<std::string, std::string> Dialogue::decode(std::string_view text) const {
    if (!has(Defect::base64_ignores_illegal)) {
        return smtp::base64_decode(text);
    }
    std::string kept;
    for (const char c : text) {
        if (smtp::is_alnum(c) || c == '+' || c == '/' || c == '=') {
            kept += c;
        }
    }
    return smtp::base64_decode(kept);
}

/// RFC 4954 §4: "334 " and base64; an empty challenge still has the blank.
Answer Dialogue::challenge(std::string_view octets) const {
    Answer answer;
    answer.code = 334;
    std::string blank = " ";
    if (has(Defect::challenge_without_space)) {
        blank = octets.empty() ? "" : "  ";
    }
    answer.octets = "334" + blank + smtp::base64_encode(octets) + "\r\n";
    if (has(Defect::challenge_with_prose)) {
        answer.octets = "334 Go ahead, please\r\n";
    }
    return answer;
}

Answer Dialogue::auth_answer(const Step& step) {
    switch (step.result) {
        case Result::challenge:
            return challenge(step.challenge);
        case Result::success:
            return reply(235, "2.7.0", "Authentication successful");
        case Result::malformed:
            return reply(501, "5.5.2", "Malformed authentication data");
        case Result::initial_refused:
            return reply(501, "5.7.0", "This mechanism takes no initial response");  // RFC 4954 §4
        case Result::failure:
            break;
    }
    const bool endless = has(Defect::auth_failures_unlimited);
    const int allowed = has(Defect::auth_third_failure_closes) ? 3 : config_.limits.auth_failures;
    if (++auth_failures_ >= allowed && !endless) {
        return closing(421, "4.7.0", "Too many failed logins");
    }
    if (auto told = odd_login_failure()) {
        return std::move(*told);
    }
    if (has(Defect::auth_failure_454)) {
        return reply(454, "4.7.0", "Temporary authentication failure");
    }
    return reply(535, "5.7.8", "Authentication credentials invalid");
}

Answer Dialogue::check_auth_line(std::string_view line) { return twist(judge_auth_line(line)); }

Answer Dialogue::judge_auth_line(std::string_view line) {
    if (line == "*" && has(Defect::auth_cancel_ignored)) {
        return challenge({});
    }
    if (line.size() + 2 > 512 && has(Defect::auth_line_limit_512)) {
        return reply(500, "5.5.6", "Line too long");
    }
    if (line == "*") {
        return reply(501, "5.7.0", "Authentication cancelled");  // RFC 4954 §4
    }
    auto decoded = decode(line);
    if (!decoded) {
        return reply(501, "5.5.2", "Cannot decode the response");
    }
    if (!exchange_) {
        return reply(535, "5.7.8", "Authentication credentials invalid");
    }
    return auth_answer(exchange_->next(std::move(*decoded)));
}

Follow Dialogue::auth_effect(int code) {
    if (code == 334) {
        return Follow::auth_line;
    }
    if (code == 235) {
        authenticated_ = true;
        user_ = exchange_ ? exchange_->user() : std::string();
    }
    exchange_.reset();
    return Follow::command;
}

Follow Dialogue::auth_command_effect(int code) { return auth_effect(code); }

}  // namespace smtpspec::mock
