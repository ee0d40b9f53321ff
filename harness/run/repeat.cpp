#include "harness/run/repeat.hpp"

#include <fmt/format.h>

#include "harness/run/budget.hpp"

namespace smtpspec::run {

namespace {

/// The connection was lost on the way to the start state, without a reply that says why: nothing was asked.
bool never_began(const CellRun& run) {
    return run.script.end == script::ScriptEnd::start_failed && run.cell.error_kind.empty() &&
           run.script.first_reply_problem.empty();
}

}  // namespace

bool is_doubtful(const CellRun& run) {
    const bool finding = run.cell.verdict == Verdict::Fail || run.cell.verdict == Verdict::Warn;
    return (run.decided_by_end && finding) || never_began(run);
}

Attempt attempt_of(Cell cell) {
    return Attempt{cell.verdict,
                   std::move(cell.outcome),
                   std::move(cell.reason),
                   cell.duration_us,
                   std::move(cell.transcript)};
}

CellRun agreed(CellRun first, CellRun second) {
    const bool same = second.cell.verdict == first.cell.verdict && second.cell.outcome == first.cell.outcome;
    if (same) {
        return first;
    }
    if (never_began(first) || second.cell.verdict == Verdict::Vulnerable) {
        // What was seen on the wire stays.
        second.cell.attempts.insert(second.cell.attempts.begin(), attempt_of(std::move(first.cell)));
        return second;
    }
    Cell& cell = first.cell;
    cell.attempts = {attempt_of(cell), attempt_of(second.cell)};
    cell.reason = fmt::format("it came out differently a second time: {} ({}), then {}{}{}",
                              script::to_string(cell.verdict),
                              cell.outcome,
                              script::to_string(second.cell.verdict),
                              second.cell.outcome.empty() ? "" : " (" + second.cell.outcome + ")",
                              second.cell.reason.empty() ? "" : ": " + second.cell.reason);
    if (cell.error_kind.empty()) {
        cell.error_kind = second.cell.error_kind;
    }
    cell.verdict = Verdict::Inconclusive;
    cell.outcome.clear();
    return first;
}

CellRun unconfirmed(CellRun run) {
    if (never_began(run)) {
        return run;
    }
    run.cell.reason = fmt::format(
        "it looked like {} ({}), which hangs on a lost connection, and there was no second try: "
        "the budget or the endpoint's limits forbid it",
        script::to_string(run.cell.verdict),
        run.cell.outcome);
    run.cell.verdict = Verdict::Inconclusive;
    run.cell.outcome.clear();
    return run;
}

bool Repeats::take(const PlannedCell& planned) {
    if (context_.surroundings != Surroundings::remote) {
        return true;
    }
    const auto [known, is_new] = left_.try_emplace(planned.port);
    Traffic& left = known->second;
    if (is_new) {
        const Traffic spent = plan_.total(planned.port);
        left.messages = message_budget(context_.options, context_.profile) - spent.messages;
        left.bad_logins = login_budget(context_.options, context_.profile) - spent.bad_logins;
    }
    const Traffic& more = planned.traffic;
    if ((more.messages > 0 && more.messages > left.messages) ||
        (more.bad_logins > 0 && more.bad_logins > left.bad_logins)) {
        return false;
    }
    left.messages -= more.messages;
    left.bad_logins -= more.bad_logins;
    return true;
}

}  // namespace smtpspec::run
