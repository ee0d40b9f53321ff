#include "harness/run/runner.hpp"

#include <ctime>

#include "harness/run/login_probe.hpp"
#include "harness/run/promise.hpp"
#include "harness/run/version.hpp"

namespace smtpspec::run {

std::string now_utc() {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    gmtime_r(&now, &parts);
    char text[32];
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return text;
}

namespace {

void append(Plan& plan, Plan more) {
    plan.cells.insert(plan.cells.end(),
                      std::make_move_iterator(more.cells.begin()),
                      std::make_move_iterator(more.cells.end()));
    plan.left_out_slow += more.left_out_slow;
    plan.left_out_intrusive += more.left_out_intrusive;
    plan.left_out_budget += more.left_out_budget;
}

EndpointInfo endpoint_info(const RunContext& context) {
    EndpointInfo info;
    info.name = context.profile.name;
    info.host = context.profile.host;
    info.embedded = context.embedded();
    for (const auto& [port, mode] : context.profile.ports) {
        if (context.options.ports.empty() || context.options.ports.count(port) > 0) {
            info.ports[port] = std::string(script::to_string(mode));
        }
    }
    return info;
}

}  // namespace

Plan plan_run(const RunContext& context, const Catalog& catalog) {
    Plan plan =
        make_plan(catalog, context.profile, context.options, context.surroundings, script::Side::Server);
    if (context.embedded()) {
        append(
            plan,
            make_plan(catalog, context.profile, context.options, context.surroundings, script::Side::Client));
    }
    return plan;
}

Result execute(RunContext& context,
               const Catalog&,
               const Plan& plan,
               const std::vector<Waiver>& waivers,
               const Progress& progress) {
    Result result;
    result.tool_version = version;
    result.seed = context.options.seed;
    result.started = now_utc();
    const auto begin = wire::Clock::now();
    result.endpoints.push_back(endpoint_info(context));
    std::map<int, PortProbe> probes;
    if (!context.embedded()) {
        probes = probe_ports(context);
        result.cells = mode_cells(context, probes);
        for (const auto& [port, probe] : probes) {
            if (probe.usable() && !probe.tls_problem.empty()) {
                context.tls_problems[port] = probe.tls_problem;
            }
            if (probe.lacks_auth()) {
                context.without_auth.insert(port);
            }
        }
        probe_logins(context, plan, probes);
    } else {
        result.clients.push_back(ClientInfo{"reference", version});
    }
    ScheduleOutcome outcome = run_plan(context, plan, probes, progress);
    for (CellRun& run : outcome.runs) {
        result.cells.push_back(std::move(run.cell));
    }
    result.notices = outcome.notices;
    result.interrupted = outcome.interrupted;
    result.left_out_slow = plan.left_out_slow;
    result.left_out_intrusive = plan.left_out_intrusive;
    result.left_out_budget = plan.left_out_budget;
    result.duration_us =
        std::chrono::duration_cast<std::chrono::microseconds>(wire::Clock::now() - begin).count();
    apply_waivers(waivers, result.cells);
    return result;
}

std::string describe_plan(const RunContext& context, const Plan& plan) {
    std::string text = fmt::format(
        "Plan for {} ({}), nothing has been sent:\n\n  port   mode      cells  connections  logins  "
        "wrong logins  messages\n",
        context.profile.name,
        context.profile.host);
    for (const int port : plan.ports()) {
        int cells = 0;
        std::string mode = "-";
        for (const PlannedCell& cell : plan.cells) {
            cells += cell.port == port && !cell.preset;
            if (cell.port == port && port != 0) {
                mode = script::to_string(cell.mode);
            }
        }
        Traffic sum = plan.total(port);
        if (!context.embedded()) {
            const int login = !context.user.empty() && wants_login(plan, port) ? 1 : 0;
            sum.connections += 1 + login;  // a look at the port before the first cell, and at the login
            sum.logins += login;
        }
        text += fmt::format("  {:<6} {:<9} {:>5}  {:>11}  {:>6}  {:>12}  {:>8}\n",
                            port == 0 ? "all" : std::to_string(port),
                            mode,
                            cells,
                            sum.connections,
                            sum.logins,
                            sum.bad_logins,
                            sum.messages);
    }
    text +=
        fmt::format("\n  cells left out: {} slow (--slow), {} intrusive (--intrusive), {} over the budget\n",
                    plan.left_out_slow,
                    plan.left_out_intrusive,
                    plan.left_out_budget);
    if (context.surroundings == Surroundings::remote) {
        text +=
            fmt::format("  pace: {} messages/s, {} connections at once; duration about {:.0f} s at least\n",
                        context.pace(),
                        context.profile.connections > 0 ? context.profile.connections : 2,
                        paced_seconds(plan, context.profile));
    } else {
        text += fmt::format("  no pace: {}\n",
                            context.embedded() ? "the embedded server" : "a server on this machine");
    }
    return text;
}

}  // namespace smtpspec::run
