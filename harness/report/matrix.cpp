#include "harness/report/matrix.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "harness/report/symbol.hpp"
#include "harness/report/text.hpp"
#include "harness/run/catalog.hpp"

namespace smtpspec::report {

namespace {

using Cells = std::vector<const run::Cell*>;

/// What stands in one field of the matrix.
struct Field {
    std::string text;
    Tone tone = Tone::plain;
};

/// One line: a label and a field for each port, none for a heading.
struct Row {
    std::string label;
    Tone label_tone = Tone::plain;
    std::vector<Field> fields;
};

bool all_green(const Cells& cells) {
    return std::all_of(cells.begin(), cells.end(), [](const run::Cell* cell) { return is_green(*cell); });
}

Cells on_port(const Cells& cells, int port) {
    Cells found;
    std::copy_if(cells.begin(), cells.end(), std::back_inserter(found), [&](const run::Cell* cell) {
        return cell->port == port;
    });
    return found;
}

bool all_alike(const Cells& cells) {
    return std::all_of(cells.begin(), cells.end(), [&](const run::Cell* cell) {
        return symbol(*cell) == symbol(*cells.front());
    });
}

/// "48", "44 (4)", "(4)": passed, and in brackets what was unsupported or skipped.
Field count_field(const Cells& cells) {
    if (cells.empty()) {
        return {".", Tone::faint};
    }
    const auto voids =
        std::count_if(cells.begin(), cells.end(), [](const auto* cell) { return is_void(*cell); });
    const auto passed = static_cast<std::ptrdiff_t>(cells.size()) - voids;
    if (voids == 0) {
        return {std::to_string(passed), Tone::good};
    }
    if (passed == 0) {
        return {fmt::format("({})", voids), Tone::faint};
    }
    return {fmt::format("{} ({})", passed, voids), Tone::good};
}

Field symbol_field(const Cells& cells) {
    if (cells.empty()) {
        return {".", Tone::faint};
    }
    if (!all_alike(cells) && all_green(cells)) {
        return count_field(cells);
    }
    const run::Cell& cell = worst(cells);
    return {symbol(cell), tone(cell)};
}

template <typename MakeField>
Row make_row(std::string label, const Cells& cells, const std::vector<int>& ports, MakeField make_field) {
    Row row{std::move(label), Tone::plain, {}};
    for (const int port : ports) {
        row.fields.push_back(make_field(on_port(cells, port)));
    }
    return row;
}

/// Cells by a key, in the order in which the keys come first.
template <typename KeyOf>
std::vector<std::pair<std::string, Cells>> by_key(const Cells& cells, KeyOf key_of) {
    std::vector<std::pair<std::string, Cells>> parts;
    std::map<std::string, std::size_t> index;
    for (const run::Cell* cell : cells) {
        const auto [at, is_new] = index.emplace(key_of(*cell), parts.size());
        if (is_new) {
            parts.emplace_back(at->first, Cells{});
        }
        parts[at->second].second.push_back(cell);
    }
    return parts;
}

std::string params_of(const run::Cell& cell) {
    const std::string name = cell.name();
    return name.size() > cell.scenario.size() + 2
               ? name.substr(cell.scenario.size() + 1, name.size() - cell.scenario.size() - 2)
               : "(no parameter)";
}

/// A scenario's cells agree on every port, so that one row says it all.
bool one_row_suffices(const Cells& cells, const std::vector<int>& ports) {
    return all_green(cells) || std::all_of(ports.begin(), ports.end(), [&](int port) {
               const Cells here = on_port(cells, port);
               return here.empty() || all_alike(here);
           });
}

void add_scenario(std::vector<Row>& rows,
                  const std::string& label,
                  const Cells& cells,
                  const std::vector<int>& ports) {
    if (one_row_suffices(cells, ports)) {
        rows.push_back(make_row("  " + label, cells, ports, symbol_field));
        return;
    }
    rows.push_back(Row{"  " + label, Tone::plain, {}});
    std::vector<Cells> green;
    for (const auto& [params, part] : by_key(cells, params_of)) {
        if (all_green(part)) {
            green.push_back(part);
        } else {
            rows.push_back(make_row("    " + safe(params), part, ports, symbol_field));
        }
    }
    if (green.size() == 1) {
        rows.push_back(
            make_row("    " + safe(params_of(*green.front().front())), green.front(), ports, symbol_field));
    } else if (!green.empty()) {
        Cells together;
        for (const Cells& part : green) {
            together.insert(together.end(), part.begin(), part.end());
        }
        rows.push_back(make_row(fmt::format("    {} others", green.size()), together, ports, count_field));
    }
}

std::vector<Row> group_rows(const std::string& group, const Cells& cells, const std::vector<int>& ports) {
    const auto scenarios = by_key(cells, [](const run::Cell& cell) { return cell.scenario; });
    const std::string size = counted(scenarios.size(), "scenario", "scenarios");
    if (all_green(cells)) {
        return {make_row(fmt::format("{}  {}", pad(safe(group), 16), size), cells, ports, count_field)};
    }
    std::vector<Row> rows{Row{fmt::format("{}  {}", pad(safe(group), 16), size), Tone::strong, {}}};
    for (const auto& [scenario, part] : scenarios) {
        const bool prefixed =
            scenario.size() > group.size() + 1 && scenario.compare(0, group.size(), group) == 0;
        add_scenario(rows, safe(prefixed ? scenario.substr(group.size() + 1) : scenario), part, ports);
    }
    return rows;
}

std::vector<Row> all_rows(const Cells& cells, const std::vector<int>& ports) {
    std::vector<Row> rows;
    for (const auto& [group, part] :
         by_key(cells, [](const run::Cell& cell) { return std::string(run::group_of(cell.scenario)); })) {
        std::vector<Row> more = group_rows(group, part, ports);
        std::move(more.begin(), more.end(), std::back_inserter(rows));
    }
    return rows;
}

std::string port_heading(int port) { return port == 0 ? "all" : std::to_string(port); }

std::vector<int> column_widths(const std::vector<Row>& rows, const std::vector<int>& ports) {
    std::vector<int> widths;
    for (std::size_t i = 0; i < ports.size(); ++i) {
        int width = std::max(4, columns(port_heading(ports[i])));
        for (const Row& row : rows) {
            width = row.fields.empty() ? width : std::max(width, columns(row.fields[i].text));
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

    std::string line(const Row& row) const {
        if (row.fields.empty()) {
            return paint(cut(row.label, options_.width), row.label_tone, options_.colour) + "\n";
        }
        std::string out;
        if (columns(row.label) > label_width_) {  // a name is never cut: its fields come on the next line
            for (const std::string& part : wrap(row.label, options_.width - 4)) {
                out += (out.empty() ? "  " : "    ") + part + "\n";
            }
            out += pad("", label_width_);
        } else {
            out += paint(pad(row.label, label_width_), row.label_tone, options_.colour);
        }
        for (std::size_t i = first_; i < last_; ++i) {
            const Field& field = row.fields[i];
            const int blanks = widths_[i] - columns(field.text);
            out += std::string(static_cast<std::size_t>(std::max(0, blanks)), ' ') +
                   paint(field.text, field.tone, options_.colour);
        }
        return out + "\n";
    }

  private:
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

/// "starttls 25 587 2587, tls 465 2465".
std::string modes_text(const Cells& cells) {
    std::map<std::string, std::set<int>> ports_of;
    for (const run::Cell* cell : cells) {
        if (cell->port != 0) {
            ports_of[cell->mode].insert(cell->port);
        }
    }
    std::vector<std::string> parts;
    for (const auto& [mode, ports] : ports_of) {
        std::vector<std::string> numbers;
        for (const int port : ports) {
            numbers.push_back(std::to_string(port));
        }
        parts.push_back(fmt::format("{} {}", safe(mode), joined(numbers, " ")));
    }
    return joined(parts, ", ");
}

/// The ports in ascending order, the column for all of them together last.
std::vector<int> ports_of(const Cells& cells) {
    std::set<int> found;
    for (const run::Cell* cell : cells) {
        found.insert(cell->port);
    }
    std::vector<int> ports(found.upper_bound(0), found.end());
    if (found.count(0) > 0) {
        ports.push_back(0);
    }
    return ports;
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
    const std::vector<int> ports = ports_of(subject.cells);
    const std::vector<Row> rows = all_rows(subject.cells, ports);
    const std::vector<int> widths = column_widths(rows, ports);
    Row numbers{modes_text(subject.cells), Tone::plain, {}};
    for (const int port : ports) {
        numbers.fields.push_back({port_heading(port), Tone::strong});
    }
    for (std::size_t first = 0; first < ports.size();) {
        const std::size_t last = last_that_fits(widths, first, options.width);
        const Block block(options, widths, first, last);
        out += "\n" + block.line(numbers);
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
