#include "harness/run/runner.hpp"

#include <algorithm>
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
    keep_shard(plan, context.profile, context.options);
    return plan;
}

namespace {

bool asks_for_all(const RunOptions& options) {
    return options.only.empty() && options.skip.empty() && options.ports.empty() && options.levels.empty() &&
           !options.side && !options.shard;
}

}  // namespace

namespace {

std::vector<Cell> not_skipped(std::vector<Cell> cells, const std::vector<std::string>& skip) {
    const auto fits = [&](const Cell& cell) {
        return std::any_of(skip.begin(), skip.end(), [&](const std::string& filter) {
            return script::filter_matches(filter, script::CellParams{cell.scenario, cell.params});
        });
    };
    cells.erase(std::remove_if(cells.begin(), cells.end(), fits), cells.end());
    return cells;
}

}  // namespace

Result execute(RunContext& context,
               const Catalog&,
               const Plan& plan,
               const std::vector<Waiver>& waivers,
               const Progress& progress) {
    Result result;
    result.tool_version = version;
    result.seed = context.options.seed;
    result.started = now_utc();
    result.shard = plan.shard;
    const auto begin = wire::Clock::now();
    result.endpoints.push_back(endpoint_info(context));
    std::map<int, PortProbe> probes;
    if (!context.embedded()) {
        probes = probe_ports(context);
        if (!context.options.shard || context.options.shard->index == 1) {  // each part looks; one tells
            result.cells = not_skipped(mode_cells(context, probes), context.options.skip);
        }
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
    if (!context.unresolved.empty()) {
        outcome.notices.push_back(context.unresolved);
    }
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
    apply_waivers(waivers, result.cells, result.started);
    if (result.shard) {  // whether a waiver has work to do, only the whole tells: merge --waivers
        forget_unexpected_passes(result.cells);
    }
    if (!result.interrupted && asks_for_all(context.options)) {
        const auto unused = unused_waivers(waivers, result.cells);
        result.notices.insert(result.notices.end(), unused.begin(), unused.end());
    }
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
    if (!context.embedded()) {
        text +=
            "\n  After a cell that went wrong the port is looked at again: up to four connections more, "
            "without "
            "a login or a\n  message. A finding that hangs on a lost connection is tried once more, and a "
            "third "
            "time when the\n  second comes out otherwise, within the budget. What is lost before its "
            "greeting is "
            "made again.\n";
    }
    text +=
        fmt::format("\n  cells left out: {} slow (--slow), {} intrusive (--intrusive), {} over the budget\n",
                    plan.left_out_slow,
                    plan.left_out_intrusive,
                    plan.left_out_budget);
    if (context.surroundings == Surroundings::remote) {
        text += fmt::format("  pace: {} messages/s, {} connections at once; duration {:.0f} s at least\n",
                            context.pace(),
                            context.most_connections(),
                            paced_seconds(plan, context.pace()));
    } else {
        text += fmt::format("  no pace: {}\n",
                            context.embedded() ? "the embedded server" : "a server on this machine");
    }
    return text;
}

}  // namespace smtpspec::run
