#include <algorithm>
#include <array>
#include <charconv>

#include "mockserver/dialogue.hpp"
#include "protocol/script/glob.hpp"
#include "protocol/smtp/address.hpp"
#include "protocol/smtp/text.hpp"

namespace smtpspec::mock {
namespace {

constexpr std::size_t max_envid = 100;  // RFC 3461 §4.4
constexpr std::size_t max_orcpt = 500;  // RFC 3461 §4.2

/// Everything that addresses may hold; what is allowed in this transaction is looked at afterwards.
constexpr smtp::ArgumentRules tolerant{true, false, false, false};

using Argument = tl::expected<smtp::EnvelopeArgument, smtp::CommandError>;

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts(1);
    for (const char c : text) {
        if (c == separator) {
            parts.emplace_back();
        } else {
            parts.back().push_back(c);
        }
    }
    return parts;
}

/// NEVER alone, or a list of the other three (RFC 3461 §4.1).
bool is_notify(std::string_view value) {
    const auto words = split(value, ',');
    const auto known = [](const std::string& word) {
        return smtp::iequals(word, "SUCCESS") || smtp::iequals(word, "FAILURE") ||
               smtp::iequals(word, "DELAY");
    };
    return (words.size() == 1 && smtp::iequals(words[0], "NEVER")) ||
           std::all_of(words.begin(), words.end(), known);
}

/// addr-type ";" xtext (RFC 3461 §4.2); with utf-8 the address may be written raw (RFC 6533 §3).
bool is_orcpt(std::string_view value) {
    const auto semicolon = value.find(';');
    if (semicolon == std::string_view::npos || semicolon == 0 || value.size() > max_orcpt) {
        return false;
    }
    const auto address = value.substr(semicolon + 1);
    return !address.empty() &&
           (smtp::iequals(value.substr(0, semicolon), "utf-8") || smtp::xtext_decode(address).has_value());
}

bool is_size(std::string_view value) {
    return !value.empty() && value.size() <= 20 && std::all_of(value.begin(), value.end(), smtp::is_digit);
}

bool above(std::string_view digits, std::size_t limit) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return error != std::errc() || number > limit;
}

std::string parameter_text(const smtp::Parameter& parameter) {
    return parameter.has_value ? parameter.keyword + "=" + parameter.value : parameter.keyword;
}

}  // namespace

Answer Dialogue::from_error(const smtp::CommandError& error) const {
    return reply(error.suggested_code, error.enhanced, error.message);
}

Answer Dialogue::on_mail(const Command& command) {
    if (needs_hello()) {
        return reply(503, "5.5.1", "Send EHLO first");
    }
    if (needs_login()) {
        return reply(530, "5.7.0", "Authentication required");
    }
    if (transaction_ && !has(Defect::nested_mail_restarts) && !has(Defect::nested_mail_mixed)) {
        return reply(503, "5.5.1", "Nested MAIL command");  // RFC 5321 §4.1.4
    }
    if (auto wrong = wrong_mail(command)) {
        return std::move(*wrong);
    }
    constexpr smtp::ArgumentRules any_octets{true, true, true, true};
    auto argument =
        smtp::parse_mail_argument(command.argument, has(Defect::utf8_not_validated) ? any_octets : tolerant);
    if (!argument && (has(Defect::dsn_accepts_anything) || has(Defect::size_not_enforced))) {
        argument =
            smtp::parse_mail_argument(command.argument.substr(0, command.argument.find(' ')), tolerant);
    }
    if (!argument) {
        return from_error(argument.error());
    }
    if (argument->path.address.empty() && !argument->path.null) {
        return reply(501, "5.1.7", "Bad sender address syntax");
    }
    if (!argument->parameters.empty() && hello_ == Hello::helo) {
        return reply(555, "5.5.4", "Parameters need EHLO");
    }
    for (const auto& parameter : argument->parameters) {
        if (auto refusal = refuse_mail_parameter(parameter)) {
            return std::move(*refusal);
        }
    }
    if (auto refusal = refuse_sender(argument->path)) {
        return std::move(*refusal);
    }
    if (auto refusal = refuse_extras(*argument)) {
        return std::move(*refusal);
    }
    const bool utf8 = argument->parameter("SMTPUTF8") != nullptr || has(Defect::smtputf8_not_needed);
    if (smtp::has_eight_bit(argument->path.address) && !utf8) {
        return reply(553, "5.6.7", "Non-ASCII address needs SMTPUTF8");  // RFC 6531 §3.5
    }
    if (store_.octets() > config_.limits.stored_octets) {
        return reply(452, "4.3.1", "Insufficient system storage");
    }
    const bool lowered = lowers_priority(*argument);
    checked_ = std::make_unique<smtp::EnvelopeArgument>(std::move(*argument));
    return lowered ? reply(250, "2.3.6", "Sender OK, at priority 0") : reply(250, "2.1.0", "Sender OK");
}

std::optional<Answer> Dialogue::refuse_mail_parameter(const smtp::Parameter& parameter) const {
    const auto& on = config_.extensions;
    const auto& keyword = parameter.keyword;
    const auto& value = parameter.value;
    const auto bad = [&] { return reply(501, "5.5.4", "Bad value of " + keyword); };
    if (is_extra(keyword) || takes_unchecked(parameter)) {
        return std::nullopt;  // refuse_extras() looks at them together
    }
    if (keyword == "SIZE" && on.size) {
        if (!is_size(value)) {
            return bad();
        }
        if (above(value, config_.limits.message_octets)) {
            return has(Defect::size_over_limit_452)
                       ? reply(452, "4.3.1", "Too much for now")
                       : reply(552, "5.3.4", "Message size exceeds the fixed maximum");  // RFC 1870 §6.1
        }
        return std::nullopt;
    }
    if (keyword == "BODY" && on.eight_bit_mime && !has(Defect::body_parameter_refused)) {
        const bool binary = smtp::iequals(value, "BINARYMIME") && on.binarymime && on.chunking;
        const bool known = binary || smtp::iequals(value, "7BIT") || smtp::iequals(value, "8BITMIME");
        return known ? std::nullopt : std::optional(bad());
    }
    if (keyword == "SMTPUTF8" && on.smtputf8) {
        return parameter.has_value ? std::optional(bad()) : std::nullopt;
    }
    if ((keyword == "RET" || keyword == "ENVID") && has(Defect::dsn_refuses_ret)) {
        return reply(555, "5.5.4", "Unsupported parameter " + keyword);
    }
    if (keyword == "RET" && on.dsn) {
        const bool known = smtp::iequals(value, "FULL") || smtp::iequals(value, "HDRS");
        return known || has(Defect::dsn_accepts_anything) ? std::nullopt : std::optional(bad());
    }
    if (keyword == "ENVID" && on.dsn) {
        const bool fine =
            !value.empty() && value.size() <= max_envid && smtp::xtext_decode(value).has_value();
        return fine || has(Defect::dsn_accepts_anything) ? std::nullopt : std::optional(bad());
    }
    if (keyword == "AUTH" && offers_auth() && !has(Defect::mail_auth_param_refused)) {
        const bool fine = value == "<>" || (!value.empty() && smtp::xtext_decode(value).has_value());
        return fine ? std::nullopt : std::optional(bad());  // RFC 4954 §5
    }
    if (has(Defect::parameters_ignored)) {
        return std::nullopt;
    }
    return reply(555, "5.5.4", "Unsupported parameter " + keyword);
}

void Dialogue::mail_effect(const Command& command) {
    Transaction transaction;
    if (transaction_ && has(Defect::nested_mail_mixed)) {
        transaction.recipients = transaction_->recipients;
    }
    forget_transaction();
    smtp::ArgumentRules any{true, true, true, true};
    const auto checked = std::move(checked_);
    const auto argument = checked ? Argument(*checked) : smtp::parse_mail_argument(command.argument, any);
    if (argument) {
        const auto& address = argument->path.address;
        transaction.from = has(Defect::sender_folded) ? smtp::to_lower(address) : address;
        transaction.smtputf8 = argument->parameter("SMTPUTF8") != nullptr;
        if (const auto* size = argument->parameter("SIZE")) {
            transaction.declared = size->value;
        }
        if (const auto* id = argument->parameter("ENVID")) {
            transaction.envelope_id = id->value;
        }
        if (const auto* body = argument->parameter("BODY")) {
            transaction.binary = smtp::iequals(body->value, "BINARYMIME");
        }
        for (const auto& parameter : argument->parameters) {
            transaction.parameters.push_back(parameter_text(parameter));
        }
    }
    transaction_ = std::move(transaction);
    ++mails_;
}

Answer Dialogue::on_rcpt(const Command& command) {
    if (!transaction_ && !trusts_order_ && !has(Defect::rcpt_without_mail_taken)) {
        return reply(503, "5.5.1", "Send MAIL first");
    }
    if (auto wrong = wrong_rcpt(command)) {
        return std::move(*wrong);
    }
    const bool lax = has(Defect::dsn_accepts_anything);
    auto argument = smtp::parse_rcpt_argument(command.argument, tolerant);
    if (!argument && lax) {
        argument =
            smtp::parse_rcpt_argument(command.argument.substr(0, command.argument.find(' ')), tolerant);
    }
    if (!argument) {
        return from_error(argument.error());
    }
    if (!argument->parameters.empty() && hello_ == Hello::helo) {
        return reply(555, "5.5.4", "Parameters need EHLO");
    }
    for (const auto& parameter : argument->parameters) {
        if (auto refusal = refuse_rcpt_parameter(parameter)) {
            return std::move(*refusal);
        }
    }
    if (auto refusal = refuse_recipient(argument->path)) {
        return std::move(*refusal);
    }
    if (!lax) {
        checked_ = std::make_unique<smtp::EnvelopeArgument>(std::move(*argument));
    }
    return reply(250, "2.1.5", "Recipient OK");
}

std::optional<Answer> Dialogue::refuse_rcpt_parameter(const smtp::Parameter& parameter) const {
    const auto& keyword = parameter.keyword;
    if (keyword == "ORCPT" && has(Defect::dsn_orcpt_refused)) {
        return reply(501, "5.5.4", "Bad value of ORCPT");
    }
    const bool dsn = config_.extensions.dsn && (keyword == "NOTIFY" || keyword == "ORCPT");
    if (!dsn && has(Defect::parameters_ignored)) {
        return std::nullopt;
    }
    if (!dsn || (keyword == "NOTIFY" && has(Defect::dsn_refuses_notify))) {
        return reply(555, "5.5.4", "Unsupported parameter " + keyword);
    }
    const bool fine = keyword == "NOTIFY" ? is_notify(parameter.value) : is_orcpt(parameter.value);
    if (!fine && !has(Defect::dsn_accepts_anything)) {
        return reply(501, "5.5.4", "Bad value of " + keyword);
    }
    return std::nullopt;
}

bool Dialogue::refuses(std::string_view address) const {
    const auto fits = [&](const std::string& pattern) {
        return script::glob_matches(smtp::to_lower(pattern), smtp::to_lower(address));
    };
    const auto& refused = config_.refused_recipients;
    return std::any_of(refused.begin(), refused.end(), fits);
}

/// In one of our domains or below it.
bool Dialogue::is_local(std::string_view address) const {
    const auto at = address.rfind('@');
    const auto domain = at == std::string_view::npos ? std::string() : smtp::to_lower(address.substr(at + 1));
    const auto& domains = config_.local_domains;
    return std::any_of(domains.begin(), domains.end(), [&](const std::string& known) {
        return domain == known || domain.ends_with("." + known);
    });
}

std::optional<Answer> Dialogue::refuse_recipient(const smtp::Path& path) const {
    if (path.null) {
        return reply(501, "5.1.3", "Bad recipient address syntax");
    }
    if (smtp::has_eight_bit(path.address) && transaction_ && !transaction_->smtputf8) {
        return reply(553, "5.6.7", "Non-ASCII address needs SMTPUTF8");
    }
    if (const auto odd = odd_recipient(path)) {
        return *odd == 250 ? std::nullopt : std::optional(reply(*odd, "5.1.1", "No such mailbox here"));
    }
    if (has(Defect::rcpt_closes)) {
        return closing_silently();
    }
    if (has(Defect::greylists)) {
        return reply(450, "4.7.1", "Greylisted, please try again later");
    }
    const auto count = transaction_ ? transaction_->recipients.size() : 0;
    if (count >= 50 && has(Defect::rcpt_limit_50_closes)) {
        return closing(421, "4.7.0", "Too many recipients");
    }
    const int limit = has(Defect::rcpt_limit_50) ? 50 : config_.limits.recipients;
    if (count >= static_cast<std::size_t>(limit) && !has(Defect::rcpt_unlimited)) {
        return reply(452, "4.5.3", "Too many recipients");  // RFC 5321 §4.5.3.1.10
    }
    if (refuses(path.address) && !has(Defect::bad_recipient_refused_late)) {
        return reply(550, "5.1.1", "No such mailbox here");
    }
    const bool ours = path.domain.empty() || is_local(path.address);
    const bool relays = authenticated_ || trusts_order_ || (has(Defect::open_relay) && inside_tls_);
    if (!ours && !relays) {
        return reply(550, "5.7.1", "Relaying denied");
    }
    return std::nullopt;
}

void Dialogue::want_report(const smtp::EnvelopeArgument& recipient) {
    const auto* notify = recipient.parameter("NOTIFY");
    if (notify == nullptr || smtp::to_upper(notify->value).find("SUCCESS") == std::string::npos) {
        return;
    }
    const auto* original = recipient.parameter("ORCPT");
    transaction_->reports.push_back(
        {recipient.path.address, original != nullptr ? original->value : std::string()});
}

void Dialogue::rcpt_effect(const Command& command, bool accepted) {
    if (!transaction_ && accepted) {
        transaction_.emplace();
    }
    if (!accepted) {
        if (transaction_) {
            transaction_->refused_any = true;
        }
        return;
    }
    smtp::ArgumentRules any{true, true, true, true};
    const auto checked = std::move(checked_);
    auto argument = checked ? Argument(*checked) : smtp::parse_rcpt_argument(command.argument, any);
    if (!argument) {
        argument = smtp::parse_rcpt_argument(command.argument.substr(0, command.argument.find(' ')), any);
    }
    ++rcpts_;
    if (!argument) {
        transaction_->recipients.push_back(command.argument);
        return;
    }
    if (has(Defect::bad_recipient_refused_late) && refuses(argument->path.address)) {
        transaction_->late_refusal = true;
        return;
    }
    transaction_->recipients.push_back(argument->path.address);
    want_report(*argument);
    for (const auto& parameter : argument->parameters) {
        transaction_->parameters.push_back(parameter_text(parameter));
    }
}

}  // namespace smtpspec::mock
