#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "protocol/script/lexer.hpp"
#include "protocol/script/lint_rules.hpp"
#include "protocol/script/suggest.hpp"
#include "protocol/script/waits.hpp"

namespace smtpspec::script {
namespace {

constexpr std::size_t long_script = 60;
constexpr Duration long_total = std::chrono::seconds(60);

std::string_view stem(std::string_view path) {
    const std::size_t slash = path.find_last_of('/');
    return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

void check_file_name(const LintInput& in) {
    constexpr std::string_view ending = ".smtp";
    const std::string_view file = stem(in.scenario.source->name());
    if (file.size() <= ending.size() || file.substr(file.size() - ending.size()) != ending) {
        return;  // not a scenario file: standard input, a test's text
    }
    const std::string_view name = file.substr(0, file.size() - ending.size());
    const Located& id = in.scenario.head.id;
    if (!id.text.empty() && name != id.text) {
        in.reporter.error(id.at,
                          id.text.size(),
                          fmt::format("the id `{}` and the file name differ", id.text),
                          fmt::format("`id: {}`, or the file {}.smtp", name, id.text));
    }
}

bool known_need(const LintVocabulary& vocabulary, const std::string& word) {
    if (vocabulary.needs.count(word) != 0) {
        return true;
    }
    const std::size_t colon = word.find(':');
    if (colon == std::string::npos || colon + 1 == word.size() ||
        vocabulary.needs.count(word.substr(0, colon)) == 0) {
        return false;
    }
    return std::all_of(word.begin(), word.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == ':' || c == '_' || c == '.';
    });
}

void check_needs(const LintInput& in) {
    const auto& known = in.vocabulary.needs;
    for (const Located& need : in.scenario.head.needs) {
        if (!known.empty() && !known_need(in.vocabulary, need.text)) {
            in.reporter.error(need.at,
                              need.text.size(),
                              fmt::format("unknown word `{}` in `needs`", need.text),
                              "a lower-case EHLO keyword, or what a profile or an adapter has",
                              did_you_mean(need.text, {known.begin(), known.end()}));
        }
    }
}

/// The keys of a filter that are no parameters.
std::string unknown_keys(const Head& head, const CellFilter& filter) {
    std::vector<std::string> names;
    for (const Parameter& parameter : head.params) {
        names.push_back(parameter.name);
    }
    for (const auto& key : filter.keys) {
        if (head.parameter(key.first) == nullptr) {
            const std::string near = did_you_mean(key.first, names);
            return fmt::format("`{}` is not a parameter{}{}", key.first, near.empty() ? "" : "; ", near);
        }
    }
    return {};
}

void check_filter(const LintInput& in,
                  const CellFilter& filter,
                  const std::vector<CellParams>& cells,
                  std::string_view what) {
    const bool fits = std::any_of(
        cells.begin(), cells.end(), [&](const CellParams& cell) { return filter_matches(filter, cell); });
    if (!fits) {
        in.reporter.error(filter.at,
                          std::max<std::size_t>(1, filter.text.size()),
                          fmt::format("this filter of `{}` fits no cell", what),
                          {},
                          unknown_keys(in.scenario.head, filter));
    }
}

void check_cells(const LintInput& in) {
    const Head& head = in.scenario.head;
    Head without = head;
    without.except.clear();
    const std::vector<CellParams> all = expand_cells(without);
    const std::vector<CellParams> cells = head.except.empty() ? all : expand_cells(head);
    if (cells.size() > max_cells) {
        in.reporter.error(head.params_at,
                          1,
                          fmt::format("the parameters make more than {} cells", max_cells),
                          "fewer values, or `except`",
                          "a value may be a map: that ties things together without a product");
        return;
    }
    for (const CellFilter& filter : head.except) {
        check_filter(in, filter, all, "except");
    }
    if (cells.empty() && !head.params.empty()) {
        in.reporter.error(head.params_at, 1, "`except` leaves no cell");
        return;
    }
    for (const Cover& cover : head.covers) {
        check_filter(in, cover.filter, cells, "covers");
    }
    for (const SelftestEntry& entry : head.selftest) {
        if (entry.filter) {
            check_filter(in, *entry.filter, cells, "selftest");
        }
    }
}

void check_times(const LintInput& in) {
    const Head& head = in.scenario.head;
    const Duration waits = sum_of_waits(in.scenario, Waiting::Longest);
    const Position at = head.time.at.line > 1 ? head.time.at : head.id.at;
    if (waits > head.time.total) {
        in.reporter.error(
            at,
            1,
            fmt::format("the silent and wait times of the script are {}, more than the total of {}",
                        duration_text(waits),
                        duration_text(head.time.total)),
            "shorter times, or a longer `time: {total: …}`");
    }
    if (head.time.total > long_total) {
        in.reporter.warning(at,
                            1,
                            fmt::format("a total of {} makes the scenario slow: it runs only with --slow",
                                        duration_text(head.time.total)));
    }
    if (in.scenario.script_lines > long_script && !in.scenario.script.empty()) {
        in.reporter.warning(in.scenario.script.front().at,
                            1,
                            fmt::format("the script has {} lines; more than {} are hard to review",
                                        in.scenario.script_lines,
                                        long_script));
    }
}

}  // namespace

void lint_head(const LintInput& input) {
    check_file_name(input);
    check_needs(input);
    if (input.head_whole) {
        check_cells(input);
    }
    if (input.script_whole) {
        check_times(input);
    }
}

}  // namespace smtpspec::script
