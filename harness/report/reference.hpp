#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace smtpspec::report {

/// Where a reference of a scenario can be read: "RFC 5321 §4.5.2" at the RFC Editor, with its section;
/// "CVE-2011-0411" in the list of CVEs. Anything else has no link: only an address that is built here from
/// digits, dots and letters goes into a report.
std::optional<std::string> url_of(std::string_view reference);

}  // namespace smtpspec::report
