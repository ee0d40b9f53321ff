#include "harness/report/excerpt.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "harness/report/text.hpp"
#include "protocol/smtp/escape.hpp"

namespace smtpspec::report {

namespace {

using wire::EntryKind;

/// The entries that decided, as indices: [first, last].
struct Focus {
    std::size_t first = 0;
    std::size_t last = 0;
};

Focus focus_of(const run::Cell& cell) {
    const std::size_t end = cell.transcript.size() - 1;
    const auto label =
        std::find_if(cell.labels.rbegin(), cell.labels.rend(), [&](const run::LabelReached& reached) {
            return reached.label == cell.outcome;
        });
    if (label == cell.labels.rend()) {
        return {end, end};
    }
    const std::size_t last = std::min(label->transcript_last, end);
    return {std::min(label->transcript_first, last), last};
}

/// "C:" or "S:": we play the other side of what is under test.
std::string_view speaker(const run::Cell& cell, EntryKind kind) {
    const bool we_are_client = cell.side == script::Side::Server;
    return (kind == EntryKind::sent) == we_are_client ? "C: " : "S: ";
}

/// The lines of one write or read with their ends.
std::vector<std::string_view> split_lines(std::string_view octets) {
    std::vector<std::string_view> lines;
    while (!octets.empty()) {
        const std::size_t end = octets.find('\n');
        lines.push_back(octets.substr(0, end == std::string_view::npos ? octets.size() : end + 1));
        octets.remove_prefix(lines.back().size());
    }
    return lines;
}

/// CRLF ends a line and is not shown, anything else that is odd is.
std::string show_line(std::string_view line, std::size_t limit) {
    if (line.size() >= 2 && line.substr(line.size() - 2) == "\r\n") {
        return smtp::printable(line.substr(0, line.size() - 2), limit);
    }
    return smtp::printable(line, limit) + (line.back() == '\n' ? "" : "  (no line end)");
}

/// The lines of one write or read: of too many, the first ones and the last two.
std::vector<std::string> lines_of(std::string_view octets, const ExcerptLimits& limits) {
    const std::vector<std::string_view> all = split_lines(octets);
    const std::size_t head = all.size() <= limits.lines ? all.size() : limits.lines - 3;
    const std::size_t missing = all.size() - head - (head == all.size() ? 0 : 2);
    std::vector<std::string> lines;
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (missing > 0 && i == head) {
            lines.push_back(fmt::format("… ({} left out)", counted(missing, "line", "lines")));
            i += missing;
        }
        lines.push_back(show_line(all[i], limits.octets));
    }
    return lines;
}

std::vector<ExcerptLine> show_entry(const run::Cell& cell,
                                    const wire::Entry& entry,
                                    const ExcerptLimits& limits) {
    ExcerptLine line;
    line.time = fmt::format("{:.3f}", static_cast<double>(entry.at.count()) / 1000.0);
    line.connection = smtp::printable(entry.connection, 8);
    line.inside_tls = entry.inside_tls;
    if (entry.kind != EntryKind::sent && entry.kind != EntryKind::received) {
        const std::string_view what = entry.kind == EntryKind::tls   ? "TLS begins: "
                                      : entry.kind == EntryKind::end ? "end: "
                                                                     : "";
        line.text = fmt::format("-- {}{}", what, smtp::printable(entry.octets, limits.octets));
        return {line};
    }
    std::vector<ExcerptLine> lines;
    for (const std::string& text : lines_of(entry.octets, limits)) {
        line.text = std::string(speaker(cell, entry.kind)) + text;
        lines.push_back(line);
        line.time.clear();
    }
    return lines;
}

void append(std::vector<ExcerptLine>& lines, const std::vector<ExcerptLine>& more) {
    lines.insert(lines.end(), more.begin(), more.end());
}

/// The first and the last lines of many, with a line that says how many are missing.
std::vector<ExcerptLine> shorten(std::vector<ExcerptLine> lines, std::size_t limit) {
    if (lines.size() <= limit) {
        return lines;
    }
    const std::size_t head = limit / 3;
    const std::size_t missing = lines.size() - limit;
    std::vector<ExcerptLine> kept(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(head));
    ExcerptLine gap;
    gap.text = fmt::format("… ({} left out)", counted(missing, "line", "lines"));
    kept.push_back(gap);
    kept.insert(kept.end(), lines.begin() + static_cast<std::ptrdiff_t>(head + missing), lines.end());
    return kept;
}

/// An entry beside what decided: of a long one not every line.
std::vector<ExcerptLine> show_context(const run::Cell& cell, const wire::Entry& entry, ExcerptLimits limits) {
    limits.lines = 4;
    return show_entry(cell, entry, limits);
}

void forget_single_connection(const run::Cell& cell, std::vector<ExcerptLine>& lines) {
    std::set<std::string> names;
    for (const wire::Entry& entry : cell.transcript) {
        names.insert(entry.connection);
    }
    if (names.size() < 2) {
        for (ExcerptLine& line : lines) {
            line.connection.clear();
        }
    }
}

}  // namespace

std::vector<ExcerptLine> excerpt(const run::Cell& cell, const ExcerptLimits& limits) {
    if (cell.transcript.empty()) {
        return {};
    }
    const Focus focus = focus_of(cell);
    std::vector<ExcerptLine> lines;
    // A focus of many entries is seen from its end, where the label was reached.
    const std::size_t first =
        std::max(focus.first, focus.last >= limits.lines ? focus.last - limits.lines : 0);
    for (std::size_t i = first; i <= focus.last; ++i) {
        append(lines, show_entry(cell, cell.transcript[i], limits));
    }
    lines = shorten(std::move(lines), limits.lines);
    for (std::size_t i = focus.last + 1; i < cell.transcript.size() && i <= focus.last + 2; ++i) {
        const std::vector<ExcerptLine> after = show_context(cell, cell.transcript[i], limits);
        if (lines.size() + after.size() > limits.lines) {
            break;
        }
        append(lines, after);
    }
    for (std::size_t i = first; i > 0; --i) {
        std::vector<ExcerptLine> before = show_context(cell, cell.transcript[i - 1], limits);
        if (lines.size() + before.size() > limits.lines) {
            break;
        }
        append(before, lines);
        lines = std::move(before);
    }
    forget_single_connection(cell, lines);
    return lines;
}

std::vector<std::string> lay_out(const std::vector<ExcerptLine>& lines) {
    int time_width = 0, name_width = 0;
    bool any_tls = false;
    for (const ExcerptLine& line : lines) {
        time_width = std::max(time_width, columns(line.time));
        name_width = std::max(name_width, columns(line.connection));
        any_tls = any_tls || line.inside_tls;
    }
    std::vector<std::string> out;
    for (const ExcerptLine& line : lines) {
        out.push_back(fmt::format("{}  {}{}{}",
                                  pad_left(line.time, time_width),
                                  any_tls ? (line.inside_tls ? "tls  " : "     ") : "",
                                  name_width > 0 ? pad(line.connection, name_width + 1) : "",
                                  line.text));
    }
    return out;
}

}  // namespace smtpspec::report
