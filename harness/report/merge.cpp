#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "harness/report/merge_parts.hpp"

namespace smtpspec::report {

using run::Result;

/// The plan says all of it, but results of earlier versions do not have it.
std::string difference(const Part<Result>& one, const Part<Result>& other) {
    const Result& a = one.document;
    const Result& b = other.document;
    return a.tool_version != b.tool_version
               ? fmt::format("version {} of smtpspec and {}", a.tool_version, b.tool_version)
           : a.seed != b.seed ? fmt::format("seed {} and {}", a.seed, b.seed)
           : a.shard->plan != b.shard->plan || a.shard->cells != b.shard->cells
               ? "other options, another endpoint or another --balance"
               : "";
}

std::string interruption(const Part<Result>& part) {
    const auto& shard = part.document.shard;
    return !part.document.interrupted ? ""
           : shard                    ? fmt::format("part {}/{} was interrupted after {} cells",
                                 shard->index,
                                 shard->count,
                                 part.document.cells.size())
                                      : fmt::format("{} was interrupted", part.path);
}

namespace {

auto order_of(const run::Cell& cell) {
    return std::tuple(cell.side,
                      cell.side == script::Side::Server ? cell.endpoint : cell.client,
                      cell.scenario,
                      cell.params,
                      cell.port);
}

/// The error names a cell that two parts have.
tl::expected<void, std::string> add_cells(Result& whole, std::vector<Part<Result>>& parts) {
    std::map<decltype(order_of(std::declval<run::Cell>())), std::string> known;
    for (Part<Result>& part : parts) {
        for (run::Cell& cell : part.document.cells) {
            const auto [place, is_new] = known.emplace(order_of(cell), part.path);
            if (!is_new) {
                return tl::make_unexpected(
                    fmt::format("{} and {} both have {} on port {}: they are not parts of one run",
                                place->second,
                                part.path,
                                cell.name(),
                                cell.port));
            }
            whole.cells.push_back(std::move(cell));
        }
    }
    std::stable_sort(whole.cells.begin(), whole.cells.end(), [](const run::Cell& a, const run::Cell& b) {
        return order_of(a) < order_of(b);
    });
    return {};
}

template <typename Info>
void add_named(std::vector<Info>& known, const std::vector<Info>& more) {
    for (const Info& one : more) {
        if (std::none_of(known.begin(), known.end(), [&](const Info& its) { return its.name == one.name; })) {
            known.push_back(one);
        }
    }
}

/// Cells that all parts together lack, although each came to its end: something was taken out of a file.
std::string lacking(const std::vector<Part<Result>>& parts) {
    int planned = 0;
    std::size_t there = 0;
    for (const Part<Result>& part : parts) {
        planned = part.document.shard ? part.document.shard->cells : planned;
        there += part.document.shard ? part.document.cells.size() : 0;
    }
    const auto wanted = static_cast<std::size_t>(planned);
    return there < wanted ? fmt::format("{} of {} cells are in no part", wanted - there, wanted) : "";
}

/// Each endpoint's and each client's own command, where they differ.
void settle_rerun(Result& whole, std::vector<Part<Result>>& parts) {
    const auto each_info = [](Result& result, auto&& look) {
        std::for_each(result.endpoints.begin(), result.endpoints.end(), look);
        std::for_each(result.clients.begin(), result.clients.end(), look);
    };
    for (Part<Result>& part : parts) {
        each_info(part.document, [&](auto& info) { info.rerun = info.rerun.value_or(part.document.rerun); });
        add_named(whole.endpoints, part.document.endpoints);
        add_named(whole.clients, part.document.clients);
    }
    std::set<run::Rerun> all;
    each_info(whole, [&](const auto& info) { all.insert(*info.rerun); });
    if (all.size() > 1) {
        whole.rerun.clear();
        return;
    }
    whole.rerun = all.empty() ? whole.rerun : *all.begin();
    each_info(whole, [](auto& info) { info.rerun.reset(); });
}

/// The command line of the whole run that a part is of.
std::string without_shard(const std::string& command) {
    std::string kept;
    bool is_value = false;
    for (std::size_t at = 0; at <= command.size();) {
        const std::size_t end = std::min(command.find(' ', at), command.size());
        const std::string_view word = std::string_view(command).substr(at, end - at);
        const bool is_option = word == "--shard";
        if (!is_value && !is_option && !word.starts_with("--shard=")) {
            kept += (kept.empty() ? "" : " ") + std::string(word);
        }
        is_value = is_option;
        at = end + 1;
    }
    return kept;
}

/// That of the parts, which have the same but for --shard and for where it is written, and those of the
/// others.
std::string command_of(const std::vector<Part<Result>>& parts) {
    std::vector<std::string> commands;
    bool has_parts = false;
    for (const Part<Result>& part : parts) {
        if (part.document.shard && has_parts) {
            continue;
        }
        has_parts = has_parts || part.document.shard;
        add_texts(commands,
                  {part.document.shard ? without_shard(part.document.command) : part.document.command});
    }
    return fmt::format("{}", fmt::join(commands, "; "));
}

}  // namespace

tl::expected<Merged<Result>, std::string> merge(std::vector<Part<Result>> parts) {
    auto missing = look_at_shards(parts);
    if (!missing) {
        return tl::make_unexpected(missing.error());
    }
    sort_by_shard(parts);
    if (std::string what = lacking(parts); missing->empty() && !what.empty()) {
        missing->push_back(std::move(what));
    }
    Merged<Result> merged;
    Result& whole = merged.document;
    whole = parts.front().document;
    whole.cells.clear();
    whole.endpoints.clear();
    whole.clients.clear();
    whole.shard.reset();
    whole.command = command_of(parts);
    settle_rerun(whole, parts);
    for (const Part<Result>& part : parts) {
        const Result& one = part.document;
        whole.started = std::min(whole.started, one.started);
        whole.duration_us = std::max(whole.duration_us, one.duration_us);
        whole.left_out_slow = std::max(whole.left_out_slow, one.left_out_slow);
        whole.left_out_intrusive = std::max(whole.left_out_intrusive, one.left_out_intrusive);
        whole.left_out_budget = std::max(whole.left_out_budget, one.left_out_budget);
        add_texts(whole.notices, one.notices);
    }
    if (auto added = add_cells(whole, parts); !added) {
        return tl::make_unexpected(added.error());
    }
    whole.interrupted = !missing->empty();
    add_texts(whole.notices, *missing);
    merged.missing = std::move(*missing);
    return merged;
}

}  // namespace smtpspec::report
