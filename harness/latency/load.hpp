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
    /// Closed: so many that count, behind shape.warmup, but no longer than shape.seconds if given; 0: as many
    /// as go in that time. Open: not used, for it is rate x seconds, behind shape.warmup.
    std::uint64_t messages = 100;
    std::string run_id;  ///< goes into each Message-ID
    std::uint64_t first =
        0;            ///< number of the first message, so that slices of one run do not share a Message-ID
    double pace = 0;  ///< at most so many messages per second begin; 0: no pace
    /// With a pace: the first message does not begin before; LoadReport::next_turn of the load before it.
    std::chrono::steady_clock::time_point not_before{};
    int lost_to_stop = 50;      ///< so many messages lost in a row end it; >= 1
    bool stop_at_limit = true;  ///< a reply that means "too fast" ends it; else it is counted
    std::chrono::milliseconds patience{
        5'000};       ///< open: how long what is behind may still take after the
                      ///< end; any load: how long what has begun, after it was stopped
    int windows = 1;  ///< into so many stretches of equal length the quantiles are split; >= 1
};

/// What a load found, and how it went.
struct LoadReport {
    PortLatency port;
    /// Of messages that were meant to begin in each; of a closed load for a time, that ended in each.
    std::vector<std::map<Stage, Quantiles>> windows;
    double generator_cpu = 0;         ///< share of a core that the busiest thread of the generator used, 0..1
    std::uint64_t behind_most = 0;    ///< open: messages that were due and had not begun, at most
    std::uint64_t behind_at_end = 0;  ///< open: the same when the last was due
    std::uint64_t unfinished_at_half = 0;  ///< open: due and not done when half of all were due
    std::uint64_t unfinished_at_end = 0;   ///< open: the same when the last was due
    std::uint64_t not_begun = 0;           ///< open: given up after `patience`; they are in no histogram
    std::uint64_t unanswered_quits = 0;    ///< connections that ended without a reply to QUIT
    std::chrono::steady_clock::time_point next_turn{};  ///< with a pace: when the next message may begin
};

/// So many messages a load has at most, warm-up included.
constexpr std::uint64_t most_messages = 100'000'000;

/// How far it is; any thread may read while it runs.
struct LoadProgress {
    std::atomic<std::uint64_t> done{0};  ///< messages, sent or not
    std::atomic<std::uint64_t> failed{0};
    std::atomic<std::uint64_t> behind{0};  ///< due and not begun
    std::atomic<bool> stop{false};         ///< set it, and the load ends soon; what is under way is dropped
};

/// Runs the load to its end on `shape.threads` threads of its own. Throws std::invalid_argument when there is
/// nothing to send or more than `most_messages`, and what a thread threw.
LoadReport run_load(const LoadTask& task, LoadProgress& progress);

/// Sentences about what the figures are not worth: an open load that was not carried (in its second half
/// fewer messages ended than came due), a generator that was busy itself, connections that ended without a
/// reply to QUIT. Empty: nothing.
std::vector<std::string> warnings(const LoadTask& task, const LoadReport& report);

}  // namespace smtpspec::latency
