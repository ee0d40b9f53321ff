#pragma once

#include <memory>
#include <optional>

#include "harness/cli/arguments.hpp"
#include "harness/run/catalog.hpp"
#include "harness/run/context.hpp"
#include "harness/run/waivers.hpp"

namespace smtpspec::cli {

/// The scenarios this command line knows; problems are printed, then nothing is given (exit 2).
std::optional<run::Catalog> load_catalog(const Arguments& arguments);

/// The end of a sentence about a name that is not known: "; did you mean NEAR?", or "." when `near` is empty.
std::string did_you_mean(const std::string& near);

/// False, with a message, when an --only or --skip fits no scenario and no look at a port (endpoint.mode,
/// endpoint.certificate): that is a typing mistake, not an empty run.
bool filters_fit(const run::Catalog& catalog, const Arguments& arguments);

/// The embedded server with this command line's options. Null, with a message, when a port is asked for that
/// it has not.
std::unique_ptr<run::RunContext> embedded_endpoint(const Arguments& arguments);

/// The endpoint that was asked for, resolved and with its password. Problems are printed, then null is given
/// and `exit_code` says how to end.
std::unique_ptr<run::RunContext> foreign_endpoint(const Arguments& arguments,
                                                  const run::Catalog& catalog,
                                                  int& exit_code);

/// The same, also when the host has no address (`unresolved`; the message has been printed): for who has
/// something to write all the same.
std::unique_ptr<run::RunContext> foreign_endpoint_or_none(const Arguments& arguments,
                                                          const run::Catalog& catalog,
                                                          int& exit_code);

/// The waivers of --waivers; none without it. The error is a complete message.
tl::expected<std::vector<run::Waiver>, std::string> load_waivers_of(const Arguments& arguments);

}  // namespace smtpspec::cli
