#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "harness/report/finding.hpp"
#include "harness/report/matrix.hpp"
#include "harness/report/symbol.hpp"
#include "harness/report/text.hpp"

namespace smtpspec::report {

namespace {

using run::Verdict;

/// Paragraphs of wrapped text.
std::string paragraph(const std::string& first,
                      const std::string& text,
                      const RenderOptions& options,
                      Tone tone) {
    std::string out;
    std::string lead = first;
    for (const std::string& line : wrap(text, options.width - columns(first))) {
        out += paint(lead + line, tone, options.colour) + "\n";
        lead = pad("", columns(first));
    }
    return out;
}

std::string heading(const std::string& text, const RenderOptions& options) {
    return "\n" + paragraph("", text, options, Tone::strong) + "\n";
}

std::string seconds_text(std::int64_t microseconds) {
    const double seconds = static_cast<double>(microseconds) / 1e6;
    return seconds < 100 ? fmt::format("{:.2f} s", seconds) : fmt::format("{:.0f} s", seconds);
}

std::vector<const run::Cell*> all_cells(const std::vector<Subject>& subjects) {
    std::vector<const run::Cell*> cells;
    for (const Subject& subject : subjects) {
        cells.insert(cells.end(), subject.cells.begin(), subject.cells.end());
    }
    return cells;
}

/// Which subject a finding belongs to has to be said only when there are several of one side.
std::string render_findings(const std::vector<Subject>& all,
                            const run::Result& result,
                            const RenderOptions& options) {
    std::string out;
    for (const Subject& subject : all) {
        const std::vector<Finding> found = findings(subject.cells);
        if (found.empty()) {
            continue;
        }
        out += heading("What is not green: " + describe(subject, result), options);
        for (const Finding& finding : found) {
            out += render_finding(finding, result, options) + "\n";
        }
        out.pop_back();
    }
    if (const std::string waived = render_waived(all_cells(all), options); !waived.empty()) {
        out += heading("Waived", options) + waived;
    }
    if (const std::string flaky = render_flaky(all_cells(all), options); !flaky.empty()) {
        out += heading("Changed when run again", options) + flaky;
    }
    return out;
}

/// Cells that were not judged for one reason.
struct NotJudged {
    std::size_t count = 0;
    std::set<std::string> scenarios;
};

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

/// Why cells were not judged, the most frequent reason first.
std::string render_not_judged(const run::Result& result, const RenderOptions& options) {
    constexpr std::size_t shown = 8;
    using Reason = std::pair<Verdict, std::string>;
    std::map<Reason, NotJudged> reasons;
    for (const run::Cell& cell : result.cells) {
        if (is_void(cell)) {
            NotJudged& entry = reasons[{cell.verdict, cell.reason}];
            ++entry.count;
            entry.scenarios.insert(cell.scenario);
        }
    }
    if (reasons.empty()) {
        return {};
    }
    std::multimap<std::size_t, const std::pair<const Reason, NotJudged>*, std::greater<>> order;
    for (const auto& entry : reasons) {
        order.emplace(entry.second.count, &entry);
    }
    std::string out = heading("Not judged", options);
    std::size_t lines = 0, rest = 0;
    for (const auto& [count, entry] : order) {
        if (++lines > shown) {
            rest += count;
            continue;
        }
        const std::string why = entry->first.second.empty() ? "no reason given" : safe(entry->first.second);
        const std::string lead = fmt::format("{:>6}  {:<12} ", count, script::to_string(entry->first.first));
        out += paragraph(
            lead, fmt::format("{}: {}", some_of(entry->second.scenarios), why), options, Tone::plain);
    }
    if (rest > 0) {
        out += fmt::format("{:>6}  for other reasons\n", rest);
    }
    return out;
}

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
    const auto flaky = std::count_if(
        result.cells.begin(), result.cells.end(), [](const run::Cell& cell) { return cell.is_flaky(); });
    text += flaky == 0 ? "" : fmt::format(" ({} flaky)", flaky);
    text +=
        passed == 0
            ? ""
            : fmt::format(" ({})",
                          counted(static_cast<std::size_t>(passed), "unexpected pass", "unexpected passes"));
    return text;
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

Tone summary_tone(const run::Result& result) {
    Tone found = Tone::good;
    for (const run::Cell& cell : result.cells) {
        if (cell.unexpected_pass || cell.expired_waiver || (run::is_red(cell.verdict) && !cell.waiver)) {
            return Tone::bad;
        }
        if (cell.verdict == Verdict::Error || (cell.verdict == Verdict::Inconclusive && !cell.waiver)) {
            found = Tone::odd;
        }
    }
    return found;
}

std::string render_summary(const run::Result& result, const RenderOptions& options) {
    std::string out = "\n";
    for (const std::string& notice : result.notices) {
        out += paragraph("note: ", safe(notice), options, Tone::plain);
    }
    const std::string left_out = left_out_text(result);
    if (!left_out.empty()) {
        out += paragraph("left out: ", left_out, options, Tone::plain);
    }
    const std::string counts = result.cells.empty() ? "nothing was judged" : verdict_counts(result);
    out += paragraph("",
                     fmt::format("{} in {}: {}",
                                 counted(result.cells.size(), "cell", "cells"),
                                 seconds_text(result.duration_us),
                                 counts),
                     options,
                     summary_tone(result));
    if (result.interrupted) {
        out += paragraph("", "interrupted: partial result", options, Tone::odd);
    }
    return out;
}

}  // namespace

std::string render_terminal(const run::Result& result, const RenderOptions& given) {
    RenderOptions options = given;
    options.width = std::max(60, given.width);
    const std::vector<Subject> all = subjects(result);
    std::string out;
    for (const Subject& subject : all) {
        out += render_matrix(subject, result, options) + "\n";
    }
    if (!all.empty()) {
        out += render_legend(result, options);
    }
    out += render_findings(all, result, options);
    out += render_not_judged(result, options);
    return out + render_summary(result, options);
}

}  // namespace smtpspec::report
