#include <algorithm>
#include <charconv>

#include "mockserver/dialogue.hpp"
#include "protocol/smtp/base64.hpp"
#include "protocol/smtp/text.hpp"

/// Defects that would make the faithful server's own code hard to read.
namespace smtpspec::mock {
namespace {

void drop_keyword(std::vector<std::string>& lines, std::string_view keyword) { std::erase(lines, keyword); }

void rewrite(std::vector<std::string>& lines, std::string_view keyword, std::string_view line) {
    for (auto& known : lines) {
        if (known.starts_with(keyword)) {
            known = line;
        }
    }
}

/// As a relay may that has to pass mail on to a server without 8BITMIME (RFC 6152 §3).
std::string converted(const std::string& text) {
    const auto body = text.find("\r\n\r\n");
    const auto encoding = text.find("8bit");
    if (body == std::string::npos || encoding == std::string::npos) {
        return text;
    }
    auto out = text.substr(0, body + 4) + smtp::base64_encode(text.substr(body + 4)) + "\r\n";
    return out.replace(encoding, 4, "base64");
}

}  // namespace

void Dialogue::edit_ehlo(std::vector<std::string>& lines) const {
    if (has(Defect::few_extensions)) {
        for (const auto* keyword : {"PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES", "DSN"}) {
            drop_keyword(lines, keyword);
        }
    }
    if (has(Defect::smtputf8_without_8bitmime)) {
        drop_keyword(lines, "8BITMIME");
    }
    if (has(Defect::smtputf8_with_words)) {
        rewrite(lines, "SMTPUTF8", "SMTPUTF8 REPLIES");
    }
    if (has(Defect::limits_malformed)) {
        rewrite(lines, "LIMITS", "LIMITS RCPTMAX=0100 MAILMAX=many");
    }
    if (has(Defect::size_malformed)) {
        rewrite(lines, "SIZE", "SIZE unlimited");
    }
    if (has(Defect::size_without_limit)) {
        rewrite(lines, "SIZE", "SIZE 0");
    }
    if (has(Defect::etrn_listed)) {
        lines.emplace_back("ETRN");
    }
    offer_extras(lines);
}

std::optional<Answer> Dialogue::odd_login_failure() const {
    if (has(Defect::auth_failure_closes)) {
        return closing_silently();
    }
    const auto& user = exchange_->user();
    const auto& accounts = config_.accounts;
    if (std::any_of(accounts.begin(), accounts.end(), [&](const Account& a) { return a.user == user; })) {
        return std::nullopt;
    }
    if (has(Defect::auth_unknown_user_550)) {
        return reply(550, "5.1.1", "No such user");
    }
    return has(Defect::auth_unknown_user_named) ? std::optional(reply(535, "5.7.8", "No such user"))
                                                : std::nullopt;
}

Answer Dialogue::closing_silently() {
    Answer nothing;
    nothing.code = 421;
    nothing.close = true;
    return nothing;
}

std::optional<Answer> Dialogue::odd_vrfy(const Command& command) const {
    const bool utf8 = smtp::has_eight_bit(command.argument);
    if (utf8 && has(Defect::vrfy_utf8_drops)) {
        return closing_silently();
    }
    if (utf8 && has(Defect::vrfy_echoes_utf8)) {
        return reply(252, "2.5.0", "Cannot VRFY " + command.argument);
    }
    if (has(Defect::vrfy_tells_users)) {
        return refuses(command.argument) ? reply(550, "5.1.1", "No such mailbox here")
                                         : reply(250, "2.1.5", "<" + command.argument + ">");
    }
    return std::nullopt;
}

std::optional<Answer> Dialogue::odd_service(const Command& command) const {
    if (command.verb == "EXPN" && has(Defect::expn_lists)) {
        return reply(250, "2.1.5", "<member@" + config_.host + ">");
    }
    if (command.verb == "ETRN" && has(Defect::etrn_started)) {
        return reply(250, "2.0.0", "Queuing started");
    }
    return std::nullopt;
}

std::optional<Answer> Dialogue::refuse_sender(const smtp::Path& path) const {
    if (has(Defect::mail_always_refused)) {
        return reply(451, "4.3.0", "Not now");
    }
    if (path.null && has(Defect::null_sender_refused)) {
        return reply(550, "5.7.1", "A sender is needed here");
    }
    if (path.null && has(Defect::null_sender_not_verified)) {
        return reply(553, "5.7.1", "Sender address is not verified");
    }
    const bool letters = std::all_of(path.local_part.begin(), path.local_part.end(), smtp::is_alpha);
    if (!letters && has(Defect::foreign_sender_refused)) {
        return reply(550, "5.7.1", "That is not your address");
    }
    const bool qualified = path.null || path.domain.find_first_of(".:") != std::string::npos;
    if (!qualified && has(Defect::unqualified_sender_refused)) {
        return reply(554, "5.1.8", "The sender's domain is not fully qualified");
    }
    if (smtp::has_eight_bit(path.address) && has(Defect::smtputf8_address_is_syntax_error)) {
        return reply(501, "5.1.7", "Bad sender address syntax");
    }
    return std::nullopt;
}

/// The parameters whose values nobody looks at.
bool Dialogue::takes_unchecked(const smtp::Parameter& parameter) const {
    return (parameter.keyword == "SIZE" && has(Defect::size_not_enforced)) ||
           (parameter.keyword == "RET" && has(Defect::dsn_ret_unchecked)) ||
           (parameter.keyword == "SMTPUTF8" && has(Defect::smtputf8_value_ignored));
}

/// What is said to a recipient whatever the rules for relaying are: 250 or 550.
std::optional<int> Dialogue::odd_recipient(const smtp::Path& path) const {
    const auto sender = transaction_ ? transaction_->from : std::string();
    const bool claims_to_be_local = sender.empty() || is_local(sender);
    if (has(Defect::relays_for_local_senders) && claims_to_be_local) {
        return 250;
    }
    if (smtp::has_eight_bit(path.address) && has(Defect::smtputf8_mailbox_unknown)) {
        return 550;
    }
    if (!has(Defect::relays_routed_recipients)) {
        return std::nullopt;
    }
    const bool routed =
        path.raw.starts_with("<@") || path.local_part.find_first_of("%!@") != std::string::npos;
    const bool letters = std::all_of(path.local_part.begin(), path.local_part.end(), smtp::is_alpha);
    const bool unknown = is_local(path.address) && !letters;
    return routed ? std::optional(250) : unknown ? std::optional(550) : std::nullopt;
}

/// The number that MAIL declared with SIZE; nothing when it declared none.
std::optional<std::size_t> Dialogue::declared_size() const {
    const auto digits = transaction_ ? std::string_view(transaction_->declared) : std::string_view();
    std::size_t declared = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), declared);
    return error == std::errc() && end != digits.data() ? std::optional(declared) : std::nullopt;
}

std::optional<Answer> Dialogue::odd_content() const {
    const auto& text = content_.message();
    if (content_.overflow() && has(Defect::size_over_limit_closes)) {
        return closing_silently();
    }
    if (has(Defect::bare_message_refused) && text.find("Date:") == std::string::npos) {
        return reply(550, "5.6.0", "A Date is needed");
    }
    if (has(Defect::size_mismatch_refused) && text.size() > declared_size().value_or(text.size())) {
        return reply(552, "5.3.4", "The message is larger than declared");
    }
    return std::nullopt;
}

/// A user's sender without a dot in its domain is completed (RFC 6409 §4.2): nobody could answer it.
std::string Dialogue::completed_sender() const {
    std::string sender = transaction_ ? transaction_->from : std::string();
    const bool complete =
        sender.empty() || sender.find_first_of(".[", sender.rfind('@')) != std::string::npos;
    if (authenticated_ && !complete && !has(Defect::unqualified_sender_kept)) {
        sender += "." + config_.host;
    }
    return sender;
}

/// What defects make of a report.
std::string Dialogue::odd_report(std::string report) const {
    if (has(Defect::dsn_report_from_postmaster)) {
        report.replace(0, report.find("\r\n"), "Return-Path: <postmaster@" + config_.host + ">");
    }
    if (has(Defect::dsn_report_is_prose)) {
        const auto end = report.find("Content-Type: message/delivery-status");
        report.replace(end, report.find("Original-Envelope-Id") - end, "\r\n");
    }
    return report;
}

std::string Dialogue::stored_text() const {
    std::string text = has(Defect::content_converted) ? converted(content_.message()) : content_.message();
    if (has(Defect::eighth_bit_stripped)) {
        std::transform(
            text.begin(), text.end(), text.begin(), [](char c) { return static_cast<char>(c & 0x7f); });
    }
    if (has(Defect::size_cuts_message)) {
        text.resize(std::min(text.size(), declared_size().value_or(text.size())));
    }
    return text;
}

}  // namespace smtpspec::mock
