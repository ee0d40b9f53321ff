#pragma once

#include <string>

#include "harness/run/result.hpp"

namespace smtpspec::report {

/// A file for --waivers with an entry for everything that is red in this result and not waived yet, cells
/// that fail alike together. The reasons are left to fill in: until then the file is refused. "" when nothing
/// is red.
std::string waiver_file(const run::Result& result);

}  // namespace smtpspec::report
