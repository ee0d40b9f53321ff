#include "harness/run/login_probe.hpp"

#include <algorithm>

#include <boost/asio/io_context.hpp>

#include "harness/run/run_cell.hpp"

namespace smtpspec::run {

namespace {

/// "Be logged in", and nothing after it: the start state does it all.
PlannedCell login_cell(const PortProbe& probe) {
    auto scenario = std::make_shared<script::Scenario>();
    scenario->head.id.text = "endpoint.login";
    scenario->head.from = script::State::Authenticated;
    PlannedCell cell;
    cell.params.scenario = "endpoint.login";
    cell.scenario = std::move(scenario);
    cell.port = probe.port;
    cell.mode = probe.mode;
    return cell;
}

/// Where the user wrote the password down.
std::string password_source(const Profile& profile) {
    return profile.password_env.empty() ? "the file " + profile.password_file
                                        : "the variable " + profile.password_env;
}

std::string refusal(const RunContext& context, int port, const std::string& reply) {
    return fmt::format(
        "{}:{}: the login of \"{}\" was refused: \"{}\". Check the user name, and the password in {}. "
        "Nothing "
        "else that needs a login was tried on this port.",
        context.profile.host,
        port,
        context.user,
        reply.substr(0, reply.find("\\r\\n")),
        password_source(context.profile));
}

}  // namespace

bool wants_login(const Plan& plan, int port) {
    return std::any_of(plan.cells.begin(), plan.cells.end(), [port](const PlannedCell& cell) {
        return cell.port == port && !cell.preset && cell.traffic.logins > 0;
    });
}

void probe_logins(const RunContext& context, const Plan& plan, std::map<int, PortProbe>& probes) {
    if (context.user.empty()) {
        return;
    }
    for (auto& [port, probe] : probes) {
        if (!probe.usable() || !wants_login(plan, port) || context.interrupted) {
            continue;
        }
        const PlannedCell cell = login_cell(probe);
        std::string reply;
        boost::asio::io_context loop(1);
        boost::asio::co_spawn(
            loop, run_cell(context, cell), [&](std::exception_ptr thrown, const CellRun& run) {
                if (thrown) {
                    std::rethrow_exception(thrown);
                }
                reply = run.script.first_reply_problem;
            });
        loop.run();
        if (!reply.empty() && reply.front() == '5') {
            probe.login_refused = context.masker.by_value(refusal(context, port, reply));
        }
    }
}

}  // namespace smtpspec::run
