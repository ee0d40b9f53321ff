#include "harness/cli/bench_load.hpp"

#include <sched.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <random>
#include <thread>

#include "harness/cli/interrupt.hpp"
#include "harness/cli/output.hpp"
#include "harness/run/judge.hpp"
#include "harness/run/runner.hpp"
#include "protocol/wire/crypto.hpp"

namespace smtpspec::cli {

using latency::LoadShape;

namespace {

constexpr int most_blocks = 20;
constexpr int fewest_in_a_block = 4;
constexpr std::uint64_t calibration_messages = 15;
constexpr std::chrono::milliseconds look_interval{50};

script::Mode mode_of(const run::RunContext& context, int port) { return context.profile.ports.at(port); }

latency::LoadPlan plan_of(const run::RunContext& context, int port, const LoadShape& shape) {
    const run::Profile& profile = context.profile;
    latency::LoadPlan plan;
    plan.host = profile.server_name.empty() ? profile.host : profile.server_name;
    plan.port = port;
    plan.mode = mode_of(context, port);
    plan.tls = context.client_tls;
    plan.ehlo_name = profile.ehlo.empty() ? plan.ehlo_name : profile.ehlo;
    plan.user = context.user;
    plan.password = context.password;
    plan.from = profile.from;
    plan.to.assign(static_cast<std::size_t>(shape.recipients), profile.to);
    plan.shape = shape;
    plan.is_limit = [&profile](const std::string& reply) { return run::is_rate_limit(reply, profile.facts); };
    plan.mask = [&context](const std::string& text) { return context.masker.by_value(text); };
    return plan;
}

void aim_at(latency::LoadPlan& plan, int actual_port) {
    plan.address = {boost::asio::ip::make_address("127.0.0.1"), static_cast<std::uint16_t>(actual_port)};
}

void add(latency::PortLatency& whole, const latency::PortLatency& slice) {
    whole.messages += slice.messages;
    whole.sent += slice.sent;
    whole.seconds += slice.seconds;
    for (const auto& [stage, times] : slice.stages) {
        whole.stages[stage].merge(times);
    }
    for (const auto& [name, times] : slice.handshakes) {
        whole.handshakes[name] += times;
    }
    for (const latency::LatencyError& error : slice.errors) {
        whole.add_error(error);
    }
    if (!whole.stopped) {
        whole.stopped = slice.stopped;
    }
}

/// A connection is a descriptor, and two where the server is in this process. What the system does not allow
/// shows as connections that were not made.
void allow_descriptors(int connections) {
    constexpr rlim_t others = 100;
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return;
    }
    const rlim_t wanted = static_cast<rlim_t>(connections) * 2 + others;
    if (limit.rlim_cur < wanted) {
        limit.rlim_cur = std::min(wanted, limit.rlim_max);
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/// One run of `bench` with a load.
class LoadRun {
  public:
    LoadRun(run::RunContext& context, const Arguments& arguments, const BenchServer* server)
        : context_(context), arguments_(arguments.bench), server_(server), shape_(shape_of(arguments.bench)) {
        if (arguments_.calibrate) {
            calibration_ = std::make_unique<Calibration>();
        }
        random_.seed(context.options.seed);
    }

    latency::LatencyResult run(const std::map<int, std::string>& unusable) {
        allow_descriptors(shape_.connections);
        const InterruptGuard guard(context_.interrupted);
        result_.shape = shape_;
        prepare_ports(unusable);
        const bool open = shape_.kind == LoadShape::Kind::open;
        for (int slice = 0; slice < (open ? 1 : slices()); ++slice) {
            for (latency::PortLatency& port : result_.ports) {
                if (port.stopped || context_.interrupted) {
                    continue;
                }
                if (open) {
                    run_open(port);
                } else {
                    run_slice(port, slice);
                }
            }
        }
        end_progress();
        return std::move(result_);
    }

  private:
    /// Into so many slices a closed load is cut.
    int slices() const {
        const int messages = per_port();
        const bool by_time = messages == 0;
        return !calibration_ ? 1
               : by_time     ? most_blocks
                             : std::clamp(messages / fewest_in_a_block, 1, most_blocks);
    }

    /// Messages of a closed load; 0: as many as go in the time that was given.
    int per_port() const {
        constexpr int usual = 1000;
        const int wanted = arguments_.messages > 0 || arguments_.duration ? arguments_.messages : usual;
        if (context_.surroundings != run::Surroundings::remote) {
            return wanted;
        }
        const int budget = context_.options.max_messages.value_or(context_.profile.budget_messages);
        return wanted == 0 ? budget : std::min(wanted, budget);
    }

    void prepare_ports(const std::map<int, std::string>& unusable) {
        for (const auto& [number, mode] : context_.profile.ports) {
            if (!context_.options.ports.empty() && context_.options.ports.count(number) == 0) {
                continue;
            }
            latency::PortLatency port;
            port.port = number;
            port.mode = mode;
            port.planned = shape_.kind == LoadShape::Kind::open
                               ? static_cast<int>(std::lround(shape_.rate * shape_.seconds))
                               : per_port();
            if (const auto why = unusable.find(number); why != unusable.end()) {
                port.stopped.emplace();
                port.stopped->cause = latency::Trouble::died;
                port.stopped->reason = why->second;
            }
            result_.ports.push_back(std::move(port));
        }
    }

    latency::LoadTask task_of(const latency::PortLatency& port) {
        latency::LoadTask task;
        task.plan = plan_of(context_, port.port, shape_);
        if (server_ != nullptr) {
            aim_at(task.plan, server_->ports().at(port.port));
        } else {
            task.plan.address = context_.addresses.at(port.port);
            if (const auto name = context_.names.find(port.port); name != context_.names.end()) {
                task.plan.look_up = name->second;
            }
        }
        task.run_id = run_id_;
        task.pace = context_.pace();
        task.stop_at_limit = context_.surroundings == run::Surroundings::remote;
        task.lost_to_stop = std::max(50, 2 * shape_.connections);
        return task;
    }

    void run_slice(latency::PortLatency& port, int slice) {
        const int all = per_port();
        const auto from = static_cast<std::uint64_t>(all) * static_cast<std::uint64_t>(slice) /
                          static_cast<std::uint64_t>(slices());
        const auto to = static_cast<std::uint64_t>(all) * static_cast<std::uint64_t>(slice + 1) /
                        static_cast<std::uint64_t>(slices());
        latency::LoadTask task = task_of(port);
        task.messages = to - from;
        task.first = number_;
        task.plan.shape.warmup = slice == 0 ? shape_.warmup : 0;
        task.plan.shape.seconds = shape_.seconds / slices();
        constexpr std::uint64_t numbers_of_a_slice = 100'000'000'000 / most_blocks;
        number_ = task.first + (task.messages > 0
                                    ? task.messages + static_cast<std::uint64_t>(task.plan.shape.warmup)
                                    : numbers_of_a_slice);
        latency::Block block;
        block.port = port.port;
        const bool calibrate_first = random_() % 2 == 0;
        if (calibration_ && calibrate_first) {
            block.calibration = calibration_->measure(port.mode);
        }
        const latency::LoadReport report = run_task(task, port);
        if (calibration_ && !calibrate_first) {
            block.calibration = calibration_->measure(port.mode);
        }
        add(port, report.port);
        if (per_port() == 0) {
            port.planned = port.messages;
        }
        warn(task, report);
        if (calibration_) {
            block.endpoint = report.windows.front();
            result_.blocks.push_back(std::move(block));
        }
    }

    /// An open load must not be interrupted: what is behind would be forgotten. Calibration is before and
    /// after it.
    void run_open(latency::PortLatency& port) {
        std::vector<std::map<latency::Stage, latency::Quantiles>> calibrations;
        const auto calibrate = [&] {
            for (int i = 0; calibration_ && i < most_blocks / 2 && !context_.interrupted; ++i) {
                calibrations.push_back(calibration_->measure(port.mode));
            }
        };
        latency::LoadTask task = task_of(port);
        task.windows = calibration_ ? most_blocks : 1;  // each has histograms of its own
        task.pace = 0;
        calibrate();
        const latency::LoadReport report = run_task(task, port);
        calibrate();
        add(port, report.port);
        warn(task, report);
        for (std::size_t i = 0; i < calibrations.size() && i < report.windows.size(); ++i) {
            latency::Block block;
            block.port = port.port;
            block.endpoint = report.windows[i];
            block.calibration = calibrations[i];
            result_.blocks.push_back(std::move(block));
        }
    }

    /// On threads of its own, so that this one can show how far it is and hear Ctrl-C.
    latency::LoadReport run_task(const latency::LoadTask& task, const latency::PortLatency& so_far) {
        latency::LoadProgress progress;
        latency::LoadReport report;
        std::exception_ptr problem;
        std::atomic<bool> done{false};
        std::thread runner([&] {
            try {
                report = latency::run_load(task, progress);
            } catch (...) {
                problem = std::current_exception();
            }
            done = true;
        });
        while (!done) {
            std::this_thread::sleep_for(look_interval);
            progress.stop = context_.interrupted.load();
            const std::uint64_t behind = progress.behind;
            show_(fmt::format("port {}: {} of {} messages{}{}",
                              so_far.port,
                              static_cast<std::uint64_t>(so_far.messages) + progress.done,
                              so_far.planned,
                              progress.failed > 0 ? fmt::format(", {} failed", progress.failed.load()) : "",
                              behind > 0 ? fmt::format(", {} behind", behind) : ""));
        }
        runner.join();
        if (problem) {
            std::rethrow_exception(problem);
        }
        return report;
    }

    void warn(const latency::LoadTask& task, const latency::LoadReport& report) {
        for (std::string& text : latency::warnings(task, report)) {
            // A slice repeats what another has said, with other figures.
            const std::string_view start = std::string_view(text).substr(0, 20);
            const bool said = std::any_of(result_.notices.begin(),
                                          result_.notices.end(),
                                          [&](const std::string& known) { return known.starts_with(start); });
            if (!said) {
                result_.notices.push_back(std::move(text));
            }
        }
    }

    run::RunContext& context_;
    const BenchArguments& arguments_;
    const BenchServer* server_;
    LoadShape shape_;
    std::unique_ptr<Calibration> calibration_;
    std::mt19937_64 random_;
    std::string run_id_ = wire::random_token(12);
    std::uint64_t number_ = 0;
    std::function<void(const std::string&)> show_ = progress_line();
    latency::LatencyResult result_;
};

}  // namespace

Calibration::Calibration() {
    context_ = run::embedded_context(run::RunOptions());
    server_ = std::make_unique<BenchServer>(*context_);
}

std::map<latency::Stage, latency::Quantiles> Calibration::measure(script::Mode mode) {
    int port = 0;
    for (const auto& [number, its_mode] : context_->profile.ports) {
        if (its_mode == mode || port == 0) {
            port = number;
        }
    }
    latency::LoadTask task;
    task.plan = plan_of(*context_, port, LoadShape());
    aim_at(task.plan, server_->ports().at(port));
    task.messages = calibration_messages;
    task.run_id = "calibration";
    task.first = first_;
    first_ += task.messages;
    latency::LoadProgress progress;
    return latency::run_load(task, progress).windows.front();
}

LoadShape shape_of(const BenchArguments& arguments) {
    LoadShape shape;
    shape.kind = arguments.rate > 0 ? LoadShape::Kind::open : LoadShape::Kind::closed;
    shape.rate = arguments.rate;
    constexpr double usual_seconds = 10;
    shape.seconds = arguments.duration.value_or(arguments.rate > 0 ? usual_seconds : 0);
    constexpr int enough_for_a_rate = 100;
    shape.connections = arguments.connections > 0 ? arguments.connections
                        : arguments.rate > 0      ? enough_for_a_rate
                                                  : 1;
    shape.messages_per_connection = arguments.messages_per_connection;
    shape.size = arguments.size;
    shape.recipients = arguments.recipients;
    shape.pipelining = arguments.pipelining;
    shape.tls_resumption = arguments.tls_resumption;
    shape.warmup = arguments.warmup;
    shape.threads = arguments.threads;
    return shape;
}

latency::Machine this_machine() {
    latency::Machine machine;
    std::ifstream info("/proc/cpuinfo");
    for (std::string line; machine.cpu.empty() && std::getline(info, line);) {
        if (line.starts_with("model name")) {
            const std::size_t colon = line.find(": ");
            machine.cpu = colon == std::string::npos ? "" : line.substr(colon + 2);
        }
    }
    cpu_set_t cores;
    machine.cores = sched_getaffinity(0, sizeof cores, &cores) == 0 ? CPU_COUNT(&cores) : 0;
    utsname name{};
    if (uname(&name) == 0) {
        machine.system = fmt::format("{} {}", name.sysname, name.release);
    }
    return machine;
}

std::string load_objection(const run::RunContext& context, const Arguments& arguments) {
    if (context.surroundings != run::Surroundings::remote) {
        return {};
    }
    const BenchArguments& bench = arguments.bench;
    if (!bench.may_load) {
        return fmt::format(
            "{} is not on this machine: a load may do harm there. With permission of who runs it, add "
            "--i-may-load-this-host; without, leave the load options out for a short paced probe",
            context.profile.host);
    }
    if (bench.rate > context.pace()) {
        return fmt::format(
            "--rate {:g} is more than the pace of {:g} messages/s that {} gets; a profile may allow more "
            "(pace: {{messages: {:g}/s}})",
            bench.rate,
            context.pace(),
            context.profile.host,
            bench.rate);
    }
    const int allowed = context.profile.connections > 0 ? context.profile.connections : 2;
    if (shape_of(bench).connections > allowed) {
        return fmt::format(
            "--connections {} is more than the {} at once that {} gets; a profile may allow more (pace: "
            "{{connections: {}}})",
            shape_of(bench).connections,
            allowed,
            context.profile.host,
            shape_of(bench).connections);
    }
    return {};
}

latency::LatencyResult measure_load(run::RunContext& context,
                                    const Arguments& arguments,
                                    const BenchServer* server,
                                    const std::map<int, std::string>& unusable) {
    return LoadRun(context, arguments, server).run(unusable);
}

}  // namespace smtpspec::cli
