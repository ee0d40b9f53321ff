#pragma once

#include <gtest/gtest.h>

#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include "harness/latency/load.hpp"
#include "mockserver/server.hpp"
#include "protocol/script/interpreter.hpp"
#include "protocol/script/scenario.hpp"

namespace smtpspec::latency {

/// The mock server on a thread of its own, as a load meets it.
class LoadRig {
  public:
    enum class Login { wanted, none };
    /// `fault`: rules as `mock --fault` takes them. Port 25 is in clear: mail goes there only without logins.
    explicit LoadRig(const std::string& fault = "", Login login = Login::wanted) {
        mock::ServerConfig config;
        config.ports.clear();
        for (const auto& [logical, mode] : {std::pair(25, script::Mode::Plain),
                                            std::pair(465, script::Mode::Tls),
                                            std::pair(587, script::Mode::Starttls)}) {
            mock::PortSpec port;
            port.logical = logical;
            port.mode = mode;
            config.ports.push_back(port);
        }
        mock::Account account;
        account.user = "anna";
        account.password = "secret word";
        if (login == Login::wanted)
            config.accounts.push_back(account);
        server_ = std::make_unique<mock::Server>(loop_.get_executor(), std::move(config), pki());
        auto rules = script::parse_rules(fault, "fault");
        EXPECT_TRUE(rules);
        overlay_ = script::make_overlay(std::move(*rules), 1);
        server_->set_overlay(overlay_.get());
        EXPECT_TRUE(server_->start());
        server_->serve();
        for (const mock::PortInfo& port : server_->ports())
            ports_[port.logical] = port.actual;
        thread_ = std::thread([this] { loop_.run(); });
    }
    ~LoadRig() {
        boost::asio::post(
            loop_, [this] { boost::asio::co_spawn(loop_, server_->stop(), [](std::exception_ptr) {}); });
        thread_.join();
    }
    LoadRig(const LoadRig&) = delete;
    LoadRig& operator=(const LoadRig&) = delete;

    static std::shared_ptr<const wire::TestPki> pki() {
        static const auto made = std::make_shared<const wire::TestPki>(std::vector<std::string>{"mail.test"});
        return made;
    }

    /// Three messages, one connection each, over the port with STARTTLS.
    LoadTask task(int port = 587) const {
        LoadTask task;
        task.plan.host = "mail.test";
        task.plan.port = port;
        task.plan.address = {boost::asio::ip::make_address("127.0.0.1"),
                             static_cast<std::uint16_t>(ports_.at(port))};
        task.plan.mode = port == 25    ? script::Mode::Plain
                         : port == 465 ? script::Mode::Tls
                                       : script::Mode::Starttls;
        task.plan.tls = wire::client_context("", pki()->ca_pem()).value();
        task.plan.ehlo_name = "load.test";
        if (port != 25) {
            task.plan.user = "anna";
            task.plan.password = "secret word";
        }
        task.plan.from = "anna@client.test";
        task.plan.to = {"bert@mail.test"};
        task.plan.timeouts = client::Timeouts::embedded(std::chrono::seconds(20));
        task.run_id = "run";
        task.messages = 3;
        return task;
    }

    LoadReport run(const LoadTask& task) {
        LoadProgress progress;
        return run_load(task, progress);
    }

    mock::MessageStore& store() { return server_->store(); }

  private:
    boost::asio::io_context loop_{1};
    std::unique_ptr<script::Overlay> overlay_;
    std::unique_ptr<mock::Server> server_;
    std::map<int, int> ports_;
    std::thread thread_;
};

/// Of all messages together.
inline double seconds_of(const PortLatency& port, Stage stage) {
    const auto found = port.stages.find(stage);
    return found == port.stages.end() ? 0 : static_cast<double>(found->second.sum_us()) / 1e6;
}

inline double sum_of_stages(const PortLatency& port) {
    double sum = 0;
    for (const Stage stage : all_stages())
        if (stage != Stage::total && stage != Stage::service)
            sum += seconds_of(port, stage);
    return sum;
}

}  // namespace smtpspec::latency
