#pragma once

#include <string>
#include <string_view>

#include "harness/run/result.hpp"

/// Results for the tests of the reports, and their golden files.
namespace smtpspec::report::test {

/// A run of the embedded peers in which everything is good.
run::Result good_result();

/// A run against an endpoint with every verdict, waivers, transcripts, things left out.
run::Result mixed_result();

/// A result whose every text is hostile: escape sequences, markup, NULs, broken UTF-8, long lines.
run::Result hostile_result();

/// A cell of a server scenario on a port of `endpoint`.
run::Cell cell(std::string scenario, int port, run::Verdict verdict);

/// "" when the text is that of tests/unit/harness/golden/NAME, else what differs. With
/// SMTPSPEC_RENEW_GOLDEN=1 the file is written instead.
std::string golden_difference(const std::string& name, const std::string& text);

/// The lines of a text, without their ends.
std::vector<std::string> lines_of(std::string_view text);

}  // namespace smtpspec::report::test
