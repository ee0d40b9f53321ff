#include "harness/report/verdict_compare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "harness/report/symbol.hpp"

namespace smtpspec::report {

namespace {

using run::Cell;
using run::Verdict;

bool is_fine(Verdict verdict) {
    return verdict == Verdict::Pass || verdict == Verdict::Tolerated || verdict == Verdict::Warn;
}

bool is_unknown(Verdict verdict) { return verdict == Verdict::Inconclusive || verdict == Verdict::Error; }

/// Wrong, and somebody has said that this is accepted for now.
bool is_accepted(const Cell& cell) { return cell.waiver && !cell.unexpected_pass && !is_fine(cell.verdict); }

/// Both have the same rule, and no waiver has to do with it.
Movement moved(Verdict before, Verdict after) {
    if (before == after) {
        return Movement::same;
    }
    if (is_fine(before)) {
        return is_fine(after) ? Movement::shifted : Movement::worse;
    }
    if (is_fine(after)) {
        return run::is_red(before) || is_unknown(before) ? Movement::fixed : Movement::changed;
    }
    // Of two ways of failing, vulnerable is the worse; what was not known or not offered and is wrong now, is
    // new.
    const bool worse = run::is_red(after) && before != Verdict::Vulnerable;
    return worse ? Movement::worse : Movement::changed;
}

Movement movement_of(const Cell& before, const Cell& after) {
    if (after.unexpected_pass || after.expired_waiver) {
        return Movement::worse;  // as in `run`, until somebody has mended the file of waivers
    }
    if (before.rev != after.rev) {
        return Movement::revised;
    }
    if (is_accepted(after)) {
        return is_accepted(before) ? Movement::same : Movement::waived;
    }
    if (is_accepted(before) && run::is_red(after.verdict)) {
        return Movement::worse;
    }
    const Movement found = moved(before.verdict, after.verdict);
    return found == Movement::same && before.outcome != after.outcome && !is_fine(after.verdict)
               ? Movement::changed
               : found;
}

using Key = std::tuple<script::Side, std::string, std::string, int>;

class Comparing {
  public:
    Comparing(const run::Result& before, const run::Result& after) : before_(before), after_(after) {}

    VerdictComparison run() {
        for (const script::Side side : {script::Side::Server, script::Side::Client}) {
            pair_up(side);
        }
        index(before_, old_cells_, "OLD");
        index(after_, new_cells_, "NEW");
        for (const Cell& cell : before_.cells) {
            add(*old_cells_.at(key_of(cell)));
        }
        for (const Cell& cell : after_.cells) {
            if (old_cells_.count(key_of(cell)) == 0 && seen_.insert(key_of(cell)).second) {
                add_new(*new_cells_.at(key_of(cell)));
            }
        }
        say_what_is_only_a_part(before_, "OLD");
        say_what_is_only_a_part(after_, "NEW");
        return std::move(found_);
    }

  private:
    static std::set<std::string> names(const run::Result& result, script::Side side) {
        std::set<std::string> found;
        for (const Cell& cell : result.cells) {
            if (cell.side == side) {
                found.insert(side == script::Side::Server ? cell.endpoint : cell.client);
            }
        }
        return found;
    }

    /// Who was tested may have another name now.
    void pair_up(script::Side side) {
        const std::set<std::string> old_names = names(before_, side);
        const std::set<std::string> new_names = names(after_, side);
        if (old_names.size() == 1 && new_names.size() == 1 && old_names != new_names) {
            renamed_[{side, *old_names.begin()}] = *new_names.begin();
            found_.notices.push_back(
                fmt::format("OLD is of {}, NEW of {}", *old_names.begin(), *new_names.begin()));
        }
    }

    std::string who(const Cell& cell) const {
        const std::string& name = cell.side == script::Side::Server ? cell.endpoint : cell.client;
        const auto other = renamed_.find({cell.side, name});
        return other == renamed_.end() ? name : other->second;
    }

    Key key_of(const Cell& cell) const { return {cell.side, who(cell), cell.name(), cell.port}; }

    void index(const run::Result& result, std::map<Key, const Cell*>& cells, const char* name) {
        for (const Cell& cell : result.cells) {
            const auto [known, is_new] = cells.emplace(key_of(cell), &cell);
            if (is_new) {
                continue;
            }
            found_.notices.push_back(fmt::format(
                "{} has {} on port {} twice; the worse one counts", name, cell.name(), cell.port));
            if (rank(cell) < rank(*known->second)) {
                known->second = &cell;
            }
        }
    }

    void say_what_is_only_a_part(const run::Result& result, const char* name) {
        if (result.interrupted) {
            found_.notices.push_back(fmt::format("{} was interrupted: it is only a part", name));
        }
        if (result.shard) {
            found_.notices.push_back(fmt::format("{} is part {} of {}; smtpspec merge makes them one",
                                                 name,
                                                 result.shard->index,
                                                 result.shard->count));
        }
    }

    CellChange change_of(Movement movement, const Cell& cell) const {
        CellChange change;
        change.movement = movement;
        change.side = cell.side;
        change.who = who(cell);
        change.name = cell.name();
        change.port = cell.port;
        return change;
    }

    static std::string words_of(const Cell& cell) {
        if (cell.unexpected_pass && cell.waiver) {
            return fmt::format("the waiver \"{}\" ({}) accepts what is no longer wrong; take it out",
                               cell.waiver->id,
                               cell.waiver->reason);
        }
        return cell.waiver_problem.empty() ? cell.got.empty() ? cell.reason : cell.got : cell.waiver_problem;
    }

    void add_new(const Cell& after) {
        found_.cells.push_back(change_of(Movement::appeared, after));
        found_.cells.back().after = verdict_word(after);
        found_.cells.back().why = words_of(after);
    }

    void add(const Cell& before) {
        if (!seen_.insert(key_of(before)).second) {
            return;
        }
        const auto found = new_cells_.find(key_of(before));
        if (found == new_cells_.end()) {
            found_.cells.push_back(change_of(Movement::gone, before));
            found_.cells.back().before = verdict_word(before);
            found_.cells.back().why = why_gone(before);
            return;
        }
        const Cell& after = *found->second;
        CellChange change = change_of(movement_of(before, after), after);
        change.before = verdict_word(before);
        change.after = verdict_word(after);
        change.flaky = after.is_flaky();
        if (change.movement == Movement::revised) {
            change.why = fmt::format("the rule is now revision {}, it was {}", after.rev, before.rev);
        } else if (change.movement == Movement::waived) {
            change.why = after.waiver->reason;
        } else if (change.movement != Movement::same) {
            change.why = words_of(after);
        }
        found_.cells.push_back(std::move(change));
    }

    std::string why_gone(const Cell& before) const {
        const auto any = [&](auto&& fits) {
            return std::any_of(after_.cells.begin(), after_.cells.end(), fits);
        };
        if (after_.interrupted) {
            return "NEW was interrupted";
        }
        if (!any([&](const Cell& cell) { return cell.side == before.side && who(cell) == who(before); })) {
            return "nobody of that name was tested";
        }
        if (!any([&](const Cell& cell) { return cell.side == before.side && cell.port == before.port; })) {
            return "nothing was tested on that port";
        }
        if (!any([&](const Cell& cell) { return cell.scenario == before.scenario; })) {
            return after_.left_out_slow > before_.left_out_slow ? "the scenario was not run (--slow?)"
                   : after_.left_out_intrusive > before_.left_out_intrusive
                       ? "the scenario was not run (--intrusive?)"
                       : "the scenario was not run";
        }
        return "the scenario was not run on that port, or not with these parameters";
    }

    const run::Result& before_;
    const run::Result& after_;
    std::map<std::pair<script::Side, std::string>, std::string> renamed_;
    std::map<Key, const Cell*> old_cells_, new_cells_;
    std::set<Key> seen_;
    VerdictComparison found_;
};

}  // namespace

std::string_view to_string(Movement movement) {
    static constexpr std::string_view words[] = {
        "same", "worse", "gone", "fixed", "shifted", "changed", "waived", "revised", "appeared"};
    return words[static_cast<std::size_t>(movement)];
}

std::size_t VerdictComparison::count(Movement movement) const {
    return static_cast<std::size_t>(std::count_if(
        cells.begin(), cells.end(), [&](const CellChange& cell) { return cell.movement == movement; }));
}

VerdictComparison compare(const run::Result& before, const run::Result& after) {
    return Comparing(before, after).run();
}

}  // namespace smtpspec::report
