#include <fmt/format.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <stdexcept>

#include "harness/latency/latency.hpp"
#include "harness/latency/port_run.hpp"

namespace smtpspec::latency {

namespace asio = boost::asio;
using client::Failure;
using std::chrono::milliseconds;
using wire::Awaitable;

namespace {

std::string seconds(milliseconds time) {
    return fmt::format("{:g} s", static_cast<double>(time.count()) / 1000);
}

/// All ports, one after the other. What it is given outlives it.
class Run {
  public:
    Run(LatencyResult& result,
        wire::Connection::Executor executor,
        const LatencyTask& task,
        std::shared_ptr<SSL_CTX> tls,
        wire::Transcript& transcript,
        const Progress& progress)
        : result_(result),
          executor_(std::move(executor)),
          task_(task),
          tls_(std::move(tls)),
          transcript_(transcript),
          progress_(progress) {}

    Awaitable<void> port(int port);

  private:
    Awaitable<void> wait();
    bool may_go_on(PortRun& run, int number) const;
    void consider(PortRun& run, const std::optional<Failure>& failure);
    void limited(PortRun& run, const std::string& reply);
    void tell(const std::string& line) const;
    bool over() const { return limits_ >= task_.manners.limits_to_stop; }

    LatencyResult& result_;
    wire::Connection::Executor executor_;
    const LatencyTask& task_;
    std::shared_ptr<SSL_CTX> tls_;
    wire::Transcript& transcript_;
    const Progress& progress_;
    int limits_ = 0;        ///< replies so far that limited us
    milliseconds wait_{0};  ///< before the next message, whatever its port: the limit belongs to the account
};

Awaitable<void> Run::port(int port) {
    PortRun run(executor_, task_, port, tls_, transcript_);
    if (const auto why = task_.unusable.find(port); why != task_.unusable.end())
        run.stop(Trouble::died, why->second);
    result_.ports.push_back(run.so_far());
    for (int number = 1; may_go_on(run, number); ++number) {
        co_await wait();
        const std::optional<Failure> failure = co_await run.message(number);
        wait_ = task_.pause;
        consider(run, failure);
        result_.ports.back() = run.so_far();
        if (task_.block_done && task_.block > 0 && number % task_.block == 0)
            task_.block_done(run.take_block());
        if (!failure || !limits_us(task_.manners, *failure))
            tell(fmt::format("port {}: message {} of {}", port, number, task_.messages));
    }
    co_await run.finish();
    result_.ports.back() = run.so_far();
}

Awaitable<void> Run::wait() {
    if (wait_.count() <= 0)
        co_return;
    asio::steady_timer timer(executor_, wait_);
    static_cast<void>(co_await timer.async_wait(asio::as_tuple(asio::use_awaitable)));
}

/// Whether the message with this number is tried; says why when it is not.
bool Run::may_go_on(PortRun& run, int number) const {
    if (run.so_far().stopped || number > task_.messages)
        return false;
    if (over()) {
        run.stop(Trouble::rate_limited,
                 fmt::format("the endpoint limited us {} times in this run; try later", limits_));
        return false;
    }
    const std::optional<int>& budget = task_.manners.budget;
    if (budget && number > *budget) {
        run.stop(Trouble::budget, fmt::format("budget: {} messages per port and run", *budget));
        return false;
    }
    return true;
}

/// What a message that failed means for those after it.
void Run::consider(PortRun& run, const std::optional<Failure>& failure) {
    if (!failure)
        return;
    if (login_refused(*failure))
        run.stop(Trouble::login_refused,
                 "the login was refused; check user name and password. It was not tried again on this port");
    if (limits_us(task_.manners, *failure))
        limited(run, failure->reply);
    if (run.lost_in_a_row() >= task_.manners.lost_to_stop)
        run.stop(Trouble::died,
                 fmt::format("{} connections in a row were lost; the port is given up", run.lost_in_a_row()));
}

/// All ports pause, each time for longer; in the end the run is over (design.md §8).
void Run::limited(PortRun& run, const std::string& reply) {
    const milliseconds longer = task_.manners.first_pause * (1 << std::min(limits_, 10));
    const milliseconds pause = std::min(task_.manners.longest_pause, longer);
    ++limits_;
    const std::string shown = task_.mask ? task_.mask(reply) : reply;
    const std::string what = fmt::format("port {}: \"{}\"", run.so_far().port, shown);
    if (over()) {
        result_.notices.push_back(what + "; nothing was sent after it");
        return;
    }
    wait_ = std::max(wait_, pause);
    result_.notices.push_back(fmt::format("{}; nothing was sent for {} after it", what, seconds(pause)));
    tell(fmt::format("{}: a pause of {}", what, seconds(pause)));
}

void Run::tell(const std::string& line) const {
    if (progress_)
        progress_(line);
}

std::vector<int> ports_of(const LatencyTask& task) {
    if (!task.ports.empty())
        return task.ports;
    std::vector<int> ports;
    for (const auto& [logical, actual] : task.target.ports)
        ports.push_back(logical);
    return ports;
}

std::shared_ptr<SSL_CTX> tls_of(const LatencyTask& task) {
    if (task.tls)
        return task.tls;
    auto made = wire::client_context("", task.target.ca_pem);
    if (!made)
        throw std::invalid_argument(made.error());
    return std::move(*made);
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
    wire::Transcript nowhere(nullptr, 0);
    result = {};
    result.endpoint = task.endpoint;
    result.shape.kind = LoadShape::Kind::probe;
    result.shape.messages_per_connection = task.new_connection ? 1 : 0;
    Run run(result, executor, task, tls_of(task), transcript != nullptr ? *transcript : nowhere, progress);
    for (const int port : ports)
        co_await run.port(port);
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
