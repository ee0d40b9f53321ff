#pragma once

#include <optional>
#include <string>

#include <tl/expected.hpp>

#include "harness/latency/result.hpp"
#include "harness/run/result.hpp"

namespace smtpspec::cli {

/// One side of a comparison: what `run` or `bench` wrote, or both.
struct CompareInput {
    std::optional<run::Result> verdicts;
    std::optional<latency::LatencyResult> latency;
};

/// Reads a document of `run` or of `bench`, or a folder with one of each (other JSON files in it are left
/// alone). `name`: OLD or NEW. The error is a sentence.
tl::expected<CompareInput, std::string> read_compare_input(const std::string& path, const std::string& name);

}  // namespace smtpspec::cli
