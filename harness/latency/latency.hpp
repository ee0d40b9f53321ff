#pragma once

#include <nlohmann/json_fwd.hpp>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "harness/client/client_under_test.hpp"
#include "harness/client/failure.hpp"
#include "harness/latency/histogram.hpp"

/// Closed-loop latency of submission, stage by stage: one message after the other on each port, so that a
/// time is the server's own and not that of a queue in front of it.
namespace smtpspec::latency {

using client::Stage;

/// All stages in the order in which a message passes them; the rows of the table.
const std::vector<Stage>& all_stages();

/// One measured stage of one message.
struct StageSample {
    Stage stage = Stage::total;
    std::chrono::microseconds time{0};
};

/// What to measure.
struct LatencyTask {
    std::string endpoint;  ///< name for the report
    client::ClientTask
        target;  ///< host, address ("" is resolved for each message), ports, modes, login, CA, timeouts
    std::vector<int> ports;      ///< logical; empty: all of the target's
    int messages = 10;           ///< per port
    bool new_connection = true;  ///< for each message; else one per port, with DNS … AUTH measured once
    std::chrono::milliseconds pause{0};  ///< between two messages of a port: the pace
    std::string from;
    std::vector<std::string> to;
    std::string content;  ///< empty: a short text; ${n} is the number of the message
    std::string run_id;   ///< goes into each Message-ID
};

/// Messages that failed in the same way. Their times are not among the samples of the stage where they
/// failed.
struct LatencyError {
    Stage stage = Stage::connect;
    int code = 0;      ///< of the reply, 0 without one
    std::string text;  ///< of the first of them, safe to show
    int count = 0;
};

struct PortLatency {
    int port = 0;  ///< logical
    script::Mode mode = script::Mode::Starttls;
    int messages = 0;  ///< tried
    int sent = 0;
    std::map<Stage, Histogram> stages;
    std::vector<LatencyError> errors;

    void add_error(const LatencyError& error);
};

/// What a run measured. Reports, comparison and merging read nothing else.
struct LatencyResult {
    std::string endpoint;
    bool new_connection = true;
    std::vector<PortLatency> ports;

    bool complete() const;  ///< every message was sent
    /// Histograms and counts of another run of the same endpoint are added, port by port.
    void merge(const LatencyResult& other);
};

/// Called after each message.
using Progress = std::function<void(int port, int message, int of)>;

/// Runs the ports one after the other. Throws std::invalid_argument when there is nothing to measure.
wire::Awaitable<LatencyResult> measure(wire::Connection::Executor executor,
                                       LatencyTask task,
                                       wire::Transcript* transcript = nullptr,
                                       Progress progress = {});

/// The same into `result`, which outlives it and holds after each message what was measured until then: who
/// ends the loop early loses nothing but the message under way.
wire::Awaitable<void> measure_into(LatencyResult& result,
                                   wire::Connection::Executor executor,
                                   LatencyTask task,
                                   wire::Transcript* transcript = nullptr,
                                   Progress progress = {});

/// smtpspec.latency/1: an object with percentiles for people and buckets for machines.
nlohmann::ordered_json to_json(const LatencyResult& result);
tl::expected<LatencyResult, std::string> from_json(const nlohmann::ordered_json& document);

/// A table with a stage per row and a port per column, for each percentile asked for (50, 90, 99, 100 = max),
/// then the errors. At most `width` columns wide; no colours.
std::string to_table(const LatencyResult& result,
                     const std::vector<double>& percentiles = {50, 90, 99, 100},
                     size_t width = 80);

/// "83 us", "1.25 ms", "12.3 ms", "4.20 s".
std::string human(std::chrono::microseconds time);

}  // namespace smtpspec::latency
