#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "harness/latency/result.hpp"
#include "harness/report/report.hpp"
#include "harness/run/embedded.hpp"

namespace smtpspec::report {

/// What the page is made of: page.js and style.css; plots.js and plots.css, which are empty when the build
/// had no npm. Generated at build time (cmake/web.cmake). Any thread.
std::span<const run::EmbeddedFile> web_files();

/// One file that opens from disk without network: the matrix, and behind each cell its evidence. The result
/// is in it compressed; transcripts in chunks of their own, which are unpacked when a cell is opened. Pure.
std::string render_html(const run::Result& result, const RenderOptions& options);

/// The same for a result of bench: percentile curves and histograms, and of an open load how it went over
/// time. Pure.
std::string render_html(const latency::LatencyResult& result);

/// What `compare` found. Pointers outlive the call; both or none.
struct ComparisonPage {
    nlohmann::ordered_json document;                 ///< smtpspec.comparison/1
    const latency::LatencyResult* before = nullptr;  ///< whose curves are laid over each other
    const latency::LatencyResult* after = nullptr;
};

/// The same for a comparison: what changed, and the times of both, one over the other. Pure.
std::string render_html(const ComparisonPage& comparison);

}  // namespace smtpspec::report
