#include "protocol/script/interpreter_state.hpp"

#include <algorithm>

#include "protocol/smtp/escape.hpp"

namespace smtpspec::script {

namespace {
/// A model peer answers at once; this is shorter than the shortest of its limits in such a cell (five
/// minutes), so that waiting for a limit is not taken for being served.
constexpr Duration lapsed_step = std::chrono::seconds(4);
}  // namespace

ScriptState::ScriptState(const Scenario& scenario_, const CellParams& cell_, Environment& environment_)
    : scenario(scenario_),
      cell(cell_),
      environment(environment_),
      scope(*this),
      watches(*this),
      limiters(scenario_.head.limiters),
      random(environment_.seed()),
      step(environment_.time_lapse() > 1 ? lapsed_step : scaled(scenario_.head.time.step)),
      quiet(environment_.quiet()),
      total(wire::Clock::now() + scaled(scenario_.head.time.total)),
      last_event(wire::Clock::now()) {
    if (scenario.head.time.quiet_given) {
        quiet = scaled(scenario.head.time.quiet);
    }
    if (const Duration least = environment.least_step(); least > step) {
        const double longer =
            static_cast<double>(least.count()) / static_cast<double>(std::max<std::int64_t>(step.count(), 1));
        const double whole = static_cast<double>(scaled(scenario.head.time.total).count());
        total = wire::Clock::now() + Duration(static_cast<std::int64_t>(whole * longer));
        step = least;
    }
}

void ScriptState::stop(ScriptEnd end, Position at, const std::string& reason) {
    stop(end, at, std::string(), std::string(), reason);
}

void ScriptState::stop(ScriptEnd end,
                       Position at,
                       const std::string& expected,
                       const std::string& got,
                       const std::string& reason) {
    if (stopped_) {
        return;
    }
    stopped_ = true;
    const wire::Masker& masker = environment.masker();
    result.end = end;
    result.at = at;
    result.expected = masker.by_value(expected);
    result.got = masker.by_value(got);
    result.reason = masker.by_value(reason);
}

bool ScriptState::out_of_time(Position at) {
    if (!stopped_ && wire::Clock::now() >= total) {
        stop(ScriptEnd::total_over,
             at,
             "the time of the cell is over (" + duration_text(scaled(scenario.head.time.total)) + ")");
    }
    return stopped_;
}

void ScriptState::reach(const Goal& goal, TranscriptIndex first) {
    const auto same = [&](const Reached& reached) {
        return reached.label == goal.label && reached.at == goal.at;
    };
    if (std::none_of(result.labels.begin(), result.labels.end(), same)) {
        const TranscriptIndex next = position();
        Reached reached;
        reached.label = goal.label;
        reached.at = goal.at;
        reached.transcript_first = std::min(first, next == 0 ? 0 : next - 1);
        reached.transcript_last = next == 0 ? 0 : next - 1;
        result.labels.push_back(std::move(reached));
    }
    if (goal.ends && !stopped_) {
        stopped_ = true;
        result.end = ScriptEnd::finished;
        result.at = goal.at;
    }
}

void ScriptState::reach(const std::optional<Goal>& goal, TranscriptIndex first) {
    if (goal) {
        reach(*goal, first);
    }
}

bool ScriptState::reached(const std::string& label) const {
    return std::any_of(result.labels.begin(), result.labels.end(), [&](const Reached& reached) {
        return reached.label == label;
    });
}

bool ScriptState::has_verdict() const {
    return std::any_of(result.labels.begin(), result.labels.end(), [&](const Reached& reached) {
        return scenario.head.outcome(reached.label) != nullptr;
    });
}

void ScriptState::mark(const std::string& name) {
    MarkState& mark = marks[name];
    mark.last = wire::Clock::now();
    ++mark.count;
}

void ScriptState::note(std::string_view text) {
    environment.transcript().note(current != nullptr ? current->name() : std::string("a"), text);
}

Link* ScriptState::find(const std::string& name) {
    for (const auto& link : links) {
        if (link->name() == name) {
            return link.get();
        }
    }
    return nullptr;
}

std::string ScriptState::shown(std::string_view octets) const {
    constexpr std::size_t longest = 400;
    return smtp::printable(environment.masker().by_value(octets.substr(0, 4 * longest)), longest);
}

Duration ScriptState::scaled(Duration time) const {
    const double factor = std::max(environment.time_scale(), 1.0);
    return Duration(static_cast<std::int64_t>(static_cast<double>(time.count()) * factor));
}

Duration ScriptState::lapsed(Duration written) const {
    return Duration(
        static_cast<std::int64_t>(static_cast<double>(written.count()) / environment.time_lapse()));
}

Duration ScriptState::as_written(Duration measured) const {
    return Duration(
        static_cast<std::int64_t>(static_cast<double>(measured.count()) * environment.time_lapse()));
}

wire::Deadline ScriptState::within(Duration time) const { return std::min(total, wire::Clock::now() + time); }

void ScriptState::take_reply(Link& link) {
    link.take_reply();
    const smtp::Reply seen = *link.last_reply;
    watches.reply(link, seen);
}

void ScriptState::take_line(Link& link) {
    const std::string seen(link.peek_line());
    watches.line(link, seen);
    link.take_line();
}

void ScriptState::take_all(Link& link) {
    if (server_side()) {
        while (link.peek_reply() != nullptr) {
            take_reply(link);
        }
    } else {
        while (!link.peek_line().empty()) {
            take_line(link);
        }
    }
    link.take_all();
}

namespace {

void note_broken(ScriptState& state, Link& link) {
    const wire::Connection& connection = link.connection();
    std::string text = "TLS broke: " + connection.tls_error();
    if (!connection.raw_tail().empty()) {
        text += "; raw octets: " + state.shown(connection.raw_tail());
    }
    state.environment.transcript().note(link.name(), text);
}

void remember(Link& link, std::string_view fresh) {
    constexpr std::size_t window = 64 * 1024;
    link.recent += fresh;
    if (link.recent.size() > 2 * window) {
        link.recent.erase(0, link.recent.size() - window);
    }
}

LinkEvent ended(ScriptState& state, Link& link) {
    link.connection_ended();
    if (!link.end_watched) {
        link.end_watched = true;
        state.watches.end(link);
    }
    return LinkEvent::end;
}

}  // namespace

// A broken TLS stream counts as the end of the connection: a plaintext reply on the raw socket (real servers
// send one with a forced disconnect) is noted in the transcript and fits `close`, never a reply pattern.
wire::Awaitable<LinkEvent> more(ScriptState& state, Link& link, wire::Deadline deadline) {
    if (link.given_away() || link.connection().closed_by_us()) {
        co_return ended(state, link);
    }
    wire::Connection& connection = link.connection();
    const std::size_t before = connection.input().size();
    const wire::ReadEvent event = co_await connection.receive(deadline);
    switch (event) {
        case wire::ReadEvent::octets:
            remember(link, connection.input().substr(std::min(before, connection.input().size())));
            state.watches.octets(link);
            co_return LinkEvent::octets;
        case wire::ReadEvent::timeout:
            co_return LinkEvent::time;
        case wire::ReadEvent::broken:
            note_broken(state, link);
            break;
        case wire::ReadEvent::end:
            break;
    }
    co_return ended(state, link);
}

}  // namespace smtpspec::script
