#include "harness/run/foregone.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "harness/run/budget.hpp"

namespace smtpspec::run {

namespace {

bool is_keyword(const std::string& need) {
    static const std::set<std::string> fixtures = {"credentials",
                                                   "bad-rcpt",
                                                   "remote-rcpt",
                                                   "mailbox",
                                                   "domain",
                                                   "dnssec",
                                                   "dns",
                                                   "queue",
                                                   "reuse",
                                                   "retry",
                                                   "api"};
    return fixtures.count(need) == 0;
}

CellRun finished(Cell cell) {
    CellRun run;
    run.cell = std::move(cell);
    return run;
}

}  // namespace

Foregone::Foregone(const RunContext& context,
                   const Plan& plan,
                   const std::map<int, PortProbe>& probes,
                   const Pacing& pacing)
    : context_(context), probes_(probes), pacing_(pacing) {
    for (const auto& [port, probe] : probes) {
        if (probe.login_tried && context.surroundings == Surroundings::remote) {
            leave_out(plan, port);
        }
    }
}

void Foregone::leave_out(const Plan& plan, int port) {
    const int allowed = login_budget(context_.options, context_.profile);
    int wanted = 1;
    std::vector<const PlannedCell*> cells;
    for (const PlannedCell& cell : plan.cells) {
        // What logs in with the right password is not run after its refusal in any case.
        if (cell.port == port && !cell.preset && cell.traffic.logins == 0 && cell.traffic.bad_logins > 0) {
            cells.push_back(&cell);
            wanted += cell.traffic.bad_logins;
        }
    }
    std::stable_sort(cells.begin(), cells.end(), [](const PlannedCell* a, const PlannedCell* b) {
        return a->scenario->head.severity < b->scenario->head.severity;
    });
    for (const PlannedCell* cell : cells) {
        if (wanted <= allowed) {
            break;
        }
        over_budget_.insert(cell);
        wanted -= cell->traffic.bad_logins;
    }
}

std::optional<CellRun> Foregone::look_at(const PlannedCell& planned) const {
    if (planned.preset) {
        return finished(preset_cell(context_, planned, *planned.preset, planned.preset_reason, ""));
    }
    if (!context_.unresolved.empty()) {
        return finished(
            preset_cell(context_, planned, Verdict::Inconclusive, context_.unresolved, "unreachable"));
    }
    const auto probe = probes_.find(planned.port);
    if (probe == probes_.end()) {
        return std::nullopt;
    }
    const bool needs_no_session = planned.scenario->head.from == script::State::Tcp;
    const bool listens = probe->second.state == PortProbe::State::wrong_mode ||
                         probe->second.state == PortProbe::State::no_tls;
    if (listens && needs_no_session) {
        return std::nullopt;  // what such a port does from the first octet is the question of these
    }
    if (!probe->second.usable()) {
        const bool gone = probe->second.state != PortProbe::State::wrong_mode &&
                          probe->second.state != PortProbe::State::turned_away;
        return finished(preset_cell(context_,
                                    planned,
                                    Verdict::Inconclusive,
                                    probe->second.detail,
                                    gone ? "unreachable" : "wrong-mode"));
    }
    if (auto cell = without_tls(planned, probe->second)) {
        return finished(std::move(*cell));
    }
    if (auto cell = without_login(planned, probe->second.login_refused)) {
        return finished(std::move(*cell));
    }
    if (probe->second.lacks_auth() && planned.scenario->head.needs_word("credentials")) {
        return finished(preset_cell(context_, planned, Verdict::Unsupported, "AUTH is not offered", ""));
    }
    for (const auto& need : planned.scenario->head.needs) {
        if (is_keyword(need.text)) {
            if (const std::string why = probe->second.lacks(need.text); !why.empty()) {
                return finished(preset_cell(context_, planned, Verdict::Unsupported, why, ""));
            }
        }
    }
    if (const auto why = pacing_.given_up(planned.port)) {
        return finished(preset_cell(context_, planned, Verdict::Inconclusive, why->reason, why->cause));
    }
    return std::nullopt;
}

std::optional<Cell> Foregone::without_tls(const PlannedCell& planned, const PortProbe& probe) const {
    const bool begins_inside = planned.scenario->head.from >= script::State::Tls;
    if (probe.mode != script::Mode::Starttls || probe.tls_problem.empty() || !begins_inside) {
        return std::nullopt;
    }
    return preset_cell(
        context_, planned, Verdict::Inconclusive, "TLS does not begin: " + probe.tls_problem, "no-tls");
}

std::optional<Cell> Foregone::without_login(const PlannedCell& planned, const std::string& refused) const {
    if (refused.empty()) {
        return std::nullopt;
    }
    if (planned.traffic.logins > 0) {
        return preset_cell(context_, planned, Verdict::Inconclusive, refused, "login-refused");
    }
    if (over_budget_.count(&planned) > 0) {
        return preset_cell(
            context_,
            planned,
            Verdict::Skipped,
            fmt::format("budget: {} wrong login(s) per port and run, one of them spent by the profile's own",
                        login_budget(context_.options, context_.profile)),
            "");
    }
    return std::nullopt;
}

}  // namespace smtpspec::run
