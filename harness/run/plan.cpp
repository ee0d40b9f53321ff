#include "harness/run/plan.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "harness/run/budget.hpp"
#include "harness/run/pacing.hpp"
#include "protocol/script/print.hpp"

namespace smtpspec::run {

using script::Mode;
using script::Scenario;
using script::Side;

namespace {

bool any_filter_fits(const std::vector<std::string>& filters, const script::CellParams& cell) {
    return std::any_of(filters.begin(), filters.end(), [&](const std::string& filter) {
        return script::filter_matches(filter, cell);
    });
}

bool scenario_wanted(const Scenario& scenario, const RunOptions& options, Side side) {
    return scenario.head.side == side && (!options.side || *options.side == side) &&
           (options.levels.empty() || options.levels.count(scenario.head.level) > 0);
}

bool port_wanted(
    const Scenario& scenario, const Profile& profile, const RunOptions& options, int port, Mode mode) {
    if (!options.ports.empty() && options.ports.count(port) == 0) {
        return false;
    }
    if (!scenario.head.has_mode(mode)) {
        return false;
    }
    const auto service = profile.service.find(port);
    if (service == profile.service.end()) {
        return scenario.head.has_service(script::Service::Submission) || port == 25;
    }
    const auto word = service->second == "mx" ? script::Service::Mx : script::Service::Submission;
    return scenario.head.has_service(word);
}

bool all_ports_together(const Scenario& scenario) {
    const auto* entry = scenario.head.client_entry("ports");
    return entry != nullptr && !entry->values.empty() && entry->values.front().literal() == "all";
}

/// True when the script inserts this value, in a text or in an expression.
bool inserts(const std::string& script, const std::string& name) {
    return script.find("${" + name + "}") != std::string::npos ||
           script.find("(" + name) != std::string::npos;
}

/// Why a cell cannot run: which key of the profile would enable it; "" when nothing is missing.
std::string missing_fixture(const Scenario& scenario,
                            const Traffic& traffic,
                            const Profile& profile,
                            const RunOptions& options) {
    const std::string script = script::to_text(scenario.script);
    const bool logs_in = scenario.head.from >= script::State::Authenticated || traffic.logins > 0;
    // Where only the name is used, the right password is not missing: how a wrong one is refused is still
    // asked.
    const bool credentials = !profile.user.empty() && (!options.no_auth || !logs_in);
    if (options.no_auth && !credentials && !profile.user.empty() && scenario.head.needs_word("credentials")) {
        return "--no-auth: this logs in";
    }
    const std::vector<std::tuple<const char*, bool, const char*>> fixtures = {
        {"credentials", credentials, "auth: {user, password_env}"},
        {"bad-rcpt", !profile.bad.empty(), "envelope: {bad: …} (a recipient that is refused)"},
        {"remote-rcpt", !profile.remote.empty(), "envelope: {remote: …} (a recipient elsewhere)"},
        {"mailbox", !profile.mailbox.empty(), "envelope: {mailbox: …} (the Maildir of the recipient)"},
        {"domain", !profile.domain.empty(), "domain"},
    };
    for (const auto& [word, there, key] : fixtures) {
        if (!there && scenario.head.needs_word(word)) {
            return fmt::format("no fixture: the profile has no {}", key);
        }
    }
    if (scenario.head.side == Side::Client) {
        return {};
    }
    const bool sends = scenario.head.from >= script::State::Envelope ||
                       script.find("reach envelope") != std::string::npos ||
                       script.find("reach data") != std::string::npos;
    if (profile.from.empty() && (sends || inserts(script, "from"))) {
        return "no fixture: the profile has no envelope: {from, to}";
    }
    if (profile.to.empty() && (sends || inserts(script, "to") || inserts(script, "recipient"))) {
        return "no fixture: the profile has no envelope: {from, to}";
    }
    return {};
}

/// Marks cells that exceed the port's budget as skipped, in the order of the plan.
void apply_budget(Plan& plan, const Profile& profile, const RunOptions& options) {
    const int messages = message_budget(options, profile);
    const int bad_logins = login_budget(options, profile);
    std::map<int, Traffic> spent;
    // What costs most when it is broken comes first: with one wrong login to spend, the question is whether
    // any password opens the door.
    std::vector<PlannedCell*> order;
    for (PlannedCell& cell : plan.cells) {
        order.push_back(&cell);
    }
    std::stable_sort(order.begin(), order.end(), [](const PlannedCell* a, const PlannedCell* b) {
        return a->scenario->head.severity > b->scenario->head.severity;
    });
    for (PlannedCell* planned : order) {
        PlannedCell& cell = *planned;
        if (cell.preset) {
            continue;
        }
        Traffic& so_far = spent[cell.port];
        const bool too_many_messages = so_far.messages + cell.traffic.messages > messages;
        const bool too_many_logins = so_far.bad_logins + cell.traffic.bad_logins > bad_logins;
        if ((cell.traffic.messages > 0 && too_many_messages) ||
            (cell.traffic.bad_logins > 0 && too_many_logins)) {
            cell.preset = Verdict::Skipped;
            cell.preset_reason =
                too_many_logins && cell.traffic.bad_logins > 0
                    ? fmt::format("budget: {} wrong login(s) per port and run (--max-bad-logins)", bad_logins)
                    : fmt::format("budget: {} messages per port and run (--max-messages)", messages);
            ++plan.left_out_budget;
            continue;
        }
        so_far.messages += cell.traffic.messages;
        so_far.bad_logins += cell.traffic.bad_logins;
    }
}

void add_cells(Plan& plan,
               const std::shared_ptr<const Scenario>& scenario,
               const Profile& profile,
               const RunOptions& options) {
    const Traffic traffic = estimate_traffic(*scenario, !profile.user.empty() && !options.no_auth);
    const std::string missing = missing_fixture(*scenario, traffic, profile, options);
    for (const script::CellParams& params : script::expand_cells(scenario->head)) {
        if ((!options.only.empty() && !any_filter_fits(options.only, params)) ||
            any_filter_fits(options.skip, params)) {
            continue;
        }
        PlannedCell cell{scenario, params, 0, Mode::Starttls, traffic, std::nullopt, {}, {}};
        if (!missing.empty()) {
            cell.preset = Verdict::Skipped;
            cell.preset_reason = missing;
        }
        if (scenario->head.side == Side::Client && all_ports_together(*scenario)) {
            plan.cells.push_back(cell);
            continue;
        }
        for (const auto& [port, mode] : profile.ports) {
            if (port_wanted(*scenario, profile, options, port, mode)) {
                cell.port = port;
                cell.mode = mode;
                plan.cells.push_back(cell);
            }
        }
    }
}

}  // namespace

Plan make_plan(const Catalog& catalog,
               const Profile& profile,
               const RunOptions& options,
               Surroundings surroundings,
               Side side) {
    Plan plan;
    for (const auto& scenario : catalog.scenarios()) {
        if (!scenario_wanted(*scenario, options, side)) {
            continue;
        }
        const std::size_t before = plan.cells.size();
        add_cells(plan, scenario, profile, options);
        const int added = static_cast<int>(plan.cells.size() - before);
        if (scenario->slow() && !options.slow) {
            plan.left_out_slow += added;
            plan.cells.resize(before);
        } else if (scenario->head.intrusive && surroundings == Surroundings::remote && !options.intrusive) {
            plan.left_out_intrusive += added;
            plan.cells.resize(before);
        }
    }
    if (surroundings == Surroundings::remote) {
        apply_budget(plan, profile, options);
    }
    return plan;
}

Traffic Plan::total(int port) const {
    Traffic sum;
    for (const PlannedCell& cell : cells) {
        if (cell.port != port || cell.preset) {
            continue;
        }
        sum.connections += cell.traffic.connections;
        sum.logins += cell.traffic.logins;
        sum.bad_logins += cell.traffic.bad_logins;
        sum.messages += cell.traffic.messages;
    }
    return sum;
}

std::set<int> Plan::ports() const {
    std::set<int> found;
    for (const PlannedCell& cell : cells) {
        found.insert(cell.port);
    }
    return found;
}

double paced_seconds(const Plan& plan, double messages_per_second) {
    double turns = 0;
    for (const PlannedCell& cell : plan.cells) {
        turns += cell.preset ? 0 : Pacing::turns(cell);
    }
    return turns / messages_per_second;
}

}  // namespace smtpspec::run
