// What only defects answer. Each function is asked before the faithful answer is looked for.
#include <algorithm>

#include "mockserver/dialogue.hpp"
#include "protocol/smtp/text.hpp"

namespace smtpspec::mock {
namespace {

constexpr smtp::ArgumentRules tolerant{true, false, false, false};
constexpr std::size_t wrong_recipient_limit = 50;

std::size_t longest_line(const std::string& message) {
    std::size_t longest = 0;
    for (std::size_t at = 0; at < message.size();) {
        const auto end = std::min(message.find("\r\n", at), message.size());
        longest = std::max(longest, end - at);
        at = end + 2;
    }
    return longest;
}

/// No Date, a field with an X- name, or nothing behind the empty line.
bool is_imperfect(const std::string& message) {
    const auto border = std::min(message.find("\r\n\r\n"), message.size());
    const std::string header = "\r\n" + message.substr(0, border);
    return header.find("\r\nDate:") == std::string::npos || header.find("\r\nX-") != std::string::npos ||
           border + 4 >= message.size();
}

}  // namespace

std::optional<Answer> Dialogue::wrong_mail(const Command& command) const {
    if (config_.defects.none()) {
        return std::nullopt;
    }
    const auto argument = smtp::parse_mail_argument(command.argument, tolerant);
    if (has(Defect::mail_refused)) {
        return reply(450, "4.3.2", "Not now");
    }
    if (mails_ > 0 && has(Defect::second_mail_refused)) {
        return reply(503, "5.5.1", "One message is enough");
    }
    if (mails_ > 0 && has(Defect::second_mail_closes)) {
        return closing(421, "4.7.0", "One message is enough");
    }
    if (has(Defect::path_syntax_unchecked) && !argument) {
        return reply(250, "2.1.0", "Sender OK");
    }
    if (has(Defect::quoted_local_part_refused) && command.argument.find('"') != std::string::npos) {
        return reply(501, "5.1.7", "Bad sender address syntax");
    }
    if (!argument) {
        return std::nullopt;
    }
    if (has(Defect::local_part_limit_32) && argument->path.local_part.size() > 32) {
        return reply(501, "5.1.7", "Local-part too long");
    }
    return std::nullopt;
}

std::optional<Answer> Dialogue::wrong_rcpt(const Command& command) const {
    if (config_.defects.none()) {
        return std::nullopt;
    }
    const auto argument = smtp::parse_rcpt_argument(command.argument, tolerant);
    if (has(Defect::path_syntax_unchecked) && (!argument || argument->path.null)) {
        return reply(250, "2.1.5", "Recipient OK");
    }
    if (!argument) {
        return std::nullopt;
    }
    const bool route = argument->path.raw.starts_with("<@");
    if (route && has(Defect::source_route_syntax_error)) {
        return reply(501, "5.1.3", "Bad recipient address syntax");
    }
    if (route && has(Defect::source_route_denied)) {
        return reply(550, "5.7.1", "Routes are not for you to choose");
    }
    const auto& local = argument->path.local_part;
    const bool postmaster = smtp::iequals(local, "postmaster");
    if (postmaster && has(Defect::postmaster_refused)) {
        return reply(550, "5.1.1", "No such mailbox here");
    }
    if (postmaster && has(Defect::postmaster_case_sensitive) && local != "Postmaster") {
        return reply(550, "5.1.1", "No such mailbox here");
    }
    const auto count = transaction_ ? transaction_->recipients.size() : 0;
    if (count >= wrong_recipient_limit && has(Defect::rcpt_limit_50_552)) {
        return reply(552, "5.5.3", "Too many recipients");
    }
    if (count >= wrong_recipient_limit && has(Defect::rcpt_limit_50_drops_all)) {
        return reply(452, "4.5.3", "Too many recipients");
    }
    return std::nullopt;
}

std::optional<Answer> Dialogue::wrong_data() const {
    const bool drops = has(Defect::one_bad_recipient_refuses_data) || has(Defect::rcpt_limit_50_drops_all);
    if (drops && transaction_ && transaction_->refused_any) {
        return reply(554, "5.5.1", "A recipient was refused");
    }
    return std::nullopt;
}

std::optional<Answer> Dialogue::wrong_content() const {
    if (config_.defects.none() || !content_.last()) {
        return std::nullopt;
    }
    const bool nobody = transaction_ && transaction_->recipients.empty() && transaction_->refused_any;
    if (nobody && has(Defect::data_without_recipients) && !has(Defect::data_without_recipients_accepted)) {
        return reply(554, "5.5.1", "No valid recipients");
    }
    if (has(Defect::content_filtered)) {
        return reply(550, "5.7.1", "This looks like spam");
    }
    if (has(Defect::text_line_limit_512) && longest_line(content_.message()) > 512) {
        return reply(554, "5.6.0", "Line too long");
    }
    if (has(Defect::message_limit_32k) && content_.octets() > (32U << 10)) {
        return reply(552, "5.3.4", "Message too big");
    }
    if (has(Defect::picky_about_headers) && is_imperfect(content_.message())) {
        return reply(550, "5.6.0", "Imperfect header");
    }
    return std::nullopt;
}

}  // namespace smtpspec::mock
