#include "harness/cli/mock_environment.hpp"

#include <re2/re2.h>

#include <set>

#include "harness/run/serving.hpp"

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
                                 const std::atomic<bool>& stop,
                                 const CommandState& command)
    : run::CellEnvironment(context, cell, std::move(executor), transcript, context.masker),
      server_(server),
      stop_(stop),
      command_(command),
      mails_(*this) {}

MockEnvironment::~MockEnvironment() {
    server_.set_overlay(nullptr);
    server_.set_observer(nullptr);
}

std::string MockEnvironment::says() const {
    if (!command_.code) {
        return "running";
    }
    switch (*command_.code) {
        case 0:
            return "sent";
        case 75:
            return "temporary";
        case 69:
        case 77:
            return "permanent";
        default:
            return *command_.code > 128 ? "crashed" : "unknown";
    }
}

wire::Awaitable<void> MockEnvironment::settled(wire::Deadline deadline) {
    asio::steady_timer timer(executor_);
    while (!command_.code && !stop_ && wire::Clock::now() < deadline) {
        timer.expires_after(look_again);
        co_await timer.async_wait(asio::use_awaitable);
    }
}

int MockEnvironment::Store::lost() const {
    return owner_.says() == "sent" && owner_.server_.store().count() == 0 ? 1 : 0;
}

int MockEnvironment::Store::doubled() const {
    static const RE2 message_id("(?im)^message-id:\\s*(<[^>]*>)");
    std::set<std::pair<std::string, std::vector<std::string>>> seen;
    int again = 0;
    for (const mock::Mail& mail : owner_.server_.store().all()) {
        const std::string header = mail.raw.substr(0, mail.raw.find("\r\n\r\n"));
        std::string id;
        if (RE2::PartialMatch(header, message_id, &id)) {
            again += seen.emplace(id, mail.recipients).second ? 0 : 1;
        }
    }
    return again;
}

wire::Awaitable<wire::IoResult<std::unique_ptr<wire::Connection>>> MockEnvironment::open(script::OpenRequest,
                                                                                         wire::Deadline) {
    co_return run::not_offered("mock --scenario plays the server");
}

wire::Awaitable<wire::IoResult<std::unique_ptr<script::PlayedSession>>> MockEnvironment::accept(
    std::string name, wire::Deadline deadline) {
    server_.manual();
    // When the client comes, first or again, is its own affair: it has its retry times, and a person takes a
    // while.
    const bool first = server_.sessions_total() == 0;
    const bool waits = first || command_.given;
    while (true) {
        const auto soon = wire::Clock::now() + std::chrono::milliseconds(200);
        const wire::Deadline until = waits ? soon : std::min(deadline, soon);
        auto session = co_await server_.next_session(name, until);
        if (session || stop_ || command_.code || (!waits && wire::Clock::now() >= deadline)) {
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
    const run::Serving serving(server_, overlay, run::AfterServing::server);
    server_.set_observer(&observer);
    server_.adopt(std::move(current));
    server_.serve();
    asio::steady_timer timer(executor_);
    while (!stop_ && wire::Clock::now() < until) {
        timer.expires_after(look_again);
        co_await timer.async_wait(asio::use_awaitable);
    }
    co_await server_.wait_idle(quiet(), wire::Clock::now() + last_sessions);
}

}  // namespace smtpspec::cli
