#include "harness/cli/bench_load.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <thread>

#include "harness/cli/calibration.hpp"
#include "harness/cli/interrupt.hpp"
#include "harness/cli/load_manners.hpp"
#include "harness/cli/output.hpp"
#include "protocol/wire/crypto.hpp"

namespace smtpspec::cli {

using latency::LoadShape;
using latency::PortLatency;
using latency::Trouble;

namespace {

constexpr int most_blocks = 20;
constexpr int fewest_in_a_block = 4;
constexpr std::chrono::milliseconds look_interval{50};

void stop(PortLatency& port, Trouble cause, std::string reason) {
    port.stopped.emplace();
    port.stopped->cause = cause;
    port.stopped->reason = std::move(reason);
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

/// How the load of a port is cut, so that calibrations come in between: into rounds, in which all ports take
/// turns, and each round into blocks of the result.
struct Cut {
    int rounds = 1;
    int blocks = 1;  ///< of a round
};

Cut cut_of(const LoadShape& shape, int messages, double pace) {
    // Whoever keeps connections, sessions or a schedule is not to lose them for a calibration.
    const bool whole = shape.kind == LoadShape::Kind::open || shape.messages_per_connection != 1 ||
                       shape.tls_resumption || pace > 0;
    const bool by_time = messages == 0;
    const int blocks = by_time ? most_blocks : std::clamp(messages / fewest_in_a_block, 1, most_blocks);
    // At both ends of a round not all connections are busy, which is not to be more than a tenth of it.
    constexpr int per_connection = 10;
    const int longest = by_time ? static_cast<int>(std::min<double>(shape.seconds, most_blocks))
                        : shape.connections > 1 ? messages / (per_connection * shape.connections)
                                                : blocks;
    const int rounds = whole ? 1 : std::clamp(longest, 1, blocks);
    return {rounds, blocks / rounds};
}

/// One run of `bench` with a load.
class LoadRun {
  public:
    LoadRun(run::RunContext& context, const Arguments& arguments, const BenchServer* server)
        : context_(context),
          arguments_(arguments.bench),
          server_(server),
          shape_(shape_of(arguments.bench, context)),
          allowed_(messages_allowed(context)) {
        if (arguments_.calibrate) {
            calibration_ = std::make_unique<Calibration>();
            cut_ = cut_of(shape_, counting(), context.pace());
        }
        random_.seed(context.options.seed);
    }

    latency::LatencyResult run(const std::map<int, std::string>& unusable) {
        allow_descriptors(shape_.connections);
        const InterruptGuard guard(context_.interrupted);
        result_.shape = shape_;
        prepare_ports(unusable);
        for (int round = 0; round < cut_.rounds; ++round) {
            for (PortLatency& port : result_.ports) {
                if (!port.stopped && !context_.interrupted) {
                    run_round(port, round);
                }
            }
        }
        for (PortLatency& port : result_.ports) {
            conclude(port);
        }
        end_progress();
        return std::move(result_);
    }

  private:
    bool is_open() const { return shape_.kind == LoadShape::Kind::open; }
    /// As many messages as go in the time that was given.
    bool by_time() const { return !is_open() && arguments_.messages == 0 && arguments_.duration; }

    /// Messages of a port that were asked for, without warm-up; 0: by time.
    int wanted() const {
        constexpr int usual = 1000;
        return is_open()                 ? static_cast<int>(std::lround(shape_.rate * shape_.seconds))
               : arguments_.messages > 0 ? share_of(arguments_.messages, context_)
               : by_time()               ? 0
               : allowed_                ? std::max(*allowed_ - shape_.warmup, 0)
                                         : share_of(usual, context_);
    }

    /// Messages of a port that are tried, without warm-up; 0: by time.
    int counting() const {
        const int most = allowed_ ? *allowed_ - shape_.warmup : latency::most_messages;
        return wanted() == 0 && !allowed_ ? 0 : wanted() == 0 ? most : std::min(wanted(), most);
    }

    void prepare_ports(const std::map<int, std::string>& unusable) {
        for (const auto& [number, mode] : context_.profile.ports) {
            if (!context_.options.ports.empty() && context_.options.ports.count(number) == 0) {
                continue;
            }
            PortLatency port;
            port.port = number;
            port.mode = mode;
            port.planned = wanted();
            if (const auto why = unusable.find(number); why != unusable.end()) {
                stop(port, Trouble::died, why->second);
            } else if (allowed_ && *allowed_ == 0) {
                stop(port, Trouble::budget, "budget: no message is allowed");
            }
            result_.ports.push_back(std::move(port));
        }
    }

    latency::LoadTask task_of(const PortLatency& port, int round) {
        latency::LoadTask task;
        task.plan = load_plan(context_, port.port, shape_);
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
        task.not_before = next_turn_;
        task.stop_at_limit = context_.surroundings == run::Surroundings::remote;
        task.lost_to_stop = std::max(50, 2 * shape_.connections);
        task.windows = cut_.blocks;
        task.first = number_;
        const auto part = [&](int number) {
            return static_cast<std::uint64_t>(counting()) * static_cast<std::uint64_t>(number) /
                   static_cast<std::uint64_t>(cut_.rounds);
        };
        task.messages = part(round + 1) - part(round);
        task.plan.shape.warmup = round == 0 ? shape_.warmup : 0;
        task.plan.shape.seconds = shape_.seconds / cut_.rounds;
        constexpr std::uint64_t numbers_of_a_round = 2 * latency::most_messages;
        number_ += numbers_of_a_round;
        return task;
    }

    void run_round(PortLatency& port, int round) {
        const latency::LoadTask task = task_of(port, round);
        std::vector<std::map<latency::Stage, latency::Quantiles>> calibrations;
        const auto calibrate = [&](int times) {
            for (int i = 0; calibration_ && i < times && !context_.interrupted; ++i) {
                calibrations.push_back(calibration_->measure(port.mode));
            }
        };
        // An odd one comes before or after by chance.
        const int before = (cut_.blocks + static_cast<int>(random_() % 2)) / 2;
        calibrate(before);
        const latency::LoadReport report = run_task(task, port);
        calibrate(cut_.blocks - before);
        port.add(report.port);
        warn(task, report);
        next_turn_ = report.next_turn;
        for (std::size_t i = 0; i < calibrations.size() && i < report.windows.size(); ++i) {
            latency::Block block;
            block.port = port.port;
            block.endpoint = report.windows[i];
            block.calibration = std::move(calibrations[i]);
            result_.blocks.push_back(std::move(block));
        }
        end_at_limit(port);
    }

    /// The limit belongs to the account, and so to all ports.
    void end_at_limit(const PortLatency& limited) {
        if (!limited.stopped || limited.stopped->cause != Trouble::rate_limited) {
            return;
        }
        for (PortLatency& port : result_.ports) {
            if (!port.stopped) {
                stop(port,
                     Trouble::rate_limited,
                     fmt::format("the endpoint limited us on port {}, which ended the load", limited.port));
            }
        }
    }

    void conclude(PortLatency& port) {
        if (by_time()) {
            port.planned = port.messages;
        }
        if (allowed_ && !port.stopped && port.messages == counting() &&
            (by_time() || port.messages < port.planned)) {
            const std::string text = fmt::format("budget: {} messages per port and run", *allowed_);
            if (by_time()) {
                result_.notices.push_back(
                    fmt::format("port {}: {}; the time was not used up", port.port, text));
            } else {
                stop(port, Trouble::budget, text);
            }
        }
    }

    std::string how_far(const PortLatency& so_far,
                        const latency::LoadProgress& progress,
                        std::chrono::duration<double> since) const {
        const std::uint64_t done = static_cast<std::uint64_t>(so_far.messages) + progress.done;
        const std::string count =
            by_time()
                ? fmt::format(
                      "{} messages, {:.0f} of {:g} s", done, so_far.seconds + since.count(), shape_.seconds)
                : fmt::format("{} of {} messages", done, so_far.planned);
        const std::uint64_t behind = progress.behind;
        return fmt::format("port {}: {}{}{}",
                           so_far.port,
                           count,
                           progress.failed > 0 ? fmt::format(", {} failed", progress.failed.load()) : "",
                           behind > 0 ? fmt::format(", {} behind", behind) : "");
    }

    /// On threads of its own, so that this one can show how far it is and hear Ctrl-C.
    latency::LoadReport run_task(const latency::LoadTask& task, const PortLatency& so_far) {
        latency::LoadProgress progress;
        latency::LoadReport report;
        std::exception_ptr problem;
        std::atomic<bool> done{false};
        const auto begin = std::chrono::steady_clock::now();
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
            show_(how_far(so_far, progress, std::chrono::steady_clock::now() - begin));
        }
        runner.join();
        if (problem) {
            std::rethrow_exception(problem);
        }
        return report;
    }

    void warn(const latency::LoadTask& task, const latency::LoadReport& report) {
        for (std::string& text : latency::warnings(task, report)) {
            // A round repeats what another has said, with other figures.
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
    std::optional<int> allowed_;  ///< messages per port, warm-up included
    Cut cut_;
    std::unique_ptr<Calibration> calibration_;
    std::mt19937_64 random_;
    std::string run_id_ = wire::random_token(12);
    std::uint64_t number_ = 0;                           ///< of the next message
    std::chrono::steady_clock::time_point next_turn_{};  ///< with a pace: no message begins before
    std::function<void(const std::string&)> show_ = progress_line();
    latency::LatencyResult result_;
};

}  // namespace

latency::LatencyResult measure_load(run::RunContext& context,
                                    const Arguments& arguments,
                                    const BenchServer* server,
                                    const std::map<int, std::string>& unusable) {
    return LoadRun(context, arguments, server).run(unusable);
}

}  // namespace smtpspec::cli
