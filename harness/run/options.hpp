#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "harness/run/shard.hpp"
#include "protocol/script/words.hpp"

namespace smtpspec::run {

/// `--connect-to HOST:PORT:ADDR:PORT` as curl has it: an empty field fits or keeps everything. SNI and the
/// name that is checked stay those of the endpoint.
struct ConnectTo {
    std::string host;
    int port = 0;
    std::string address;
    int to_port = 0;
};

enum class KeepTranscripts { all, failed, none };

/// What `run` and `selftest` were asked to do. Plain values; the command line is parsed in harness/cli.
struct RunOptions {
    std::vector<std::string> only, skip;  ///< globs over ids and cells
    std::optional<script::Side> side;
    std::set<script::Level> levels;  ///< empty: all
    std::set<int> ports;             ///< empty: all of the endpoint
    bool slow = false;
    bool intrusive = false;
    bool no_auth = false;
    int jobs = 0;     ///< cells at once; 0: chosen by the kind of endpoint
    int retries = 0;  ///< again for inconclusive cells
    std::uint64_t seed = 1;
    std::optional<int> max_messages, max_bad_logins;  ///< per port, over the profile's budget
    std::string ca_file;
    std::vector<ConnectTo> connect_to;
    std::string waivers_file;
    std::optional<Shard> shard;  ///< only this part of the cells
    std::map<std::string, std::int64_t>
        earlier_times;  ///< of cells, by shard_key(), in us: to balance shards
    KeepTranscripts transcripts = KeepTranscripts::all;
    std::optional<std::chrono::milliseconds>
        settle_delay;  ///< first retry delay of the embedded reference client
};

}  // namespace smtpspec::run
