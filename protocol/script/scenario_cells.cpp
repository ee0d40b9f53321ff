#include <algorithm>
#include <utility>

#include "protocol/script/glob.hpp"
#include "protocol/script/scenario.hpp"

/// Cells and filters over them (§7).
namespace smtpspec::script {
namespace {

constexpr auto none = std::string_view::npos;

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) {
        text.remove_prefix(1);
    }
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) {
        text.remove_suffix(1);
    }
    return text;
}

void add_keys(CellFilter& filter, std::string_view inside) {
    while (!inside.empty()) {
        const std::size_t comma = inside.find(',');
        const std::string_view part = trimmed(inside.substr(0, comma));
        const std::size_t equals = part.find('=');
        if (!part.empty()) {
            const std::string_view value = equals == none ? std::string_view("*") : part.substr(equals + 1);
            filter.keys.emplace_back(trimmed(part.substr(0, equals)), trimmed(value));
        }
        inside = comma == none ? std::string_view() : inside.substr(comma + 1);
    }
}

bool excluded(const Head& head, const CellParams& cell) {
    return std::any_of(head.except.begin(), head.except.end(), [&](const CellFilter& filter) {
        return filter_matches(filter, cell);
    });
}

}  // namespace

std::string CellParams::name() const {
    if (values.empty()) {
        return scenario;
    }
    std::string out = scenario + "[";
    for (std::size_t i = 0; i < values.size(); ++i) {
        out += (i == 0 ? "" : ",") + values[i].first + "=" + values[i].second;
    }
    return out + "]";
}

std::string_view CellParams::value(std::string_view parameter) const {
    for (const auto& [name_of, value_of] : values) {
        if (name_of == parameter) {
            return value_of;
        }
    }
    return {};
}

std::vector<CellParams> expand_cells(const Head& head) {
    std::vector<CellParams> cells;
    std::vector<std::size_t> at(head.params.size(), 0);
    const bool any_empty = std::any_of(head.params.begin(),
                                       head.params.end(),
                                       [](const Parameter& parameter) { return parameter.values.empty(); });
    constexpr std::size_t most_combinations = 100'000;  // before `except`
    for (std::size_t tried = 0; !any_empty && cells.size() <= max_cells && tried < most_combinations;
         ++tried) {
        CellParams cell;
        cell.scenario = head.id.text;
        for (std::size_t i = 0; i < at.size(); ++i) {
            cell.values.emplace_back(head.params[i].name, head.params[i].values[at[i]].name);
        }
        if (!excluded(head, cell)) {
            cells.push_back(std::move(cell));
        }
        std::size_t i = at.size();
        while (i > 0 && ++at[i - 1] == head.params[i - 1].values.size()) {
            at[--i] = 0;
        }
        if (i == 0) {
            break;
        }
    }
    return cells;
}

CellFilter parse_cell_filter(std::string_view text) {
    CellFilter filter;
    filter.text = text;
    text = trimmed(text);
    const std::size_t bracket = text.find('[');
    if (bracket != none) {
        filter.id = trimmed(text.substr(0, bracket));
        std::string_view inside = text.substr(bracket + 1);
        if (!inside.empty() && inside.back() == ']') {
            inside.remove_suffix(1);
        }
        add_keys(filter, inside);
    } else if (text.find('=') != none) {
        add_keys(filter, text);
    } else {
        filter.id = text;
    }
    return filter;
}

bool filter_matches(const CellFilter& filter, const CellParams& cell) {
    if (!filter.id.empty() && !glob_matches(filter.id, cell.scenario)) {
        return false;
    }
    return std::all_of(filter.keys.begin(), filter.keys.end(), [&](const auto& key) {
        const auto found = std::find_if(cell.values.begin(), cell.values.end(), [&](const auto& value) {
            return value.first == key.first;
        });
        return found != cell.values.end() && glob_matches(key.second, found->second);
    });
}

bool filter_matches(std::string_view filter, const CellParams& cell) {
    return filter_matches(parse_cell_filter(filter), cell);
}

std::vector<std::string> covered_by(const Head& head, const CellParams& cell) {
    std::vector<std::string> ids;
    for (const Cover& cover : head.covers) {
        if (filter_matches(cover.filter, cell)) {
            ids.push_back(cover.requirement);
        }
    }
    return ids;
}

const ParamValue* cell_value(const Head& head, const CellParams& cell, std::string_view parameter) {
    const Parameter* found = head.parameter(parameter);
    return found == nullptr ? nullptr : found->find(cell.value(parameter));
}

const Pattern* cell_pattern(const ParameterPattern& pattern, const CellParams& cell) {
    const auto found = pattern.by_value.find(std::string(cell.value(pattern.parameter)));
    return found == pattern.by_value.end() ? nullptr : found->second.get();
}

}  // namespace smtpspec::script
