#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "harness/latency/load_session.hpp"

/// Load of one port, closed or open, from several threads; and what it says about itself, for a generator
/// that cannot keep up measures its own queue.
namespace smtpspec::latency {

/// One load.
struct LoadTask {
    LoadPlan plan;  ///< address, port, mode, login, envelope, shape
    std::uint64_t messages =
        100;             ///< closed: so many that count, behind shape.warmup, but no longer than
                         ///< shape.seconds if given; 0: as many as go in that time. Open: rate x seconds
    std::string run_id;  ///< goes into each Message-ID
    std::uint64_t first =
        0;            ///< number of the first message, so that slices of one run do not share a Message-ID
    double pace = 0;  ///< closed: at most so many messages per second; 0: no pace
    int lost_to_stop = 50;      ///< so many messages lost in a row end it; >= 1
    bool stop_at_limit = true;  ///< a reply that means "too fast" ends it; else it is counted
    std::chrono::milliseconds patience{
        5'000};       ///< open: how long what is behind may still take after the
                      ///< end; any load: how long what has begun, after it was stopped
    int windows = 1;  ///< open: into so many stretches of equal length the quantiles are split; >= 1
};

/// What a load found, and how it went.
struct LoadReport {
    PortLatency port;
    std::vector<std::map<Stage, Quantiles>> windows;  ///< of messages that were meant to begin in each
    double generator_cpu = 0;         ///< share of a core that the busiest thread of the generator used, 0..1
    std::uint64_t behind_most = 0;    ///< messages that were due and had not begun, at most
    std::uint64_t behind_at_end = 0;  ///< the same when the last was due
    std::uint64_t not_begun = 0;      ///< given up after `patience`; they are in no histogram
};

/// How far it is; any thread may read while it runs.
struct LoadProgress {
    std::atomic<std::uint64_t> done{0};  ///< messages, sent or not
    std::atomic<std::uint64_t> failed{0};
    std::atomic<std::uint64_t> behind{0};  ///< due and not begun
    std::atomic<bool> stop{false};         ///< set it, and the load ends soon; what is under way is dropped
};

/// Runs the load to its end on `shape.threads` threads of its own. Throws std::invalid_argument when there is
/// nothing to send.
LoadReport run_load(const LoadTask& task, LoadProgress& progress);

/// Sentences about what the figures are not worth: the generator or the server could not keep up. Empty:
/// nothing.
std::vector<std::string> warnings(const LoadTask& task, const LoadReport& report);

}  // namespace smtpspec::latency
