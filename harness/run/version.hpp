#pragma once

namespace smtpspec::run {

/// The program's version; the same number stands in CMakeLists.txt and CHANGELOG.md (a test compares them).
inline constexpr const char* version = "0.1.0";

}  // namespace smtpspec::run
