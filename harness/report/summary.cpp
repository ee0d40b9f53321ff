#include "harness/report/summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "harness/report/symbol.hpp"
#include "harness/report/text.hpp"

namespace smtpspec::report {

using run::Verdict;

namespace {

/// "a.b, a.c and 3 more".
std::string some_of(const std::set<std::string>& scenarios) {
    constexpr std::size_t shown = 2;
    std::vector<std::string> names;
    for (const std::string& name : scenarios) {
        if (names.size() < shown) {
            names.push_back(safe(name));
        }
    }
    const std::string text = joined(names, ", ");
    return scenarios.size() <= shown ? text : fmt::format("{} and {} more", text, scenarios.size() - shown);
}

std::string seconds_text(std::int64_t microseconds) {
    const double seconds = static_cast<double>(microseconds) / 1e6;
    return seconds < 100 ? fmt::format("{:.2f} s", seconds) : fmt::format("{:.0f} s", seconds);
}

/// Cells that were not judged for one reason.
struct Group {
    std::size_t count = 0;
    std::set<std::string> scenarios;
};

std::string verdict_counts(const run::Result& result) {
    static constexpr Verdict order[] = {Verdict::Pass,
                                        Verdict::Tolerated,
                                        Verdict::Warn,
                                        Verdict::Fail,
                                        Verdict::Vulnerable,
                                        Verdict::Error,
                                        Verdict::Inconclusive,
                                        Verdict::Unsupported,
                                        Verdict::Skipped};
    const auto counts = result.summary();
    std::vector<std::string> parts;
    for (const Verdict verdict : order) {
        const auto found = counts.find(verdict);
        if (found != counts.end()) {
            parts.push_back(fmt::format("{} {}", found->second, script::to_string(verdict)));
        }
    }
    const auto waived = std::count_if(result.cells.begin(), result.cells.end(), [](const run::Cell& cell) {
        return cell.waiver && !cell.unexpected_pass;
    });
    const auto passed = std::count_if(
        result.cells.begin(), result.cells.end(), [](const run::Cell& cell) { return cell.unexpected_pass; });
    std::string text = joined(parts, ", ");
    text += waived == 0 ? "" : fmt::format(" ({} of them waived)", waived);
    const auto changed = std::count_if(
        result.cells.begin(), result.cells.end(), [](const run::Cell& cell) { return cell.is_flaky(); });
    text += changed == 0 ? "" : fmt::format(" ({} flaky)", changed);
    text +=
        passed == 0
            ? ""
            : fmt::format(" ({})",
                          counted(static_cast<std::size_t>(passed), "unexpected pass", "unexpected passes"));
    return text;
}

}  // namespace

std::string counts_text(const run::Result& result) {
    return fmt::format("{} in {}: {}",
                       counted(result.cells.size(), "cell", "cells"),
                       seconds_text(result.duration_us),
                       result.cells.empty() ? "nothing was judged" : verdict_counts(result));
}

std::string left_out_text(const run::Result& result) {
    std::vector<std::string> parts;
    const auto add = [&](int count, std::string_view what) {
        if (count > 0) {
            parts.push_back(fmt::format("{} {}", count, what));
        }
    };
    add(result.left_out_slow, "slow (--slow)");
    add(result.left_out_intrusive, "intrusive (--intrusive)");
    add(result.left_out_budget, "over the budget (--max-messages, --max-bad-logins)");
    return joined(parts, ", ");
}

std::vector<const run::Cell*> all_cells(const std::vector<Subject>& subjects) {
    std::vector<const run::Cell*> cells;
    for (const Subject& subject : subjects) {
        cells.insert(cells.end(), subject.cells.begin(), subject.cells.end());
    }
    return cells;
}

std::vector<NotJudged> not_judged(const run::Result& result) {
    constexpr std::size_t shown = 8;
    using Reason = std::pair<Verdict, std::string>;
    std::map<Reason, Group> reasons;
    for (const run::Cell& cell : result.cells) {
        if (is_void(cell)) {
            Group& group = reasons[{cell.verdict, cell.reason}];
            ++group.count;
            group.scenarios.insert(cell.scenario);
        }
    }
    std::multimap<std::size_t, const std::pair<const Reason, Group>*, std::greater<>> order;
    for (const auto& entry : reasons) {
        order.emplace(entry.second.count, &entry);
    }
    std::vector<NotJudged> found;
    NotJudged rest{0, "", "", "for other reasons"};
    for (const auto& [count, entry] : order) {
        const auto& [verdict, why] = entry->first;
        if (found.size() == shown) {
            rest.count += count;
        } else {
            found.push_back(NotJudged{count,
                                      std::string(script::to_string(verdict)),
                                      some_of(entry->second.scenarios),
                                      why.empty() ? "no reason given" : safe(why)});
        }
    }
    if (rest.count > 0) {
        found.push_back(rest);
    }
    return found;
}

}  // namespace smtpspec::report
