#pragma once

#include <string>

#include "harness/cli/arguments.hpp"
#include "harness/latency/result.hpp"

namespace smtpspec::cli {

/// What a result of bench can be shown as.
constexpr const char* formats_of_latency = "--format terminal, json or html";
bool is_format_of_latency(report::Format format);
/// All formats asked for are.
bool has_formats_of_latency(const Arguments& arguments);

/// smtpspec.latency/2 as a file has it.
std::string latency_document(const latency::LatencyResult& result);

/// Writes all reports asked for; their formats are of latency. False, with a message: one could not be
/// written. The others are.
bool write_latency(const Arguments& arguments, const latency::LatencyResult& result);

}  // namespace smtpspec::cli
