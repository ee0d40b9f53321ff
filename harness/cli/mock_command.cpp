#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <set>
#include <utility>

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
#include "harness/cli/output_file.hpp"
#include "harness/cli/private_files.hpp"
#include "harness/run/judge.hpp"
#include "protocol/script/interpreter.hpp"
#include "protocol/smtp/escape.hpp"
#include "protocol/smtp/text.hpp"

namespace smtpspec::cli {

namespace asio = boost::asio;

namespace {

constexpr int stopped_before_command = 128 + SIGTERM;  // as if the command had just begun

/// The cell that --scenario names. False, with a message: there is none.
bool choose_scenario(const std::string& asked, const run::Catalog& catalog, run::PlannedCell& cell) {
    if (asked.empty()) {
        return true;
    }
    cell.scenario = catalog.find(asked.substr(0, asked.find('[')));
    if (!cell.scenario || cell.scenario->head.side != script::Side::Client) {
        say("smtpspec mock: --scenario {}: {}\n",
            asked,
            cell.scenario ? "it judges a server, so there is no server to play"
                          : "there is no such scenario (smtpspec list --side client)");
        return false;
    }
    for (const auto& params : script::expand_cells(cell.scenario->head)) {
        if (script::filter_matches(asked, params)) {
            cell.params = params;
            cell.mode = cell.scenario->head.modes.front();
            return true;
        }
    }
    say("smtpspec mock: --scenario {}: no cell has these parameters\n", asked);
    return false;
}

/// The head's `client:`: its account becomes the mock's, the rest is said, because a command cannot be told.
/// Gives the mechanisms that it names.
std::set<std::string> take_client_head(const Arguments& arguments,
                                       const run::PlannedCell& cell,
                                       MockSetup& setup) {
    asio::io_context loop(1);
    const std::atomic<bool> stop{false};
    const CommandState command;
    const auto context = run::embedded_context(arguments.options);
    wire::Transcript transcript;
    mock::Server server(loop.get_executor(), setup.config, setup.pki);
    MockEnvironment environment(*context, cell, loop.get_executor(), transcript, server, stop, command);
    std::string expected;
    std::set<std::string> mechanisms;
    for (const script::ClientEntry& entry : cell.scenario->head.client) {
        std::string shown;
        for (const script::Template& value : entry.values) {
            shown += (shown.empty() ? "" : ", ") +
                     script::expand_for_cell(value, *cell.scenario, cell.params, environment);
        }
        if (entry.key == "user") {
            setup.user = shown;
        } else if (entry.key == "secret") {
            setup.password = shown;
            setup.password_is_ours = true;
        } else {
            if (entry.key == "auth" && shown != "none") {
                mechanisms.insert(smtp::to_upper(shown));
            }
            expected += fmt::format("{}{}: {}", expected.empty() ? "" : "; ", entry.key, shown);
        }
    }
    if (!setup.config.accounts.empty()) {
        setup.config.accounts.front().user = setup.user;
        setup.config.accounts.front().password = setup.password;
    }
    if (!expected.empty()) {
        say("smtpspec mock: the scenario expects of the client: {}\n", smtp::printable(expected));
    }
    return mechanisms;
}

/// For a second signal, which ends the program at once.
void leave_nothing_behind() {
    Job::kill_now();
    PrivateFolder::remove_now();
}

/// One `smtpspec mock`: server, perhaps a scenario, perhaps a command.
class MockRun {
  public:
    /// `cell`: of --scenario; without scenario when there is none.
    MockRun(const Arguments& arguments,
            MockSetup setup,
            run::PlannedCell cell,
            std::set<std::string> mechanisms)
        : arguments_(arguments),
          setup_(std::move(setup)),
          loop_(1),
          server_(loop_.get_executor(), setup_.config, setup_.pki),
          cell_(std::move(cell)),
          mechanisms_(std::move(mechanisms)) {}

    int run() {
        remove_stale(arguments_.mock.ready_file);
        if (auto up = server_.start(); !up) {
            say("smtpspec mock: {}\n", up.error());
            return 4;
        }
        if (const std::string& folder = arguments_.mock.maildir; !folder.empty()) {
            const auto maildir = Maildir::create(folder);
            if (!maildir) {
                say("smtpspec mock: {}", maildir.error());
                return 2;
            }
            server_.store().on_add([box = *maildir](const mock::Mail& mail) { return box.deliver(mail); });
        }
        server_.set_overlay(setup_.overlay());
        std::FILE* log = arguments_.mock.command.empty() ? stdout : stderr;
        if (arguments_.mock.discard) {
            server_.store().discard();
        }
        if (!arguments_.mock.no_log) {
            server_.set_log([log, whole = std::string()](std::string_view line) mutable {
                whole.assign(line).append(1, '\n');
                [[maybe_unused]] const std::size_t written = std::fwrite(whole.data(), 1, whole.size(), log);
                std::fflush(log);
            });
        }
        if (!announce()) {
            return 3;
        }
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

    static bool write(const std::string& path, const std::string& text) {
        const std::string problem = write_file(path, text);
        if (!problem.empty()) {
            say("smtpspec mock: {} could not be written: {}\n", path, problem);
        }
        return problem.empty();
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
        if (!arguments_.mock.no_auth) {
            text += fmt::format("  user       {}\n  password   {}\n",
                                setup_.user,
                                setup_.password_is_ours ? setup_.password : "(as given)");
        }
        text += fmt::format("  CA file    {}\n", ca_file_);
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
        int code = 3;
        std::exception_ptr trouble;
        try {
            code = co_await wait_for_end();
        } catch (...) {
            trouble = std::current_exception();  // the scenario looks at this frame: it has to end first
        }
        stop_ = true;
        if (scenario_running) {
            co_await scenario_done.async_wait(asio::as_tuple(asio::use_awaitable));
        }
        const int sessions = server_.sessions_total();
        co_await server_.stop();
        if (arguments_.mock.discard) {
            say("smtpspec mock: {} messages taken in {} sessions\n", server_.store().accepted(), sessions);
        }
        tell_verdict();  // with a command the last line on standard error, where the log is too
        if (trouble || problem) {
            std::rethrow_exception(trouble ? trouble : problem);
        }
        const bool red = verdict_ && run::is_red(*verdict_);
        co_return code != 0 && !red ? code : code_of_verdict();
    }

    /// What is red ends with 1 whatever the command says: a client that refuses, as it should, says so by its
    /// exit code, and so does one that sent the password first. And one that ends with 0 has not passed when
    /// the scenario did not.
    int code_of_verdict() const {
        if (!verdict_) {
            return 0;
        }
        switch (*verdict_) {
            case run::Verdict::Error:
                return 3;
            case run::Verdict::Inconclusive:
                return arguments_.mock.command.empty() ? 0 : 5;
            default:
                return run::is_red(*verdict_) ? 1 : 0;
        }
    }

    wire::Awaitable<int> wait_for_end() {
        asio::steady_timer timer(loop_.get_executor());
        if (!arguments_.mock.command.empty() && !stop_) {
            if (cell_.scenario) {
                auto tee = OutputTee::create();
                if (!tee) {
                    say("smtpspec mock: {}\n", tee.error());
                    co_return 3;
                }
                command_.tee.emplace(std::move(*tee));
            }
            auto child = ChildProcess::start(
                arguments_.mock.command, environment(), command_.tee ? &*command_.tee : nullptr);
            if (!child) {
                say("smtpspec mock: {}\n", child.error());
                co_return 127;
            }
            const int code = co_await child->wait(stop_);
            command_.code = code;
            co_return code;
        }
        while (!stop_) {
            timer.expires_after(std::chrono::milliseconds(50));
            co_await timer.async_wait(asio::use_awaitable);
        }
        co_return arguments_.mock.command.empty() ? 0 : stopped_before_command;
    }

    /// A scenario about one mechanism says nothing of a client that logged in by another, or a failure of one
    /// that did not log in: a sentence, else "". Not to send a password is a pass.
    std::string other_mechanism(run::Verdict verdict) const {
        std::string used;
        for (const wire::Entry& entry : transcript_->entries()) {
            if (entry.kind != wire::EntryKind::received || !smtp::istarts_with(entry.octets, "AUTH ")) {
                continue;
            }
            const std::string line = entry.octets.substr(0, entry.octets.find_first_of("\r\n"));
            const auto words = smtp::split_words(line);
            used = words.size() > 1 ? smtp::to_upper(words[1]) : "";
            if (mechanisms_.count(used) > 0) {
                return {};
            }
        }
        const bool about_login = cell_.params.name().rfind("client-auth.", 0) == 0;
        if (!about_login || mechanisms_.empty() || (used.empty() && verdict == run::Verdict::Pass)) {
            return {};
        }
        return fmt::format("the client logged in by {}, the scenario is about {}",
                           used.empty() ? "nothing" : smtp::printable(used),
                           fmt::join(mechanisms_, ", "));
    }

    /// The scenario's script, once, for whoever connects.
    wire::Awaitable<void> play() {
        context_ = run::embedded_context(arguments_.options);
        context_->user = setup_.user;
        context_->password = setup_.password;
        context_->masker.add(setup_.password);
        transcript_.emplace(&context_->masker);
        transcript_->we_are(wire::Side::server);
        server_.set_transcript(&*transcript_);
        command_.given = !arguments_.mock.command.empty();
        MockEnvironment environment(
            *context_, cell_, loop_.get_executor(), *transcript_, server_, stop_, command_);
        script::ScriptResult result;
        std::exception_ptr bug;
        try {
            result = co_await script::run_script(*cell_.scenario, cell_.params, environment);
        } catch (...) {
            bug = std::current_exception();
        }
        server_.set_transcript(nullptr);
        server_.set_overlay(setup_.overlay());
        server_.serve();
        if (bug) {
            std::rethrow_exception(bug);
        }
        run::Judgement judgement = run::judge(cell_.scenario->head, result);
        if (server_.sessions_total() == 0) {
            judgement = {};
            judgement.reason = "no client connected";
        }
        if (const std::string other = other_mechanism(judgement.verdict); !other.empty()) {
            judgement = {};
            judgement.reason = other;
        }
        verdict_ = judgement.verdict;
        verdict_line_ = fmt::format("smtpspec mock: {}: {}{}{}\n",
                                    cell_.params.name(),
                                    script::to_string(judgement.verdict),
                                    judgement.outcome.empty() ? "" : " (" + judgement.outcome + ")",
                                    judgement.reason.empty() ? "" : ": " + judgement.reason);
        if (!command_.given) {
            tell_verdict();
        }
    }

    void tell_verdict() {
        say("{}", std::exchange(verdict_line_, {}));
        std::fflush(stderr);
    }

    const Arguments& arguments_;
    MockSetup setup_;
    std::atomic<bool> stop_{false};
    InterruptGuard guard_{stop_, leave_nothing_behind};
    // Of --scenario. Above the loop, because sessions that the script leaves open write to the transcript
    // until the loop itself is gone.
    std::unique_ptr<run::RunContext> context_;
    std::optional<wire::Transcript> transcript_;
    asio::io_context loop_;
    mock::Server server_;
    PrivateFolder folder_;
    std::optional<MemoryFile> secret_;
    run::PlannedCell cell_;
    std::set<std::string> mechanisms_;  ///< that the scenario expects the client to log in by
    std::string ca_file_, password_file_;
    CommandState command_;
    std::optional<run::Verdict> verdict_;  ///< of --scenario
    std::string verdict_line_;             ///< not said yet
};

}  // namespace

int mock_command(const Arguments& arguments) {
    const auto catalog = load_catalog(arguments);
    if (!catalog) {
        return 2;
    }
    auto setup = mock_setup(arguments, *catalog);
    if (!setup) {
        say("smtpspec mock: {}", setup.error());
        return 2;
    }
    run::PlannedCell cell;
    if (!choose_scenario(arguments.mock.scenario, *catalog, cell)) {
        return 2;
    }
    std::set<std::string> mechanisms;
    if (cell.scenario) {
        mechanisms = take_client_head(arguments, cell, *setup);
    }
    MockRun mock(arguments, std::move(*setup), std::move(cell), std::move(mechanisms));
    return mock.run();
}

}  // namespace smtpspec::cli
