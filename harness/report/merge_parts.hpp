#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "harness/report/merge.hpp"

/// What merging has in common for both kinds of documents. For each kind there is, found by its Part: what
/// parts of one run cannot differ in, in words ("" when they do not), and that a part was interrupted, in
/// words ("" when it was not).
namespace smtpspec::report {

std::string difference(const Part<run::Result>& one, const Part<run::Result>& other);
std::string difference(const Part<latency::LatencyResult>& one, const Part<latency::LatencyResult>& other);
std::string interruption(const Part<run::Result>& part);
std::string interruption(const Part<latency::LatencyResult>& part);

/// The error says that two parts are of different runs.
template <typename Document>
tl::expected<void, std::string> belong_together(const Part<Document>& first, const Part<Document>& part) {
    const document::ShardNote& shard = *part.document.shard;
    if (shard.count != first.document.shard->count) {
        return tl::make_unexpected(fmt::format("{} is part {} of {}, and others are parts of {}",
                                               part.path,
                                               shard.index,
                                               shard.count,
                                               first.document.shard->count));
    }
    if (const std::string what = difference(first, part); !what.empty()) {
        return tl::make_unexpected(
            fmt::format("{} and {} are not parts of one run: {}", first.path, part.path, what));
    }
    return {};
}

/// Which parts are missing or not whole; the error says which are there twice or do not belong together.
template <typename Document>
tl::expected<std::vector<std::string>, std::string> look_at_shards(const std::vector<Part<Document>>& parts) {
    std::map<int, const Part<Document>*> known;
    const Part<Document>* first = nullptr;
    for (const Part<Document>& part : parts) {
        if (!part.document.shard) {
            continue;
        }
        first = first == nullptr ? &part : first;
        if (auto together = belong_together(*first, part); !together) {
            return tl::make_unexpected(together.error());
        }
        const document::ShardNote& shard = *part.document.shard;
        const auto [place, is_new] = known.emplace(shard.index, &part);
        if (!is_new) {
            return tl::make_unexpected(fmt::format("part {}/{} is there twice: {} and {}",
                                                   shard.index,
                                                   shard.count,
                                                   place->second->path,
                                                   part.path));
        }
    }
    const int count = first == nullptr ? 0 : first->document.shard->count;
    std::vector<std::string> missing;
    for (int index = 1; index <= count; ++index) {
        if (known.count(index) == 0) {
            missing.push_back(fmt::format("part {}/{} is missing", index, count));
        }
    }
    for (const Part<Document>& part : parts) {
        if (std::string what = interruption(part); !what.empty()) {
            missing.push_back(std::move(what));
        }
    }
    return missing;
}

/// Those that are no part of anything first.
template <typename Document>
void sort_by_shard(std::vector<Part<Document>>& parts) {
    const auto index_of = [](const Part<Document>& part) {
        return part.document.shard ? part.document.shard->index : 0;
    };
    std::stable_sort(parts.begin(), parts.end(), [&](const Part<Document>& a, const Part<Document>& b) {
        return index_of(a) < index_of(b);
    });
}

inline void add_texts(std::vector<std::string>& known, const std::vector<std::string>& more) {
    for (const std::string& text : more) {
        if (std::find(known.begin(), known.end(), text) == known.end()) {
            known.push_back(text);
        }
    }
}

}  // namespace smtpspec::report
