#include "harness/run/login_probe.hpp"

#include <algorithm>

#include <boost/asio/io_context.hpp>

#include "harness/run/interruptible.hpp"
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

/// A password goes to no server that has not proved who it is (RFC 8314 §5.2).
std::string withheld(const RunContext& context, const PortProbe& probe) {
    return fmt::format(
        "{}:{}: the password was not sent: the certificate does not prove the host ({}). If its CA is yours, "
        "name it "
        "with --ca FILE or tls: {{ca_file: …}}; if it is for another name, tls: {{server_name: …}}",
        context.profile.host,
        probe.port,
        probe.certificate_problem);
}

/// The 5yz reply to AUTH that refused the login; "" when it was not refused. What fails on the way to AUTH
/// says nothing about the password.
std::string refused_login(const RunContext& context, const PlannedCell& cell) {
    auto owned = std::make_unique<boost::asio::io_context>(1);
    script::ScriptResult result;
    boost::asio::co_spawn(
        *owned, run_cell(context, cell), [&](std::exception_ptr thrown, const CellRun& run) {
            if (thrown) {
                std::rethrow_exception(thrown);
            }
            result = run.script;
        });
    if (!run_interruptibly(std::move(owned), context)) {
        return {};
    }
    const bool at_login = result.expected.compare(0, 4, "AUTH") == 0;  // the step that failed
    const std::string& reply = result.first_reply_problem;
    return at_login && !reply.empty() && reply.front() == '5' ? reply : std::string();
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
        const bool in_clear = probe.mode == script::Mode::Plain;
        if (!probe.usable() || !wants_login(plan, port) || context.interrupted ||
            !(probe.secure || in_clear)) {
            continue;
        }
        if (!probe.certificate_problem.empty() && !context.loopback()) {
            probe.login_refused = withheld(context, probe);
            continue;
        }
        const std::string reply = refused_login(context, login_cell(probe));
        if (!reply.empty()) {
            probe.login_tried = true;
            probe.login_refused = context.masker.by_value(refusal(context, port, reply));
        }
    }
}

}  // namespace smtpspec::run
