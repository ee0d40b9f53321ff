#pragma once

#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "protocol/script/interpreter.hpp"
#include "protocol/script/interpreter_link.hpp"
#include "protocol/script/interpreter_scope.hpp"
#include "protocol/script/rules_engine.hpp"
#include "protocol/script/watch.hpp"

namespace smtpspec::script {

/// A mark: when it was last set, and how often.
struct MarkState {
    wire::Clock::time_point last;
    std::int64_t count = 0;
};

/// Where a piece of the script began in the transcript.
using TranscriptIndex = std::size_t;

/// Everything that the script of one cell knows while it runs. One thread.
class ScriptState {
  public:
    ScriptState(const Scenario& scenario, const CellParams& cell, Environment& environment);
    ScriptState(const ScriptState&) = delete;
    ScriptState& operator=(const ScriptState&) = delete;

    const Scenario& scenario;
    const CellParams& cell;
    Environment& environment;
    ScriptScope scope;
    Watches watches;
    Limiters limiters;
    std::mt19937_64 random;
    ScriptResult result;

    Duration step, quiet;
    wire::Deadline total;
    wire::Clock::time_point last_event;  ///< of the event that was matched last: `since(mark)`
    std::map<std::string, MarkState> marks;
    std::optional<std::vector<StoredMail>> mails;  ///< as the store was when it was asked last
    std::vector<std::unique_ptr<Link>> links;
    Link* current = nullptr;
    bool handed_over = false;  ///< `serve` has had the client's connections

    bool server_side() const { return scenario.head.side == Side::Server; }
    bool stopped() const { return stopped_; }
    /// Ends the script. Only the first call counts.
    void stop(ScriptEnd end, Position at, const std::string& reason);
    /// Ends it because of an event that was not expected, or none.
    void stop(ScriptEnd end,
              Position at,
              const std::string& expected,
              const std::string& got,
              const std::string& reason);
    /// True, and the script is over, when no time is left.
    bool out_of_time(Position at);

    void reach(const Goal& goal, TranscriptIndex first);
    void reach(const std::optional<Goal>& goal, TranscriptIndex first);
    bool reached(const std::string& label) const;
    bool has_verdict() const;
    void mark(const std::string& name);
    TranscriptIndex position() const { return environment.transcript().position(); }
    void note(std::string_view text);

    Link* find(const std::string& name);
    /// Octets from the other side as they may be shown: escaped, cut, secrets masked.
    std::string shown(std::string_view octets) const;
    /// A budget as the profile lengthens it, and as a deadline within `total`.
    Duration scaled(Duration time) const;
    wire::Deadline within(Duration time) const;
    /// What a time written in the scenario lasts here (Environment::time_lapse).
    Duration lapsed(Duration written) const;
    /// The reverse: what a scenario calls a time that was measured here.
    Duration as_written(Duration measured) const;

    /// Takes what Link shows, lets the watches see it.
    void take_reply(Link& link);
    void take_line(Link& link);
    void take_all(Link& link);

  private:
    bool stopped_ = false;
};

/// What waiting on a connection brought.
enum class LinkEvent { octets, end, time };
/// Waits until unread() grows, the connection ends (by whomever), or time. The watches have seen it.
wire::Awaitable<LinkEvent> more(ScriptState& state, Link& link, wire::Deadline deadline);

}  // namespace smtpspec::script
