#include "harness/latency/load.hpp"

#include <fmt/format.h>

#include <cmath>
#include <stdexcept>
#include <thread>

#include "harness/latency/load_worker.hpp"

namespace smtpspec::latency {
namespace {

constexpr std::chrono::milliseconds lead{20};  // until all threads run

constexpr std::uint64_t no_end = ~std::uint64_t{0} / 4;

std::uint64_t total_of(const LoadTask& task) {
    const LoadShape& shape = task.plan.shape;
    if (shape.kind == LoadShape::Kind::open)
        return static_cast<std::uint64_t>(std::llround(shape.rate * shape.seconds));
    const std::uint64_t counting = task.messages == 0 && shape.seconds > 0 ? no_end : task.messages;
    return counting == 0 ? 0 : counting + static_cast<std::uint64_t>(shape.warmup);
}

std::map<Stage, Quantiles> window(const std::list<LoadWorker>& workers, std::size_t index) {
    std::map<Stage, Quantiles> found;
    for (const Stage stage : all_stages()) {
        Histogram all;
        for (const LoadWorker& worker : workers)
            all.merge(worker.window(index).of(stage));
        if (!all.empty())
            found[stage] = quantiles(all);
    }
    return found;
}

std::map<Stage, Quantiles> whole(const PortLatency& port) {
    std::map<Stage, Quantiles> found;
    for (const auto& [stage, times] : port.stages)
        found[stage] = quantiles(times);
    return found;
}

void run_all(std::list<LoadWorker>& workers) {
    std::vector<std::thread> crew;
    for (LoadWorker& worker : workers)
        crew.emplace_back([&worker] { worker.run(); });
    for (std::thread& thread : crew)
        thread.join();
}

}  // namespace

LoadReport run_load(const LoadTask& task, LoadProgress& progress) {
    const std::uint64_t total = total_of(task);
    if (total == 0 || task.plan.to.empty() || task.plan.shape.connections < 1)
        throw std::invalid_argument("load: no message, no recipient or no connection");
    const bool open = task.plan.shape.kind == LoadShape::Kind::open;
    LoadShared shared(task, progress);
    shared.total = total;
    shared.start = LoadClock::now() + (open ? lead : std::chrono::milliseconds(0));
    const int threads =
        open ? task.plan.shape.threads : std::min(task.plan.shape.threads, task.plan.shape.connections);
    std::list<LoadWorker> workers;
    for (int i = 0; i < threads; ++i)
        shared.connections += workers.emplace_back(shared, i, threads).most_sessions();
    run_all(workers);

    LoadReport report;
    report.port.port = task.plan.port;
    report.port.mode = task.plan.mode;
    LoadClock::time_point end = shared.start;
    for (const LoadWorker& worker : workers) {
        worker.add_to(report);
        end = std::max(end, worker.last_end());
    }
    const LoadClock::time_point counting(LoadClock::duration(shared.counting_since.load()));
    const LoadClock::time_point begin = counting.time_since_epoch().count() != 0 ? counting : shared.start;
    report.port.seconds = std::max(0.0, std::chrono::duration<double>(end - begin).count());
    const bool by_time = !open && task.plan.shape.seconds > 0;
    report.port.planned = by_time
                              ? report.port.messages
                              : static_cast<int>(total - static_cast<std::uint64_t>(task.plan.shape.warmup));
    report.port.stopped = shared.stopped;
    for (int i = 0; i < task.windows; ++i)
        report.windows.push_back(task.windows > 1 ? window(workers, static_cast<std::size_t>(i))
                                                  : whole(report.port));
    return report;
}

std::vector<std::string> warnings(const LoadTask& task, const LoadReport& report) {
    constexpr double busy = 0.9;
    const LoadShape& shape = task.plan.shape;
    const std::string who = fmt::format("port {}: ", task.plan.port);
    std::vector<std::string> found;
    const bool late = report.not_begun > 0 || report.behind_at_end > 0;
    if (shape.kind == LoadShape::Kind::open && late) {
        const double reached = report.port.seconds > 0 ? report.port.sent / report.port.seconds : 0;
        std::string text = fmt::format(
            "{}the load was too much: {:g} messages/s were asked for, {:.1f}/s were sent; when the last was "
            "due, {} "
            "had not begun (at most {})",
            who,
            shape.rate,
            reached,
            report.behind_at_end,
            report.behind_most);
        if (report.not_begun > 0)
            text += fmt::format(", and {} never did: they are in no figure, so that the true ones are worse",
                                report.not_begun);
        found.push_back(std::move(text));
    }
    const auto percent = static_cast<int>(std::lround(report.generator_cpu * 100));
    if (report.generator_cpu > busy)
        found.push_back(
            fmt::format("{}the generator used {} % of a core: the figures are partly its own; try --threads",
                        who,
                        percent));
    else if (late)
        found.push_back(
            fmt::format("{}the generator used {} % of a core, so the server could not keep up, or {} "
                        "connections are too few",
                        who,
                        percent,
                        shape.connections));
    return found;
}

}  // namespace smtpspec::latency
