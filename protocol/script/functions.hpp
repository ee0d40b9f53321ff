#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "protocol/script/regex.hpp"
#include "protocol/script/value.hpp"

/// The functions of scenario-language.md §9 that depend on nothing but their arguments. No I/O.
namespace smtpspec::script {

/// len hex unhex base64 unbase64 upper lower number count sort repeat pad stuffed flip plain hmac
/// scram_final, and what looks into a message: body header.
bool is_pure_function(std::string_view name);

/// Calls one of them; no argument is unknown. Throws EvalError when the arguments do not fit. What cannot be
/// made of octets that a peer may have sent (no base64, no number) is unknown, not an error.
Value call_pure(const std::string& name, const std::vector<Value>& arguments, Position at);

/// `count(text, /regex/)`: how often it is found, without overlaps.
Value count_matches(const Value& text, const CompiledRegex& regex, Position at);

/// True for the names of the language that are lists, which `count` takes besides marks (§9).
inline bool is_list_fact(std::string_view name) { return name == "reply.lines" || name == "cert.names"; }

}  // namespace smtpspec::script
