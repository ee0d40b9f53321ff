#include "harness/report/matrix.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "harness/report/matrix_rows.hpp"
#include "harness/report/symbol.hpp"
#include "harness/report/text.hpp"

namespace smtpspec::report {

namespace {

/// "48", "44 (4)", "(4)": passed, and in brackets what was unsupported or skipped; a symbol; "." for nothing.
std::string field_text(const Field& field) {
    if (field.cell != nullptr) {
        return symbol(*field.cell);
    }
    const std::string voids = field.voids == 0 ? "" : fmt::format("({})", field.voids);
    if (field.passed == 0) {
        return voids.empty() ? "." : voids;
    }
    return std::to_string(field.passed) + (voids.empty() ? "" : " " + voids);
}

Tone field_tone(const Field& field) {
    if (field.cell != nullptr) {
        return tone(*field.cell);
    }
    return field.passed == 0 ? Tone::faint : Tone::good;
}

std::string label_text(const Row& row) {
    return row.depth == 0 ? fmt::format("{}  {}", pad(row.label, 16), row.note)
                          : std::string(2 * static_cast<std::size_t>(row.depth), ' ') + row.label;
}

std::vector<int> column_widths(const std::vector<Row>& rows, const std::vector<int>& ports) {
    std::vector<int> widths;
    for (std::size_t i = 0; i < ports.size(); ++i) {
        int width = std::max(4, columns(port_heading(ports[i])));
        for (const Row& row : rows) {
            width = row.fields.empty() ? width : std::max(width, columns(field_text(row.fields[i])));
        }
        widths.push_back(width + 2);
    }
    return widths;
}

/// The columns [first, last) of the ports beside one column of labels.
class Block {
  public:
    Block(const RenderOptions& options, const std::vector<int>& widths, std::size_t first, std::size_t last)
        : options_(options), widths_(widths), first_(first), last_(last) {
        label_width_ = options.width;
        for (std::size_t i = first; i < last; ++i) {
            label_width_ -= widths[i];
        }
    }

    std::string heading(const std::string& modes, const std::vector<int>& ports) const {
        std::vector<Painted> fields;
        for (const int port : ports) {
            fields.push_back({port_heading(port), Tone::strong});
        }
        return line(modes, fields);
    }

    std::string line(const Row& row) const {
        if (row.fields.empty()) {
            const Tone tone = row.depth == 0 ? Tone::strong : Tone::plain;
            return paint(cut(label_text(row), options_.width), tone, options_.colour) + "\n";
        }
        std::vector<Painted> fields;
        for (const Field& field : row.fields) {
            fields.push_back({field_text(field), field_tone(field)});
        }
        return line(label_text(row), fields);
    }

  private:
    struct Painted {
        std::string text;
        Tone tone;
    };

    std::string line(const std::string& label, const std::vector<Painted>& fields) const {
        std::string out;
        if (columns(label) > label_width_) {  // a name is never cut: its fields come on the next line
            for (const std::string& part : wrap(label, options_.width - 4)) {
                out += (out.empty() ? "  " : "    ") + part + "\n";
            }
            out += pad("", label_width_);
        } else {
            out += pad(label, label_width_);
        }
        for (std::size_t i = first_; i < last_; ++i) {
            const int blanks = widths_[i] - columns(fields[i].text);
            out += std::string(static_cast<std::size_t>(std::max(0, blanks)), ' ') +
                   paint(fields[i].text, fields[i].tone, options_.colour);
        }
        return out + "\n";
    }

    const RenderOptions& options_;
    const std::vector<int>& widths_;
    std::size_t first_, last_;
    int label_width_ = 0;
};

/// How many columns from `first` on leave at least `least` columns for the labels.
std::size_t last_that_fits(const std::vector<int>& widths, std::size_t first, int width) {
    constexpr int least = 24;
    std::size_t last = first;
    int used = 0;
    while (last < widths.size() && (last == first || used + widths[last] <= width - least)) {
        used += widths[last++];
    }
    return last;
}

}  // namespace

std::vector<Subject> subjects(const run::Result& result) {
    std::vector<Subject> found;
    for (const run::Cell& cell : result.cells) {
        const std::string& name = cell.side == script::Side::Server ? cell.endpoint : cell.client;
        auto at = std::find_if(found.begin(), found.end(), [&](const Subject& subject) {
            return subject.side == cell.side && subject.name == name;
        });
        if (at == found.end()) {
            at = found.insert(found.end(), Subject{cell.side, name, {}});
        }
        at->cells.push_back(&cell);
    }
    std::vector<Subject> ordered;
    for (const script::Side side : {script::Side::Server, script::Side::Client}) {
        std::copy_if(found.begin(), found.end(), std::back_inserter(ordered), [&](const Subject& subject) {
            return subject.side == side;
        });
    }
    return ordered;
}

std::string describe(const Subject& subject, const run::Result& result) {
    if (subject.side == script::Side::Server) {
        for (const run::EndpointInfo& endpoint : result.endpoints) {
            if (endpoint.name == subject.name) {
                const std::string host = endpoint.host == endpoint.name ? "" : safe(endpoint.host);
                const std::string embedded =
                    endpoint.embedded ? (host.empty() ? "embedded" : ", embedded") : "";
                const std::string more = host + embedded;
                return fmt::format("server {}{}", safe(subject.name), more.empty() ? "" : " (" + more + ")");
            }
        }
        return "server " + safe(subject.name);
    }
    for (const run::ClientInfo& client : result.clients) {
        if (client.name == subject.name && !client.version.empty()) {
            return fmt::format("client {} {}", safe(subject.name), safe(client.version));
        }
    }
    return "client " + safe(subject.name);
}

std::string ports_text(const std::vector<int>& ports) {
    std::vector<std::string> numbers;
    bool together = false;
    for (const int port : ports) {
        together = together || port == 0;
        if (port != 0) {
            numbers.push_back(std::to_string(port));
        }
    }
    if (numbers.empty()) {
        return "all ports together";
    }
    return fmt::format("{} {}{}",
                       numbers.size() == 1 ? "port" : "ports",
                       joined(numbers, ", "),
                       together ? " and all together" : "");
}

std::string render_matrix(const Subject& subject, const run::Result& result, const RenderOptions& options) {
    std::string out;
    std::string heading = describe(subject, result);
    heading[0] = subject.side == script::Side::Server ? 'S' : 'C';
    for (const std::string& line : wrap(heading, options.width)) {
        out += paint(line, Tone::strong, options.colour) + "\n";
    }
    const std::vector<int> ports = matrix_ports(subject.cells);
    const std::vector<Row> rows = matrix_rows(subject.cells, ports);
    const std::vector<int> widths = column_widths(rows, ports);
    for (std::size_t first = 0; first < ports.size();) {
        const std::size_t last = last_that_fits(widths, first, options.width);
        const Block block(options, widths, first, last);
        out += "\n" + block.heading(modes_text(subject.cells), ports);
        for (const Row& row : rows) {
            out += block.line(row);
        }
        first = last;
    }
    return out;
}

std::string render_legend(const run::Result& result, const RenderOptions& options) {
    static const std::vector<std::pair<std::string, std::string>> meanings = {
        {"ok", "pass"},
        {"tol", "tolerated"},
        {"WARN", "SHOULD missed"},
        {"FAIL", "MUST broken"},
        {"VULN", "vulnerable"},
        {"?", "inconclusive"},
        {"-", "unsupported"},
        {"skip", "skipped"},
        {"ERR", "error"},
        {"XPASS", "waived as wrong, but passed"}};
    std::set<std::string> seen;
    bool waived = false;
    for (const run::Cell& cell : result.cells) {
        std::string word = symbol(cell);
        if (!cell.unexpected_pass && cell.waiver) {
            waived = true;
            word.pop_back();
        }
        seen.insert(word);
    }
    std::vector<std::string> parts;
    for (const auto& [word, meaning] : meanings) {
        if (seen.count(word) > 0) {
            parts.push_back(fmt::format("{} {}", word, meaning));
        }
    }
    if (waived) {
        parts.emplace_back("w waived");
    }
    parts.emplace_back("12 (3) folded: 12 pass, 3 unsupported or skipped");
    parts.emplace_back(". not tested here");
    std::string out;
    for (const std::string& line : wrap(joined(parts, ", "), options.width)) {
        out += paint(line, Tone::faint, options.colour) + "\n";
    }
    return out;
}

}  // namespace smtpspec::report
