#pragma once

#include <map>
#include <string>

#include "harness/client/client_under_test.hpp"
#include "harness/run/context.hpp"

namespace smtpspec::run {

/// What the head's `client:` asks of the client under test, as a task; `values` are the head's entries with
/// their insertions made (lists joined by line feeds). Ports are filled in by the caller.
client::ClientTask client_task(const RunContext& context,
                               const PlannedCell& cell,
                               const std::map<std::string, std::string>& values,
                               const std::map<std::string, std::string>& given);

}  // namespace smtpspec::run
