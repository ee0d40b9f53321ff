#pragma once

#include <string>

#include "protocol/script/interpreter.hpp"
#include "protocol/wire/transcript.hpp"

namespace smtpspec::run {

/// What the peer did when the script reached `label`, for people: its last octets there, or how the
/// connection ended, and the line of the scenario that calls it so. "" when the label was not reached. Pure.
std::string what_came(const script::ScriptResult& result,
                      const std::string& label,
                      const wire::Transcript& transcript);

/// True when it was the end of a connection, or a greeting that refused one, that reached `label`: a dying
/// or busy peer looks the same.
bool decided_by_end(const script::ScriptResult& result,
                    const std::string& label,
                    const wire::Transcript& transcript);

}  // namespace smtpspec::run
