#include <fmt/format.h>

#include <algorithm>

#include "harness/client/reference_client.hpp"
#include "protocol/smtp/escape.hpp"

/// What became of each recipient: sent exactly once, or an error that says why.
namespace smtpspec::client {

using wire::Clock;

namespace {

Delivery worst(const std::vector<RecipientResult>& recipients) {
    bool known[5] = {};
    for (const RecipientResult& recipient : recipients)
        known[static_cast<size_t>(recipient.state)] = true;
    for (const Delivery state :
         {Delivery::running, Delivery::permanent, Delivery::temporary, Delivery::unknown})
        if (known[static_cast<size_t>(state)])
            return state;
    return Delivery::sent;
}

bool is_4yz(int code) { return code / 100 == 4; }
bool is_5yz(int code) { return code / 100 == 5; }

}  // namespace

void ReferenceClient::apply_defects(RecipientOutcome& outcome) const {
    if (is_4yz(outcome.code) && defects_.has(Defect::temporary_is_permanent))
        outcome.state = Delivery::permanent;
    if (is_5yz(outcome.code) && outcome.state == Delivery::permanent &&
        defects_.has(Defect::permanent_is_temporary))
        outcome.state = Delivery::temporary;
    const bool dropped = (is_4yz(outcome.code) && defects_.has(Defect::drop_on_4yz)) ||
                         (is_5yz(outcome.code) && defects_.has(Defect::drop_on_5yz));
    if (dropped)
        outcome.state = Delivery::sent;
}

/// Books one attempt: what was accepted, what is refused for good, what is tried again.
void ReferenceClient::settle(Job job, const TransactionResult& result, Clock::time_point started) {
    if (job.reported)
        results_[job.message].attempts = job.attempts;
    Job later = job;
    Job at_once = job;
    later.recipients.clear();
    at_once.recipients.clear();
    bool accepted = false;
    for (size_t i = 0; i < job.recipients.size(); ++i) {
        if (i >= result.recipients.size()) {
            at_once.recipients.push_back(job.recipients[i]);  // did not fit into this transaction
            continue;
        }
        RecipientOutcome outcome = result.recipients[i];
        if (result.failure && outcome.state == Delivery::unknown) {
            outcome.state = result.failure->state;
            outcome.text = result.failure->text;
            outcome.code = result.failure->cause == Cause::reply ? result.failure->code : 0;
        }
        const bool overflow = outcome.overflow && !result.failure;
        apply_defects(outcome);
        accepted = accepted || outcome.state == Delivery::sent;
        report(job, job.recipients[i], outcome);
        if (outcome.state == Delivery::temporary)
            (overflow ? at_once : later).recipients.push_back(job.recipients[i]);
    }
    if (accepted)
        queue_.progress();
    if (accepted && job.attempts > 1 && job.reported && defects_.has(Defect::resend_accepted))
        enqueue(job.message, false);
    if (!at_once.recipients.empty())
        queue_.add_first(std::move(at_once));
    const bool may_wait = retries() && (!result.failure || result.failure->again) && !stopping_;
    if (result.failure)
        say(job, fmt::format("{}: {}", to_string(result.failure->stage), result.failure->text));
    if (!later.recipients.empty() && may_wait) {
        const bool waits = queue_.failed(later, started, Clock::now());
        if (!waits)
            say(job, "given up for now");
        for (const size_t recipient : later.recipients)
            if (waits && job.reported)
                results_[job.message].recipients[recipient].state = Delivery::running;
    } else {
        queue_.done();
    }
    if (job.reported)
        results_[job.message].state = worst(results_[job.message].recipients);
    after_failure(job);
}

void ReferenceClient::report(const Job& job, size_t recipient, const RecipientOutcome& outcome) {
    if (!job.reported)
        return;
    RecipientResult& result = results_[job.message].recipients[recipient];
    result.state = outcome.state;
    result.reply = outcome.text;
    if (outcome.state == Delivery::sent)
        say(job, fmt::format("sent to <{}>", smtp::printable(result.address)));
    else
        say(job,
            fmt::format("<{}>: {} failure: {}",
                        smtp::printable(result.address),
                        to_string(outcome.state),
                        outcome.text));
}

bool ReferenceClient::retries() const {
    return task_.retry.max_attempts > 1 && !defects_.has(Defect::no_retry);
}

/// When the queue gives up, what is still in it has not been sent.
void ReferenceClient::give_up_rest() {
    static_cast<void>(queue_.drain());
    for (MessageResult& message : results_) {
        for (RecipientResult& recipient : message.recipients) {
            if (recipient.state != Delivery::running)
                continue;
            recipient.state = stopping_ ? Delivery::unknown : Delivery::temporary;
            if (recipient.reply.empty())
                recipient.reply = "not tried: the server refuses everything at present";
        }
        if (defects_.has(Defect::hide_failures))
            for (RecipientResult& recipient : message.recipients)
                recipient.state = Delivery::sent;
        message.state = worst(message.recipients);
    }
}

/// Notifications of failure are none of a submission client's business; two defects send them all the same.
void ReferenceClient::after_failure(const Job& job) {
    if (!job.reported || bounced_ || results_[job.message].state != Delivery::permanent)
        return;
    const OutgoingMessage original = messages_[job.message];
    const bool from_null = original.from.empty() && defects_.has(Defect::bounce_a_bounce);
    const bool from_us = !original.from.empty() && defects_.has(Defect::bounce_with_own_sender);
    if (!from_null && !from_us)
        return;
    bounced_ = true;
    const std::string& known = from_null ? original.to.front() : original.from;
    const std::string postmaster = "postmaster@" + known.substr(known.rfind('@') + 1);
    OutgoingMessage notice;
    notice.id = "bounce-" + original.id;
    notice.from = from_null ? std::string() : postmaster;
    notice.to.push_back(from_null ? postmaster : original.from);
    notice.content = "From: <" + postmaster + ">\r\nSubject: Undelivered mail\r\n\r\nIt was refused.\r\n";
    messages_.push_back(std::move(notice));
    enqueue(messages_.size() - 1, false);
}

void ReferenceClient::say(const Job& job, std::string_view text) {
    const bool failed = text.find("sent to <") != 0;
    const std::string id = smtp::printable(messages_[job.message].id);
    if (failed && defects_.has(Defect::vague_errors))
        log_.line("delivery failed");
    else
        log_.line(fmt::format("{} port {}: message {}: {}", task_.host, job.port, id, text));
}

}  // namespace smtpspec::client
