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
    const auto warmup = static_cast<std::uint64_t>(shape.warmup);
    const auto checked = [&](double counting) {
        if (!(counting >= 0) || counting > static_cast<double>(most_messages - warmup))
            throw std::invalid_argument(fmt::format("load: more than {} messages", most_messages));
        return counting < 1 ? 0 : static_cast<std::uint64_t>(std::llround(counting)) + warmup;
    };
    if (shape.kind == LoadShape::Kind::open)
        return checked(std::round(shape.rate * shape.seconds));
    if (task.messages == 0 && shape.seconds > 0)
        return no_end;
    return checked(static_cast<double>(task.messages));
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

/// A thread that throws ends the load; the caller hears of it when all threads are done.
void run_all(std::list<LoadWorker>& workers, LoadShared& shared) {
    std::vector<std::thread> crew;
    const auto run = [&shared](LoadWorker& worker) {
        try {
            worker.run();
        } catch (...) {
            shared.stop_for(std::current_exception());
        }
    };
    try {
        for (LoadWorker& worker : workers)
            crew.emplace_back(run, std::ref(worker));
    } catch (...) {  // no more threads
        shared.stop_for(std::current_exception());
    }
    for (std::thread& thread : crew)
        thread.join();
    if (shared.problem)
        std::rethrow_exception(shared.problem);
}

LoadReport collect(const LoadShared& shared, const std::list<LoadWorker>& workers) {
    const LoadTask& task = shared.task;
    const LoadShape& shape = task.plan.shape;
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
    const bool by_time = shape.kind == LoadShape::Kind::closed && shape.seconds > 0;
    report.port.planned = by_time ? report.port.messages
                                  : static_cast<int>(shared.total - static_cast<std::uint64_t>(shape.warmup));
    report.port.stopped = shared.stopped;
    report.next_turn = shared.next_turn;
    for (int i = 0; i < task.windows; ++i)
        report.windows.push_back(task.windows > 1 ? window(workers, static_cast<std::size_t>(i))
                                                  : whole(report.port));
    return report;
}

}  // namespace

LoadReport run_load(const LoadTask& task, LoadProgress& progress) {
    const LoadShape& shape = task.plan.shape;
    const std::uint64_t total = total_of(task);
    if (total == 0 || task.plan.to.empty() || shape.connections < 1)
        throw std::invalid_argument("load: no message, no recipient or no connection");
    const bool open = shape.kind == LoadShape::Kind::open;
    LoadShared shared(task, progress);
    shared.total = total;
    shared.next_turn = task.not_before;
    shared.start = std::max(LoadClock::now() + (open ? lead : std::chrono::milliseconds(0)), task.not_before);
    const int threads = open ? shape.threads : std::min(shape.threads, shape.connections);
    std::list<LoadWorker> workers;
    for (int i = 0; i < threads; ++i)
        shared.connections += workers.emplace_back(shared, i, threads).most_sessions();
    if (open) {
        const std::chrono::duration<double> warmup(shape.warmup / shape.rate);
        shared.counting_since = (shared.start + std::chrono::duration_cast<LoadClock::duration>(warmup))
                                    .time_since_epoch()
                                    .count();
    }
    run_all(workers, shared);
    return collect(shared, workers);
}

}  // namespace smtpspec::latency
