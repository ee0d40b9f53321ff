#include <fmt/format.h>

#include <cmath>

#include "harness/latency/load.hpp"

/// What the figures of a load are not worth.
namespace smtpspec::latency {

namespace {

constexpr double busy = 0.9;             // of a core: a generator that uses more measures itself
constexpr double kept_up = 0.95;         // of what came due, at least so much has to end meanwhile
constexpr std::uint64_t some = 10;       // messages more than before that are no chance
constexpr std::uint64_t half_of_it = 2;  // of a load: when so much of it was under way at once

/// Messages of an open load that came due after the half of them.
std::uint64_t second_half(const LoadReport& report) {
    const auto planned = static_cast<std::uint64_t>(report.port.planned);
    return planned - planned / 2;
}

/// What waits at the end and did not wait in the middle: a queue that grows as long as the load lasts. One
/// that has only some length is no overload, for arrivals meet each other by chance.
std::uint64_t growth(const LoadReport& report) {
    return report.unfinished_at_end > report.unfinished_at_half
               ? report.unfinished_at_end - report.unfinished_at_half
               : 0;
}

bool too_much(const LoadReport& report) {
    const double allowed = (1 - kept_up) * static_cast<double>(second_half(report));
    return report.not_begun > 0 || (growth(report) >= some && static_cast<double>(growth(report)) > allowed);
}

std::string describe_overload(const LoadTask& task, const LoadReport& report) {
    const LoadShape& shape = task.plan.shape;
    const std::uint64_t due = second_half(report);
    const std::uint64_t ended = due - std::min(due, growth(report));
    std::string text = fmt::format(
        "the load was too much: {:g} messages/s were asked for, and of the {} that came due in the second "
        "half "
        "only as many as {} others ended meanwhile; when the last was due, {} were not done, {} of them "
        "without "
        "a connection (at most {})",
        shape.rate,
        due,
        ended,
        report.unfinished_at_end,
        report.behind_at_end,
        report.behind_most);
    if (report.not_begun > 0)
        text += fmt::format(", and {} never began: they are in no figure, so that the true ones are worse",
                            report.not_begun);
    return text;
}

/// Only what is known: the generator is busy or not, connections were free or not.
std::string describe_cause(const LoadTask& task, const LoadReport& report, int percent) {
    if (report.generator_cpu > busy)
        return {};  // it has a sentence of its own
    if (report.behind_at_end > 0 || report.not_begun > 0)
        return fmt::format(
            "all {} connections were busy, and the generator used {} % of a core: the server or the way to "
            "it is "
            "too slow for this load, or --connections too few",
            task.plan.shape.connections,
            percent);
    return fmt::format(
        "connections were free, and the generator used {} % of a core: it is the server or the way to it "
        "that "
        "took longer and longer",
        percent);
}

}  // namespace

std::vector<std::string> warnings(const LoadTask& task, const LoadReport& report) {
    const std::string who = fmt::format("port {}: ", task.plan.port);
    const auto percent = static_cast<int>(std::lround(report.generator_cpu * 100));
    std::vector<std::string> found;
    // What was stopped or lost has reasons of its own, which the result tells.
    const bool whole = !report.port.stopped && task.plan.shape.kind == LoadShape::Kind::open;
    if (whole && too_much(report)) {
        found.push_back(who + describe_overload(task, report));
        if (const std::string cause = describe_cause(task, report, percent); !cause.empty())
            found.push_back(who + cause);
    } else if (whole &&
               report.unfinished_at_end * half_of_it > static_cast<std::uint64_t>(report.port.planned)) {
        found.push_back(
            fmt::format("{}the load was too short to tell whether the server keeps up: when the last of {} "
                        "messages was due, {} were not done; try a longer --duration",
                        who,
                        report.port.planned,
                        report.unfinished_at_end));
    }
    if (report.generator_cpu > busy)
        found.push_back(
            fmt::format("{}the generator used {} % of a core: the figures are partly its own; try --threads",
                        who,
                        percent));
    if (report.unanswered_quits > 0)
        found.push_back(fmt::format("{}{} connections ended without a reply to QUIT (RFC 5321 §4.1.1.10)",
                                    who,
                                    report.unanswered_quits));
    return found;
}

}  // namespace smtpspec::latency
