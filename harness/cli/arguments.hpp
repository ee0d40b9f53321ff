#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/report/report.hpp"
#include "harness/run/options.hpp"

namespace smtpspec::cli {

/// `--format F --output PATH`; an empty path is standard output.
struct OutputRequest {
    report::Format format = report::Format::terminal;
    std::string path;
};

/// `smtpspec mock`.
struct MockArguments {
    std::vector<std::string> faults, fault_files, defects;
    std::string scenario;  ///< a client scenario whose server is played
    std::string profile;   ///< whose limits and replies are played
    std::string ca_out, ready_file;
    std::string maildir;  ///< where accepted messages are kept as files; "": in memory only
    std::string listen = "127.0.0.1";
    bool real_ports = false, ephemeral = false;
    bool discard = false;  ///< messages are counted, not kept
    bool no_log = false;
    bool no_auth = false;          ///< no AUTH; mail needs no login
    std::string certificate, key;  ///< PEM files; "": the test CA's
    double chaos = 0;              ///< share of commands that go wrong, 0..1
    std::string user;
    std::string password_env;
    std::vector<std::string> command;  ///< after --
};

/// `smtpspec bench`.
struct BenchArguments {
    int messages = 0;     ///< per port; 0: 100 against the embedded server, 20 elsewhere, 1000 of a load
    int connections = 0;  ///< at once and per port; 0: 1, or 100 with a rate
    double rate = 0;      ///< messages per second and port; 0: a closed loop
    std::optional<double> duration;  ///< seconds per port
    int messages_per_connection = 1;
    std::int64_t size = 0;  ///< octets; 0: a short text
    int recipients = 1;
    bool pipelining = false, tls_resumption = false;
    int warmup = 0;
    int threads = 1;
    bool may_load = false;  ///< --i-may-load-this-host
    bool calibrate = true;  ///< measure the embedded server in between

    /// An option was given that only a load has.
    bool is_load() const {
        return connections > 0 || rate > 0 || duration || messages_per_connection != 1 || size > 0 ||
               recipients > 1 || pipelining || tls_resumption || warmup > 0 || threads > 1;
    }
};

/// `smtpspec compare`.
struct CompareArguments {
    std::string old_path, new_path;
    double threshold = 0.10;          ///< a share; > 0
    std::int64_t resolution_us = 75;  ///< >= 0
    bool all = false;                 ///< also what is the same
    bool baseline_may_miss = false;   ///< no OLD is no error
};

/// The parsed command line.
struct Arguments {
    std::string command;
    run::RunOptions options;
    std::string endpoint;
    bool endpoint_is_file = false;
    std::string scenarios_dir;
    std::vector<OutputRequest> outputs;
    std::string list_format = "text";
    bool list_defects = false;  ///< the model peers' defects instead of the scenarios
    double allow_inconclusive = 0;
    bool plan_only = false, mutate = false;
    bool by_defect = false;  ///< selftest: which scenarios each defect turns red
    std::string colour = "auto";
    std::vector<std::string> operands;  ///< ids, files, results
    std::string waive_path;             ///< of `waive`; "": standard output
    std::string balance_path;           ///< an earlier result, whose times balance the shards; "": none
    MockArguments mock;
    BenchArguments bench;
    CompareArguments compare;
    std::string shown;  ///< the command line for the result document
};

/// What parsing gave: arguments, or the code to exit with (help and usage have been printed).
struct ParseOutcome {
    std::optional<Arguments> arguments;
    int exit_code = 0;
};

/// Reads the command line; prints help, version and usage errors itself.
ParseOutcome parse_arguments(int argc, const char* const* argv);

}  // namespace smtpspec::cli
