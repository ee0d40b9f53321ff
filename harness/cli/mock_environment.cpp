#include "harness/cli/mock_environment.hpp"

namespace smtpspec::cli {

namespace asio = boost::asio;

namespace {
constexpr std::chrono::milliseconds look_again{50};
constexpr std::chrono::seconds last_sessions{2};
}  // namespace

MockEnvironment::MockEnvironment(const run::RunContext& context,
                                 const run::PlannedCell& cell,
                                 asio::any_io_executor executor,
                                 wire::Transcript& transcript,
                                 mock::Server& server,
                                 const std::atomic<bool>& stop)
    : run::CellEnvironment(context, cell, std::move(executor), transcript, context.masker),
      server_(server),
      stop_(stop),
      mails_(server.store(), std::chrono::milliseconds(100)) {}

wire::Awaitable<wire::IoResult<std::unique_ptr<wire::Connection>>> MockEnvironment::open(script::OpenRequest,
                                                                                         wire::Deadline) {
    co_return run::not_offered("mock --scenario plays the server");
}

wire::Awaitable<wire::IoResult<std::unique_ptr<script::PlayedSession>>> MockEnvironment::accept(
    std::string name, wire::Deadline deadline) {
    server_.manual();
    while (true) {
        const wire::Deadline soon = std::min(deadline, wire::Clock::now() + std::chrono::milliseconds(200));
        auto session = co_await server_.next_session(name, soon);
        if (session || stop_ || wire::Clock::now() >= deadline) {
            co_return session;
        }
    }
}

wire::Awaitable<void> MockEnvironment::serve(std::unique_ptr<script::PlayedSession> current,
                                             script::Overlay& overlay,
                                             script::SessionObserver& observer,
                                             std::optional<std::chrono::milliseconds> at_most,
                                             wire::Deadline deadline) {
    wire::Deadline until = deadline;
    if (at_most) {
        until = std::min(deadline, wire::Clock::now() + *at_most);
    }
    server_.set_overlay(&overlay);
    server_.set_observer(&observer);
    server_.adopt(std::move(current));
    server_.serve();
    asio::steady_timer timer(executor_);
    while (!stop_ && wire::Clock::now() < until) {
        timer.expires_after(look_again);
        co_await timer.async_wait(asio::use_awaitable);
    }
    co_await server_.wait_idle(quiet(), wire::Clock::now() + last_sessions);
    server_.set_overlay(nullptr);
    server_.set_observer(nullptr);
}

}  // namespace smtpspec::cli
