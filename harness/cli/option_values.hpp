#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/run/options.hpp"

/// Words of the command line as values. What does not fit is thrown as CLI::ValidationError with the option
/// and what was expected: a usage error (exit 2).
namespace smtpspec::cli {

/// "2%" or "2": a share from 0 to 1.
double parse_share(const std::string& text);

/// --threshold: "10%" or "10", above 0 and at most 1000.
double parse_threshold(const std::string& text);

/// --chaos: 0 to 1.
double parse_chaos(const std::string& text);

/// --seed: 0 to 2^64-1, decimal.
std::uint64_t parse_seed(const std::string& text);

/// --side: server or client.
script::Side parse_side(const std::string& word);

/// --level, in any letter case.
script::Level parse_level(const std::string& word);

/// --shard: "3/8", or "auto": what the environment of CI says; nothing when it says nothing.
std::optional<run::Shard> parse_shard_option(const std::string& text);

/// HOST:PORT:ADDR:PORT; IPv6 addresses in brackets; each field may be empty.
run::ConnectTo parse_connect_to(const std::string& text);

/// What parse_connect_to() reads: the address has brackets again when it needs them.
std::string connect_to_text(const run::ConnectTo& rule);

}  // namespace smtpspec::cli
