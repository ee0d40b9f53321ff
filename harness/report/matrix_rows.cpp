#include "harness/report/matrix_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "harness/report/symbol.hpp"
#include "harness/report/text.hpp"
#include "harness/run/catalog.hpp"

namespace smtpspec::report {

namespace {

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

/// Passed, and apart what was unsupported or skipped.
Field count_field(const Cells& cells) {
    Field field;
    field.voids = static_cast<std::size_t>(
        std::count_if(cells.begin(), cells.end(), [](const auto* cell) { return is_void(*cell); }));
    field.passed = cells.size() - field.voids;
    return field;
}

Field symbol_field(const Cells& cells) {
    if (cells.empty() || (!all_alike(cells) && all_green(cells))) {
        return count_field(cells);
    }
    Field field;
    field.cell = &worst(cells);
    return field;
}

template <typename MakeField>
Row make_row(
    int depth, std::string label, const Cells& cells, const std::vector<int>& ports, MakeField make_field) {
    Row row{depth, std::move(label), {}, {}};
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
        rows.push_back(make_row(1, label, cells, ports, symbol_field));
        return;
    }
    rows.push_back(Row{1, label, {}, {}});
    std::vector<Cells> green;
    for (const auto& [params, part] : by_key(cells, params_of)) {
        if (all_green(part)) {
            green.push_back(part);
        } else {
            rows.push_back(make_row(2, safe(params), part, ports, symbol_field));
        }
    }
    if (green.size() == 1) {
        rows.push_back(
            make_row(2, safe(params_of(*green.front().front())), green.front(), ports, symbol_field));
    } else if (!green.empty()) {
        Cells together;
        for (const Cells& part : green) {
            together.insert(together.end(), part.begin(), part.end());
        }
        rows.push_back(make_row(2, fmt::format("{} others", green.size()), together, ports, count_field));
    }
}

std::vector<Row> group_rows(const std::string& group, const Cells& cells, const std::vector<int>& ports) {
    const auto scenarios = by_key(cells, [](const run::Cell& cell) { return cell.scenario; });
    const std::string size = counted(scenarios.size(), "scenario", "scenarios");
    if (all_green(cells)) {
        Row row = make_row(0, safe(group), cells, ports, count_field);
        row.note = size;
        return {row};
    }
    std::vector<Row> rows{Row{0, safe(group), size, {}}};
    for (const auto& [scenario, part] : scenarios) {
        const bool prefixed =
            scenario.size() > group.size() + 1 && scenario.compare(0, group.size(), group) == 0;
        add_scenario(rows, safe(prefixed ? scenario.substr(group.size() + 1) : scenario), part, ports);
    }
    return rows;
}

}  // namespace

std::vector<Row> matrix_rows(const Cells& cells, const std::vector<int>& ports) {
    std::vector<Row> rows;
    for (const auto& [group, part] :
         by_key(cells, [](const run::Cell& cell) { return std::string(run::group_of(cell.scenario)); })) {
        std::vector<Row> more = group_rows(group, part, ports);
        std::move(more.begin(), more.end(), std::back_inserter(rows));
    }
    return rows;
}

std::string port_heading(int port) { return port == 0 ? "all" : std::to_string(port); }

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

std::vector<int> matrix_ports(const Cells& cells) {
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

}  // namespace smtpspec::report
