#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "harness/client/content.hpp"
#include "harness/client/session.hpp"
#include "protocol/smtp/address.hpp"
#include "protocol/smtp/data.hpp"
#include "protocol/smtp/escape.hpp"
#include "protocol/smtp/text.hpp"

/// MAIL, RCPT, DATA and the content (RFC 5321 §3.3, RFC 2920, RFC 1870, RFC 6152, RFC 3461).
namespace smtpspec::client {

using wire::Awaitable;
using wire::Clock;

namespace {

constexpr size_t block_size = 64UL * 1024;

RecipientOutcome outcome_of(const smtp::Reply& reply, bool others_accepted) {
    RecipientOutcome outcome;
    outcome.text = words_of(reply);
    outcome.code = reply.code;
    if (reply.severity() == 2)
        outcome.state = Delivery::sent;  // 250, 251, 252, and what is unknown (RFC 5321 §4.2)
    else
        outcome.state = reply.severity() == 4 ? Delivery::temporary : Delivery::permanent;
    // RFC 5321 §4.5.3.1.10: 552 here is an old way to say 452, too many recipients.
    outcome.overflow = others_accepted && (reply.code == 452 || reply.code == 552);
    if (outcome.overflow)
        outcome.state = Delivery::temporary;
    return outcome;
}

bool any_accepted(const TransactionResult& result) {
    return std::any_of(result.recipients.begin(),
                       result.recipients.end(),
                       [](const RecipientOutcome& outcome) { return outcome.state == Delivery::sent; });
}

/// The transaction failed after some recipients had been accepted: they share its fate.
void withdraw(TransactionResult& result, const Failure& failure) {
    for (RecipientOutcome& outcome : result.recipients)
        if (outcome.state == Delivery::sent || outcome.state == Delivery::unknown) {
            outcome.state = failure.state;
            outcome.text = failure.text;
            outcome.code = failure.cause == Cause::reply ? failure.code : 0;
        }
}

bool is_mailbox(const std::string& address) {
    return smtp::is_mailbox(address, smtp::Charset::utf8) || smtp::iequals(address, "postmaster");
}

Failure local(std::string text) {
    return permanent(Cause::local, Reach::message, Stage::mail, std::move(text));
}

}  // namespace

Awaitable<TransactionResult> Session::deliver(Envelope envelope) {
    TransactionResult result = co_await transact(std::move(envelope));
    if (result.failure)
        withdraw(result, *result.failure);
    if (result.failure && result.failure->reach != Reach::message) {
        open_ = open_ && connection_->is_open() && result.failure->cause == Cause::reply &&
                result.failure->code != 421;
    }
    co_return result;
}

Awaitable<TransactionResult> Session::transact(Envelope envelope) {
    TransactionResult result;
    result.recipients.resize(envelope.to.size());
    Step<std::string> content = fit(envelope);
    if (!content) {
        result.failure = content.error();
        co_return result;
    }
    envelope.content = std::move(*content);
    Step<void> done = co_await reset();
    if (done) {
        ++transactions_;
        need_reset_ = true;
        const bool group = plan_.pipelining && has("PIPELINING");
        if (group)
            done = co_await pipelined(envelope, result);
        else
            done = co_await step_by_step(envelope, result);
    }
    if (done)
        need_reset_ = !any_accepted(result);
    else
        result.failure = done.error();
    co_return result;
}

Awaitable<void> Session::hammer(Envelope envelope, int times) {
    std::string group;
    for (int i = 0; i < times; ++i)
        group += "RSET\r\n" + mail_line(envelope, envelope.content.size()) + "\r\n";
    const Step<void> sent = co_await talk_.send(std::move(group), Stage::mail, plan_.timeouts.command);
    for (int i = 0; i < 2 * times && sent; ++i) {
        const Step<smtp::Reply> reply = co_await talk_.reply(Stage::mail, plan_.timeouts.command);
        if (!reply)
            co_return;
    }
    need_reset_ = true;
}

/// A transaction that did not come to its end is cleared before the next (RFC 5321 §4.1.4).
Awaitable<Step<void>> Session::reset() {
    if (!need_reset_)
        co_return Step<void>();
    const Step<smtp::Reply> reply = co_await talk_.command("RSET", Stage::rset, plan_.timeouts.command);
    if (!reply)
        co_return tl::unexpected(reply.error());
    if (reply->code != 250)
        co_return tl::unexpected(refusal(*reply, Stage::rset, Reach::session));
    need_reset_ = false;
    co_return Step<void>();
}

/// What may be sent to this server: nothing that would need an extension that it lacks.
Step<std::string> Session::fit(const Envelope& envelope) const {
    bool international = !envelope.from.empty() && smtp::has_eight_bit(envelope.from);
    if (!envelope.from.empty() && !is_mailbox(envelope.from))
        return tl::unexpected(
            local(fmt::format("\"{}\" is no sender address", smtp::printable(envelope.from))));
    for (const std::string& address : envelope.to) {
        if (!is_mailbox(address))
            return tl::unexpected(local(fmt::format("\"{}\" is no address", smtp::printable(address))));
        international = international || smtp::has_eight_bit(address);
    }
    if (international && !has("SMTPUTF8"))
        return tl::unexpected(local("an address is not ASCII and the server does not offer SMTPUTF8"));
    if (envelope.content.find('\0') != std::string::npos)
        return tl::unexpected(local("the message holds a NUL"));
    std::string content = without_bcc(normalise_line_ends(envelope.content));
    const ContentNeeds needs = needs_of(content);
    if (needs.long_lines || (needs.eight_bit && !has("8BITMIME"))) {
        tl::expected<std::string, std::string> plain = to_seven_bit(content);
        if (!plain)
            return tl::unexpected(local("the server offers no 8BITMIME, and " + plain.error()));
        content = std::move(*plain);
    }
    const std::vector<std::string> words = capabilities_.words("SIZE");
    std::uint64_t limit = 0;
    if (!words.empty())
        std::from_chars(words[0].data(), words[0].data() + words[0].size(), limit);
    if (limit != 0 && content.size() > limit)  // RFC 1870 §6.1; 0 and nothing are no limit (§3)
        return tl::unexpected(local(
            fmt::format("the message has {} octets, the server's SIZE limit is {}", content.size(), limit)));
    return content;
}

std::string Session::mail_line(const Envelope& envelope, size_t size) const {
    std::string line = "MAIL FROM:<" + envelope.from + ">";
    if (has("SIZE"))
        line += fmt::format(" SIZE={}", size);
    if (has("8BITMIME") && smtp::has_eight_bit(envelope.content))
        line += " BODY=8BITMIME";
    bool international = smtp::has_eight_bit(envelope.from);
    for (const std::string& address : envelope.to)
        international = international || smtp::has_eight_bit(address);
    if (international)
        line += " SMTPUTF8";
    if (plan_.dsn && has("DSN")) {
        if (!plan_.dsn->ret.empty())
            line += " RET=" + plan_.dsn->ret;
        if (!plan_.dsn->envid.empty())
            line += " ENVID=" + smtp::xtext_encode(plan_.dsn->envid);
    }
    return line;
}

std::string Session::rcpt_line(const std::string& address) const {
    std::string line = "RCPT TO:<" + address + ">";
    if (plan_.dsn && has("DSN") && !plan_.dsn->notify.empty())
        line += " NOTIFY=" + plan_.dsn->notify;
    return line;
}

/// One command at a time, as a server without PIPELINING needs it.
Awaitable<Step<void>> Session::step_by_step(const Envelope& envelope, TransactionResult& result) {
    const std::string first = mail_line(envelope, envelope.content.size());
    const Step<smtp::Reply> mail = co_await talk_.command(first, Stage::mail, plan_.timeouts.command);
    if (!mail)
        co_return tl::unexpected(mail.error());
    if (mail->severity() != 2)
        co_return tl::unexpected(refusal(*mail, Stage::mail, Reach::message));
    for (size_t i = 0; i < envelope.to.size(); ++i) {
        const Step<smtp::Reply> rcpt =
            co_await talk_.command(rcpt_line(envelope.to[i]), Stage::rcpt, plan_.timeouts.command);
        if (!rcpt)
            co_return tl::unexpected(rcpt.error());
        if (rcpt->code == 421 || rcpt->severity() == 3)
            co_return tl::unexpected(refusal(*rcpt, Stage::rcpt, Reach::session));
        result.recipients[i] = outcome_of(*rcpt, any_accepted(result));
    }
    if (!any_accepted(result))
        co_return Step<void>();  // no DATA without a recipient (RFC 5321 §3.3)
    if (plan_.defects.has(Defect::keep_capabilities_after_starttls) && has("CHUNKING")) {
        Step<void> chunk = co_await send_chunk(envelope.content, result);
        co_return chunk;
    }
    const Step<smtp::Reply> data = co_await talk_.command("DATA", Stage::data, plan_.timeouts.data_start);
    if (!data)
        co_return tl::unexpected(data.error());
    if (data->code != 354)
        co_return tl::unexpected(refusal(*data, Stage::data, Reach::message));
    Step<void> done = co_await send_content(smtp::encode_data(envelope.content), result);
    co_return done;
}

/// What a defect does with a CHUNKING that it remembers: the content in one BDAT (RFC 3030 §2).
Awaitable<Step<void>> Session::send_chunk(const std::string& content, TransactionResult& result) {
    std::string octets = fmt::format("BDAT {} LAST\r\n", content.size()) + content;
    const Step<void> sent = co_await talk_.send(std::move(octets), Stage::content, plan_.timeouts.data_block);
    if (!sent)
        co_return sent;
    const Step<smtp::Reply> reply = co_await talk_.reply(Stage::content, plan_.timeouts.data_end);
    if (!reply)
        co_return tl::unexpected(reply.error());
    if (reply->severity() != 2)
        co_return tl::unexpected(refusal(*reply, Stage::content, Reach::message));
    result.accepted_with = words_of(*reply);
    co_return Step<void>();
}

/// MAIL, all RCPT and DATA in one write; replies are matched by their order (RFC 2920 §3.1).
Awaitable<Step<void>> Session::pipelined(const Envelope& envelope, TransactionResult& result) {
    Step<void> ready = talk_.nothing_buffered(Stage::mail);
    if (!ready)
        co_return ready;
    std::string group = mail_line(envelope, envelope.content.size()) + "\r\n";
    for (const std::string& address : envelope.to)
        group += rcpt_line(address) + "\r\n";
    const Clock::time_point begin = Clock::now();
    ready = co_await talk_.send(group + "DATA\r\n", Stage::mail, plan_.timeouts.command);
    if (!ready)
        co_return ready;
    const Step<smtp::Reply> mail = co_await talk_.reply(Stage::mail, plan_.timeouts.command);
    if (!mail)
        co_return tl::unexpected(mail.error());
    if (mail->code == 421)
        co_return tl::unexpected(refusal(*mail, Stage::mail, Reach::session));
    talk_.observe(Stage::mail, begin, connection_->last_receive());
    for (size_t i = 0; i < envelope.to.size(); ++i) {
        const Step<smtp::Reply> rcpt = co_await talk_.reply(Stage::rcpt, plan_.timeouts.command);
        if (!rcpt && mail->severity() != 2)  // refused, and then closed: the refusal is the reason
            co_return tl::unexpected(refusal(*mail, Stage::mail, Reach::session));
        if (!rcpt)
            co_return tl::unexpected(rcpt.error());
        if (rcpt->code == 421 || rcpt->severity() == 3)
            co_return tl::unexpected(refusal(*rcpt, Stage::rcpt, Reach::session));
        result.recipients[i] = outcome_of(*rcpt, any_accepted(result));
    }
    const Step<smtp::Reply> data = co_await talk_.reply(Stage::data, plan_.timeouts.data_start);
    if (!data && mail->severity() == 2 && !any_accepted(result) && data.error().cause == Cause::closed) {
        open_ = false;
        co_return Step<void>();  // nobody was accepted, and then closed: each recipient has its reason
    }
    if (!data)
        co_return tl::unexpected(data.error());
    Step<void> done = co_await after_group(envelope, *mail, *data, result);
    co_return done;
}

Awaitable<Step<void>> Session::after_group(const Envelope& envelope,
                                           const smtp::Reply& mail,
                                           const smtp::Reply& data,
                                           TransactionResult& result) {
    const bool wanted = mail.severity() == 2 && any_accepted(result);
    if (data.code == 354 && !wanted) {
        // RFC 2920 §3.1: a 354 although nobody was accepted is ended by a lone dot.
        Step<void> dot = co_await talk_.send(".\r\n", Stage::content, plan_.timeouts.data_block);
        if (!dot)
            co_return dot;
        const Step<smtp::Reply> end = co_await talk_.reply(Stage::accepted, plan_.timeouts.data_end);
        if (!end)
            co_return tl::unexpected(end.error());
    }
    if (mail.severity() != 2) {
        // What RCPT was answered without a transaction says nothing about the recipients.
        std::fill(result.recipients.begin(), result.recipients.end(), RecipientOutcome());
        co_return tl::unexpected(refusal(mail, Stage::mail, Reach::message));
    }
    if (!wanted)
        co_return Step<void>();
    if (data.code != 354)
        co_return tl::unexpected(refusal(data, Stage::data, Reach::message));
    Step<void> done = co_await send_content(smtp::encode_data(envelope.content), result);
    co_return done;
}

/// Content in blocks, the final dot with the last; a reply that comes before the dot ends it (RFC 5321 §3.8).
Awaitable<Step<void>> Session::send_content(std::string content, TransactionResult& result) {
    Clock::time_point begin = Clock::now();
    for (size_t at = 0; at < content.size(); at += block_size) {
        Step<void> clear = co_await early_reply();
        if (!clear)
            co_return clear;
        if (at == 0)
            begin = Clock::now();  // looking for an early reply took time of ours
        Step<void> sent =
            co_await talk_.send(content.substr(at, block_size), Stage::content, plan_.timeouts.data_block);
        if (sent)
            continue;
        const Step<void> reason = co_await early_reply();
        if (!reason)
            co_return reason;
        co_return sent;
    }
    const Clock::time_point written = Clock::now();
    talk_.observe(Stage::content, begin, written);
    if (plan_.defects.has(Defect::leave_after_dot)) {
        connection_->drop_fin();
        co_return Step<void>();
    }
    const Step<smtp::Reply> reply = co_await final_reply(written);
    const bool believed = plan_.defects.has(Defect::lost_reply_is_success);
    if (!reply && reply.error().ambiguous && believed)
        co_return Step<void>();
    if (!reply)
        co_return tl::unexpected(reply.error());
    if (reply->severity() != 2)
        co_return tl::unexpected(refusal(*reply, Stage::accepted, Reach::message));
    result.accepted_with = words_of(*reply);
    co_return Step<void>();
}

/// A reply that is here although the final dot is not sent yet: a refusal counts, an acceptance cannot be
/// true.
Awaitable<Step<void>> Session::early_reply() {
    static_cast<void>(co_await connection_->receive(Clock::now()));
    if (connection_->input().empty())
        co_return Step<void>();
    const Step<smtp::Reply> reply = co_await talk_.reply(Stage::content, plan_.timeouts.command);
    if (!reply)
        co_return tl::unexpected(reply.error());
    if (reply->severity() == 4 || reply->severity() == 5)
        co_return tl::unexpected(refusal(*reply, Stage::content, Reach::session));
    co_return tl::unexpected(
        temporary(Cause::protocol,
                  Reach::session,
                  Stage::content,
                  "unexpected reply before the end of the message: " + words_of(*reply)));
}

/// The reply that hands the message over. Without it nobody knows (RFC 5321 §4.5.3.2.6, RFC 1047).
Awaitable<Step<smtp::Reply>> Session::final_reply(Clock::time_point written) {
    Limit limit = plan_.timeouts.data_end;
    if (plan_.defects.has(Defect::impatient_after_dot))
        limit = std::chrono::milliseconds(300);
    Step<smtp::Reply> reply = co_await talk_.reply(Stage::accepted, limit);
    if (reply) {
        talk_.observe(Stage::accepted, written, connection_->last_receive());
        co_return reply;
    }
    Failure& failure = reply.error();
    failure.ambiguous = failure.cause == Cause::closed || failure.cause == Cause::timeout;
    if (failure.ambiguous)
        failure.text += "; it is unknown whether the message was accepted";
    failure.again = failure.again || plan_.defects.has(Defect::impatient_after_dot);
    if (failure.ambiguous && plan_.defects.has(Defect::lost_reply_is_permanent))
        failure.state = Delivery::permanent;
    co_return reply;
}

int Session::limit(std::string_view name) const {
    for (const std::string& word : capabilities_.words("LIMITS")) {
        const size_t equals = word.find('=');
        if (equals == std::string::npos || !smtp::iequals(std::string_view(word).substr(0, equals), name))
            continue;
        int value = 0;
        const char* end = word.data() + word.size();
        const auto parsed = std::from_chars(word.data() + equals + 1, end, value);
        return parsed.ec == std::errc() && parsed.ptr == end && value > 0 ? value : 0;
    }
    return 0;
}

bool Session::worn_out() const {
    const int most = limit("MAILMAX");
    return most != 0 && transactions_ >= most;
}

int Session::most_recipients() const { return limit("RCPTMAX"); }

}  // namespace smtpspec::client
