#include <fmt/format.h>

#include <algorithm>

#include "harness/report/finding.hpp"
#include "harness/report/matrix.hpp"
#include "harness/report/summary.hpp"
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
    if (const std::string changed = render_flaky(all_cells(all), options); !changed.empty()) {
        out += heading("Changed when run again", options) + changed;
    }
    return out;
}

/// Why cells were not judged, the most frequent reason first.
std::string render_not_judged(const run::Result& result, const RenderOptions& options) {
    const std::vector<NotJudged> reasons = not_judged(result);
    if (reasons.empty()) {
        return {};
    }
    std::string out = heading("Not judged", options);
    for (const NotJudged& reason : reasons) {
        if (reason.verdict.empty()) {
            out += fmt::format("{:>6}  {}\n", reason.count, reason.why);
            continue;
        }
        const std::string lead = fmt::format("{:>6}  {:<12} ", reason.count, reason.verdict);
        out += paragraph(lead, fmt::format("{}: {}", reason.scenarios, reason.why), options, Tone::plain);
    }
    return out;
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
    out += paragraph("", counts_text(result), options, summary_tone(result));
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
