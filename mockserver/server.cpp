#include "mockserver/server.hpp"

#include <algorithm>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "mockserver/session.hpp"

namespace smtpspec::mock {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using wire::Awaitable;

namespace {

constexpr std::size_t max_waiting = 256;

/// The owner of a session that runs by itself. Its end is seen in Shared::sessions.
Awaitable<void> run_session(std::shared_ptr<Session> session) { co_await session->run(); }

void spawn(const std::shared_ptr<Shared>& shared, std::shared_ptr<Session> session) {
    asio::co_spawn(shared->executor, run_session(std::move(session)), [shared](std::exception_ptr bug) {
        if (!bug) {
            return;
        }
        try {
            std::rethrow_exception(bug);
        } catch (const std::exception& error) {
            const LogContext context;
            shared->log(context, "!!", std::string("a session failed: ") + error.what());
        }
    });
}

std::shared_ptr<Session> make_session(const std::shared_ptr<Shared>& shared,
                                      asio::ip::tcp::socket socket,
                                      PortInfo port,
                                      std::string name) {
    ++shared->accepted;
    shared->notify();
    return std::make_shared<Session>(
        shared, std::move(socket), std::move(port), shared->accepted, std::move(name));
}

void admit(const std::shared_ptr<Shared>& shared, asio::ip::tcp::socket socket, PortInfo port) {
    if (shared->stopping) {
        return;
    }
    if (shared->manual) {
        if (shared->waiting.size() < max_waiting) {
            shared->waiting.push_back(Shared::Waiting{std::move(socket), std::move(port)});
            shared->notify();
        }
        return;
    }
    std::string name = shared->next_name();
    spawn(shared, make_session(shared, std::move(socket), std::move(port), std::move(name)));
}

Awaitable<void> accept_loop(std::shared_ptr<Shared> shared,
                            std::shared_ptr<wire::Listener> listener,
                            PortInfo port) {
    asio::steady_timer pause(shared->executor);
    while (!shared->stopping) {
        auto socket = co_await listener->accept();
        if (socket) {
            admit(shared, std::move(*socket), port);
            continue;
        }
        if (shared->stopping || socket.error().kind == wire::IoError::Kind::closed) {
            co_return;
        }
        pause.expires_after(50ms);  // out of file descriptors, most likely
        co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
    }
}

}  // namespace

Shared::Shared(asio::any_io_executor executor_,
               ServerConfig config_,
               std::shared_ptr<const wire::TestPki> pki_)
    : executor(std::move(executor_)),
      config(std::move(config_)),
      pki(std::move(pki_)),
      limiters(config.limiters),
      last_change(wire::Clock::now()) {
    if (config.defects.has(Defect::idle_time_short)) {
        config.idle_timeout /= 20;
    }
    for (const auto& account : config.accounts) {
        masker.add(account.password);
        if (!account.token.empty()) {
            masker.add(account.token);
        }
    }
}

void Shared::notify() {
    last_change = wire::Clock::now();
    for (auto* waiter : waiters) {
        waiter->cancel();
    }
}

Awaitable<void> Shared::wait_for_change(std::shared_ptr<Shared> shared, wire::Deadline deadline) {
    asio::steady_timer timer(shared->executor);
    timer.expires_at(deadline);
    shared->waiters.push_back(&timer);
    co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
    std::erase(shared->waiters, &timer);
}

std::string Shared::next_name() const {
    const int next = accepted;
    return next < 26 ? std::string(1, static_cast<char>('a' + next)) : "c" + std::to_string(next + 1);
}

void Shared::log(const LogContext& context, std::string_view who, std::string_view text) const {
    if (sink) {
        sink(log_line(context, who, text));
    }
}

Server::Server(asio::any_io_executor executor, ServerConfig config, std::shared_ptr<const wire::TestPki> pki)
    : shared_(std::make_shared<Shared>(std::move(executor), std::move(config), std::move(pki))) {}

Server::~Server() {
    shared_->stopping = true;
    shared_->overlay = nullptr;
    shared_->observer = nullptr;
    shared_->sink = nullptr;
    for (const auto& listener : shared_->listeners) {
        listener->close();
    }
    shared_->waiting.clear();
    for (auto* session : shared_->sessions) {
        session->abort();
    }
    shared_->notify();
}

tl::expected<void, std::string> Server::start() {
    for (const auto& spec : shared_->config.ports) {
        auto opened = wire::Listener::open(shared_->executor, spec.address, spec.bind);
        if (!opened) {
            return tl::unexpected(opened.error().what);
        }
        auto listener = std::make_shared<wire::Listener>(std::move(*opened));
        PortInfo info;
        info.logical = spec.logical;
        info.mode = spec.mode;
        info.address = spec.address;
        info.actual = listener->port();
        shared_->listeners.push_back(std::move(listener));
        shared_->ports.push_back(std::move(info));
    }
    for (std::size_t i = 0; i < shared_->listeners.size(); ++i) {
        asio::co_spawn(shared_->executor,
                       accept_loop(shared_, shared_->listeners[i], shared_->ports[i]),
                       asio::detached);  // ends with its listener
    }
    return {};
}

Awaitable<void> Server::stop() {
    auto shared = shared_;
    shared->stopping = true;
    for (const auto& listener : shared->listeners) {
        listener->close();
    }
    shared->waiting.clear();
    for (;;) {
        bool running = false;
        for (auto* session : shared->sessions) {
            running = running || session->running();
            session->abort();
        }
        if (!running) {
            co_return;
        }
        co_await Shared::wait_for_change(shared, wire::Clock::now() + 50ms);
    }
}

const std::vector<PortInfo>& Server::ports() const { return shared_->ports; }

const PortInfo* Server::port(int logical) const {
    const auto& all = shared_->ports;
    const auto it =
        std::find_if(all.begin(), all.end(), [&](const PortInfo& p) { return p.logical == logical; });
    return it == all.end() ? nullptr : &*it;
}

const ServerConfig& Server::config() const { return shared_->config; }
MessageStore& Server::store() { return shared_->store; }
Limiters& Server::limiters() { return shared_->limiters; }

int Server::sessions() const { return static_cast<int>(shared_->sessions.size() + shared_->waiting.size()); }
int Server::sessions_total() const { return shared_->accepted + static_cast<int>(shared_->waiting.size()); }
int Server::peak() const { return shared_->peak; }

void Server::set_overlay(script::Overlay* overlay) { shared_->overlay = overlay; }
void Server::set_observer(script::SessionObserver* observer) { shared_->observer = observer; }
void Server::set_transcript(wire::Transcript* transcript) { shared_->transcript = transcript; }
void Server::set_log(LogSink sink) { shared_->sink = std::move(sink); }

void Server::manual() { shared_->manual = true; }

void Server::serve() {
    shared_->manual = false;
    auto waiting = std::exchange(shared_->waiting, {});
    for (auto& one : waiting) {
        admit(shared_, std::move(one.socket), std::move(one.port));
    }
}

Awaitable<wire::IoResult<std::unique_ptr<script::PlayedSession>>> Server::next_session(
    std::string name, wire::Deadline deadline) {
    auto shared = shared_;
    while (shared->waiting.empty() && !shared->stopping && wire::Clock::now() < deadline) {
        co_await Shared::wait_for_change(shared, deadline);
    }
    if (shared->waiting.empty()) {
        wire::IoError error;
        error.kind = shared->stopping ? wire::IoError::Kind::closed : wire::IoError::Kind::timeout;
        error.what = "the client opened no connection to the embedded server";
        co_return tl::unexpected(std::move(error));
    }
    auto one = std::move(shared->waiting.front());
    shared->waiting.pop_front();
    ++shared->accepted;
    std::unique_ptr<script::PlayedSession> session = std::make_unique<Session>(
        shared, std::move(one.socket), std::move(one.port), shared->accepted, std::move(name));
    co_return wire::IoResult<std::unique_ptr<script::PlayedSession>>(std::move(session));
}

void Server::adopt(std::unique_ptr<script::PlayedSession> session) {
    if (!session) {
        return;
    }
    if (auto ours =
            std::dynamic_pointer_cast<Session>(std::shared_ptr<script::PlayedSession>(std::move(session)))) {
        spawn(shared_, std::move(ours));
    }
}

Awaitable<bool> Server::wait_idle(std::chrono::milliseconds quiet, wire::Deadline deadline) {
    auto shared = shared_;
    for (;;) {
        const auto now = wire::Clock::now();
        const bool none = shared->sessions.empty() && shared->waiting.empty();
        if (none && now - shared->last_change >= quiet) {
            co_return true;
        }
        if (now >= deadline) {
            co_return false;
        }
        const auto until = none ? std::min(deadline, shared->last_change + quiet) : deadline;
        co_await Shared::wait_for_change(shared, until);
    }
}

}  // namespace smtpspec::mock
