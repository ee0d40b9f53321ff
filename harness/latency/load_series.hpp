#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "harness/document/value.hpp"
#include "harness/latency/histogram.hpp"

/// How an open load went over time. Reports and merging read nothing else of it.
namespace smtpspec::latency {

/// The messages that were due within one stretch of an open load, whenever they ended. What was due and is
/// neither sent nor failed never began.
struct SeriesWindow {
    std::uint64_t due = 0;
    std::uint64_t sent = 0;
    std::uint64_t failed = 0;
    Histogram total;  ///< as Stage::total, from when each was due; of those that were sent

    bool operator==(const SeriesWindow&) const = default;
};

/// Of one port. Time begins when the first message that counts is due; in parts of a load (--shard) each
/// part has its own beginning.
struct LoadSeries {
    double width = 0;                   ///< of a window, in seconds; > 0
    std::vector<SeriesWindow> windows;  ///< without gaps, from 0

    /// Adds the windows of another part of the same load. False, and nothing is changed: they are of another
    /// width.
    bool merge(const LoadSeries& other);
    bool operator==(const LoadSeries&) const = default;
};

/// So long that a load of `seconds` has at most `most_windows`: 0.1, 0.2, 0.5, 1, 2, 5, 10 s and so on, so
/// that parts of a load and loads of the same length have the same windows.
double window_width(double seconds);
constexpr std::size_t most_windows = 120;

/// Empty windows for a load of `seconds`, > 0.
LoadSeries empty_series(double seconds);

/// Member `series` of a port in smtpspec.latency/2 (docs/latency.md).
nlohmann::ordered_json to_json(const LoadSeries& series);
/// Throws document::DocumentError when it is no series.
LoadSeries read_series(const document::Value& shown);

}  // namespace smtpspec::latency
