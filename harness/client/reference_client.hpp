#pragma once

#include <boost/asio/steady_timer.hpp>

#include <deque>
#include <map>
#include <set>

#include "harness/client/queue.hpp"
#include "harness/client/route.hpp"
#include "harness/client/session.hpp"

namespace smtpspec::client {

/// What the client says to its user: one line for each event, secrets masked.
class UserLog {
  public:
    explicit UserLog(const wire::Masker& masker) : masker_(masker) {}
    void line(std::string_view text);
    const std::string& text() const { return text_; }

  private:
    const wire::Masker& masker_;
    std::string text_;
};

/// A queue, workers that each hold at most one connection, and the accounts of what became of each recipient.
/// A message counts as sent only by the reply to its final dot, and is then never sent again.
class ReferenceClient : public ClientUnderTest {
  public:
    ReferenceClient(wire::Connection::Executor executor, ClientTask task, wire::Transcript* transcript);

    wire::Awaitable<void> run() override;
    void stop() override;
    std::string says() const override { return says_of(results_); }
    std::string output() const override { return log_.text(); }
    int peak() const override { return peak_; }
    const std::vector<MessageResult>& results() const override { return results_; }
    std::set<std::string> features() const override { return reference_client_features(task_); }

  private:
    /// One of `parallel`: its connection, and the timer that it sleeps on.
    struct Worker {
        explicit Worker(const wire::Connection::Executor& executor) : timer(executor) {}
        boost::asio::steady_timer timer;
        std::unique_ptr<Session> session;
    };
    using Refusals = std::map<std::string, Failure>;

    // reference_client.cpp: the workers
    void prepare();
    void enqueue(size_t message, bool reported);
    wire::Awaitable<void> work(Worker& worker);
    wire::Awaitable<void> sleep(Worker& worker, wire::Clock::time_point until);
    void wake_all();
    wire::Awaitable<void> attempt(Worker& worker, Job job);
    wire::Awaitable<void> insist(Worker& worker, const Job& job, TransactionResult& result);
    wire::Awaitable<TransactionResult> transact(Worker& worker, const Job& job);
    wire::Awaitable<Step<void>> connect(Worker& worker, const Job& job);
    wire::Awaitable<Step<void>> open(Worker& worker, SessionPlan plan);
    wire::Awaitable<void> hang_up(Worker& worker);
    bool suitable(const Session& session, const Job& job) const;
    bool may_retry_in_clear(const SessionPlan& plan, const Failure& failure) const;

    // task_plan.cpp: what a job asks for
    SessionPlan plan_for(const Job& job, const Target& target) const;
    Step<std::vector<Target>> targets(const Job& job) const;
    Envelope envelope_for(const Job& job, size_t most_recipients) const;
    void alter_for_retry(Envelope& envelope, const std::string& id, int retry) const;
    std::string account_of(const Job& job) const;
    std::string way_of(const Job& job) const;
    const Failure* known_refusal(const Job& job) const;
    void remember(const Job& job, const Failure& failure);

    // accounting.cpp: what became of it
    void settle(Job job, const TransactionResult& result, wire::Clock::time_point started);
    void apply_defects(RecipientOutcome& outcome) const;
    void report(const Job& job, size_t recipient, const RecipientOutcome& outcome);
    void give_up_rest();
    void after_failure(const Job& job);
    void add_message(OutgoingMessage message);
    bool retries() const;
    void say(const Job& job, std::string_view text);

    wire::Connection::Executor executor_;
    ClientTask task_;
    Defects defects_;
    wire::Masker masker_;
    wire::Transcript own_transcript_;
    wire::Transcript& transcript_;
    UserLog log_;
    std::shared_ptr<SSL_CTX> tls_context_;
    std::shared_ptr<TlsSessions> tls_sessions_ = std::make_shared<TlsSessions>();
    std::deque<OutgoingMessage> messages_;
    std::vector<MessageResult> results_;
    Queue queue_;
    std::vector<std::unique_ptr<Worker>> workers_;
    Refusals refused_ways_;
    Refusals refused_accounts_;
    bool stopping_ = false;
    bool bounced_ = false;
    int open_connections_ = 0;
    int peak_ = 0;
    int sessions_ = 0;
};

}  // namespace smtpspec::client
