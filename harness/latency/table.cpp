#include <fmt/format.h>

#include <algorithm>

#include "harness/latency/latency.hpp"

namespace smtpspec::latency {
namespace {

constexpr size_t label_width = 14;

std::string heading(double percentile) {
    return percentile >= 100 ? std::string("max") : fmt::format("p{:g}", percentile);
}

bool measured(const LatencyResult& result, Stage stage) {
    return std::any_of(result.ports.begin(), result.ports.end(), [&](const PortLatency& port) {
        return port.stages.count(stage) != 0;
    });
}

std::string cell(const PortLatency& port, Stage stage, double percentile) {
    const auto found = port.stages.find(stage);
    if (found == port.stages.end() || found->second.empty())
        return "-";
    const Histogram& histogram = found->second;
    return human(percentile >= 100 ? histogram.max() : histogram.percentile(percentile));
}

/// Ports beside each other; more than fit become a second table below.
void add_block(std::string& out,
               const LatencyResult& result,
               double percentile,
               size_t first,
               size_t last,
               size_t column) {
    std::string modes(label_width, ' ');
    out += fmt::format("{:<{}}", heading(percentile), label_width);
    for (size_t i = first; i < last; ++i) {
        out += fmt::format("{:>{}}", result.ports[i].port, column);
        modes += fmt::format("{:>{}}", script::to_string(result.ports[i].mode), column);
    }
    out += '\n' + modes + '\n';
    for (const Stage stage : all_stages()) {
        if (!measured(result, stage))
            continue;
        out += fmt::format("{:<{}}", to_string(stage), label_width);
        for (size_t i = first; i < last; ++i)
            out += fmt::format("{:>{}}", cell(result.ports[i], stage, percentile), column);
        out += '\n';
    }
    out += '\n';
}

void add_errors(std::string& out, const LatencyResult& result, size_t width) {
    for (const PortLatency& port : result.ports) {
        out += fmt::format("port {}: {} of {} messages sent\n", port.port, port.sent, port.messages);
        for (const LatencyError& error : port.errors) {
            std::string line = fmt::format("  {} x {}: {}", error.count, to_string(error.stage), error.text);
            if (line.size() > width)
                line = line.substr(0, width - 3) + "...";
            out += line + '\n';
        }
    }
}

}  // namespace

std::string human(std::chrono::microseconds time) {
    const auto us = static_cast<double>(time.count());
    if (us < 1000)
        return fmt::format("{} us", time.count());
    const bool seconds = us >= 1e6;
    const double value = us / (seconds ? 1e6 : 1e3);
    const char* const unit = seconds ? "s" : "ms";
    if (value < 9.995)
        return fmt::format("{:.2f} {}", value, unit);
    if (value < 99.95)
        return fmt::format("{:.1f} {}", value, unit);
    return fmt::format("{:.0f} {}", value, unit);
}

std::string to_table(const LatencyResult& result, const std::vector<double>& percentiles, size_t width) {
    constexpr size_t column = 13;
    const size_t beside = std::max<size_t>(1, (width - label_width) / column);
    std::string out;
    for (const double percentile : percentiles)
        for (size_t first = 0; first < result.ports.size(); first += beside)
            add_block(out, result, percentile, first, std::min(first + beside, result.ports.size()), column);
    add_errors(out, result, width);
    return out;
}

}  // namespace smtpspec::latency
