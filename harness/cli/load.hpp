#pragma once

#include <memory>
#include <optional>

#include "harness/cli/arguments.hpp"
#include "harness/run/catalog.hpp"
#include "harness/run/context.hpp"

namespace smtpspec::cli {

/// The scenarios this command line knows; problems are printed, then nothing is given (exit 2).
std::optional<run::Catalog> load_catalog(const Arguments& arguments);

/// The endpoint that was asked for, resolved and with its password. Problems are printed, then null is given
/// and `exit_code` says how to end.
std::unique_ptr<run::RunContext> foreign_endpoint(const Arguments& arguments,
                                                  const run::Catalog& catalog,
                                                  int& exit_code);

}  // namespace smtpspec::cli
