#pragma once

#include <string>

#include "harness/cli/command_options.hpp"

/// Options that several commands have.
namespace smtpspec::cli {

/// --seed; `what` is random.
void add_seed(CLI::App& command, Arguments& arguments, const std::string& what);
/// --port.
void add_ports(CLI::App& command, Arguments& arguments);
/// Which scenarios, on which ports.
void add_filters(CLI::App& command, Arguments& arguments);
/// How cells are run.
void add_conduct(CLI::App& command, Arguments& arguments);
/// --format, --output and --color.
void add_output(CLI::App& command, ParsedWords& words);
/// The endpoint and how to reach it. `no_auth` says what --no-auth does here.
void add_endpoint(CLI::App& command, Arguments& arguments, const std::string& no_auth);
/// --max-messages.
void add_message_limit(CLI::App& command, Arguments& arguments);
/// --shard.
void add_shard(CLI::App& command, Arguments& arguments);

/// bench, compare, merge and waive: commands that measure, or read results.
void add_measuring(CLI::App& app, ParsedWords& words);

}  // namespace smtpspec::cli
