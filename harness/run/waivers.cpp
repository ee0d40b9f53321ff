#include "harness/run/waivers.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "protocol/script/glob.hpp"
#include "protocol/script/scenario.hpp"

namespace smtpspec::run {

namespace {

bool names_who(const Waiver& waiver, const Cell& cell) {
    const bool is_client = cell.side == script::Side::Client;
    const std::string& who = is_client ? cell.client : cell.endpoint;
    return (waiver.endpoint.empty() || script::glob_matches(waiver.endpoint, who)) &&
           (waiver.client.empty() || (is_client && script::glob_matches(waiver.client, who)));
}

bool names_params(const Waiver& waiver, const Cell& cell) {
    return std::all_of(waiver.params.begin(), waiver.params.end(), [&](const auto& wanted) {
        return std::any_of(cell.params.begin(), cell.params.end(), [&](const auto& its) {
            return its.first == wanted.first && script::glob_matches(wanted.second, its.second);
        });
    });
}

bool names(const Waiver& waiver, const Cell& cell) {
    script::CellParams params{cell.scenario, cell.params};
    return script::filter_matches(waiver.id, params) && names_who(waiver, cell) &&
           names_params(waiver, cell) &&
           (waiver.ports.empty() ||
            std::find(waiver.ports.begin(), waiver.ports.end(), cell.port) != waiver.ports.end());
}

bool covers(const Waiver& waiver, const Cell& cell) {
    return is_waivable(cell.verdict) && (!waiver.verdict || *waiver.verdict == cell.verdict) &&
           (waiver.outcome.empty() || waiver.outcome == cell.outcome);
}

/// True when the waiver has lost its reason: what it names was judged and passed, and nothing of it is wrong.
/// A glob fits cells that pass beside those that it is for: while one of them is wrong it has work to do, and
/// one without a verdict may be the one.
bool has_no_work_left(const Waiver& waiver, const std::vector<Cell>& cells) {
    if (waiver.verdict && !is_red(*waiver.verdict)) {
        return false;  // accepts a remark, or a cell that is now this and now that
    }
    bool passed = false;
    for (const Cell& cell : cells) {
        if (!names(waiver, cell)) {
            continue;
        }
        if (covers(waiver, cell) || cell.verdict == Verdict::Inconclusive || cell.verdict == Verdict::Error) {
            return false;
        }
        passed = passed || cell.verdict == Verdict::Pass;
    }
    return passed;
}

WaiverNote note_of(const Waiver& waiver) {
    return WaiverNote{waiver.reason, waiver.id, waiver.link, waiver.owner, waiver.expires};
}

/// Days as ISO 8601 has them sort as text.
bool has_expired(const Waiver& waiver, std::string_view today) {
    return !waiver.expires.empty() && !today.empty() &&
           waiver.expires < today.substr(0, waiver.expires.size());
}

/// What keeps a waiver that names the cell from counting, for who reads the report. The first one is told.
void note_problem(const Waiver& waiver, Cell& cell, std::string_view today) {
    if (!cell.waiver_problem.empty()) {
        return;
    }
    if (covers(waiver, cell) && has_expired(waiver, today)) {
        cell.expired_waiver = true;
        cell.waiver_problem = fmt::format("the waiver \"{}\" ({}) expired on {}{}",
                                          waiver.id,
                                          waiver.reason,
                                          waiver.expires,
                                          waiver.owner.empty() ? "" : fmt::format("; ask {}", waiver.owner));
    } else if (is_red(cell.verdict)) {
        const std::string wanted =
            waiver.outcome.empty() ? std::string(script::to_string(waiver.verdict.value_or(Verdict::Fail)))
                                   : fmt::format("the outcome \"{}\"", waiver.outcome);
        cell.waiver_problem =
            fmt::format("the waiver \"{}\" accepts {}, and this is another way of failing ({}{}{})",
                        waiver.id,
                        wanted,
                        script::to_string(cell.verdict),
                        cell.outcome.empty() ? "" : ", ",
                        cell.outcome);
    }
}

}  // namespace

bool is_waivable(Verdict verdict) {
    return is_red(verdict) || verdict == Verdict::Inconclusive || verdict == Verdict::Warn;
}

void apply_waivers(const std::vector<Waiver>& waivers, std::vector<Cell>& cells, std::string_view today) {
    for (Cell& cell : cells) {
        cell.waiver.reset();
        cell.waiver_problem.clear();
        cell.unexpected_pass = cell.expired_waiver = false;
    }
    for (const Waiver& waiver : waivers) {
        const bool idle = has_no_work_left(waiver, cells);
        for (Cell& cell : cells) {
            if (cell.waiver || !names(waiver, cell)) {
                continue;
            }
            if (covers(waiver, cell) && !has_expired(waiver, today)) {
                cell.waiver = note_of(waiver);
            } else if (idle && cell.verdict == Verdict::Pass) {
                cell.waiver = note_of(waiver);
                cell.unexpected_pass = true;
            } else {
                note_problem(waiver, cell, today);
            }
        }
    }
    for (Cell& cell : cells) {
        if (cell.waiver) {  // another one counts
            cell.waiver_problem.clear();
            cell.expired_waiver = false;
        }
    }
}

void forget_unexpected_passes(std::vector<Cell>& cells) {
    for (Cell& cell : cells) {
        if (cell.unexpected_pass) {
            cell.unexpected_pass = false;
            cell.waiver.reset();
        }
    }
}

std::vector<std::string> unused_waivers(const std::vector<Waiver>& waivers, const std::vector<Cell>& cells) {
    std::vector<std::string> notices;
    const auto any = [&](auto&& fits) { return std::any_of(cells.begin(), cells.end(), fits); };
    for (const Waiver& waiver : waivers) {
        if (any([&](const Cell& cell) { return names(waiver, cell); })) {
            continue;
        }
        const bool elsewhere = !any([&](const Cell& cell) { return names_who(waiver, cell); });
        notices.push_back(fmt::format(
            "the waiver \"{}\" fits no cell of this run: {}",
            waiver.id,
            elsewhere ? fmt::format("nobody here is called \"{}\"",
                                    waiver.client.empty() ? waiver.endpoint : waiver.client)
                      : "a typing mistake in id, params or ports, or a scenario that was left out (--slow, "
                        "--intrusive)?"));
    }
    return notices;
}

}  // namespace smtpspec::run
