#include <algorithm>

#include "mockserver/dialogue.hpp"
#include "protocol/smtp/base64.hpp"
#include "protocol/smtp/text.hpp"

namespace smtpspec::mock {

using Step = AuthExchange::Step;
using Result = AuthExchange::Result;

/// Passwords only inside TLS, or where there is no TLS at all (RFC 4954 §4, RFC 8314 §3.3).
bool Dialogue::offers_auth() const {
    const bool safe = inside_tls_ || peer_.mode == script::Mode::Plain;
    return safe && !config_.accounts.empty() && !mechanisms().empty();
}

std::vector<std::string> Dialogue::mechanisms() const {
    std::vector<std::string> names = config_.extensions.mechanisms;
    if (channel_binding_.empty()) {
        std::erase_if(names, [](const std::string& name) { return name.ends_with("-PLUS"); });
    }
    return names;
}

Answer Dialogue::on_auth(const Command& command) {
    const bool served = offers_auth() || (clear_auth_ && !config_.accounts.empty());
    if (config_.accounts.empty()) {
        return reply(502, "5.5.1", "AUTH is not offered here");
    }
    if (hello_ != Hello::ehlo && !trusts_order_) {
        return reply(503, "5.5.1", "Send EHLO first");
    }
    if (authenticated_) {
        return reply(503, "5.5.1", "Already authenticated");  // RFC 4954 §4
    }
    if (transaction_) {
        return reply(503, "5.5.1", "Not during a mail transaction");
    }
    if (!served) {
        return reply(538, "5.7.11", "Encryption required for this authentication mechanism");
    }
    const auto words = smtp::split_words(command.argument);
    if (words.empty() || words.size() > 2) {
        return reply(501, "5.5.4", "Syntax: AUTH mechanism [initial-response]");
    }
    const auto name = smtp::to_upper(words[0]);
    const auto offered = mechanisms();
    if (std::find(offered.begin(), offered.end(), name) == offered.end()) {
        return reply(504, "5.5.4", "Unrecognized authentication type");
    }
    std::optional<std::string> initial;
    if (words.size() == 2) {
        if (words[1] == "=") {
            initial = "";  // an empty response (RFC 4954 §4)
        } else if (auto decoded = smtp::base64_decode(words[1])) {
            initial = std::move(*decoded);
        } else {
            return reply(501, "5.5.2", "Cannot decode the initial response");
        }
    }
    const bool plus = std::any_of(
        offered.begin(), offered.end(), [](const std::string& m) { return m.ends_with("-PLUS"); });
    AuthContext context{config_.accounts, config_.defects, config_.host, channel_binding_, plus};
    exchange_ = make_auth_exchange(name, context);
    if (!exchange_) {
        return reply(504, "5.5.4", "Unrecognized authentication type");
    }
    return auth_answer(exchange_->begin(std::move(initial)));
}

Answer Dialogue::auth_answer(const Step& step) {
    switch (step.result) {
        case Result::challenge: {
            Answer answer;
            answer.code = 334;
            answer.octets = "334 " + smtp::base64_encode(step.challenge) + "\r\n";
            return answer;
        }
        case Result::success:
            return reply(235, "2.7.0", "Authentication successful");
        case Result::malformed:
            return reply(501, "5.5.2", "Malformed authentication data");
        case Result::initial_refused:
            return reply(501, "5.7.0", "This mechanism takes no initial response");  // RFC 4954 §4
        case Result::failure:
            break;
    }
    if (++auth_failures_ >= config_.limits.auth_failures) {
        return closing(421, "4.7.0", "Too many failed logins");
    }
    return reply(535, "5.7.8", "Authentication credentials invalid");
}

Answer Dialogue::check_auth_line(std::string_view line) {
    if (line == "*") {
        return reply(501, "5.7.0", "Authentication cancelled");  // RFC 4954 §4
    }
    auto decoded = smtp::base64_decode(line);
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
