#pragma once

#include <string_view>

#include "protocol/wire/transcript.hpp"

namespace smtpspec::run {

/// What the document calls itself (docs/result.schema.json).
inline constexpr const char* result_schema = "smtpspec.result/1";

/// "sent", "received", "tls", "end" or "note".
std::string_view entry_word(wire::EntryKind kind);

}  // namespace smtpspec::run
