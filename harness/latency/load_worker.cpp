#include "harness/latency/load_worker.hpp"

#include <sys/resource.h>

#include <algorithm>

namespace smtpspec::latency {

namespace asio = boost::asio;
using std::chrono::duration;
using std::chrono::duration_cast;

namespace {

constexpr std::chrono::milliseconds watch_interval{100};

/// This thread's, in seconds.
double cpu_time() {
    rusage usage{};
    getrusage(RUSAGE_THREAD, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// Of `all` things, those of one of `count` workers.
std::size_t share(int all, int index, int count) {
    return static_cast<std::size_t>(all / count) + (index < all % count ? 1U : 0U);
}

}  // namespace

void StageTimes::record(const LoadSample& sample) {
    histograms_[static_cast<std::size_t>(sample.stage)].record(
        std::chrono::round<std::chrono::microseconds>(sample.time));
}

void LoadShared::stop_for(Trouble cause, std::string reason) {
    const std::lock_guard lock(mutex);
    if (!stopped) {
        stopped.emplace();
        stopped->cause = cause;
        stopped->reason = std::move(reason);
    }
    stop = true;
}

void LoadShared::stop_for(std::exception_ptr thrown) {
    const std::lock_guard lock(mutex);
    if (!problem)
        problem = std::move(thrown);
    stop = true;
}

/// A turn may be taken a tenth of its length early, and the next one is not: else each delay of a timer would
/// put off all that follows, and a load with the rate of the pace would fall behind by itself.
LoadClock::time_point LoadShared::take_turn(LoadClock::time_point now) {
    const auto length = duration_cast<LoadClock::duration>(duration<double>(1 / task.pace));
    const std::lock_guard lock(mutex);
    const LoadClock::time_point turn = std::max(now, next_turn);
    next_turn = turn + length;
    return turn - now > length / 10 ? turn : now;
}

LoadWorker::LoadWorker(LoadShared& shared, int index, int count)
    : shared_(shared),
      count_(count),
      content_(shared.task.plan.from,
               shared.task.plan.to.front(),
               shared.task.run_id,
               shared.task.plan.shape.size),
      most_sessions_(std::max<std::size_t>(share(shared.task.plan.shape.connections, index, count), 1)),
      due_timer_(loop_),
      turn_timer_(loop_),
      watch_(loop_),
      next_arrival_(static_cast<std::uint64_t>(index)),
      windows_(static_cast<std::size_t>(std::max(shared.task.windows, 1))),
      last_end_(shared.start) {
    if (is_open_load())
        counts_.series = empty_series(shared.task.plan.shape.seconds);
}

void LoadWorker::run() {
    const double cpu_before = cpu_time();
    const LoadClock::time_point began = LoadClock::now();
    watch();
    if (is_open_load()) {
        on_due();
    } else {
        for (std::size_t i = 0; i < most_sessions_; ++i)
            next_closed(sessions_.emplace_back(loop_, shared_.task.plan, content_, tickets_, *this));
    }
    end_when_done();
    loop_.run();
    for (LoadSession& session : sessions_)
        session.drop();
    const double wall = duration<double>(LoadClock::now() - began).count();
    cpu_ = wall > 0 ? (cpu_time() - cpu_before) / wall : 0;
}

LoadClock::time_point LoadWorker::due(std::uint64_t number) const {
    const duration<double> after(static_cast<double>(number) / shared_.task.plan.shape.rate);
    return shared_.start + duration_cast<LoadClock::duration>(after);
}

void LoadWorker::begin_in_turn(LoadSession& session, Arrival arrival) {
    if (shared_.task.pace > 0) {
        const LoadClock::time_point now = LoadClock::now();
        const LoadClock::time_point turn = shared_.take_turn(now);
        if (turn > now) {
            paced_.emplace(turn, std::pair(&session, arrival));
            wake(turn_timer_, paced_.begin()->first, &LoadWorker::on_turn);
            return;
        }
    }
    begin(session, arrival);
}

void LoadWorker::begin(LoadSession& session, Arrival arrival) {
    const int limit = shared_.task.plan.shape.messages_per_connection;
    const int before = session.has_connection() ? session.messages() : 0;
    const bool last = (limit > 0 && before + 1 >= limit) || ends_connection(arrival.number);
    ++active_;
    session.begin(shared_.task.first + arrival.number, arrival.due, last);
}

/// Of a closed load, each connection takes one of the last messages, and no more: its QUIT is then part of a
/// message, and the stages add up to the whole.
bool LoadWorker::ends_connection(std::uint64_t number) const {
    return !is_open_load() && number + shared_.connections >= shared_.total;
}

void LoadWorker::message_done(LoadSession& session, const LoadOutcome& outcome) {
    --active_;
    unanswered_quits_ += outcome.quit_unanswered ? 1 : 0;
    if (outcome.number != no_message) {
        const std::uint64_t number = outcome.number - shared_.task.first;
        book(outcome, number);
        consider(outcome);
        if (is_open_load())
            next_open(session);
        else if (!ends_connection(number))
            next_closed(session);
    }
    end_when_done();
}

void LoadWorker::next_closed(LoadSession& session) {
    if (shared_.over())
        return;
    const std::uint64_t number = shared_.next.fetch_add(1, std::memory_order_relaxed);
    if (number >= shared_.total)
        return;
    const LoadClock::time_point now = LoadClock::now();
    const duration<double> allowed(shared_.task.plan.shape.seconds);
    if (allowed.count() > 0 && now - shared_.start >= allowed)
        return;
    if (number == static_cast<std::uint64_t>(shared_.task.plan.shape.warmup))
        shared_.counting_since = now.time_since_epoch().count();
    begin_in_turn(session, Arrival{number, now});
}

void LoadWorker::on_turn() {
    while (!paced_.empty() && !shared_.over() && paced_.begin()->first <= LoadClock::now()) {
        const auto [session, arrival] = paced_.extract(paced_.begin()).mapped();
        begin(*session, arrival);
    }
    if (!paced_.empty() && !shared_.over())
        wake(turn_timer_, paced_.begin()->first, &LoadWorker::on_turn);
    end_when_done();
}

/// All messages of an open load that are due by now begin, or wait for a connection.
void LoadWorker::on_due() {
    const LoadClock::time_point now = LoadClock::now();
    while (next_arrival_ < shared_.total && !shared_.over() && due(next_arrival_) <= now) {
        const Arrival arrival{next_arrival_, due(next_arrival_)};
        next_arrival_ += static_cast<std::uint64_t>(count_);
        arrive(arrival);
        if (!unfinished_at_half_ && next_arrival_ >= shared_.total / 2)
            unfinished_at_half_ = unfinished();
    }
    set_behind();
    if (shared_.over())
        return;
    if (next_arrival_ < shared_.total) {
        wake(due_timer_, due(next_arrival_), &LoadWorker::on_due);
    } else if (!behind_at_end_) {
        behind_at_end_ = behind_;
        unfinished_at_end_ = unfinished();
    }
}

void LoadWorker::arrive(Arrival arrival) {
    if (arrival.number >= static_cast<std::uint64_t>(shared_.task.plan.shape.warmup))
        ++series_window_of(arrival.number).due;
    if (!free_.empty()) {
        LoadSession& session = *free_.back();
        free_.pop_back();
        begin_in_turn(session, arrival);
    } else if (sessions_.size() < most_sessions_) {
        begin_in_turn(sessions_.emplace_back(loop_, shared_.task.plan, content_, tickets_, *this), arrival);
    } else {
        ++behind_;
    }
}

void LoadWorker::next_open(LoadSession& session) {
    if (behind_ == 0 || shared_.over()) {
        free_.push_back(&session);
        return;
    }
    const std::uint64_t number = next_arrival_ - behind_ * static_cast<std::uint64_t>(count_);
    --behind_;
    set_behind();
    begin_in_turn(session, Arrival{number, due(number)});
}

/// Of our own messages that were due.
std::uint64_t LoadWorker::unfinished() const {
    return behind_ + paced_.size() + static_cast<std::uint64_t>(active_);
}

void LoadWorker::set_behind() {
    behind_most_ = std::max(behind_most_, behind_);
    shared_.progress.behind.fetch_add(behind_ - reported_behind_, std::memory_order_relaxed);
    reported_behind_ = behind_;
}

void LoadWorker::wake(asio::steady_timer& timer, LoadClock::time_point time, void (LoadWorker::*then)()) {
    timer.expires_at(time);
    timer.async_wait([this, then](const boost::system::error_code& error) {
        if (!error)
            (this->*then)();
    });
}

/// By number, or of a closed load for a time by the time until now.
std::size_t LoadWorker::window_of(std::uint64_t number) const {
    const LoadShape& shape = shared_.task.plan.shape;
    const auto warmup = static_cast<std::uint64_t>(shape.warmup);
    double part = static_cast<double>(number - warmup) / static_cast<double>(shared_.total - warmup);
    if (!is_open_load() && shape.seconds > 0)
        part = duration<double>(LoadClock::now() - shared_.start).count() / shape.seconds;
    const auto count = static_cast<double>(windows_.size());
    return static_cast<std::size_t>(std::clamp(part * count, 0.0, count - 1));
}

/// By when the message was due.
SeriesWindow& LoadWorker::series_window_of(std::uint64_t number) {
    const LoadShape& shape = shared_.task.plan.shape;
    const double due = static_cast<double>(number - static_cast<std::uint64_t>(shape.warmup)) / shape.rate;
    const auto last = static_cast<double>(counts_.series->windows.size() - 1);
    constexpr double rounding = 1e-6;  // 0.3 / 0.1 is a little less than 3
    return counts_.series
        ->windows[static_cast<std::size_t>(std::clamp(due / counts_.series->width + rounding, 0.0, last))];
}

void LoadWorker::book_in_series(const LoadOutcome& outcome, std::uint64_t number) {
    SeriesWindow& window = series_window_of(number);
    ++(outcome.sent ? window.sent : window.failed);
    for (const LoadSample& sample : outcome.samples)
        if (sample.stage == Stage::total)
            window.total.record(std::chrono::round<std::chrono::microseconds>(sample.time));
}

void LoadWorker::book(const LoadOutcome& outcome, std::uint64_t number) {
    if (number < static_cast<std::uint64_t>(shared_.task.plan.shape.warmup))
        return;
    ++counts_.messages;
    shared_.progress.done.fetch_add(1, std::memory_order_relaxed);
    StageTimes& window = windows_[window_of(number)];
    for (const LoadSample& sample : outcome.samples) {
        times_.record(sample);
        if (windows_.size() > 1)
            window.record(sample);
    }
    if (counts_.series)
        book_in_series(outcome, number);
    if (!outcome.handshake.empty())
        ++counts_.handshakes[outcome.handshake];
    last_end_ = LoadClock::now();
    if (outcome.sent) {
        ++counts_.sent;
        return;
    }
    counts_.add_error(outcome.error);
    shared_.progress.failed.fetch_add(1, std::memory_order_relaxed);
}

/// What one message that failed means for the rest.
void LoadWorker::consider(const LoadOutcome& outcome) {
    if (!outcome.lost)
        shared_.lost_in_a_row.store(0, std::memory_order_relaxed);
    else if (shared_.lost_in_a_row.fetch_add(1) + 1 >= shared_.task.lost_to_stop)
        shared_.stop_for(Trouble::died,
                         std::to_string(shared_.task.lost_to_stop) +
                             " messages in a row were lost with their connection; the port is given up");
    if (outcome.sent)
        return;
    if (outcome.error.cause == Trouble::login_refused)
        shared_.stop_for(
            Trouble::login_refused,
            "the login was refused; check user name and password. It was not tried again on this port");
    if (outcome.error.cause == Trouble::rate_limited && shared_.task.stop_at_limit)
        shared_.stop_for(Trouble::rate_limited,
                         "\"" + outcome.error.text + "\": the endpoint limits us, so the load ended");
}

void LoadWorker::watch() {
    watch_.expires_after(watch_interval);
    watch_.async_wait([this](const boost::system::error_code& error) {
        if (error)
            return;
        if (shared_.progress.stop) {
            loop_.stop();
            return;
        }
        const LoadClock::time_point now = LoadClock::now();
        for (LoadSession& session : sessions_)
            session.check_time(now);
        lose_patience(now);
        if (shared_.stop) {
            if (!stopped_at_)
                stopped_at_ = now;
            else if (now - *stopped_at_ > shared_.task.patience)
                for (LoadSession& session : sessions_)
                    session.abandon();
        }
        watch();
        end_when_done();
    });
}

/// What an open load has not begun some time after its end never begins; what has begun gets as long again.
void LoadWorker::lose_patience(LoadClock::time_point now) {
    const bool all_due = next_arrival_ >= shared_.total || shared_.over();
    if (!is_open_load() || !all_due)
        return;
    const LoadClock::time_point end = due(shared_.total);
    if (now > end + shared_.task.patience || shared_.over()) {
        not_begun_ += behind_;
        behind_ = 0;
        set_behind();
    }
    if (now > end + 2 * shared_.task.patience)
        for (LoadSession& session : sessions_)
            session.abandon();
}

/// Nothing is left to do: connections that stayed are ended, and then the loop.
void LoadWorker::end_when_done() {
    const bool more_due = is_open_load() && next_arrival_ < shared_.total && !shared_.over();
    if (active_ > 0 || more_due || behind_ > 0)
        return;
    if (!paced_.empty() && !shared_.over())
        return;
    for (LoadSession& session : sessions_)
        if (session.has_connection()) {
            ++active_;
            session.quit();
        }
    if (active_ == 0) {
        due_timer_.cancel();
        turn_timer_.cancel();
        watch_.cancel();
    }
}

void LoadWorker::add_to(LoadReport& report) const {
    report.port.add(counts_);
    for (const Stage stage : all_stages())
        if (!times_.of(stage).empty())
            report.port.stages[stage].merge(times_.of(stage));
    report.generator_cpu = std::max(report.generator_cpu, cpu_);
    report.behind_most += behind_most_;
    report.behind_at_end += behind_at_end_.value_or(0);
    report.unfinished_at_half += unfinished_at_half_.value_or(0);
    report.unfinished_at_end += unfinished_at_end_.value_or(0);
    report.not_begun += not_begun_ + (is_open_load() ? paced_.size() : 0);
    report.unanswered_quits += unanswered_quits_;
}

const StageTimes& LoadWorker::window(std::size_t index) const { return windows_.at(index); }

}  // namespace smtpspec::latency
