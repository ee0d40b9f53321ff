#pragma once

#include <map>
#include <string>

#include "harness/run/context.hpp"

namespace smtpspec::run {

/// The values that scenario-language.md §9 calls "given", for one cell. What the profile does not have is
/// missing.
std::map<std::string, std::string> given_values(const RunContext& context, const PlannedCell& cell);

/// The profile's n-th recipient, counted from 1. Where the list is shorter: on our own server one made from
/// `to` by a +label, on any other `to` itself.
std::string nth_recipient(const RunContext& context, int n);

}  // namespace smtpspec::run
