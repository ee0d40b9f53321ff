#include <fmt/format.h>

#include <algorithm>

#include "harness/client/reference_client.hpp"

/// What a job asks for: where it goes, under which policy and login, with which envelope.
namespace smtpspec::client {

SessionPlan session_plan(const ClientTask& task, int port) {
    SessionPlan plan;
    plan.host = task.host;
    plan.address = task.address;
    plan.port = port;
    const auto actual = task.ports.find(port);
    plan.actual_port = actual == task.ports.end() ? port : actual->second;
    const auto mode = task.modes.find(port);
    plan.mode = mode == task.modes.end() ? script::Mode::Starttls : mode->second;
    plan.policy = task.policy;
    if (task.auth) {
        plan.user = task.user;
        plan.password = task.password;
    }
    plan.token = task.token;
    plan.mechanisms = task.mechanisms;
    plan.auth_in_clear = task.auth_in_clear;
    plan.supplied_socket = task.supplied_socket;
    plan.ehlo_name = task.ehlo_name;
    plan.timeouts = task.timeouts;
    plan.dsn = task.dsn;
    plan.defects = Defects(task.defects);
    return plan;
}

SessionPlan ReferenceClient::plan_for(const Job& job, const Target& target) const {
    const OutgoingMessage& message = messages_[job.message];
    SessionPlan plan = session_plan(task_, job.port);
    plan.host = target.host;
    plan.address = target.address;
    plan.tlsa = target.tlsa;
    plan.relay = target.relay;
    plan.policy = message.policy.value_or(task_.policy);
    if (task_.auth) {
        plan.user = message.user.value_or(task_.user);
        plan.password = message.password.value_or(task_.password);
    }
    plan.tls_context = tls_context_;
    plan.tls_sessions = tls_sessions_;
    return plan;
}

Step<std::vector<Target>> ReferenceClient::targets(const Job& job) const {
    if (task_.dns) {
        const std::string& address = messages_[job.message].to.at(job.recipients.front());
        return mail_hosts(
            *task_.dns, address.substr(address.rfind('@') + 1), job.port, !defects_.has(Defect::ignore_tlsa));
    }
    Target target;
    target.host = task_.host;
    target.address = task_.address;
    return std::vector<Target>{target};
}

Envelope ReferenceClient::envelope_for(const Job& job, size_t most_recipients) const {
    const OutgoingMessage& message = messages_[job.message];
    Envelope envelope;
    envelope.from = message.from;
    envelope.content = message.content;
    size_t count = job.recipients.size();
    if (most_recipients != 0)
        count = std::min(count, most_recipients);
    for (size_t i = 0; i < count; ++i)
        envelope.to.push_back(message.to.at(job.recipients[i]));
    if (job.attempts > 1)
        alter_for_retry(envelope, message.id, job.attempts - 1);
    return envelope;
}

/// What three defects do to an attempt after the first: something that must stay the same is another.
void ReferenceClient::alter_for_retry(Envelope& envelope, const std::string& id, int retry) const {
    const auto tag = [&](std::string& text, size_t at) {
        if (at != std::string::npos)
            text.insert(at, fmt::format("+{}", retry));
    };
    if (defects_.has(Defect::retry_with_new_sender))
        tag(envelope.from, envelope.from.rfind('@'));
    if (defects_.has(Defect::retry_with_new_recipient))
        for (std::string& address : envelope.to)
            tag(address, address.rfind('@'));
    const size_t found = envelope.content.find(id);
    if (defects_.has(Defect::retry_with_new_id) && found != std::string::npos)
        tag(envelope.content, envelope.content.find('@', found));
}

std::string ReferenceClient::account_of(const Job& job) const {
    const OutgoingMessage& message = messages_[job.message];
    return message.user.value_or(task_.user) + '\n' + message.password.value_or(task_.password);
}

/// Port and policy: what one message has found shut there is shut for the others.
std::string ReferenceClient::way_of(const Job& job) const {
    const OutgoingMessage& message = messages_[job.message];
    std::string way = fmt::format("{} {}", job.port, to_string(message.policy.value_or(task_.policy)));
    if (task_.dns)
        way += " " + message.to.at(job.recipients.front());
    return way;
}

/// The connection that is open may be used: same way, same login (RFC 8314 §5.2: a stricter message must not
/// go over a connection that was opened without protection).
bool ReferenceClient::suitable(const Session& session, const Job& job) const {
    const OutgoingMessage& message = messages_[job.message];
    const SessionPlan& plan = session.plan();
    if (!session.usable() || session.worn_out() || plan.port != job.port || !task_.reuse || task_.dns)
        return false;
    const bool same_policy = plan.policy == message.policy.value_or(task_.policy);
    const bool same_login = !task_.auth || (plan.user == message.user.value_or(task_.user) &&
                                            plan.password == message.password.value_or(task_.password));
    return (same_policy || defects_.has(Defect::reuse_across_policies)) &&
           (same_login || defects_.has(Defect::reuse_across_logins));
}

const Failure* ReferenceClient::known_refusal(const Job& job) const {
    const auto account = refused_accounts_.find(account_of(job));
    if (account != refused_accounts_.end())
        return &account->second;
    const auto way = refused_ways_.find(way_of(job));
    return way != refused_ways_.end() ? &way->second : nullptr;
}

/// A refused login and a way that is shut are not tried again: that would lock the account or help an
/// attacker.
void ReferenceClient::remember(const Job& job, const Failure& failure) {
    if (failure.state != Delivery::permanent)
        return;
    if (failure.is_5yz() &&
        (defects_.has(Defect::permanent_is_temporary) || defects_.has(Defect::drop_on_5yz)))
        return;
    if (failure.reach == Reach::account)
        refused_accounts_.emplace(account_of(job), failure);
    else if (failure.reach == Reach::port)
        refused_ways_.emplace(way_of(job), failure);
}

bool ReferenceClient::may_retry_in_clear(const SessionPlan& plan, const Failure& failure) const {
    const bool tls_failed = failure.stage == Stage::tls && failure.cause != Cause::policy;
    if (plan.mode == script::Mode::Tls)
        return tls_failed && defects_.has(Defect::implicit_retry_in_clear);
    const bool wanted =
        defects_.has(Defect::retry_in_clear) ||
        (defects_.has(Defect::opportunistic_retry_in_clear) && plan.policy == Policy::opportunistic);
    return wanted && plan.mode == script::Mode::Starttls && (tls_failed || failure.stage == Stage::ehlo_tls);
}

}  // namespace smtpspec::client
