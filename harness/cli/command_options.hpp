#pragma once

#include <string>
#include <vector>

#include <CLI/App.hpp>

#include "harness/cli/arguments.hpp"

namespace smtpspec::cli {

/// What CLI11 reads into. --format and --output are paired afterwards: which belongs to which is a matter of
/// their order.
struct ParsedWords {
    Arguments arguments;
    std::vector<std::string> formats, paths;
};

/// All commands with their options. `words` has to outlive `app`.
void add_commands(CLI::App& app, ParsedWords& words);

}  // namespace smtpspec::cli
