#include "harness/report/finding.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "harness/report/excerpt.hpp"
#include "harness/report/finding_text.hpp"
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

std::string key_of(const run::Cell& cell) {
    if (is_about_the_port(cell)) {
        return joined({"", cell.endpoint, verdict_word(cell), cell.reason}, std::string_view("\0", 1));
    }
    const std::string why = cell.outcome.empty() ? without_numbers(cell.reason) : "outcome " + cell.outcome;
    return joined({cell.scenario, cell.endpoint, cell.client, verdict_word(cell), cell.severity, why},
                  std::string_view("\0", 1));
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

void write_transcript(Writer& writer, const run::Cell& cell) {
    const std::vector<std::string> lines = lay_out(excerpt(cell, ExcerptLimits{}));
    if (lines.empty()) {
        writer.field("seen", transcript_note(cell));
        return;
    }
    writer.text(fmt::format("seen on {}, in ms:", ports_text({cell.port})));
    for (const std::string& line : lines) {
        writer.line(line, 2);
    }
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

std::string render_finding(const Finding& finding, const run::Result& result, const RenderOptions& options) {
    const run::Cell& cell = finding.shown();
    const FindingText text = text_of(finding);
    const std::string rule = joined(text.refs, ", ");
    Writer writer(options);
    writer.heading(symbol(cell), text.name + ", " + text.where, tone(cell));
    if (text.kind == FindingKind::brief) {
        writer.text(text.level + ": " + text.title + (rule.empty() ? "" : " (" + rule + ")"));
        writer.field("got", text.got);
        writer.command(rerun_words(result, cell, options.program));
        return writer.take();
    }
    if (text.kind == FindingKind::full && cell.title != cell.expected) {
        writer.text(text.title);
    }
    writer.field("verdict", text.verdict);
    writer.field("rule", rule);
    writer.field("expected", text.expected);
    writer.field("got", text.got);
    writer.field("why", text.why);
    writer.field("means", text.means);
    writer.field("waiver", text.waiver);
    writer.field("attempts", text.attempts);
    writer.field("also", text.also);
    if (text.kind == FindingKind::full) {
        write_transcript(writer, cell);
    }
    writer.command(rerun_words(result, cell, options.program));
    return writer.take();
}

std::string render_waived(const std::vector<const run::Cell*>& cells, const RenderOptions& options) {
    Writer writer(options);
    for (const Finding& finding : waived(cells)) {
        const run::Cell& cell = finding.shown();
        writer.heading(symbol(cell), safe(cell.name()) + ", " + where(finding.cells), tone(cell));
        writer.field("waived", waived_text(*cell.waiver));
    }
    return writer.take();
}

std::string render_flaky(const std::vector<const run::Cell*>& cells, const RenderOptions& options) {
    Writer writer(options);
    for (const run::Cell* cell : flaky(cells)) {
        writer.heading(symbol(*cell), safe(cell->name()) + ", " + where({cell}), tone(*cell));
        writer.field("flaky", attempts_text(*cell));
    }
    return writer.take();
}

}  // namespace smtpspec::report
