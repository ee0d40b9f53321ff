#include <algorithm>
#include <charconv>
#include <ctime>
#include <limits>

#include <fmt/format.h>

#include "mockserver/delivery_report.hpp"
#include "mockserver/dialogue.hpp"
#include "mockserver/spoil.hpp"
#include "protocol/smtp/text.hpp"

namespace smtpspec::mock {
namespace {

constexpr std::size_t max_received = 100;  // RFC 5321 §6.3

/// "SIZE" or "SIZE LAST" (RFC 3030 §2).
struct ChunkArgument {
    std::uint64_t octets = 0;
    bool last = false;
};

/// What defects make of an argument that is none.
std::optional<ChunkArgument> wrong_chunk(const DefectSet& defects) {
    ChunkArgument chunk;
    if (defects.has(Defect::bdat_size_saturates)) {
        chunk.octets = std::numeric_limits<std::uint64_t>::max();
        return chunk;
    }
    return defects.has(Defect::bdat_size_wraps) ? std::optional(chunk) : std::nullopt;
}

std::optional<ChunkArgument> parse_chunk(std::string_view argument, const DefectSet& defects) {
    const auto words = smtp::split_words(argument);
    const bool marked = words.size() == 2 && smtp::iequals(words[1], "LAST");
    if (words.empty() || words.size() > 2) {
        return wrong_chunk(defects);
    }
    if (words.size() == 2 && !marked && !defects.has(Defect::bdat_marker_ignored)) {
        return std::nullopt;
    }
    ChunkArgument chunk;
    chunk.last = marked;
    const auto& digits = words[0];
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), chunk.octets);
    if (error != std::errc() || end != digits.data() + digits.size()) {
        return wrong_chunk(defects);
    }
    return chunk;
}

std::string date_text(const DefectSet& defects) {
    const auto now = std::time(nullptr);
    std::tm utc{};
    gmtime_r(&now, &utc);
    static constexpr std::string_view days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr std::string_view months[] = {
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const int year = defects.has(Defect::received_two_digit_year) ? utc.tm_year % 100 : utc.tm_year + 1900;
    return fmt::format("{}, {} {} {} {:02}:{:02}:{:02} {}",
                       days[utc.tm_wday],
                       utc.tm_mday,
                       months[utc.tm_mon],
                       year,
                       utc.tm_hour,
                       utc.tm_min,
                       utc.tm_sec,
                       defects.has(Defect::received_zone_name) ? "GMT" : "+0000");
}

std::size_t count_fields(const std::string& message, std::string_view name) {
    std::size_t count = 0;
    std::size_t at = 0;
    while (at < message.size() && message.compare(at, 2, "\r\n") != 0) {
        count += smtp::istarts_with(std::string_view(message).substr(at), name) ? 1 : 0;
        const auto end = message.find("\r\n", at);
        if (end == std::string::npos) {
            break;
        }
        at = end + 2;
    }
    return count;
}

}  // namespace

std::optional<Answer> Dialogue::refuse_no_recipients() const {
    if (trusts_order_ || has(Defect::data_without_recipients_taken) ||
        has(Defect::mail_without_recipients_taken)) {
        return std::nullopt;
    }
    if (!transaction_) {
        const int code = has(Defect::envelope_cleared_550) ? 550 : 503;
        return reply(code, "5.5.1", "Send MAIL first");
    }
    const bool lax = has(Defect::data_without_recipients) && transaction_->refused_any;
    if (transaction_->recipients.empty() && !transaction_->late_refusal && !lax) {
        return transaction_->refused_any ? reply(554, "5.5.1", "No valid recipients")
                                         : reply(503, "5.5.1", "Send RCPT first");
    }
    return std::nullopt;
}

Answer Dialogue::on_data(const Command& command) {
    if (!command.argument.empty() && !has(Defect::arguments_ignored)) {
        return reply(501, "5.5.4", "DATA takes no parameters");
    }
    if (auto refusal = refuse_no_recipients()) {
        return std::move(*refusal);
    }
    if (auto wrong = wrong_data()) {
        return std::move(*wrong);
    }
    const bool chunked = transaction_ && (transaction_->chunked || transaction_->broken);
    if (chunked && !has(Defect::bdat_then_data_accepted)) {
        return reply(503, "5.5.1", "BDAT has begun; DATA cannot be mixed with it");  // RFC 3030 §3
    }
    if (transaction_ && transaction_->binary && !has(Defect::binarymime_data_accepted)) {
        return reply(503, "5.6.1", "BINARYMIME needs BDAT");  // RFC 3030 §3
    }
    if (has(Defect::data_says_250)) {
        return reply(250, "2.0.0", "Go ahead");
    }
    return reply(354, {}, "End data with <CR><LF>.<CR><LF>");
}

Follow Dialogue::data_effect(int code) {
    if (code != 354 && (code != 250 || !has(Defect::data_says_250))) {
        if (has(Defect::refused_data_ends_transaction)) {
            forget_transaction();
        }
        return Follow::command;
    }
    smtp::EndOfDataRules rules;
    rules.bare_lf = has(Defect::eod_accepts_bare_lf);
    rules.bare_cr = has(Defect::eod_accepts_bare_cr);
    rules.ignore_nul = has(Defect::eod_ignores_nul);
    rules.doubled_cr = has(Defect::eod_accepts_crcrlf);
    rules.first_line_decides = has(Defect::eod_first_line_decides);
    rules.unstuff = !has(Defect::unstuff_never);
    if (!transaction_) {
        transaction_.emplace();
    }
    Content::Wrong wrong = Content::Wrong::nothing;
    if (has(Defect::eod_first_dot_ignored)) {
        wrong = Content::Wrong::first_dot_ignored;
    } else if (has(Defect::eod_needs_one_segment)) {
        wrong = Content::Wrong::needs_one_segment;
    } else if (has(Defect::unstuff_misses_split)) {
        wrong = Content::Wrong::unstuff_misses_split;
    }
    content_.begin_data(rules, config_.limits.message_octets, wrong);
    return Follow::content;
}

Answer Dialogue::on_bdat(const Command& command) {
    if (!config_.extensions.chunking) {
        return reply(500, "5.5.2", "Syntax error, command unrecognized");
    }
    const auto chunk = parse_chunk(command.argument, config_.defects);
    if (!chunk) {
        return reply(501, "5.5.4", "Syntax: BDAT size [LAST]");
    }
    if (has(Defect::bdat_refused)) {
        return reply(502, "5.5.1", "Command not implemented");
    }
    if (!transaction_ && has(Defect::bdat_after_last_accepted)) {
        return reply(250, "2.0.0", fmt::format("{} octets received", chunk->octets));
    }
    if (auto refusal = refuse_no_recipients()) {
        return std::move(*refusal);
    }
    if (transaction_ && transaction_->broken) {
        return reply(503, "5.5.1", "A chunk was refused; send RSET");  // RFC 3030 §2
    }
    return reply(250, "2.0.0", fmt::format("{} octets received", chunk->octets));
}

/// The chunk's octets follow the command whatever is answered (RFC 3030 §2), so they are read in any case.
Follow Dialogue::bdat_effect(const Command& command, int code) {
    const auto chunk = parse_chunk(command.argument, config_.defects);
    if (!chunk || !config_.extensions.chunking) {
        return Follow::command;
    }
    const bool keep = code >= 200 && code < 300;
    if (!keep && has(Defect::bdat_refused_not_consumed)) {
        return Follow::command;
    }
    if (keep && !transaction_) {
        transaction_.emplace();
    }
    if (keep && !transaction_->chunked) {
        content_.clear();
        transaction_->chunked = true;
    }
    if (!keep && transaction_) {
        transaction_->broken = true;
    }
    Content::Wrong wrong = Content::Wrong::nothing;
    if (has(Defect::chunk_edge_loses_lf)) {
        wrong = Content::Wrong::chunk_edge_loses_lf;
    } else if (has(Defect::chunk_ends_with_segment)) {
        wrong = Content::Wrong::chunk_ends_with_segment;
    }
    content_.begin_chunk(chunk->octets, chunk->last, keep, config_.limits.message_octets, wrong);
    return Follow::content;
}

std::optional<Answer> Dialogue::refuse_content() const {
    if (auto odd = odd_content()) {
        return odd;
    }
    if (content_.overflow() && !has(Defect::size_not_enforced)) {
        return reply(552, "5.3.4", "Message size exceeds the fixed maximum");
    }
    const bool binary = transaction_ && transaction_->binary;
    const bool lax = has(Defect::eod_accepts_bare_lf) || has(Defect::eod_accepts_bare_cr) ||
                     has(Defect::eod_ignores_nul) || has(Defect::eod_accepts_crcrlf) ||
                     has(Defect::eod_first_line_decides) || has(Defect::accepts_bare_line_ends) ||
                     has(Defect::bare_line_ends_reply_twice) || has(Defect::chunk_edge_loses_lf);
    if (content_.bare_line_ends() && !binary && !lax) {
        return reply(550, "5.6.0", "Bare CR or LF in the message");  // RFC 5321 §2.3.8
    }
    if (content_.nul() && !binary && !lax) {
        return reply(550, "5.6.0", "NUL in the message");
    }
    if (transaction_ && transaction_->late_refusal && transaction_->recipients.empty() && content_.last()) {
        return reply(550, "5.1.1", "No such mailbox here");
    }
    if (has(Defect::data_without_recipients_taken) && !has_recipient()) {
        return reply(554, "5.5.1", "No valid recipients");
    }
    if (has(Defect::empty_message_closes) && content_.kind() == Content::Kind::data &&
        content_.octets() == 0) {
        return closing(554, "5.6.0", "Empty message");
    }
    if (auto wrong = wrong_content()) {
        return std::move(*wrong);
    }
    const std::size_t loop = has(Defect::loop_threshold_30) ? 30 : max_received;
    const bool counts = content_.last() && !has(Defect::loop_never_detected);
    if (counts && count_fields(content_.message(), "Received:") >= loop) {
        return reply(554, "5.4.6", "Routing loop detected");
    }
    return std::nullopt;
}

Answer Dialogue::check_content() {
    if (auto refusal = refuse_content()) {
        return std::move(*refusal);
    }
    if (!content_.last()) {
        return reply(250, "2.0.0", fmt::format("{} octets received", content_.chunk_octets()));
    }
    Answer answer = reply(250, "2.0.0", fmt::format("Queued as {}-{}", peer_.session, mails_));
    if (has(Defect::final_reply_twice) || has(Defect::bare_line_ends_reply_twice)) {
        answer.octets += answer.octets;
    }
    return answer;
}

tl::expected<void, std::string> Dialogue::content_effect(int code) {
    const bool positive = code >= 200 && code < 300;
    if (!content_.last()) {
        if (!positive && transaction_) {
            transaction_->broken = true;
        }
        return {};
    }
    confused_ = has(Defect::eod_bare_lf_cuts_message) && content_.bare_line_ends();
    tl::expected<void, std::string> stored;
    if (positive && content_.kept()) {
        stored = store_message();
        if (stored) {
            report_deliveries();
        }
    }
    forget_transaction();
    return stored;
}

// RFC 5321 §4.2.3, RFC 3463 §3.4
Answer Dialogue::not_stored() const { return reply(452, "4.3.1", "Insufficient system storage"); }

/// RFC 5321 §4.4, RFC 3848, RFC 6531 §3.7.3.
std::string Dialogue::received_field(std::uint64_t number) const {
    std::string with = hello_ == Hello::helo ? "SMTP" : "ESMTP";
    if (hello_ != Hello::helo) {
        with = transaction_ && transaction_->smtputf8 ? "UTF8SMTP" : "ESMTP";
        with += inside_tls_ ? "S" : "";
        with += authenticated_ ? "A" : "";
    }
    if (has(Defect::received_says_smtp)) {
        with = "SMTP";
    }
    std::string from =
        fmt::format("from {} ([{}])\r\n\t", client_name_.empty() ? "unknown" : client_name_, peer_.address);
    if (has(Defect::received_without_from)) {
        from.clear();
    } else if (has(Defect::received_hides_client)) {
        from = "from unknown\r\n\t";
    }
    return fmt::format("Received: {}by {} with {} id {}-{}{};\r\n\t{}\r\n",
                       from,
                       config_.host,
                       with,
                       peer_.session,
                       number,
                       for_clause(),
                       date_text(config_.defects));
}

/// One recipient and no more: the others may be hidden ones (RFC 5321 §4.4, §7.2).
std::string Dialogue::for_clause() const {
    const bool one = transaction_ && transaction_->recipients.size() == 1;
    if (!transaction_ || (!one && !has(Defect::received_names_all))) {
        return {};
    }
    return fmt::format("\r\n\tfor <{}>", fmt::join(transaction_->recipients, ">, <"));
}

tl::expected<void, std::string> Dialogue::store_message() {
    if (store_.only_counts() && !has(Defect::mail_vanishes)) {
        store_.count_one();
        return {};
    }
    Mail mail;
    mail.raw = has(Defect::no_received) ? std::string() : received_field(static_cast<std::uint64_t>(mails_));
    if (has(Defect::mailbox_adds_received)) {
        mail.raw = fmt::format("Received: from {0}\r\n\tby {0} with LMTP id {1};\r\n\t{2}\r\n",
                               config_.host,
                               peer_.session,
                               date_text(config_.defects)) +
                   mail.raw;
    }
    if (has(Defect::messages_run_together)) {
        mail.raw += last_message_;
        last_message_ = content_.message();
    }
    // RFC 6409 §8.3; who relays without a login changes nothing
    if (authenticated_ && count_fields(content_.message(), "Message-ID:") == 0 &&
        !has(Defect::no_message_id)) {
        mail.raw += fmt::format(
            "Message-ID: <{}.{}.{}@{}>\r\n", std::time(nullptr), peer_.session, mails_, config_.host);
    }
    const Arrival arrival{transaction_ && transaction_->chunked, transaction_ && transaction_->binary};
    mail.raw += spoil(config_.defects, stored_text(), arrival);
    mail.from = transaction_ ? transaction_->from : std::string();
    mail.return_path = return_path_field(config_.defects, completed_sender());
    if (transaction_) {
        mail.recipients = transaction_->recipients;
        mail.parameters = transaction_->parameters;
    }
    mail.login = user_;
    mail.session = peer_.session;
    mail.port = peer_.port;
    mail.tls = inside_tls_;
    mail.time = std::chrono::system_clock::now();
    if (has(Defect::mail_vanishes)) {
        return {};
    }
    if (has(Defect::delivers_twice)) {
        (void)store_.add(mail);
    }
    return store_.add(std::move(mail)).map([](std::uint64_t) {});
}

/// RFC 3461 §5.2.3: as soon as the message is in its mailbox, and never about a message from nobody (§5.2).
/// Only to local senders: this server has no way out.
void Dialogue::report_deliveries() {
    const bool nobody = !transaction_ || transaction_->from.empty();
    const bool to_anybody = has(Defect::dsn_reports_to_null_sender);
    if (!transaction_ || has(Defect::mail_vanishes) || has(Defect::dsn_never_reports) ||
        (nobody && !to_anybody)) {
        return;
    }
    for (const auto& wanted : transaction_->reports) {
        DeliveryFacts facts;
        facts.host = config_.host;
        facts.sender = nobody ? wanted.recipient : transaction_->from;
        if (!is_local(facts.sender) || !is_local(wanted.recipient)) {
            continue;
        }
        facts.envelope_id = transaction_->envelope_id;
        facts.recipient = wanted.recipient;
        facts.original = wanted.original;
        facts.date = date_text(config_.defects);
        facts.unique = fmt::format("{}.{}.{}", std::time(nullptr), peer_.session, store_.accepted());
        Mail report;
        report.raw = odd_report(delivery_report(facts));
        report.recipients = {facts.sender};
        report.session = peer_.session;
        report.port = peer_.port;
        report.time = std::chrono::system_clock::now();
        (void)store_.add(std::move(report));
    }
}

}  // namespace smtpspec::mock
