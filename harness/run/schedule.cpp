#include "harness/run/schedule.hpp"

#include <algorithm>
#include <atomic>
#include <deque>
#include <mutex>
#include <numeric>
#include <thread>

#include <boost/asio/io_context.hpp>

#include "harness/run/admission.hpp"
#include "harness/run/foregone.hpp"
#include "harness/run/pacing.hpp"
#include "harness/run/repeat.hpp"

namespace smtpspec::run {

namespace asio = boost::asio;

namespace {

constexpr int embedded_lanes_per_thread = 200;
constexpr int selftest_lanes_per_thread =
    24;  // bad peers are told from good ones by speed in a few scenarios
constexpr int loopback_lanes = 6;
constexpr int lanes_whatever_comes = 8;  // per thread, however slow the machine is
constexpr int runs_of_a_late_cell = 3;
constexpr int runs_of_a_lost_cell = 5;
constexpr std::chrono::milliseconds interrupt_check{100};
constexpr std::chrono::milliseconds room_check{20};

/// Everything the lanes share. Each slot of `runs` is written by one thread; the rest is atomic or locked.
class Conductor {
  public:
    Conductor(RunContext& context,
              const Plan& plan,
              const std::map<int, PortProbe>& probes,
              const Progress& progress)
        : context_(context),
          plan_(plan),
          progress_(progress),
          pacing_(context.pace(), context.surroundings == Surroundings::loopback),
          repeats_(context, plan),
          foregone_(context, plan, probes, pacing_),
          order_(plan.cells.size()),
          runs_(plan.cells.size()) {
        std::iota(order_.begin(), order_.end(), std::size_t{0});
        if (context.embedded()) {
            // What waits longest begins first, so that nobody waits for it alone at the end. A client that is
            // refused waits before it comes again, which no script shows: client cells begin before server
            // cells.
            const auto wait = [&](std::size_t index) {
                const script::Scenario& scenario = *plan_.cells[index].scenario;
                return std::pair(scenario.lasts(), scenario.head.side == script::Side::Client);
            };
            std::stable_sort(order_.begin(), order_.end(), [&](std::size_t a, std::size_t b) {
                return wait(a) > wait(b);
            });
        }
    }

    void run() {
        const int threads = thread_count();
        std::vector<std::thread> crew;
        for (int i = 0; i < threads; ++i) {
            crew.emplace_back([this, threads] { work(threads); });
        }
        for (std::thread& thread : crew) {
            thread.join();
        }
        if (bug_) {
            std::rethrow_exception(bug_);
        }
    }

    ScheduleOutcome outcome() {
        ScheduleOutcome outcome;
        for (auto& run : runs_) {
            if (run) {
                outcome.runs.push_back(std::move(*run));
            }
        }
        outcome.notices = pacing_.notices();
        outcome.interrupted = context_.interrupted;
        return outcome;
    }

  private:
    int thread_count() const {
        if (!context_.embedded()) {
            return 1;
        }
        const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
        const int wanted = context_.options.jobs > 0
                               ? std::min<int>(context_.options.jobs, static_cast<int>(cores))
                               : static_cast<int>(cores);
        return std::max(1, std::min<int>(wanted, static_cast<int>(plan_.cells.size())));
    }

    bool has_bad_peers() const {
        return std::any_of(plan_.cells.begin(), plan_.cells.end(), [](const PlannedCell& cell) {
            return !cell.defect.empty();
        });
    }

    int lanes(int threads) const {
        if (context_.options.jobs > 0) {
            const int wanted = std::max(1, context_.options.jobs / threads);
            return context_.most_connections() > 0 ? std::min(wanted, context_.most_connections()) : wanted;
        }
        switch (context_.surroundings) {
            case Surroundings::embedded:
                return has_bad_peers() ? selftest_lanes_per_thread : embedded_lanes_per_thread;
            case Surroundings::loopback:
                return context_.profile.connections > 0 ? context_.profile.connections : loopback_lanes;
            case Surroundings::remote:
                break;
        }
        return context_.most_connections();
    }

    void work(int threads) {
        auto owned = std::make_unique<asio::io_context>(1);
        asio::io_context& loop = *owned;
        int open = lanes(threads);
        auto admission_owned = std::make_shared<Admission>(loop, lanes_whatever_comes);
        Admission& admission = *admission_owned;
        auto watch_owned = std::make_shared<asio::steady_timer>(loop);
        asio::steady_timer& watch = *watch_owned;
        for (int i = lanes(threads); i > 0; --i) {
            // Those from the end keep the processor busy while the others wait.
            const End end = context_.embedded() && i % 4 == 0 ? End::back : End::front;
            asio::co_spawn(loop, lane(admission, end), [&](std::exception_ptr thrown) {
                if (thrown) {
                    stop_for(thrown);
                }
                if (--open == 0) {
                    watch.cancel();
                    admission.stop();
                }
            });
        }
        if (context_.embedded()) {
            asio::co_spawn(loop, admission.watch(), asio::detached);
        }
        asio::co_spawn(loop, watch_for_interrupt(watch, loop, open), asio::detached);
        loop.run();
        if (context_.interrupted) {
            // Conversations under way are left as they are: the program is about to end.
            [[maybe_unused]] const auto* left = owned.release();
        }
    }

    /// Ctrl-C: the cells under way are dropped with their loop; those done are kept.
    wire::Awaitable<void> watch_for_interrupt(asio::steady_timer& timer,
                                              asio::io_context& loop,
                                              const int& open) {
        while (open > 0) {
            timer.expires_after(interrupt_check);
            co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
            if (context_.interrupted) {
                loop.stop();
                co_return;
            }
        }
    }

    /// A bug outside the cells: the lanes finish what they are at, and run() throws it on the caller's
    /// thread.
    void stop_for(std::exception_ptr bug) {
        const std::lock_guard lock(progress_mutex_);
        bug_ = std::move(bug);
        broken_ = true;
    }

    enum class End { front, back };

    std::optional<std::size_t> next(End end) {
        const std::lock_guard lock(order_mutex_);
        if (context_.interrupted || broken_ || order_.empty()) {
            return std::nullopt;
        }
        const std::size_t index = end == End::front ? order_.front() : order_.back();
        if (end == End::front) {
            order_.pop_front();
        } else {
            order_.pop_back();
        }
        return index;
    }

    wire::Awaitable<void> lane(Admission& admission, End end) {
        asio::any_io_executor executor = co_await asio::this_coro::executor;
        asio::steady_timer timer(executor);
        while (const std::optional<std::size_t> index = next(end)) {
            const PlannedCell& planned = plan_.cells[*index];
            if (auto verdict = foregone_.look_at(planned)) {
                keep(*index, std::move(*verdict));
                continue;
            }
            CellRun run = co_await judged(admission, timer, planned);
            for (int tries = context_.options.retries; tries > 0 && may_be_retried(run.cell, planned);
                 --tries) {
                CellRun again = co_await judged(admission, timer, planned);
                run = behind(std::move(run), std::move(again));
            }
            keep(*index, std::move(run));
        }
    }

    wire::Awaitable<CellRun> judged(Admission& admission,
                                    asio::steady_timer& timer,
                                    const PlannedCell& planned) {
        if (context_.embedded()) {
            co_return co_await in_time(admission, planned);
        }
        co_return co_await confirmed(timer, planned);
    }

    /// A cell of our own peers; once more, whatever came of it, when this machine had no time for it.
    wire::Awaitable<CellRun> in_time(Admission& admission, const PlannedCell& planned) {
        for (int runs = 1;; ++runs) {
            co_await admission.enter();
            const Admission::Clock::time_point begun = Admission::Clock::now();
            CellRun run = co_await run_cell(context_, planned);
            admission.leave();
            if (runs == runs_of_a_late_cell || context_.interrupted || !admission.was_late_since(begun)) {
                co_return run;
            }
        }
    }

    wire::Awaitable<CellRun> once(asio::steady_timer& timer, const PlannedCell& planned) {
        const int connections = room_for(planned);
        while (busy_ > 0 && !has_room(connections)) {
            timer.expires_after(room_check);
            co_await timer.async_wait(asio::use_awaitable);
        }
        busy_ += connections;
        co_await turn(timer, planned);
        const Pacing::Clock::time_point begun = Pacing::Clock::now();
        CellRun run = co_await run_cell(context_, planned);
        pacing_.finished(run.cell, begun, busy_);
        busy_ -= connections;
        co_return run;
    }

    bool has_room(int connections) const {
        const auto fits = [&](int most) { return most == 0 || busy_ + connections <= most; };
        return fits(context_.most_connections()) && fits(pacing_.most_connections());
    }

    /// It asked nothing, or a server on this machine, whose limits hold for nobody else, said "not so fast".
    bool asked_nothing(const CellRun& run) const {
        return never_began(run) ||
               (context_.surroundings == Surroundings::loopback && run.cell.error_kind == "rate-limited" &&
                run.cell.verdict == Verdict::Inconclusive);
    }

    /// Runs the cell until it has asked something, a few times at most.
    wire::Awaitable<CellRun> begun(asio::steady_timer& timer, const PlannedCell& planned) {
        CellRun run = co_await once(timer, planned);
        for (int runs = 1; runs < runs_of_a_lost_cell && asked_nothing(run) && !context_.interrupted &&
                           !pacing_.given_up(planned.port) && repeats_.take(planned);
             ++runs) {
            CellRun again = co_await once(timer, planned);
            run = behind(std::move(run), std::move(again));
        }
        co_return run;
    }

    /// Runs the cell, and against a foreign endpoint once more when what it gave has to come twice; a third
    /// time when the second was judged otherwise.
    wire::Awaitable<CellRun> confirmed(asio::steady_timer& timer, const PlannedCell& planned) {
        CellRun run = co_await begun(timer, planned);
        if (context_.interrupted || !is_doubtful(run)) {
            co_return run;
        }
        if (pacing_.given_up(planned.port) || !repeats_.take(planned)) {
            co_return unconfirmed(std::move(run));
        }
        CellRun again = co_await begun(timer, planned);
        if (speaks_against(run, again) && !context_.interrupted && !pacing_.given_up(planned.port) &&
            repeats_.take(planned)) {
            CellRun third = co_await begun(timer, planned);
            if (is_same(again, third)) {
                co_return behind(behind(std::move(run), std::move(again)), std::move(third));
            }
        }
        co_return agreed(std::move(run), std::move(again));
    }

    /// How many of the connections that are allowed at once a cell takes: a scenario with several has them
    /// open beside each other, and so has the look at the port after it.
    int room_for(const PlannedCell& planned) const {
        return std::min(planned.traffic.connections, std::max(1, context_.most_connections()));
    }

    /// Waits until the cell may begin. A limit reply to another lane meanwhile sends it to the end of the
    /// pause.
    wire::Awaitable<void> turn(asio::steady_timer& timer, const PlannedCell& planned) {
        Pacing::Clock::time_point begin;
        do {
            begin = pacing_.begin_at(planned);
            timer.expires_at(begin);
            co_await timer.async_wait(asio::use_awaitable);
        } while (pacing_.paused_at(begin));
    }

    /// Only what was not judged is tried again; a result never is.
    bool may_be_retried(const Cell& cell, const PlannedCell& planned) {
        return cell.verdict == Verdict::Inconclusive && !context_.interrupted &&
               !pacing_.given_up(cell.port) && repeats_.take(planned);
    }

    void keep(std::size_t index, CellRun run) {
        runs_[index] = std::move(run);
        const std::lock_guard lock(progress_mutex_);
        ++done_;
        if (progress_) {
            progress_(runs_[index]->cell, done_, plan_.cells.size());
        }
    }

    RunContext& context_;
    const Plan& plan_;
    const Progress& progress_;
    Pacing pacing_;
    Repeats repeats_;
    int busy_ = 0;  ///< connections that cells under way may have open; one thread's, where they are limited
    Foregone foregone_;
    std::mutex order_mutex_;
    std::deque<std::size_t> order_;  ///< what has not begun
    std::vector<std::optional<CellRun>> runs_;
    std::mutex progress_mutex_;
    std::size_t done_ = 0;
    std::exception_ptr bug_;
    std::atomic<bool> broken_{false};
};

}  // namespace

ScheduleOutcome run_plan(RunContext& context,
                         const Plan& plan,
                         const std::map<int, PortProbe>& probes,
                         const Progress& progress) {
    Conductor conductor(context, plan, probes, progress);
    conductor.run();
    return conductor.outcome();
}

}  // namespace smtpspec::run
