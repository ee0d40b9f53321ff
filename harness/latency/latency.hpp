#pragma once

#include <nlohmann/json_fwd.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
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

/// Where a port is reached.
struct Place {
    std::string address;  ///< numeric; "": what the look-up finds, IPv4 first
    std::string name;     ///< looked up for each message, which is the stage DNS; "": nothing is looked up
};

/// What is owed to the server (design.md §8). Which replies mean "too fast" only the caller knows. A login
/// that is refused with 5yz ends its port whatever stands here.
struct Manners {
    /// Told a reply on one line ("450 4.7.1 …"): does it limit us? Empty: none does.
    std::function<bool(const std::string& reply)> is_limit;
    std::chrono::milliseconds first_pause{10'000};    ///< after the first such reply, for all ports; > 0
    std::chrono::milliseconds longest_pause{60'000};  ///< each pause is twice as long as the last, up to this
    int limits_to_stop = 5;                           ///< so many such replies end the run; >= 1
    std::optional<int> budget;                        ///< messages per port; >= 0
};

/// What to measure.
struct LatencyTask {
    std::string endpoint;          ///< name for the report
    client::ClientTask target;     ///< host, address, ports, modes, login, CA, timeouts
    std::map<int, Place> places;   ///< by logical port; one that is missing: the target's address, if that is
                                   ///< "" its host is looked up
    std::shared_ptr<SSL_CTX> tls;  ///< null: one that trusts the target's CA
    Manners manners;
    std::vector<int> ports;      ///< logical; empty: all of the target's
    int messages = 10;           ///< per port
    bool new_connection = true;  ///< for each message; else one per port, with DNS … AUTH measured once
    std::chrono::milliseconds pause{0};  ///< between two messages of a port: the pace
    std::string from;
    std::vector<std::string> to;
    std::string content;  ///< empty: a short text; ${n} is the number of the message
    std::string run_id;   ///< goes into each Message-ID
};

/// Why a message was not sent or not tried; the words of the result document's `cause`.
enum class Trouble {
    refused,        ///< the server, or our policy, did not want it
    died,           ///< no connection, or it ended, or no answer came in time
    login_refused,  ///< 5yz to AUTH
    rate_limited,   ///< a reply that means "too fast"
    budget,         ///< more than the budget allows; never an error of a message
};
std::string_view to_string(Trouble trouble);

/// Messages that failed in the same way. Their times are not among the samples of the stage where they
/// failed.
struct LatencyError {
    Stage stage = Stage::connect;
    int code = 0;  ///< of the reply, 0 without one
    Trouble cause = Trouble::refused;
    std::string text;  ///< of the first of them, safe to show
    int count = 0;
};

/// Why the rest of a port's messages was not tried.
struct LatencyStop {
    Trouble cause = Trouble::budget;
    std::string reason;  ///< a sentence for people, without a full stop, safe to show
};

struct PortLatency {
    int port = 0;  ///< logical
    script::Mode mode = script::Mode::Starttls;
    int planned = 0;   ///< asked for
    int messages = 0;  ///< tried
    int sent = 0;
    std::map<Stage, Histogram> stages;
    std::vector<LatencyError> errors;
    std::optional<LatencyStop> stopped;

    void add_error(const LatencyError& error);
};

/// What a run measured. Reports, comparison and merging read nothing else.
struct LatencyResult {
    std::string endpoint;
    bool new_connection = true;
    std::vector<PortLatency> ports;
    std::vector<std::string> notices;  ///< remarks for people: pauses after limit replies

    bool complete() const;            ///< every message was sent that the budget allows
    bool has(Trouble trouble) const;  ///< some message was not sent or not tried because of that
    /// Histograms and counts of another run of the same endpoint are added, port by port.
    void merge(const LatencyResult& other);
};

/// Called after each message with a line for people: how far it is, or that there is a pause.
using Progress = std::function<void(const std::string& line)>;

/// Runs the ports one after the other, and stops where Manners or a refused login say so. Throws
/// std::invalid_argument when there is nothing to measure.
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
/// and the number of samples, then errors, stops and notices. A percentile needs so many samples that one of
/// them lies above it (99: 100); where there are fewer it is "-", and its table is left out when no port has
/// enough. At most `width` columns wide; no colours.
std::string to_table(const LatencyResult& result,
                     const std::vector<double>& percentiles = {50, 90, 99, 100},
                     size_t width = 80);

/// "83 us", "1.25 ms", "12.3 ms", "4.20 s".
std::string human(std::chrono::microseconds time);

}  // namespace smtpspec::latency
