#include "harness/run/foregone.hpp"

#include <fmt/format.h>

#include <set>

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
    const int allowed = context_.options.max_bad_logins.value_or(context_.profile.budget_bad_logins);
    const bool remote = context_.surroundings == Surroundings::remote;
    if (remote && planned.traffic.bad_logins >= allowed && planned.traffic.bad_logins > 0) {
        return preset_cell(
            context_,
            planned,
            Verdict::Skipped,
            fmt::format("budget: {} wrong login(s) per port and run, spent by the profile's own", allowed),
            "");
    }
    return std::nullopt;
}

}  // namespace smtpspec::run
