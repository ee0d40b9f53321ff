#pragma once

#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "harness/latency/result.hpp"
#include "harness/run/result.hpp"

/// One result of several: of the parts of a run (`--shard`), or of runs against several endpoints.
namespace smtpspec::report {

/// A result and where it was read, for messages.
template <typename Document>
struct Part {
    std::string path;
    Document document;
};

/// What came of it.
template <typename Document>
struct Merged {
    Document document;
    std::vector<std::string>
        missing;  ///< sentences about parts that are not there or not whole; also in its notices
};

/// All cells of all parts, in the order of scenario, parameters and port; each endpoint keeps what its cells
/// need to be run again. The error is a sentence: a part is there twice, a cell is in two of them, or they
/// are parts of different runs. Takes at least one.
tl::expected<Merged<run::Result>, std::string> merge(std::vector<Part<run::Result>> parts);

/// Histograms and counts are added without loss, ports by port; the load is that of all parts together, for
/// they run at the same time: several have to be parts of one load. Takes at least one.
tl::expected<Merged<latency::LatencyResult>, std::string> merge(
    std::vector<Part<latency::LatencyResult>> parts);

}  // namespace smtpspec::report
