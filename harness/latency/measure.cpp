#include <fmt/format.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <stdexcept>

#include "harness/client/session.hpp"
#include "harness/latency/latency.hpp"
#include "protocol/smtp/escape.hpp"
#include "protocol/wire/resolve.hpp"

namespace smtpspec::latency {

namespace asio = boost::asio;
using client::Failure;
using client::Session;
using client::Step;
using wire::Awaitable;
using wire::Clock;

namespace {

std::chrono::microseconds since(Clock::time_point begin) {
    return std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begin);
}

std::string with_number(std::string text, int number) {
    for (size_t at = text.find("${n}"); at != std::string::npos; at = text.find("${n}"))
        text.replace(at, 4, std::to_string(number));
    return text;
}

/// One port: its messages, one after the other.
class PortRun {
  public:
    PortRun(wire::Connection::Executor executor,
            const LatencyTask& task,
            int port,
            std::shared_ptr<SSL_CTX> tls,
            wire::Transcript& transcript)
        : executor_(std::move(executor)), task_(task), tls_(std::move(tls)), transcript_(transcript) {
        result_.port = port;
        const auto mode = task.target.modes.find(port);
        result_.mode = mode == task.target.modes.end() ? script::Mode::Starttls : mode->second;
    }

    Awaitable<void> message(int number);
    Awaitable<void> finish();
    const PortLatency& so_far() const { return result_; }

  private:
    Awaitable<Step<void>> open();
    Awaitable<Step<std::string>> address();
    Awaitable<Step<void>> send(int number);
    Awaitable<void> hang_up();
    client::Envelope envelope(int number) const;
    void record(const Step<void>& outcome);

    wire::Connection::Executor executor_;
    const LatencyTask& task_;
    std::shared_ptr<SSL_CTX> tls_;
    wire::Transcript& transcript_;
    PortLatency result_;
    std::vector<StageSample> samples_;  ///< of the present message
    std::unique_ptr<Session> session_;
};

/// The address to connect to; resolving is a stage of its own when there is something to resolve.
Awaitable<Step<std::string>> PortRun::address() {
    if (!task_.target.address.empty())
        co_return task_.target.address;
    const Clock::time_point begin = Clock::now();
    const auto found = co_await wire::resolve(executor_,
                                              task_.target.host,
                                              static_cast<std::uint16_t>(result_.port),
                                              begin + task_.target.timeouts.connect);
    if (!found)
        co_return tl::unexpected(client::temporary(
            client::Cause::closed, client::Reach::port, Stage::dns, smtp::printable(found.error().what)));
    StageSample sample;
    sample.stage = Stage::dns;
    sample.time = since(begin);
    samples_.push_back(sample);
    co_return found->front().address().to_string();
}

Awaitable<Step<void>> PortRun::open() {
    const Step<std::string> to = co_await address();
    if (!to)
        co_return tl::unexpected(to.error());
    client::SessionPlan plan = client::session_plan(task_.target, result_.port);
    plan.address = *to;
    plan.tls_context = tls_;
    plan.pipelining = false;  // MAIL, RCPT and DATA each have a time of their own
    plan.observer = [this](Stage stage, std::chrono::microseconds time) {
        StageSample sample;
        sample.stage = stage;
        sample.time = time;
        samples_.push_back(sample);
    };
    session_ =
        std::make_unique<Session>(executor_, transcript_, std::move(plan), fmt::format("{}", result_.port));
    Step<void> opened = co_await session_->open();
    if (!opened)
        session_.reset();
    co_return opened;
}

client::Envelope PortRun::envelope(int number) const {
    client::Envelope envelope;
    envelope.from = task_.from;
    envelope.to = task_.to;
    const std::string id =
        fmt::format("{}.{}.{}", task_.run_id.empty() ? "bench" : task_.run_id, result_.port, number);
    const std::string recipient = task_.to.empty() ? std::string() : task_.to.front();
    envelope.content =
        fmt::format("From: <{}>\r\nTo: <{}>\r\nSubject: latency {}\r\nMessage-ID: <{}@smtpspec.test>\r\n",
                    task_.from,
                    recipient,
                    id,
                    id);
    envelope.content += "\r\nThis message measures how long it takes to hand over a message.\r\n";
    if (!task_.content.empty())
        envelope.content = with_number(task_.content, number);
    return envelope;
}

/// One message from DNS to QUIT (or, on a connection that stays, from MAIL to the final reply).
Awaitable<Step<void>> PortRun::send(int number) {
    if (!session_) {
        Step<void> opened = co_await open();
        if (!opened)
            co_return opened;
    }
    const client::TransactionResult outcome = co_await session_->deliver(envelope(number));
    Step<void> done;
    if (outcome.failure)
        done = tl::unexpected(*outcome.failure);
    for (const client::RecipientOutcome& recipient : outcome.recipients)
        if (done && recipient.state != client::Delivery::sent) {
            Failure refused =
                client::temporary(client::Cause::reply, client::Reach::message, Stage::rcpt, recipient.text);
            refused.code = recipient.code;
            done = tl::unexpected(std::move(refused));
        }
    if (task_.new_connection || !session_->usable())
        co_await hang_up();
    co_return done;
}

Awaitable<void> PortRun::hang_up() {
    co_await session_->quit();
    session_.reset();
}

Awaitable<void> PortRun::message(int number) {
    samples_.clear();
    const Clock::time_point begin = Clock::now();
    const Step<void> outcome = co_await send(number);
    if (outcome) {
        StageSample total;
        total.stage = Stage::total;
        total.time = since(begin);
        samples_.push_back(total);
    }
    record(outcome);
}

Awaitable<void> PortRun::finish() {
    samples_.clear();
    if (session_)
        co_await hang_up();
    for (const StageSample& sample : samples_)
        result_.stages[sample.stage].record(sample.time);
}

/// The time of a refusal is no latency: the stage that failed is counted as an error and leaves no sample.
void PortRun::record(const Step<void>& outcome) {
    ++result_.messages;
    if (outcome)
        ++result_.sent;
    for (const StageSample& sample : samples_)
        if (sample.stage != Stage::rset && (outcome || sample.stage != outcome.error().stage))
            result_.stages[sample.stage].record(sample.time);
    if (outcome)
        return;
    LatencyError error;
    error.stage = outcome.error().stage;
    error.code = outcome.error().code;
    error.text = outcome.error().text;
    error.count = 1;
    result_.add_error(error);
}

Awaitable<void> rest(wire::Connection::Executor executor, std::chrono::milliseconds pause) {
    if (pause.count() <= 0)
        co_return;
    asio::steady_timer timer(executor, pause);
    static_cast<void>(co_await timer.async_wait(asio::as_tuple(asio::use_awaitable)));
}

std::vector<int> ports_of(const LatencyTask& task) {
    if (!task.ports.empty())
        return task.ports;
    std::vector<int> ports;
    for (const auto& [logical, actual] : task.target.ports)
        ports.push_back(logical);
    return ports;
}

}  // namespace

Awaitable<void> measure_into(LatencyResult& result,
                             wire::Connection::Executor executor,
                             LatencyTask task,
                             wire::Transcript* transcript,
                             Progress progress) {
    const std::vector<int> ports = ports_of(task);
    if (ports.empty() || task.messages < 1 || task.to.empty())
        throw std::invalid_argument("latency: no port, no message or no recipient");
    const auto tls = wire::client_context("", task.target.ca_pem);
    if (!tls)
        throw std::invalid_argument(tls.error());
    wire::Transcript nowhere(nullptr, 0);
    result = {};
    result.endpoint = task.endpoint;
    result.new_connection = task.new_connection;
    for (const int port : ports) {
        PortRun run(executor, task, port, *tls, transcript != nullptr ? *transcript : nowhere);
        result.ports.push_back(run.so_far());
        for (int number = 1; number <= task.messages; ++number) {
            co_await run.message(number);
            result.ports.back() = run.so_far();
            if (progress)
                progress(port, number, task.messages);
            co_await rest(executor, task.pause);
        }
        co_await run.finish();
        result.ports.back() = run.so_far();
    }
}

Awaitable<LatencyResult> measure(wire::Connection::Executor executor,
                                 LatencyTask task,
                                 wire::Transcript* transcript,
                                 Progress progress) {
    LatencyResult result;
    co_await measure_into(result, executor, std::move(task), transcript, std::move(progress));
    co_return result;
}

}  // namespace smtpspec::latency
