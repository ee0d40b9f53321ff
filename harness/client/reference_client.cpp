#include "harness/client/reference_client.hpp"

#include <fmt/format.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>

namespace smtpspec::client {

namespace asio = boost::asio;
using wire::Awaitable;
using wire::Clock;

namespace {

wire::Masker masker_for(const ClientTask& task) {
    wire::Masker masker;
    for (const std::string* secret : {&task.password, &task.token})
        if (!secret->empty())
            masker.add(*secret);
    for (const OutgoingMessage& message : task.messages)
        if (message.password && !message.password->empty())
            masker.add(*message.password);
    return masker;
}

/// Nobody was accepted, somebody may be tried again, and the connection still stands.
bool refused_for_now(const TransactionResult& result) {
    if (result.failure)
        return result.failure->cause == Cause::reply && result.failure->state == Delivery::temporary;
    const auto has = [&](Delivery state) {
        return std::any_of(result.recipients.begin(),
                           result.recipients.end(),
                           [&](const RecipientOutcome& outcome) { return outcome.state == state; });
    };
    return has(Delivery::temporary) && !has(Delivery::sent);
}

Queue::Haste haste_of(const Defects& defects) {
    return defects.has(Defect::retry_without_delay) ? Queue::Haste::hurried : Queue::Haste::patient;
}

}  // namespace

void UserLog::line(std::string_view text) {
    text_ += masker_.by_value(text);
    text_ += '\n';
}

ReferenceClient::ReferenceClient(wire::Connection::Executor executor,
                                 ClientTask task,
                                 wire::Transcript* transcript)
    : executor_(std::move(executor)),
      task_(std::move(task)),
      defects_(task_.defects),
      masker_(masker_for(task_)),
      own_transcript_(&masker_, 0),
      transcript_(transcript != nullptr ? *transcript : own_transcript_),
      log_(masker_),
      queue_(task_.retry, task_.seed, Clock::now(), haste_of(defects_)) {
    for (const OutgoingMessage& message : task_.messages)
        add_message(message);
}

void ReferenceClient::add_message(OutgoingMessage message) {
    MessageResult result;
    result.id = message.id;
    result.state = Delivery::running;
    for (const std::string& address : message.to) {
        RecipientResult recipient;
        recipient.address = address;
        recipient.state = Delivery::running;
        result.recipients.push_back(std::move(recipient));
    }
    results_.push_back(std::move(result));
    messages_.push_back(std::move(message));
    enqueue(messages_.size() - 1, true);
}

/// One job for a message: one copy goes to all its recipients of one host.
void ReferenceClient::enqueue(size_t message, bool reported) {
    const std::vector<std::string>& to = messages_[message].to;
    std::map<std::string, std::vector<size_t>> groups;
    const size_t count =
        defects_.has(Defect::first_recipient_only) ? std::min<size_t>(to.size(), 1) : to.size();
    for (size_t i = 0; i < count; ++i) {
        std::string key;
        if (task_.dns)
            key = to[i].substr(to[i].rfind('@') + 1);
        if (defects_.has(Defect::one_copy_per_recipient))
            key += fmt::format(" {:06}", i);
        groups[key].push_back(i);
    }
    for (auto& [key, recipients] : groups) {
        Job job;
        job.message = message;
        job.recipients = std::move(recipients);
        job.reported = reported;
        job.port = task_.use_ports.empty() ? (task_.ports.empty() ? 587 : task_.ports.begin()->first)
                                           : task_.use_ports[message % task_.use_ports.size()];
        queue_.add(std::move(job));
    }
}

void ReferenceClient::prepare() {
    tl::expected<std::shared_ptr<SSL_CTX>, std::string> context = wire::client_context("", task_.ca_pem);
    if (!context)
        throw std::runtime_error(context.error());
    tls_context_ = std::move(*context);
    const size_t wanted =
        std::min<size_t>(static_cast<size_t>(std::max(task_.parallel, 1)), messages_.size());
    for (size_t i = 0; i < wanted; ++i)
        workers_.push_back(std::make_unique<Worker>(executor_));
}

Awaitable<void> ReferenceClient::run() {
    prepare();
    size_t running = workers_.size();
    std::exception_ptr problem;
    asio::steady_timer all_done(executor_, Clock::time_point::max());
    auto ended = [&](std::exception_ptr thrown) {
        if (thrown && !problem)
            problem = thrown;
        if (--running == 0)
            all_done.cancel();
    };
    for (const std::unique_ptr<Worker>& worker : workers_)
        asio::co_spawn(executor_, work(*worker), ended);
    while (running != 0)
        static_cast<void>(co_await all_done.async_wait(asio::as_tuple(asio::use_awaitable)));
    if (problem)
        std::rethrow_exception(problem);
    give_up_rest();
}

void ReferenceClient::stop() {
    stopping_ = true;
    for (const std::unique_ptr<Worker>& worker : workers_)
        if (worker->session)
            worker->session->drop();
    wake_all();
}

void ReferenceClient::wake_all() {
    for (const std::unique_ptr<Worker>& worker : workers_)
        worker->timer.cancel();
}

Awaitable<void> ReferenceClient::work(Worker& worker) {
    while (!stopping_ && !queue_.empty() && !queue_.exhausted()) {
        std::optional<Job> job = queue_.take(Clock::now());
        if (job) {
            co_await attempt(worker, std::move(*job));
            wake_all();
            continue;
        }
        co_await hang_up(worker);
        if (queue_.waits_for_others())
            co_await sleep(worker, Clock::time_point::max());
        else if (queue_.due() > Clock::now())
            co_await sleep(worker, queue_.due());
    }
    co_await hang_up(worker);
    wake_all();
}

/// Until that time or until something has changed.
Awaitable<void> ReferenceClient::sleep(Worker& worker, Clock::time_point until) {
    if (stopping_)
        co_return;
    worker.timer.expires_at(until);
    static_cast<void>(co_await worker.timer.async_wait(asio::as_tuple(asio::use_awaitable)));
}

Awaitable<void> ReferenceClient::attempt(Worker& worker, Job job) {
    const Clock::time_point started = Clock::now();
    TransactionResult result = co_await transact(worker, job);
    if (defects_.has(Defect::retry_without_delay))
        co_await insist(worker, job, result);
    if (result.failure)
        remember(job, *result.failure);
    const bool delivered = !result.failure;
    settle(std::move(job), result, started);
    const bool good =
        worker.session && (worker.session->usable() || defects_.has(Defect::stale_connection_is_failure));
    const bool stays = delivered || result.failure->state == Delivery::permanent ||
                       defects_.has(Defect::retry_without_delay);
    const bool keep = task_.reuse && good && stays;
    if (!keep)
        co_await hang_up(worker);
    else if (task_.pause.count() > 0 && !queue_.empty())
        co_await sleep(worker, Clock::now() + task_.pause);
}

/// What a client without back-off does: the same transaction over the same connection, again and again.
Awaitable<void> ReferenceClient::insist(Worker& worker, const Job& job, TransactionResult& result) {
    for (int more = 0; more < 50 && refused_for_now(result) && !stopping_; ++more) {
        const bool here = worker.session && worker.session->usable() && suitable(*worker.session, job);
        if (!here)
            co_return;
        Envelope envelope = envelope_for(job, static_cast<size_t>(worker.session->most_recipients()));
        if (more == 0)
            co_await worker.session->hammer(envelope, 60);
        if (!worker.session->usable())
            co_return;
        result = co_await worker.session->deliver(std::move(envelope));
    }
}

/// The transaction, over the worker's connection if that will do, else over a new one.
Awaitable<TransactionResult> ReferenceClient::transact(Worker& worker, const Job& job) {
    TransactionResult result;
    result.recipients.resize(job.recipients.size());
    if (const Failure* known = known_refusal(job)) {
        result.failure = *known;
        co_return result;
    }
    const bool blames = defects_.has(Defect::stale_connection_is_failure);
    if (worker.session && !suitable(*worker.session, job) && !blames)
        co_await hang_up(worker);
    if (worker.session) {
        const bool alive = co_await worker.session->alive();
        if (!alive && blames) {
            result.failure = temporary(Cause::closed, Reach::session, Stage::mail, "the connection has died");
            result.failure->again = false;
            co_return result;
        }
        if (alive) {
            Envelope envelope = envelope_for(job, static_cast<size_t>(worker.session->most_recipients()));
            result = co_await worker.session->deliver(envelope);
            const bool died = result.failure && result.failure->cause == Cause::closed &&
                              (result.failure->stage == Stage::mail || result.failure->stage == Stage::rset);
            if (!died || blames)
                co_return result;
        }
        co_await hang_up(worker);
    }
    const Step<void> opened = co_await connect(worker, job);
    result = TransactionResult();
    result.recipients.resize(job.recipients.size());
    if (!opened) {
        result.failure = opened.error();
        co_return result;
    }
    Envelope envelope = envelope_for(job, static_cast<size_t>(worker.session->most_recipients()));
    result = co_await worker.session->deliver(std::move(envelope));
    co_return result;
}

/// The first of the targets that lets us in. Another address is tried only if this one cannot be reached or
/// refuses us (RFC 5321 §5.1).
Awaitable<Step<void>> ReferenceClient::connect(Worker& worker, const Job& job) {
    const Step<std::vector<Target>> places = targets(job);
    if (!places)
        co_return tl::unexpected(places.error());
    Step<void> opened;
    for (const Target& target : *places) {
        opened = co_await open(worker, plan_for(job, target));
        if (opened || stopping_)
            co_return opened;
        if (may_retry_in_clear(plan_for(job, target), opened.error())) {
            SessionPlan plan = plan_for(job, target);
            plan.clear_only = true;
            opened = co_await open(worker, std::move(plan));
            co_return opened;
        }
    }
    co_return opened;
}

Awaitable<Step<void>> ReferenceClient::open(Worker& worker, SessionPlan plan) {
    co_await hang_up(worker);
    std::string name = fmt::format("{}", ++sessions_);
    worker.session = std::make_unique<Session>(executor_, transcript_, std::move(plan), std::move(name));
    peak_ = std::max(peak_, ++open_connections_);
    Step<void> opened = co_await worker.session->open();
    if (opened)
        co_return opened;
    --open_connections_;
    worker.session.reset();
    co_return opened;
}

Awaitable<void> ReferenceClient::hang_up(Worker& worker) {
    if (!worker.session)
        co_return;
    co_await worker.session->quit();
    worker.session.reset();
    --open_connections_;
}

}  // namespace smtpspec::client
