#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "harness/report/matrix.hpp"
#include "harness/report/text.hpp"
#include "harness/report/verdict_compare.hpp"

namespace smtpspec::report {

namespace {

/// In the order in which they are shown: the worst first.
constexpr Movement shown_order[] = {Movement::worse,
                                    Movement::gone,
                                    Movement::waived,
                                    Movement::changed,
                                    Movement::shifted,
                                    Movement::revised,
                                    Movement::fixed,
                                    Movement::appeared,
                                    Movement::same};

constexpr std::size_t most_lines = 200;  // of one movement; a new scenario pack makes thousands

/// Cells that went the same way on several ports.
struct Line {
    const CellChange* first = nullptr;
    std::vector<int> ports;
    bool flaky = false;
};

std::vector<Line> lines_of(const VerdictComparison& comparison, Movement movement) {
    std::vector<Line> lines;
    std::map<std::string, std::size_t> known;
    for (const CellChange& cell : comparison.cells) {
        if (cell.movement != movement) {
            continue;
        }
        const std::string key = fmt::format(
            "{}\n{}\n{}\n{}\n{}", script::to_string(cell.side), cell.who, cell.name, cell.before, cell.after);
        const auto [place, is_new] = known.try_emplace(key, lines.size());
        if (is_new) {
            lines.push_back(Line{&cell, {}, false});
        }
        lines[place->second].ports.push_back(cell.port);
        lines[place->second].flaky = lines[place->second].flaky || cell.flaky;
    }
    return lines;
}

bool has_several_subjects(const VerdictComparison& comparison) {
    return std::any_of(comparison.cells.begin(), comparison.cells.end(), [&](const CellChange& cell) {
        return cell.who != comparison.cells.front().who;
    });
}

std::string step(const CellChange& cell) {
    const std::string_view missing = "-";
    return fmt::format("{} -> {}",
                       cell.before.empty() ? missing : std::string_view(cell.before),
                       cell.after.empty() ? missing : std::string_view(cell.after));
}

Tone tone_of(Movement movement) {
    switch (movement) {
        case Movement::worse:
        case Movement::gone:
            return Tone::bad;
        case Movement::fixed:
            return Tone::good;
        case Movement::same:
            return Tone::plain;
        default:
            return Tone::mild;
    }
}

std::string counts_text(const VerdictComparison& comparison) {
    std::vector<std::string> parts;
    for (const Movement movement : shown_order) {
        if (const std::size_t count = comparison.count(movement); count > 0) {
            parts.push_back(fmt::format("{} {}", count, to_string(movement)));
        }
    }
    const auto flaky = static_cast<std::size_t>(std::count_if(
        comparison.cells.begin(), comparison.cells.end(), [](const CellChange& cell) { return cell.flaky; }));
    if (flaky > 0) {
        parts.push_back(fmt::format("{} flaky", flaky));
    }
    return fmt::format("{}: {}", counted(comparison.cells.size(), "cell", "cells"), joined(parts, ", "));
}

std::string too_many(std::size_t lines) {
    return lines > most_lines
               ? fmt::format("… and {} more; --format json has all of them", lines - most_lines)
               : "";
}

/// Text for a table's cell in Markdown (GitHub and GitLab): everything that could be markup is escaped.
std::string markdown(std::string_view text) {
    std::string out;
    for (const char c : safe(text)) {
        if (std::string_view("\\`*_{}[]()#+-.!|~@:$^=\"'").find(c) != std::string_view::npos) {
            out += '\\';
            out += c;
        } else if (c == '<' || c == '>' || c == '&') {
            out += c == '<' ? "&lt;" : c == '>' ? "&gt;" : "&amp;";
        } else {
            out += c == '\n' ? ' ' : c;
        }
    }
    return out;
}

bool is_shown(const VerdictComparison& comparison, Movement movement, bool all) {
    return comparison.count(movement) > 0 && (all || movement != Movement::same);
}

}  // namespace

std::string to_text(const VerdictComparison& comparison, const RenderOptions& options, bool all) {
    std::string out;
    const bool several = has_several_subjects(comparison);
    const int width = std::max(60, options.width);
    for (const Movement movement : shown_order) {
        if (!is_shown(comparison, movement, all)) {
            continue;
        }
        out += paint(to_string(movement), tone_of(movement), options.colour) + "\n";
        const std::vector<Line> lines = lines_of(comparison, movement);
        for (std::size_t i = 0; i < std::min(lines.size(), most_lines); ++i) {
            const CellChange& cell = *lines[i].first;
            const std::string text = fmt::format("{}{}, {}: {}{}",
                                                 several ? safe(cell.who) + ": " : "",
                                                 safe(cell.name),
                                                 ports_text(lines[i].ports),
                                                 step(cell),
                                                 lines[i].flaky ? " (flaky)" : "");
            for (const std::string& line : wrap(text, width - 2)) {
                out += "  " + line + "\n";
            }
            for (const std::string& line :
                 cell.why.empty() ? std::vector<std::string>() : wrap(safe(cell.why), width - 6)) {
                out += "      " + line + "\n";
            }
        }
        const std::string rest = too_many(lines.size());
        out += rest.empty() ? "\n" : "  " + rest + "\n\n";
    }
    for (const std::string& notice : comparison.notices) {
        out += "note: " + safe(notice) + "\n";
    }
    return out + paint(counts_text(comparison), comparison.worse() ? Tone::bad : Tone::good, options.colour) +
           "\n";
}

std::string to_markdown(const VerdictComparison& comparison, bool all) {
    std::string out = fmt::format("## smtpspec compare: {}\n\n{}\n",
                                  comparison.worse() ? "worse than before" : "not worse than before",
                                  counts_text(comparison));
    for (const std::string& notice : comparison.notices) {
        out += "\n" + markdown(notice) + "\n";
    }
    for (const Movement movement : shown_order) {
        if (!is_shown(comparison, movement, all)) {
            continue;
        }
        out += fmt::format(
            "\n### {} ({})\n\n| who | cell | ports | before | after | |\n|---|---|---|---|---|---|\n",
            to_string(movement),
            comparison.count(movement));
        const std::vector<Line> lines = lines_of(comparison, movement);
        for (std::size_t i = 0; i < std::min(lines.size(), most_lines); ++i) {
            const CellChange& cell = *lines[i].first;
            out += fmt::format("| {} | {} | {} | {} | {} | {}{} |\n",
                               markdown(cell.who),
                               markdown(cell.name),
                               markdown(ports_text(lines[i].ports)),
                               cell.before,
                               cell.after,
                               lines[i].flaky ? "flaky; " : "",
                               markdown(cell.why));
        }
        const std::string rest = too_many(lines.size());
        out += rest.empty() ? "" : "\n" + rest + "\n";
    }
    return out;
}

nlohmann::ordered_json to_json(const VerdictComparison& comparison) {
    nlohmann::ordered_json json;
    json["worse"] = comparison.worse();
    json["counts"] = nlohmann::ordered_json::object();
    for (const Movement movement : shown_order) {
        json["counts"][std::string(to_string(movement))] = comparison.count(movement);
    }
    json["changes"] = nlohmann::ordered_json::array();
    for (const CellChange& cell : comparison.cells) {
        if (cell.movement == Movement::same && !cell.flaky) {
            continue;
        }
        json["changes"].push_back({{"movement", to_string(cell.movement)},
                                   {"side", script::to_string(cell.side)},
                                   {"who", cell.who},
                                   {"cell", cell.name},
                                   {"port", cell.port},
                                   {"before", cell.before},
                                   {"after", cell.after},
                                   {"why", cell.why},
                                   {"flaky", cell.flaky}});
    }
    json["notices"] = comparison.notices;
    return json;
}

}  // namespace smtpspec::report
