#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

namespace smtpspec::report::test {

/// What the JSON Schema in this file (a path below the source folder) has against the document; "" if
/// nothing.
std::string schema_complaints(const std::string& schema_file, const nlohmann::json& document);

}  // namespace smtpspec::report::test
