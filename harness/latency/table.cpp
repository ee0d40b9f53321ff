#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "harness/latency/latency.hpp"

namespace smtpspec::latency {
namespace {

constexpr size_t label_width = 14;
constexpr size_t column = 13;
constexpr double most_expected = 99;  // a percentile above it is shown where it can be, and not missed

std::string heading(double percentile) {
    return percentile >= 100 ? std::string("max") : fmt::format("p{:g}", percentile);
}

/// So many that one of them lies above the percentile; with fewer it is the maximum under another name.
std::uint64_t samples_needed(double percentile) {
    if (percentile >= 100)
        return 1;
    return static_cast<std::uint64_t>(std::ceil(100 / (100 - percentile) - 1e-9));
}

bool measured(const LatencyResult& result, Stage stage) {
    return std::any_of(result.ports.begin(), result.ports.end(), [&](const PortLatency& port) {
        return port.stages.count(stage) != 0;
    });
}

/// A stage of some port has samples, but not enough.
bool falls_short(const LatencyResult& result, double percentile) {
    return std::any_of(result.ports.begin(), result.ports.end(), [&](const PortLatency& port) {
        return std::any_of(port.stages.begin(), port.stages.end(), [&](const auto& stage) {
            return stage.second.count() < samples_needed(percentile);
        });
    });
}

bool supported(const LatencyResult& result, double percentile) {
    return std::any_of(result.ports.begin(), result.ports.end(), [&](const PortLatency& port) {
        return std::any_of(port.stages.begin(), port.stages.end(), [&](const auto& stage) {
            return stage.second.count() >= samples_needed(percentile);
        });
    });
}

std::string cell(const PortLatency& port, Stage stage, double percentile) {
    const auto found = port.stages.find(stage);
    if (found == port.stages.end() || found->second.count() < samples_needed(percentile))
        return "-";
    const Histogram& histogram = found->second;
    return human(percentile >= 100 ? histogram.max() : histogram.percentile(percentile));
}

/// "20", or "3-20" when the stages differ.
std::string samples(const PortLatency& port) {
    std::uint64_t fewest = 0;
    std::uint64_t most = 0;
    for (const auto& [stage, histogram] : port.stages) {
        fewest = most == 0 ? histogram.count() : std::min(fewest, histogram.count());
        most = std::max(most, histogram.count());
    }
    return fewest == most ? fmt::format("{}", most) : fmt::format("{}-{}", fewest, most);
}

/// Ports beside each other; more than fit become a second table below.
void add_block(std::string& out, const LatencyResult& result, double percentile, size_t first, size_t last) {
    std::string modes(label_width, ' ');
    std::string counts = fmt::format("{:<{}}", "samples", label_width);
    out += fmt::format("{:<{}}", heading(percentile), label_width);
    for (size_t i = first; i < last; ++i) {
        out += fmt::format("{:>{}}", result.ports[i].port, column);
        modes += fmt::format("{:>{}}", script::to_string(result.ports[i].mode), column);
        counts += fmt::format("{:>{}}", samples(result.ports[i]), column);
    }
    out += '\n' + modes + '\n' + counts + '\n';
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

/// Broken at blanks; lines after the first are indented. `width` is more than 4.
void add_wrapped(std::string& out, std::string_view text, size_t width) {
    std::string_view indent;
    while (indent.size() + text.size() > width) {
        const size_t room = width - indent.size();
        const size_t blank = text.rfind(' ', room);
        const bool inside = blank != std::string_view::npos && text.find_first_not_of(' ') < blank;
        out += fmt::format("{}{}\n", indent, text.substr(0, inside ? blank : room));
        text.remove_prefix(inside ? blank + 1 : room);
        indent = "    ";
    }
    out += fmt::format("{}{}\n", indent, text);
}

/// What a reader may miss, and why it is not there.
void add_shortfalls(std::string& out,
                    const LatencyResult& result,
                    const std::vector<double>& percentiles,
                    size_t width) {
    std::string needs;
    for (const double percentile : percentiles)
        if (percentile <= most_expected && falls_short(result, percentile))
            needs += fmt::format(
                "{}{} needs {}", needs.empty() ? "" : ", ", heading(percentile), samples_needed(percentile));
    if (!needs.empty())
        add_wrapped(out, fmt::format("Left out for want of samples (--messages): {}.", needs), width);
}

void add_errors(std::string& out, const LatencyResult& result, size_t width) {
    for (const PortLatency& port : result.ports) {
        const int rest = port.planned - port.messages;
        out += fmt::format("port {}: {} of {} messages sent", port.port, port.sent, port.messages);
        out += rest > 0 ? fmt::format(", {} not tried", rest) : "";
        out += port.seconds > 0 ? fmt::format(", {:.1f} messages/s\n", port.sent / port.seconds) : "\n";
        for (const auto& [handshake, times] : port.handshakes)
            out += fmt::format("  {} x {}\n", times, handshake);
        for (const LatencyError& error : port.errors) {
            std::string line = fmt::format("  {} x {}: {}", error.count, to_string(error.stage), error.text);
            if (line.size() > width)
                line = line.substr(0, width - 3) + "...";
            out += line + '\n';
        }
        if (port.stopped)
            add_wrapped(out, "  stopped: " + port.stopped->reason, width);
    }
    for (const std::string& notice : result.notices)
        add_wrapped(out, notice, width);
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
    const size_t beside = std::max<size_t>(1, (width - label_width) / column);
    std::string out;
    for (const double percentile : percentiles) {
        if (!supported(result, percentile))
            continue;
        for (size_t first = 0; first < result.ports.size(); first += beside)
            add_block(out, result, percentile, first, std::min(first + beside, result.ports.size()));
    }
    if (result.interrupted)
        out += "interrupted: partial result\n";
    add_shortfalls(out, result, percentiles, width);
    add_errors(out, result, width);
    return out;
}

}  // namespace smtpspec::latency
