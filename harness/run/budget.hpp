#pragma once

#include "harness/run/options.hpp"
#include "harness/run/profile.hpp"

/// What an endpoint elsewhere gets at most, per port and run (design.md §8): as the command line says, else
/// the profile, else the usual.
namespace smtpspec::run {

/// Messages; >= 0. `usual`: of a command that needs another number to say anything.
inline int message_budget(const RunOptions& options, const Profile& profile, int usual = 10) {
    return options.max_messages.value_or(profile.budget_messages.value_or(usual));
}

/// Wrong logins; >= 0.
inline int login_budget(const RunOptions& options, const Profile& profile) {
    return options.max_bad_logins.value_or(profile.budget_bad_logins);
}

}  // namespace smtpspec::run
