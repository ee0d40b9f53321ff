#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "harness/report/excerpt.hpp"
#include "harness/report/finding_text.hpp"
#include "harness/report/markdown_text.hpp"
#include "harness/report/matrix_rows.hpp"
#include "harness/report/report.hpp"
#include "harness/report/summary.hpp"
#include "harness/report/symbol.hpp"
#include "harness/report/text.hpp"
#include "protocol/smtp/text.hpp"

namespace smtpspec::report {

namespace {

using markdown::code;
using markdown::words;
using run::Verdict;

/// Parts of a page and what they may have of it, so that a long one leaves room for the others.
constexpr std::size_t matrices_end = longest_markdown / 2;
constexpr std::size_t tail_limit = longest_markdown / 10;
constexpr std::size_t sentence_limit = 1000;

/// Appends pieces as long as they fit below the limit. How many were left out.
std::size_t append_fitting(std::string& out, const std::vector<std::string>& pieces, std::size_t limit) {
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        if (out.size() + pieces[i].size() > limit) {
            return pieces.size() - i;
        }
        out += pieces[i];
    }
    return 0;
}

/// The sentence about what a page has no room for.
std::string cut_note(std::size_t count, std::string_view one, std::string_view many) {
    return count == 0 ? ""
                      : fmt::format(
                            "\n**{} left out: a page like this may have no more than {} octets.** "
                            "`smtpspec report RESULT --format terminal` shows everything.\n",
                            counted(count, one, many),
                            longest_markdown);
}

std::string_view sign_of(const run::Cell& cell) {
    if (cell.unexpected_pass) {
        return "❌";
    }
    if (cell.waiver) {
        return "🔕";
    }
    switch (cell.verdict) {
        case Verdict::Pass:
            return "✅";
        case Verdict::Tolerated:
            return "🟡";
        case Verdict::Warn:
            return "⚠️";
        case Verdict::Fail:
        case Verdict::Vulnerable:
            return "❌";
        case Verdict::Inconclusive:
            return "❓";
        case Verdict::Unsupported:
        case Verdict::Skipped:
            return "➖";
        case Verdict::Error:
            break;
    }
    return "💥";
}

/// "❌ fail", "🔕 fail, waived": the sign is for the eye, the word for everybody.
std::string sign_and_word(const run::Cell& cell) {
    return fmt::format(
        "{} {}{}", sign_of(cell), verdict_word(cell), cell.waiver && !cell.unexpected_pass ? ", waived" : "");
}

std::string field_text(const Field& field) {
    if (field.cell != nullptr) {
        return sign_and_word(*field.cell);
    }
    if (field.is_empty()) {
        return "·";
    }
    if (field.passed == 0) {
        return fmt::format("➖ {} not judged", field.voids);
    }
    return fmt::format(
        "✅ {} pass{}", field.passed, field.voids == 0 ? "" : fmt::format(" (+{})", field.voids));
}

/// How many cells came to each thing that a heading speaks about.
struct Tally {
    std::size_t vulnerable = 0, fail = 0, unexpected = 0, expired = 0, errors = 0, inconclusive = 0,
                warnings = 0, waived = 0;

    explicit Tally(const run::Result& result) {
        for (const run::Cell& cell : result.cells) {
            unexpected += cell.unexpected_pass;
            expired += cell.expired_waiver;
            errors += cell.verdict == Verdict::Error;
            if (!cell.waiver) {
                vulnerable += cell.verdict == Verdict::Vulnerable;
                fail += cell.verdict == Verdict::Fail;
                inconclusive += cell.verdict == Verdict::Inconclusive;
                warnings += cell.verdict == Verdict::Warn;
            } else if (!cell.unexpected_pass && !is_green(cell)) {
                ++waived;
            }
        }
    }

    bool is_red() const { return vulnerable + fail + unexpected + expired > 0; }

    std::string red_text() const {
        std::vector<std::string> parts;
        for (const auto& [count, word] : {std::pair{vulnerable, "vulnerable"}, std::pair{fail, "fail"}}) {
            if (count > 0) {
                parts.push_back(fmt::format("{} {}", count, word));
            }
        }
        if (unexpected > 0) {
            parts.push_back(counted(unexpected, "unexpected pass", "unexpected passes"));
        }
        if (expired > 0) {
            parts.push_back(counted(expired, "expired waiver", "expired waivers"));
        }
        return joined(parts, ", ");
    }
};

/// The verdict of the whole run in words: what is wrong with the peer comes before what could not be judged.
std::string verdict_text(const run::Result& result) {
    constexpr int unreachable = 4, nothing_judged = 77;
    const Tally tally(result);
    const int code = run::exit_code(result, 0);
    if (tally.is_red()) {
        return "❌ smtpspec: something is wrong: " + tally.red_text();
    }
    if (tally.errors > 0) {
        return "💥 smtpspec: not everything could be judged: " + counted(tally.errors, "error", "errors");
    }
    if (code == unreachable) {
        return "❓ smtpspec: not everything could be reached";
    }
    if (tally.inconclusive > 0) {
        return fmt::format("❓ smtpspec: not everything could be judged: {} inconclusive",
                           tally.inconclusive);
    }
    if (code == nothing_judged || result.cells.empty()) {
        return "➖ smtpspec: nothing was judged";
    }
    return "✅ smtpspec: nothing is wrong" +
           (tally.waived == 0 ? "" : " but " + counted(tally.waived, "waived cell", "waived cells")) +
           (tally.warnings == 0 ? "" : ", " + counted(tally.warnings, "warning", "warnings"));
}

std::string top(const run::Result& result) {
    return fmt::format("## {}{}\n\n{}\n",
                       verdict_text(result),
                       result.interrupted ? " (interrupted: partial result)" : "",
                       counts_text(result));
}

std::string capital(std::string text) {
    text[0] = smtp::to_upper(text[0]);
    return text;
}

std::string table_head(const Subject& subject, const run::Result& result, const std::vector<int>& ports) {
    std::string names = "| |", line = "|:--|";
    for (const int port : ports) {
        const auto cell = std::find_if(subject.cells.begin(),
                                       subject.cells.end(),
                                       [&](const run::Cell* candidate) { return candidate->port == port; });
        const std::string mode = port == 0 ? "" : " " + markdown::field(safe((*cell)->mode));
        names += fmt::format(" {}{} |", port_heading(port), mode);
        line += ":--|";
    }
    return fmt::format("\n### {}\n\n{}\n{}\n", words(capital(describe(subject, result))), names, line);
}

std::string table_row(const Row& row, std::size_t ports) {
    constexpr std::array<std::string_view, 3> indents{"", "&emsp;", "&emsp;&emsp;"};
    const std::string label = row.depth == 0 ? fmt::format("**{}**, {}", markdown::field(row.label), row.note)
                                             : markdown::field(row.label);
    std::string out = fmt::format("| {}{} |", indents.at(static_cast<std::size_t>(row.depth)), label);
    for (const Field& field : row.fields) {
        out += fmt::format(" {} |", field_text(field));
    }
    for (std::size_t i = row.fields.size(); i < ports; ++i) {
        out += " |";
    }
    return out + "\n";
}

/// What the short forms in these rows mean; "" without any.
std::string legend(const std::vector<Row>& rows) {
    bool counts = false, dots = false;
    for (const Row& row : rows) {
        for (const Field& field : row.fields) {
            counts = counts || (field.passed > 0 && field.voids > 0);
            dots = dots || field.is_empty();
        }
    }
    return counts || dots ? fmt::format("\n{}{}{}\n",
                                        counts ? "(+3): three more were unsupported or skipped." : "",
                                        counts && dots ? " " : "",
                                        dots ? "A dot: not tested there." : "")
                          : "";
}

/// The matrix of each subject as a table.
void append_matrices(std::string& out, const std::vector<Subject>& all, const run::Result& result) {
    std::size_t missing = 0;
    for (const Subject& subject : all) {
        const std::vector<int> ports = matrix_ports(subject.cells);
        const std::vector<Row> rows = matrix_rows(subject.cells, ports);
        std::vector<std::string> pieces;
        for (const Row& row : rows) {
            pieces.push_back(table_row(row, ports.size()));
        }
        pieces.front().insert(0, table_head(subject, result, ports));
        pieces.back() += legend(rows);
        missing += append_fitting(out, pieces, matrices_end);
    }
    out += cut_note(missing, "row of the matrix is", "rows of the matrix are");
}

std::string transcript_of(const run::Cell& cell) {
    const std::vector<std::string> lines = lay_out(excerpt(cell, ExcerptLimits{}));
    if (lines.empty()) {
        const std::string note = transcript_note(cell);
        return note.empty() ? "" : fmt::format("\nSeen: {}.\n", note);
    }
    return fmt::format(
        "\nSeen on {}, in ms:\n\n{}", ports_text({cell.port}), markdown::fenced(lines, "text"));
}

/// The command that runs the cell again. It is whole or not there: half a command is another command.
std::string again(const run::Result& result, const run::Cell& cell, const RenderOptions& options) {
    constexpr std::size_t longest_command = 4000;
    std::string command = rerun_command(result, cell, options.program);
    if (command.size() > longest_command) {
        command = fmt::format("# {} octets, too many for a page", command.size());
    }
    return "\nAgain:\n\n" + markdown::fenced({command}, "sh");
}

std::string finding_details(const Finding& finding, const run::Result& result, const RenderOptions& options) {
    const run::Cell& cell = finding.shown();
    const FindingText text = text_of(finding);
    std::string out = fmt::format("\n<details>\n<summary>{}: {}, {}</summary>\n\n",
                                  sign_and_word(cell),
                                  markdown::html(text.name),
                                  markdown::html(text.where));
    const auto add = [&](std::string_view name, const std::string& what) {
        if (!what.empty()) {
            out += fmt::format("- **{}:** {}\n", name, what);
        }
    };
    std::vector<std::string> refs;
    for (const std::string& ref : text.refs) {
        refs.push_back(markdown::reference(ref));
    }
    add("what", words(text.title));
    add("verdict", words(text.verdict));
    add("rule", joined(refs, ", "));
    add("expected", text.expected == text.title ? "" : words(text.expected));
    add("got", words(text.got));
    add("why", words(text.why));
    add("means", words(text.means));
    add("waiver", words(text.waiver));
    add("attempts", words(text.attempts));
    add("also", words(text.also));
    if (text.kind == FindingKind::full) {
        out += transcript_of(cell);
    }
    out += again(result, cell, options);
    return out + "\n</details>\n";
}

/// The findings of each subject, folded; as many as fit.
void append_findings(std::string& out,
                     const std::vector<Subject>& all,
                     const run::Result& result,
                     const RenderOptions& options,
                     std::size_t limit) {
    std::size_t missing = 0;
    for (const Subject& subject : all) {
        const std::vector<Finding> found = findings(subject.cells);
        if (found.empty()) {
            continue;
        }
        std::string heading = fmt::format("\n### What is not green: {}\n", words(describe(subject, result)));
        std::vector<std::string> pieces;
        for (const Finding& finding : found) {
            pieces.push_back(finding_details(finding, result, options));
        }
        pieces.front().insert(0, heading);
        missing += append_fitting(out, pieces, limit);
    }
    out += cut_note(missing, "finding is", "findings are");
}

/// A heading with a list of as many items as fit.
void append_list(std::string& out, std::string_view heading, const std::vector<std::string>& items) {
    if (items.empty()) {
        return;
    }
    out += fmt::format("\n### {}\n\n", heading);
    out += cut_note(append_fitting(out, items, tail_limit), "line is", "lines are");
}

/// What stands below the findings: waived cells, what was not judged or left out, notices.
std::string tail(const std::vector<Subject>& all, const run::Result& result) {
    std::vector<std::string> waivers, changed, reasons, remarks;
    for (const Finding& finding : waived(all_cells(all))) {
        const run::Cell& cell = finding.shown();
        waivers.push_back(fmt::format("- {}: {}, {}: {}\n",
                                      sign_and_word(cell),
                                      words(safe(cell.name())),
                                      words(where(finding.cells)),
                                      words(waived_text(*cell.waiver))));
    }
    for (const run::Cell* cell : flaky(all_cells(all))) {
        changed.push_back(fmt::format("- {}: {}, {}: {}\n",
                                      sign_and_word(*cell),
                                      words(safe(cell->name())),
                                      words(where({cell})),
                                      words(attempts_text(*cell))));
    }
    for (const NotJudged& reason : not_judged(result)) {
        const std::string who =
            reason.verdict.empty() ? "" : fmt::format("{}: {}: ", reason.verdict, words(reason.scenarios));
        reasons.push_back(fmt::format("- {} {}{}\n", reason.count, who, words(reason.why)));
    }
    const std::string left_out = left_out_text(result);
    if (!left_out.empty()) {
        remarks.push_back(fmt::format("- left out: {}\n", left_out));
    }
    for (const std::string& notice : result.notices) {
        remarks.push_back(fmt::format("- {}\n", words(safe(notice))));
    }
    std::string out;
    append_list(out, "Waived", waivers);
    append_list(out, "Changed when run again", changed);
    append_list(out, "Not judged", reasons);
    append_list(out, "Remarks", remarks);
    return out;
}

}  // namespace

std::string render_markdown(const run::Result& result, const RenderOptions& options) {
    const std::vector<Subject> all = subjects(result);
    const std::string end = tail(all, result);
    std::string out = top(result);
    append_matrices(out, all, result);
    append_findings(out, all, result, options, longest_markdown - end.size() - sentence_limit);
    return out + end;
}

}  // namespace smtpspec::report
