#pragma once

#include <nlohmann/json_fwd.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "harness/client/failure.hpp"
#include "harness/document/shard_note.hpp"
#include "harness/latency/histogram.hpp"
#include "harness/latency/load_series.hpp"
#include "protocol/script/words.hpp"

/// What a latency run found. Reports, comparison and merging read nothing else.
namespace smtpspec::latency {

using client::Stage;

/// All stages in the order in which a message passes them; the rows of the table.
const std::vector<Stage>& all_stages();

/// The name in documents: tls-handshake.
std::string key_of(Stage stage);

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

/// How messages were brought: what two results must share to be comparable.
struct LoadShape {
    enum class Kind {
        closed,  ///< each connection sends its next message when the last one is answered
        open,    ///< messages begin at their own times, answered or not
        probe,   ///< one after the other, as the reference client sends them
    };
    Kind kind = Kind::closed;
    int connections = 1;              ///< at once and per port; open: at most; >= 1
    double rate = 0;                  ///< messages per second and port that were asked for; 0: closed
    double seconds = 0;               ///< of the open load, per port; 0: closed
    int messages_per_connection = 1;  ///< >= 1; 0: as many as there are
    int recipients = 1;               ///< per message; >= 1
    std::int64_t size = 0;            ///< octets of a message's content; 0: a short text
    bool pipelining = false;          ///< MAIL, RCPT and DATA in one write where the server offers it
    bool tls_resumption = false;      ///< TLS sessions of earlier connections are resumed
    int threads = 1;                  ///< of the load generator; >= 1
    int warmup = 0;                   ///< messages per port before those that count; >= 0

    bool operator==(const LoadShape&) const = default;
};
/// "closed", "open", "probe".
std::string_view to_string(LoadShape::Kind kind);

/// Where the load came from.
struct Machine {
    std::string cpu;     ///< the model as the kernel names it; "" unknown
    int cores = 0;       ///< that we may use
    std::string system;  ///< kernel name and release

    bool operator==(const Machine&) const = default;
};

/// A median and a high percentile of a few samples, finer than a bucket.
struct Quantiles {
    std::uint64_t count = 0;
    double p50_us = 0;
    double p99_us = 0;
};

Quantiles quantiles(const Histogram& times);

/// A short stretch of a run of the endpoint and, right before or after it (of a load that is not interrupted:
/// before or after the whole), a few messages of the load generator to the embedded server. They tell how
/// fast the machine was just then.
struct Block {
    int port = 0;  ///< logical
    std::map<Stage, Quantiles> endpoint;
    std::map<Stage, Quantiles> calibration;
};

struct PortLatency {
    int port = 0;  ///< logical
    script::Mode mode = script::Mode::Starttls;
    int planned = 0;   ///< asked for
    int messages = 0;  ///< tried
    int sent = 0;
    double seconds = 0;  ///< that the measured messages took together; 0: unknown
    std::map<Stage, Histogram> stages;
    std::map<std::string, std::uint64_t> handshakes;  ///< "TLSv1.3 TLS_AES_128_GCM_SHA256 full" (or resumed)
    std::vector<LatencyError> errors;
    std::optional<LatencyStop> stopped;
    std::optional<LoadSeries> series;  ///< of an open load

    void add_error(const LatencyError& error);
    /// What another part of the run found on this port. `planned` stays: not every part plans its own.
    void add(const PortLatency& other);

  private:
    void add_series(const PortLatency& other);
};

/// What a run measured. Reports, comparison and merging read nothing else.
struct LatencyResult {
    std::string endpoint;
    std::string started;  ///< UTC, "2026-11-26T10:00:00Z"; "" unknown
    LoadShape shape;
    Machine machine;
    std::vector<PortLatency> ports;
    std::vector<Block> blocks;                 ///< in the order in which they were measured
    std::vector<std::string> notices;          ///< remarks for people: pauses after limit replies
    std::optional<document::ShardNote> shard;  ///< which part of a load this is; nothing: the whole
    bool interrupted = false;                  ///< ended early, or a part is missing; what is there is true

    bool complete() const;            ///< every message was sent that the budget allows
    bool has(Trouble trouble) const;  ///< some message was not sent or not tried because of that
    /// Histograms and counts of another run of the same endpoint are added, port by port.
    void merge(const LatencyResult& other);
};

constexpr const char* latency_schema = "smtpspec.latency/2";

/// smtpspec.latency/2: an object with percentiles for people and buckets for machines.
nlohmann::ordered_json to_json(const LatencyResult& result);
/// The error is a sentence that names the member. Members that the schema does not know are not looked at.
tl::expected<LatencyResult, std::string> from_json(const nlohmann::ordered_json& document);

/// A table with a stage per row and a port per column, for each percentile asked for (100: the maximum),
/// and the number of samples, then errors, stops and notices. A percentile needs so many samples that one of
/// them lies above it (99: 100); where there are fewer it is "-", and its table is left out when no port has
/// enough. At most `width` columns wide; no colours.
std::string to_table(const LatencyResult& result,
                     const std::vector<double>& percentiles = {50, 90, 99, 99.9, 99.99, 100},
                     size_t width = 80);

/// "83 us", "1.25 ms", "12.3 ms", "4.20 s".
std::string human(std::chrono::microseconds time);

}  // namespace smtpspec::latency
