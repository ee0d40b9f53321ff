#include "harness/latency/port_run.hpp"

#include <fmt/format.h>

#include "protocol/smtp/escape.hpp"
#include "protocol/wire/resolve.hpp"

namespace smtpspec::latency {

using client::Failure;
using client::Step;
using wire::Awaitable;
using wire::Clock;

namespace {

std::chrono::microseconds since(Clock::time_point begin) {
    return std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begin);
}

StageSample sample_of(Stage stage, std::chrono::microseconds time) {
    StageSample sample;
    sample.stage = stage;
    sample.time = time;
    return sample;
}

std::string with_number(std::string text, int number) {
    for (size_t at = text.find("${n}"); at != std::string::npos; at = text.find("${n}"))
        text.replace(at, 4, std::to_string(number));
    return text;
}

}  // namespace

bool login_refused(const Failure& failure) { return failure.stage == Stage::auth && failure.is_5yz(); }

bool limits_us(const Manners& manners, const Failure& failure) {
    return manners.is_limit && !failure.reply.empty() && manners.is_limit(failure.reply);
}

PortRun::PortRun(wire::Connection::Executor executor,
                 const LatencyTask& task,
                 int port,
                 std::shared_ptr<SSL_CTX> tls,
                 wire::Transcript& transcript)
    : executor_(std::move(executor)), task_(task), tls_(std::move(tls)), transcript_(transcript) {
    result_.port = port;
    result_.planned = task.messages;
    const auto mode = task.target.modes.find(port);
    result_.mode = mode == task.target.modes.end() ? script::Mode::Starttls : mode->second;
}

Place PortRun::place() const {
    const auto known = task_.places.find(result_.port);
    if (known != task_.places.end())
        return known->second;
    Place place;
    place.address = task_.target.address;
    if (place.address.empty())
        place.name = task_.target.host;
    return place;
}

/// The address to connect to; looking it up is a stage of its own when there is something to look up.
Awaitable<Step<std::string>> PortRun::address() {
    const Place to = place();
    if (to.name.empty())
        co_return to.address;
    const Clock::time_point begin = Clock::now();
    const auto found = co_await wire::resolve(
        executor_, to.name, static_cast<std::uint16_t>(result_.port), begin + task_.target.timeouts.connect);
    if (!found)
        co_return tl::unexpected(client::temporary(
            client::Cause::closed, client::Reach::port, Stage::dns, smtp::printable(found.error().what)));
    samples_.push_back(sample_of(Stage::dns, since(begin)));
    if (!to.address.empty())
        co_return to.address;
    co_return wire::preferred(*found).address().to_string();
}

client::SessionPlan PortRun::plan(std::string address) {
    client::SessionPlan plan = client::session_plan(task_.target, result_.port);
    plan.address = std::move(address);
    plan.tls_context = tls_;
    plan.pipelining = false;  // MAIL, RCPT and DATA each have a time of their own
    plan.observer = [this](Stage stage, std::chrono::microseconds time) {
        samples_.push_back(sample_of(stage, time));
    };
    return plan;
}

Awaitable<Step<void>> PortRun::open() {
    const Step<std::string> to = co_await address();
    if (!to)
        co_return tl::unexpected(to.error());
    session_ =
        std::make_unique<client::Session>(executor_, transcript_, plan(*to), fmt::format("{}", result_.port));
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
            refused.reply = recipient.text;
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

Awaitable<std::optional<Failure>> PortRun::message(int number) {
    samples_.clear();
    const Clock::time_point begin = Clock::now();
    const Step<void> outcome = co_await send(number);
    if (outcome)
        samples_.push_back(sample_of(Stage::total, since(begin)));
    record(outcome);
    std::optional<Failure> failure;
    if (!outcome)
        failure = outcome.error();
    co_return failure;
}

Awaitable<void> PortRun::finish() {
    samples_.clear();
    if (session_)
        co_await hang_up();
    for (const StageSample& sample : samples_)
        result_.stages[sample.stage].record(sample.time);
}

void PortRun::stop(Trouble cause, std::string reason) {
    LatencyStop stop;
    stop.cause = cause;
    stop.reason = std::move(reason);
    result_.stopped = std::move(stop);
}

Block PortRun::take_block() {
    Block block;
    block.port = result_.port;
    for (const auto& [stage, times] : block_)
        block.endpoint[stage] = quantiles(times);
    block_.clear();
    return block;
}

Trouble PortRun::trouble_of(const Failure& failure) const {
    if (login_refused(failure))
        return Trouble::login_refused;
    if (limits_us(task_.manners, failure))
        return Trouble::rate_limited;
    const bool died = failure.cause == client::Cause::closed || failure.cause == client::Cause::timeout;
    return died ? Trouble::died : Trouble::refused;
}

/// The time of a refusal is no latency: the stage that failed is counted as an error and leaves no sample.
void PortRun::record(const Step<void>& outcome) {
    ++result_.messages;
    if (outcome)
        ++result_.sent;
    lost_in_a_row_ = !outcome && trouble_of(outcome.error()) == Trouble::died ? lost_in_a_row_ + 1 : 0;
    for (const StageSample& sample : samples_)
        if (sample.stage != Stage::rset && (outcome || sample.stage != outcome.error().stage)) {
            result_.stages[sample.stage].record(sample.time);
            block_[sample.stage].record(sample.time);
        }
    if (outcome)
        return;
    LatencyError error;
    error.stage = outcome.error().stage;
    error.code = outcome.error().code;
    error.cause = trouble_of(outcome.error());
    error.text = task_.mask ? task_.mask(outcome.error().text) : outcome.error().text;
    error.count = 1;
    result_.add_error(error);
}

}  // namespace smtpspec::latency
