#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include "harness/cli/commands.hpp"
#include "harness/cli/interrupt.hpp"
#include "harness/cli/load.hpp"
#include "harness/cli/maildir.hpp"
#include "harness/cli/mock_child.hpp"
#include "harness/cli/mock_environment.hpp"
#include "harness/cli/mock_setup.hpp"
#include "harness/cli/output.hpp"
#include "harness/run/judge.hpp"
#include "protocol/script/interpreter.hpp"

namespace smtpspec::cli {

namespace asio = boost::asio;

namespace {

/// One `smtpspec mock`: server, perhaps a scenario, perhaps a command.
class MockRun {
  public:
    MockRun(const Arguments& arguments, const run::Catalog& catalog, MockSetup setup)
        : arguments_(arguments),
          catalog_(catalog),
          setup_(std::move(setup)),
          loop_(1),
          server_(loop_.get_executor(), setup_.config, setup_.pki) {}

    int run() {
        if (!choose_scenario()) {
            return 2;
        }
        if (auto up = server_.start(); !up) {
            fmt::print(stderr, "smtpspec mock: {}\n", up.error());
            return 4;
        }
        if (const std::string& folder = arguments_.mock.maildir; !folder.empty()) {
            const auto maildir = Maildir::create(folder);
            if (!maildir) {
                fmt::print(stderr, "smtpspec mock: {}", maildir.error());
                return 2;
            }
            server_.store().on_add([box = *maildir](const mock::Mail& mail) { box.deliver(mail); });
        }
        server_.set_overlay(setup_.overlay());
        std::FILE* log = arguments_.mock.command.empty() ? stdout : stderr;
        server_.set_log([log](std::string_view line) {
            fmt::print(log, "{}\n", line);
            std::fflush(log);
        });
        if (!announce()) {
            return 3;
        }
        const InterruptGuard guard(stop_);
        int code = 0;
        std::exception_ptr problem;
        asio::co_spawn(loop_, serve(), [&](std::exception_ptr thrown, int result) {
            problem = thrown;
            code = result;
        });
        loop_.run();
        if (problem) {
            std::rethrow_exception(problem);
        }
        return code;
    }

  private:
    bool choose_scenario() {
        const std::string& asked = arguments_.mock.scenario;
        if (asked.empty()) {
            return true;
        }
        cell_.scenario = catalog_.find(asked.substr(0, asked.find('[')));
        if (!cell_.scenario || cell_.scenario->head.side != script::Side::Client) {
            fmt::print(stderr,
                       "smtpspec mock: --scenario {}: {}\n",
                       asked,
                       cell_.scenario ? "it judges a server, so there is no server to play"
                                      : "there is no such scenario (smtpspec list --side client)");
            return false;
        }
        for (const auto& params : script::expand_cells(cell_.scenario->head)) {
            if (script::filter_matches(asked, params)) {
                cell_.params = params;
                cell_.mode = cell_.scenario->head.modes.front();
                return true;
            }
        }
        fmt::print(stderr, "smtpspec mock: --scenario {}: no cell has these parameters\n", asked);
        return false;
    }

    std::map<std::string, std::string> environment() const {
        std::map<std::string, std::string> variables;
        variables["SMTPSPEC_HOST"] =
            arguments_.mock.listen == "127.0.0.1" ? "localhost" : arguments_.mock.listen;
        for (const mock::PortInfo& port : server_.ports()) {
            variables[fmt::format("SMTPSPEC_PORT_{}", port.logical)] = std::to_string(port.actual);
        }
        variables["SMTPSPEC_USER"] = setup_.user;
        variables["SMTPSPEC_PASSWORD_FILE"] = password_file_;
        variables["SMTPSPEC_CA_FILE"] = ca_file_;
        return variables;
    }

    bool write(const std::string& path, const std::string& text) const {
        const std::string fresh = path + ".new";
        std::ofstream out(fresh, std::ios::binary);
        out << text;
        out.close();
        if (!out || std::rename(fresh.c_str(), path.c_str()) != 0) {
            fmt::print(stderr, "smtpspec mock: {} could not be written: {}\n", path, std::strerror(errno));
            return false;
        }
        return true;
    }

    bool announce() {
        ca_file_ = arguments_.mock.ca_out;
        if (ca_file_.empty()) {
            ca_file_ = folder_.write("ca.pem", setup_.pki->ca_pem());
        } else if (!write(ca_file_, setup_.pki->ca_pem())) {
            return false;
        }
        if (setup_.password_is_ours) {
            password_file_ = folder_.write("password", setup_.password + "\n");
        } else {
            secret_.emplace(setup_.password +
                            "\n");  // what we were given in confidence is written to no disk
            password_file_ = secret_->path();
        }
        std::string text = fmt::format("smtpspec mock: {} is ready\n", setup_.config.host);
        nlohmann::ordered_json ready{{"host", setup_.config.host},
                                     {"address", arguments_.mock.listen},
                                     {"ports", nlohmann::ordered_json::object()}};
        for (const mock::PortInfo& port : server_.ports()) {
            text += fmt::format("  port {:<5} {:<9} {}:{}\n",
                                port.logical,
                                script::to_string(port.mode),
                                port.address,
                                port.actual);
            ready["ports"][std::to_string(port.logical)] = {{"port", port.actual},
                                                            {"mode", script::to_string(port.mode)}};
        }
        text += fmt::format("  user       {}\n  password   {}\n  CA file    {}\n",
                            setup_.user,
                            setup_.password_is_ours ? setup_.password : "(as given)",
                            ca_file_);
        ready["user"] = setup_.user;
        ready["password_file"] = password_file_;
        ready["ca_file"] = ca_file_;
        if (arguments_.mock.command.empty()) {
            print(text + "Ctrl-C ends it.\n");
        }
        return arguments_.mock.ready_file.empty() || write(arguments_.mock.ready_file, ready.dump(2) + "\n");
    }

    wire::Awaitable<int> serve() {
        asio::any_io_executor executor = loop_.get_executor();
        asio::steady_timer scenario_done(executor);
        scenario_done.expires_at(asio::steady_timer::time_point::max());
        bool scenario_running = cell_.scenario != nullptr;
        std::exception_ptr problem;
        if (scenario_running) {
            asio::co_spawn(executor, play(), [&](std::exception_ptr thrown) {
                problem = thrown;
                scenario_running = false;
                scenario_done.cancel();
            });
        }
        int code = co_await wait_for_end();
        stop_ = true;
        if (scenario_running) {
            co_await scenario_done.async_wait(asio::as_tuple(asio::use_awaitable));
        }
        co_await server_.stop();
        if (problem) {
            std::rethrow_exception(problem);
        }
        if (code == 0 && fired_) {
            code = 1;
        }
        co_return code;
    }

    wire::Awaitable<int> wait_for_end() {
        asio::steady_timer timer(loop_.get_executor());
        if (!arguments_.mock.command.empty()) {
            auto child = ChildProcess::start(arguments_.mock.command, environment());
            if (!child) {
                fmt::print(stderr, "smtpspec mock: {}\n", child.error());
                co_return 127;
            }
            const int code = co_await child->wait(stop_);
            co_return code;
        }
        while (!stop_) {
            timer.expires_after(std::chrono::milliseconds(50));
            co_await timer.async_wait(asio::use_awaitable);
        }
        co_return 0;
    }

    /// The scenario's script, once, for whoever connects.
    wire::Awaitable<void> play() {
        auto context = run::embedded_context(arguments_.options);
        context->user = setup_.user;
        context->password = setup_.password;
        context->masker.add(setup_.password);
        wire::Transcript transcript(&context->masker);
        transcript.we_are(wire::Side::server);
        server_.set_transcript(&transcript);
        MockEnvironment environment(*context, cell_, loop_.get_executor(), transcript, server_, stop_);
        const script::ScriptResult result =
            co_await script::run_script(*cell_.scenario, cell_.params, environment);
        server_.set_transcript(nullptr);
        server_.set_overlay(setup_.overlay());
        server_.serve();
        const run::Judgement judgement = run::judge(cell_.scenario->head, result);
        fired_ = run::is_red(judgement.verdict);
        fmt::print(stderr,
                   "smtpspec mock: {}: {}{}{}\n",
                   cell_.params.name(),
                   script::to_string(judgement.verdict),
                   judgement.outcome.empty() ? "" : " (" + judgement.outcome + ")",
                   judgement.reason.empty() ? "" : ": " + judgement.reason);
    }

    const Arguments& arguments_;
    const run::Catalog& catalog_;
    MockSetup setup_;
    asio::io_context loop_;
    mock::Server server_;
    PrivateFolder folder_;
    std::optional<MemoryFile> secret_;
    run::PlannedCell cell_;
    std::string ca_file_, password_file_;
    std::atomic<bool> stop_{false};
    bool fired_ = false;
};

}  // namespace

int mock_command(const Arguments& arguments) {
    const auto catalog = load_catalog(arguments);
    if (!catalog) {
        return 2;
    }
    auto setup = mock_setup(arguments, *catalog);
    if (!setup) {
        fmt::print(stderr, "smtpspec mock: {}", setup.error());
        return 2;
    }
    MockRun mock(arguments, *catalog, std::move(*setup));
    return mock.run();
}

}  // namespace smtpspec::cli
