#include "harness/report/finding.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "harness/report/excerpt.hpp"
#include "harness/report/symbol.hpp"
#include "harness/report/text.hpp"
#include "protocol/smtp/text.hpp"

namespace smtpspec::report {

namespace {

constexpr int indent = 6;
constexpr int name_columns = 10;

/// The reason with every run of digits as one "#": ports and times do not make another finding.
std::string without_numbers(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (!smtp::is_digit(c)) {
            out += c;
        } else if (out.empty() || out.back() != '#') {
            out += '#';
        }
    }
    return out;
}

/// The trouble is the port's (unreachable, gone, not what the profile says), not the scenario's: said once.
bool about_the_port(const run::Cell& cell) {
    const bool port = cell.error_kind == "unreachable" || cell.error_kind == "died" ||
                      cell.error_kind == "wrong-mode" || cell.error_kind == "login-refused";
    return port && cell.outcome.empty() && cell.transcript.empty();
}

std::string key_of(const run::Cell& cell) {
    if (about_the_port(cell)) {
        return joined({"", cell.endpoint, verdict_word(cell), cell.reason}, std::string_view("\0", 1));
    }
    const std::string why = cell.outcome.empty() ? without_numbers(cell.reason) : "outcome " + cell.outcome;
    return joined({cell.scenario, cell.endpoint, cell.client, verdict_word(cell), cell.severity, why},
                  std::string_view("\0", 1));
}

std::vector<int> ports_of(const std::vector<const run::Cell*>& cells) {
    std::set<int> ports;
    for (const run::Cell* cell : cells) {
        ports.insert(cell->port);
    }
    return {ports.begin(), ports.end()};
}

std::set<std::string> modes_of(const std::vector<const run::Cell*>& cells) {
    std::set<std::string> modes;
    for (const run::Cell* cell : cells) {
        if (cell->port != 0 && !cell->mode.empty()) {
            modes.insert(safe(cell->mode));
        }
    }
    return modes;
}

/// "ports 25, 587 (starttls)".
std::string where(const std::vector<const run::Cell*>& cells) {
    const std::set<std::string> modes = modes_of(cells);
    const std::string text = ports_text(ports_of(cells));
    return modes.empty() ? text : fmt::format("{} ({})", text, joined({modes.begin(), modes.end()}, ", "));
}

std::set<std::string> names_of(const Finding& finding) {
    std::set<std::string> names;
    for (const run::Cell* cell : finding.cells) {
        names.insert(cell->name());
    }
    return names;
}

/// Writes lines with an indent, each at most as wide as the terminal.
class Writer {
  public:
    explicit Writer(const RenderOptions& options) : options_(options) {}

    void heading(const std::string& mark, const std::string& text, Tone tone) {
        bool first = true;
        for (const std::string& part : wrap(text, options_.width - indent)) {
            out_ += first ? paint(pad(mark, indent), tone, options_.colour) : pad("", indent);
            out_ += paint(part, Tone::strong, options_.colour) + "\n";
            first = false;
        }
    }

    void text(const std::string& text) { put("", text, 0); }

    /// "expected  …", wrapped behind the name. Nothing when there is nothing to say.
    void field(const std::string& name, const std::string& text) {
        if (!text.empty()) {
            put(name, text, name_columns);
        }
    }

    void line(const std::string& text, int extra) {
        out_ += pad("", indent + extra) + cut(text, options_.width - indent - extra) + "\n";
    }

    void command(const std::vector<std::string>& words) {
        if (const auto lines = shell_lines(words, options_.width - indent - name_columns)) {
            std::string name = "again";
            for (const std::string& part : *lines) {
                out_ += pad("", indent) + pad(name, name_columns) + part + "\n";
                name.clear();
            }
            return;
        }
        out_ += pad("", indent) + "again\n";
        if (const auto lines = shell_lines(words, options_.width - 2)) {
            for (const std::string& part : *lines) {
                out_ += "  " + part + "\n";
            }
            return;
        }
        for (const std::string& part : broken_shell_lines(words, options_.width)) {
            out_ += part + "\n";
        }
    }

    std::string take() { return std::move(out_); }

  private:
    void put(std::string name, const std::string& text, int width) {
        for (const std::string& part : wrap(text, options_.width - indent - width)) {
            out_ += pad("", indent) + pad(name, width) + part + "\n";
            name.clear();
        }
    }

    const RenderOptions& options_;
    std::string out_;
};

std::string rule_text(const run::Cell& cell) {
    std::vector<std::string> refs;
    for (const std::string& ref : cell.refs) {
        refs.push_back(safe(ref));
    }
    return joined(refs, ", ");
}

/// "fail, MUST, severity high, outcome executed".
std::string judgement_text(const run::Cell& cell) {
    std::vector<std::string> parts = {verdict_word(cell)};
    if (!cell.level.empty()) {
        parts.push_back(safe(cell.level));
    }
    if (!cell.severity.empty()) {
        parts.push_back("severity " + safe(cell.severity));
    }
    if (!cell.outcome.empty()) {
        parts.push_back("outcome " + safe(cell.outcome));
    }
    if (!cell.error_kind.empty()) {
        parts.push_back("cause " + safe(cell.error_kind));
    }
    return joined(parts, ", ");
}

/// "[eod=lf-dot-lf] (port 25), …": the other parameter values that this finding is about.
std::string others_text(const Finding& finding) {
    std::map<std::string, std::vector<const run::Cell*>> by_name;
    for (const run::Cell* cell : finding.cells) {
        by_name[cell->name()].push_back(cell);
    }
    std::vector<std::string> parts;
    for (const auto& [name, cells] : by_name) {
        if (name != finding.shown().name()) {
            parts.push_back(
                fmt::format("{} {}", safe(name.substr(finding.shown().scenario.size())), where(cells)));
        }
    }
    return joined(parts, "; ");
}

std::vector<const run::Cell*> like_the_shown(const Finding& finding) {
    std::vector<const run::Cell*> cells;
    std::copy_if(
        finding.cells.begin(), finding.cells.end(), std::back_inserter(cells), [&](const run::Cell* cell) {
            return cell->name() == finding.shown().name();
        });
    return cells;
}

void write_transcript(Writer& writer, const Finding& finding) {
    const run::Cell& cell = finding.shown();
    const std::vector<std::string> lines = lay_out(excerpt(cell, ExcerptLimits{}));
    if (lines.empty()) {
        // Where no scenario was played there was nothing to keep.
        const bool played = !cell.labels.empty() || cell.duration_us > 0;
        writer.field("seen", played ? "no transcript was kept (--transcripts)" : "");
        return;
    }
    writer.text(fmt::format("seen on {}, in ms:", ports_text({cell.port})));
    for (const std::string& line : lines) {
        writer.line(line, 2);
    }
}

bool is_short(const run::Cell& cell) {
    return !cell.unexpected_pass && cell.verdict == run::Verdict::Tolerated;
}

std::string waiver_text(const run::Cell& cell) {
    return !cell.waiver_problem.empty() ? safe(cell.waiver_problem)
           : cell.unexpected_pass && cell.waiver
               ? fmt::format("nothing that \"{}\" names ({}) is wrong any longer: remove the waiver",
                             safe(cell.waiver->id),
                             safe(cell.waiver->reason))
               : "";
}

/// "inconclusive (no answer), then this" for a cell that was run again; "" else.
std::string attempts_text(const run::Cell& cell) {
    std::vector<std::string> tries;
    for (const run::Attempt& attempt : cell.attempts) {
        tries.push_back(fmt::format("{} ({})", script::to_string(attempt.verdict), safe(attempt.reason)));
    }
    return tries.empty() ? "" : joined(tries, ", ") + fmt::format(", then {}", verdict_word(cell));
}

std::string waived_text(const run::WaiverNote& waiver) {
    std::string text = safe(waiver.reason);
    text += waiver.owner.empty() ? "" : fmt::format("; {}", safe(waiver.owner));
    text += waiver.link.empty() ? "" : fmt::format("; {}", safe(waiver.link));
    return text + (waiver.expires.empty() ? "" : fmt::format("; until {}", safe(waiver.expires)));
}

std::string got_text(const run::Cell& cell) { return safe(cell.got.empty() ? cell.outcome : cell.got); }

std::string why_text(const run::Cell& cell) {
    return cell.reason == cell.got ? std::string() : safe(cell.reason);
}

}  // namespace

std::vector<Finding> findings(const std::vector<const run::Cell*>& cells) {
    std::map<std::string, Finding> by_key;
    std::vector<std::string> order;
    for (const run::Cell* cell : cells) {
        if (is_green(*cell) || (cell->waiver && !cell->unexpected_pass)) {
            continue;
        }
        const std::string key = key_of(*cell);
        if (by_key[key].cells.empty()) {
            order.push_back(key);
        }
        by_key[key].cells.push_back(cell);
    }
    std::multimap<int, const Finding*> by_rank;  // equal ones stay in the order of the document
    for (const std::string& key : order) {
        by_rank.emplace(rank(by_key[key].shown()), &by_key[key]);
    }
    std::vector<Finding> found;
    for (const auto& [place, finding] : by_rank) {
        found.push_back(*finding);
    }
    return found;
}

std::string finding_name(const Finding& finding) {
    return names_of(finding).size() == 1 ? finding.shown().name() : finding.shown().scenario;
}

std::string render_finding(const Finding& finding, const run::Result& result, const RenderOptions& options) {
    const run::Cell& cell = finding.shown();
    Writer writer(options);
    if (is_short(cell)) {
        writer.heading(symbol(cell), safe(finding_name(finding)) + ", " + where(finding.cells), tone(cell));
        const std::string rule = rule_text(cell);
        writer.text(safe(cell.level) + ": " + safe(cell.title) + (rule.empty() ? "" : " (" + rule + ")"));
        writer.field("got", cell.got.empty() || cell.got == cell.outcome ? why_text(cell) : safe(cell.got));
        writer.command(rerun_words(result, cell, options.program));
        return writer.take();
    }
    if (finding.cells.size() > 1 && about_the_port(cell)) {
        writer.heading(symbol(cell),
                       fmt::format("{} cells, {}", finding.cells.size(), where(finding.cells)),
                       tone(cell));
        writer.field("verdict",
                     std::string(script::to_string(cell.verdict)) + ", cause " + safe(cell.error_kind));
        writer.field("why", why_text(cell));
        writer.command(rerun_words(result, cell, options.program));
        return writer.take();
    }
    writer.heading(symbol(cell), safe(cell.name()) + ", " + where(like_the_shown(finding)), tone(cell));
    if (cell.title != cell.expected) {
        writer.text(safe(cell.title));
    }
    writer.field("verdict", judgement_text(cell));
    writer.field("rule", rule_text(cell));
    writer.field("expected", safe(cell.expected));
    writer.field("got", got_text(cell));
    writer.field("why", why_text(cell));
    writer.field("waiver", waiver_text(cell));
    writer.field("attempts", attempts_text(cell));
    writer.field("also", others_text(finding));
    write_transcript(writer, finding);
    writer.command(rerun_words(result, cell, options.program));
    return writer.take();
}

std::string render_waived(const std::vector<const run::Cell*>& cells, const RenderOptions& options) {
    std::map<std::string, std::vector<const run::Cell*>> by_name;
    std::vector<std::string> order;
    for (const run::Cell* cell : cells) {
        if (cell->waiver && !cell->unexpected_pass && !is_green(*cell)) {
            const std::string key = cell->name() + '\0' + symbol(*cell) + '\0' + cell->waiver->reason;
            if (by_name[key].empty()) {
                order.push_back(key);
            }
            by_name[key].push_back(cell);
        }
    }
    Writer writer(options);
    for (const std::string& key : order) {
        const run::Cell& cell = *by_name[key].front();
        writer.heading(symbol(cell), safe(cell.name()) + ", " + where(by_name[key]), tone(cell));
        writer.field("waived", waived_text(*cell.waiver));
    }
    return writer.take();
}

std::string render_flaky(const std::vector<const run::Cell*>& cells, const RenderOptions& options) {
    Writer writer(options);
    for (const run::Cell* cell : cells) {
        if (cell->is_flaky()) {
            writer.heading(symbol(*cell), safe(cell->name()) + ", " + where({cell}), tone(*cell));
            writer.field("flaky", attempts_text(*cell));
        }
    }
    return writer.take();
}

}  // namespace smtpspec::report
