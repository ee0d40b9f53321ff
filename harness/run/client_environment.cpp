#include "harness/run/client_environment.hpp"

#include <algorithm>

#include "harness/client/zone.hpp"
#include "harness/run/client_task.hpp"
#include "harness/run/embedded_server.hpp"
#include "harness/run/serving.hpp"

namespace smtpspec::run {

namespace asio = boost::asio;

ClientEnvironment::ClientEnvironment(const RunContext& context,
                                     const PlannedCell& cell,
                                     asio::any_io_executor executor,
                                     wire::Transcript& transcript,
                                     const wire::Masker& masker)
    : CellEnvironment(context, cell, executor, transcript, masker), finished_timer_(executor) {
    finished_timer_.expires_at(asio::steady_timer::time_point::max());
}

ClientEnvironment::~ClientEnvironment() = default;

tl::expected<void, std::string> ClientEnvironment::start(const std::map<std::string, std::string>& values) {
    client::ClientTask task = client_task(context_, cell_, values, given_);
    given_["user"] = task.user;
    given_["secret"] = task.password;
    mock::ServerConfig config = embedded_server_config(context_, cell_);
    if (!task.user.empty()) {
        mock::Account account;
        account.user = task.user;
        account.password = task.password;
        account.token = task.token;
        config.accounts = {account};
    }
    server_ = std::make_unique<mock::Server>(executor_, config, context_.pki);
    if (auto up = server_->start(); !up) {
        return up;
    }
    server_->manual();
    server_->set_transcript(&transcript_);
    mails_ = std::make_unique<EmbeddedStore>(server_->store(), quiet());
    for (const mock::PortInfo& port : server_->ports()) {
        task.ports[port.logical] = port.actual;
        task.modes[port.logical] = port.mode;
        task.use_ports.push_back(port.logical);
    }
    if (const auto text = values.find("dns"); text != values.end()) {
        const auto zone = client::Zone::parse(text->second, "127.0.0.1");
        if (!zone) {
            return tl::make_unexpected(zone.error());
        }
        task.dns = *zone;
    }
    client_ = client::make_reference_client(executor_, std::move(task), nullptr);
    return {};
}

std::set<std::string> ClientEnvironment::features() const {
    return client_ ? client_->features() : std::set<std::string>{};
}

void ClientEnvironment::start_client() {
    if (started_) {
        return;
    }
    started_ = true;
    asio::co_spawn(executor_, client_->run(), [this](std::exception_ptr thrown) {
        finished_ = true;
        crashed_ = thrown != nullptr;
        finished_timer_.cancel();
    });
}

wire::Awaitable<void> ClientEnvironment::wait_for_client(wire::Deadline deadline) {
    if (finished_ || !started_) {
        co_return;
    }
    finished_timer_.expires_at(deadline);
    co_await finished_timer_.async_wait(asio::as_tuple(asio::use_awaitable));
}

wire::Awaitable<void> ClientEnvironment::finish() {
    if (started_ && !finished_) {
        client_->stop();
        while (!finished_) {
            co_await wait_for_client(wire::Clock::now() + std::chrono::seconds(5));
        }
    }
    if (server_) {
        server_->set_overlay(nullptr);
        server_->set_observer(nullptr);
        co_await server_->stop();
    }
}

wire::Awaitable<wire::IoResult<std::unique_ptr<wire::Connection>>> ClientEnvironment::open(
    script::OpenRequest, wire::Deadline) {
    co_return not_offered("a client cell has no server under test");
}

wire::Awaitable<wire::IoResult<std::unique_ptr<script::PlayedSession>>> ClientEnvironment::accept(
    std::string name, wire::Deadline deadline) {
    constexpr std::chrono::milliseconds look_again{20};
    start_client();
    while (true) {
        const bool last = finished_;  // a client that has finished opens no connection any more
        const wire::Deadline soon = std::min(deadline, wire::Clock::now() + look_again);
        auto session = co_await server_->next_session(name, soon);
        if (session || last || wire::Clock::now() >= deadline) {
            co_return session;
        }
    }
}

wire::Awaitable<void> ClientEnvironment::serve(std::unique_ptr<script::PlayedSession> current,
                                               script::Overlay& overlay,
                                               script::SessionObserver& observer,
                                               std::optional<std::chrono::milliseconds> at_most,
                                               wire::Deadline deadline) {
    wire::Deadline until = deadline;
    if (at_most) {
        until = std::min(deadline, wire::Clock::now() + *at_most);
    }
    const Serving serving(*server_, overlay, AfterServing::script);
    server_->set_observer(&observer);
    server_->adopt(std::move(current));
    server_->serve();
    start_client();
    co_await wait_for_client(until);
    if (finished_) {
        co_await server_->wait_idle(quiet(), until);
    }
}

void ClientEnvironment::observe(script::SessionObserver* observer) { server_->set_observer(observer); }

std::string ClientEnvironment::says() const {
    if (crashed_) {
        return "crashed";
    }
    return started_ && !finished_ ? "running" : client_->says();
}

std::string ClientEnvironment::output() const { return client_->output(); }

double ClientEnvironment::peak() const { return client_->peak(); }

wire::Awaitable<void> ClientEnvironment::settled(wire::Deadline deadline) {
    co_await wait_for_client(deadline);
}

wire::Awaitable<std::vector<script::StoredMail>> ClientEnvironment::Store::settled(wire::Deadline deadline) {
    std::vector<script::StoredMail> mails = co_await owner_.mails_->settled(deadline);
    co_return mails;
}

namespace {

/// How often `recipient` got the message `id`.
int deliveries(const std::vector<mock::Mail>& mails, const std::string& id, const std::string& recipient) {
    return static_cast<int>(std::count_if(mails.begin(), mails.end(), [&](const mock::Mail& mail) {
        return mail.raw.find(id) != std::string::npos &&
               std::find(mail.recipients.begin(), mail.recipients.end(), recipient) != mail.recipients.end();
    }));
}

}  // namespace

int ClientEnvironment::Store::lost() const {
    const auto mails = owner_.server_->store().all();
    int lost = 0;
    for (const client::MessageResult& message : owner_.client_->results()) {
        for (const client::RecipientResult& recipient : message.recipients) {
            const bool owned_up = recipient.state == client::Delivery::temporary ||
                                  recipient.state == client::Delivery::permanent ||
                                  recipient.state == client::Delivery::running;
            lost += !owned_up && deliveries(mails, message.id, recipient.address) == 0;
        }
    }
    return lost;
}

int ClientEnvironment::Store::doubled() const {
    const auto mails = owner_.server_->store().all();
    int doubled = 0;
    for (const client::MessageResult& message : owner_.client_->results()) {
        for (const client::RecipientResult& recipient : message.recipients) {
            doubled += deliveries(mails, message.id, recipient.address) > 1;
        }
    }
    return doubled;
}

}  // namespace smtpspec::run
