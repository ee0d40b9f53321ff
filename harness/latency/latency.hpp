#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/client/client_under_test.hpp"
#include "harness/client/failure.hpp"
#include "harness/latency/result.hpp"

/// Closed-loop latency of submission, stage by stage: one message after the other on each port, so that a
/// time is the server's own and not that of a queue in front of it.
namespace smtpspec::latency {

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
    int lost_to_stop = 3;                             ///< so many connections lost in a row end a port; >= 1
    int limits_to_stop = 5;                           ///< so many such replies end the run; >= 1
    std::optional<int> budget;                        ///< messages per port; >= 0
};

/// What to measure.
struct LatencyTask {
    std::string endpoint;       ///< name for the report
    client::ClientTask target;  ///< host, address, ports, modes, login, CA, timeouts
    std::map<int, std::string>
        unusable;  ///< logical ports that are not tried, and the sentence that says why
    std::function<std::string(const std::string& text)>
        mask;                      ///< takes secrets out of a server's words; empty: as they are
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
    int block = 0;        ///< after so many messages of a port block_done is called; 0: never
    /// Told what the messages of the block took, without calibration; the next message waits until it
    /// returns.
    std::function<void(Block block)> block_done;
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

}  // namespace smtpspec::latency
