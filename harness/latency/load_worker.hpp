#pragma once

#include <boost/asio/steady_timer.hpp>

#include <array>
#include <list>
#include <memory>
#include <mutex>
#include <vector>

#include "harness/latency/load.hpp"

namespace smtpspec::latency {

/// Histograms by stage without a look-up.
class StageTimes {
  public:
    void record(const LoadSample& sample);
    const Histogram& of(Stage stage) const { return histograms_[static_cast<std::size_t>(stage)]; }

  private:
    std::array<Histogram, static_cast<std::size_t>(Stage::total) + 1> histograms_;
};

/// What the workers of a load share.
struct LoadShared {
    LoadShared(const LoadTask& the_task, LoadProgress& the_progress)
        : task(the_task), progress(the_progress) {}

    const LoadTask& task;
    LoadProgress& progress;
    std::uint64_t total = 0;                        ///< messages, warm-up included
    std::uint64_t connections = 0;                  ///< of all workers together
    LoadClock::time_point start;                    ///< the first message is due
    std::atomic<std::uint64_t> next{0};             ///< closed: the next message's number
    std::atomic<LoadClock::rep> counting_since{0};  ///< the first message that counts began (open: was due)
    std::atomic<int> lost_in_a_row{0};
    std::mutex mutex;
    std::optional<LatencyStop> stopped;  ///< by the mutex
    std::exception_ptr problem;          ///< by the mutex; the first that a thread threw
    LoadClock::time_point next_turn;     ///< by the mutex; with a pace, of the next message
    std::atomic<bool> stop{false};

    void stop_for(Trouble cause, std::string reason);
    void stop_for(std::exception_ptr thrown);
    /// With a pace: when the next message may begin, now or later; the turn is then taken.
    LoadClock::time_point take_turn(LoadClock::time_point now);
    bool over() const {
        return stop.load(std::memory_order_relaxed) || progress.stop.load(std::memory_order_relaxed);
    }
};

/// One thread of a load: its share of the connections, and of an open load every `count`-th message.
class LoadWorker : public LoadSession::Owner {
  public:
    LoadWorker(LoadShared& shared, int index, int count);

    /// Until its messages are done. On its own thread.
    void run();
    /// Adds what it found. After run().
    void add_to(LoadReport& report) const;
    LoadClock::time_point last_end() const { return last_end_; }
    std::size_t most_sessions() const { return most_sessions_; }
    const StageTimes& window(std::size_t index) const;

  private:
    struct Arrival {
        std::uint64_t number = 0;
        LoadClock::time_point due;
    };

    void message_done(LoadSession& session, const LoadOutcome& outcome) override;
    void begin_in_turn(LoadSession& session, Arrival arrival);
    void begin(LoadSession& session, Arrival arrival);
    void next_closed(LoadSession& session);
    void next_open(LoadSession& session);
    void on_due();
    void on_turn();
    void arrive(Arrival arrival);
    void wake(boost::asio::steady_timer& timer, LoadClock::time_point time, void (LoadWorker::*then)());
    LoadClock::time_point due(std::uint64_t number) const;
    std::uint64_t unfinished() const;
    std::size_t window_of(std::uint64_t number) const;
    SeriesWindow& series_window_of(std::uint64_t number);
    void book_in_series(const LoadOutcome& outcome, std::uint64_t number);
    void book(const LoadOutcome& outcome, std::uint64_t number);
    void consider(const LoadOutcome& outcome);
    void watch();
    void lose_patience(LoadClock::time_point now);
    void set_behind();
    void end_when_done();
    bool ends_connection(std::uint64_t number) const;
    bool is_open_load() const { return shared_.task.plan.shape.kind == LoadShape::Kind::open; }

    LoadShared& shared_;
    int count_;
    boost::asio::io_context loop_{1};  // destroyed last: what sessions have asked for is in it
    LoadContent content_;
    client::TlsSessions tickets_;
    std::list<LoadSession> sessions_;
    std::size_t most_sessions_;
    std::vector<LoadSession*> free_;  ///< open load
    std::multimap<LoadClock::time_point, std::pair<LoadSession*, Arrival>>
        paced_;                             ///< wait for their turn, by that
    boost::asio::steady_timer due_timer_;   ///< open load: the next message is due
    boost::asio::steady_timer turn_timer_;  ///< the next of paced_ may begin
    boost::asio::steady_timer watch_;
    std::uint64_t next_arrival_;  ///< open load: the next of ours that comes due
    std::uint64_t behind_ = 0;    ///< open load: due without a connection, the last before next_arrival_
    std::uint64_t reported_behind_ = 0;
    int active_ = 0;                                   ///< sessions that are busy
    std::optional<LoadClock::time_point> stopped_at_;  ///< when this thread saw that the load is to end
    StageTimes times_;
    std::vector<StageTimes> windows_;
    PortLatency counts_;
    std::uint64_t behind_most_ = 0, not_begun_ = 0, unanswered_quits_ = 0;
    std::optional<std::uint64_t> behind_at_end_, unfinished_at_half_, unfinished_at_end_;
    LoadClock::time_point last_end_;
    double cpu_ = 0;
};

}  // namespace smtpspec::latency
