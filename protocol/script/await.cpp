#include "protocol/script/await.hpp"

#include <algorithm>

#include "protocol/script/await_choice.hpp"
#include "protocol/script/print.hpp"

namespace smtpspec::script {

Choices choices_of(const AwaitStatement& statement, const CellParams& cell) {
    Choices choices;
    for (const Alternative& alternative : statement.alternatives) {
        Choice choice;
        choice.alternative = &alternative;
        choice.pattern = resolved(alternative.pattern, cell);
        if (choice.pattern == nullptr) {
            throw EvalError(EvalError::Kind::wrong, alternative.at, "the parameter holds no pattern here");
        }
        choices.push_back(choice);
    }
    return choices;
}

std::string expected_text(const Choices& choices) {
    std::string text;
    for (const Choice& choice : choices) {
        text += (text.empty() ? "" : " | ") + to_text(*choice.pattern);
    }
    return text;
}

bool has_series(const Choices& choices) {
    return std::any_of(choices.begin(), choices.end(), [](const Choice& choice) {
        return std::holds_alternative<SeriesPattern>(choice.pattern->node);
    });
}

wire::Awaitable<void> run_await(ScriptState& state, const AwaitStatement& statement, Position at) {
    const Choices choices = choices_of(statement, state.cell);
    if (has_series(choices)) {
        co_await await_series(state, *state.current, choices, at);
    } else {
        co_await await_event(state, *state.current, choices, at);
    }
}

wire::Awaitable<NextReply> next_reply(ScriptState& state, Link& link, wire::Deadline deadline) {
    NextReply next;
    while (true) {
        if (link.peek_reply() != nullptr) {
            state.take_reply(link);
            next.event = LinkEvent::octets;
            next.reply = *link.last_reply;
            co_return next;
        }
        next.event = co_await more(state, link, deadline);
        const bool broken_off = next.event == LinkEvent::end && link.peek_reply() != nullptr;
        if (next.event != LinkEvent::octets && !broken_off) {
            co_return next;
        }
    }
}

namespace {

/// One wait for one event.
class Awaiting {
  public:
    Awaiting(ScriptState& state, Link& link, const Choices& choices, Position at)
        : state_(state),
          link_(link),
          choices_(choices),
          at_(at),
          first_(state.position()),
          start_(wire::Clock::now()),
          octets_(!link.unread().empty()) {
        for (const Choice& choice : choices) {
            if (const auto* silent = std::get_if<SilentPattern>(&choice.pattern->node)) {
                const Duration time = silent->time ? state.lapsed(state.scaled(*silent->time)) : state.quiet;
                longest_silent_ = std::max(longest_silent_.value_or(time), time);
                shortest_silent_ = std::min(shortest_silent_.value_or(time), time);
            }
            waits_for_bytes_ = waits_for_bytes_ || std::holds_alternative<BytesPattern>(choice.pattern->node);
        }
    }

    wire::Awaitable<void> run() {
        while (true) {
            if (const Choice* choice = fitting()) {
                take(*choice);
                co_return;
            }
            if (something_complete() && !waits_for_bytes_) {
                unexpected(std::string(unit()));
                co_return;
            }
            const LinkEvent event = co_await more(state_, link_, deadline());
            if (event == LinkEvent::end) {
                on_end();
                co_return;
            }
            octets_ = octets_ || event == LinkEvent::octets;
            if (event == LinkEvent::time && on_time()) {
                co_return;
            }
        }
    }

  private:
    bool something_complete() { return state_.server_side() ? reply() != nullptr : !line().empty(); }
    const smtp::Reply* reply() { return link_.peek_reply(); }
    std::string_view line() { return link_.peek_line(); }
    std::string_view unit() { return state_.server_side() ? std::string_view(reply()->raw) : line(); }

    /// The first alternative that the octets here fit.
    const Choice* fitting() {
        for (const Choice& choice : choices_) {
            if (fits(*choice.pattern)) {
                return &choice;
            }
        }
        return nullptr;
    }

    bool fits(const Pattern& pattern) {
        if (const auto* bytes = std::get_if<BytesPattern>(&pattern.node)) {
            return !link_.unread().empty() && search(bytes->regex, link_.unread(), state_.scope);
        }
        if (!something_complete()) {
            return false;
        }
        if (!state_.server_side()) {
            return fits_present_line(pattern);
        }
        const auto* wanted = std::get_if<ReplyPattern>(&pattern.node);
        return wanted != nullptr && fits_reply(*wanted, *reply(), state_.scope);
    }

    bool fits_present_line(const Pattern& pattern) {
        ClientLine present;
        present.raw = line();
        present.line = present.raw;
        while (present.line.ends_with('\n') || present.line.ends_with('\r')) {
            present.line.remove_suffix(1);
        }
        present.context = link_.context;
        return fits_line(pattern, present, state_.environment.masker(), state_.scope);
    }

    void take(const Choice& choice) {
        const auto* bytes = std::get_if<BytesPattern>(&choice.pattern->node);
        if (bytes != nullptr) {
            state_.take_all(link_);
        } else if (state_.server_side()) {
            state_.take_reply(link_);
        } else {
            state_.take_line(link_);
        }
        arrived(choice, link_.connection().last_receive());
    }

    void arrived(const Choice& choice, wire::Clock::time_point when) {
        state_.last_event = when;
        state_.reach(choice.alternative->goal, first_);
    }

    /// Octets that came and whose line never ended are the event; then the end itself.
    void on_end() {
        if (something_complete()) {
            if (const Choice* choice = fitting()) {
                take(*choice);
                return;
            }
        }
        const wire::PeerEnd how = link_.given_away() ? wire::PeerEnd::none : link_.connection().peer_end();
        for (const Choice& choice : choices_) {
            const auto* wanted = std::get_if<ClosePattern>(&choice.pattern->node);
            if (wanted != nullptr && fits_close(*wanted, how)) {
                arrived(choice, wire::Clock::now());
                return;
            }
        }
        unexpected(end_text(how));
    }

    std::string end_text(wire::PeerEnd how) {
        switch (how) {
            case wire::PeerEnd::notify:
                return "the connection was closed (TLS close_notify)";
            case wire::PeerEnd::fin:
                return "the connection was closed (FIN)";
            case wire::PeerEnd::rst:
                return "the connection was reset";
            case wire::PeerEnd::none:
                break;
        }
        return "the connection is closed";
    }

    wire::Deadline deadline() const {
        if (!octets_ && shortest_silent_) {
            return std::min(state_.total, start_ + *shortest_silent_);
        }
        return std::min(state_.total, start_ + budget());
    }

    /// The longest `silent`, else `step`. Octets that came within it get as much as `step` to become
    /// complete, as long as more keep coming.
    Duration budget() const { return longest_silent_ && !octets_ ? *longest_silent_ : state_.step; }

    /// True when the wait is over.
    bool on_time() {
        const wire::Clock::time_point now = wire::Clock::now();
        if (now >= state_.total) {
            return state_.out_of_time(at_);
        }
        if (octets_ || !shortest_silent_) {
            if (now < start_ + budget()) {
                return false;
            }
            timed_out();
            return true;
        }
        for (const Choice& choice : choices_) {
            if (std::holds_alternative<SilentPattern>(choice.pattern->node)) {
                arrived(choice, now);
                return true;
            }
        }
        return false;
    }

    void timed_out() {
        if (something_complete()) {
            unexpected(std::string(unit()));
            return;
        }
        const std::string got =
            link_.unread().empty() ? "nothing" : "an incomplete line: " + state_.shown(link_.unread());
        state_.note("time-out: " + got);
        state_.stop(ScriptEnd::timeout,
                    at_,
                    expected_text(choices_),
                    got,
                    "no answer within " + duration_text(budget()));
    }

    void unexpected(const std::string& got) {
        const std::string text = something_complete() ? state_.shown(got) : got;
        if (something_complete()) {
            state_.server_side() ? state_.take_reply(link_) : state_.take_line(link_);
        }
        state_.last_event = wire::Clock::now();
        state_.note("unexpected: " + text);
        state_.stop(ScriptEnd::unexpected,
                    at_,
                    expected_text(choices_),
                    text,
                    "the script does not name what came: " + text);
    }

    ScriptState& state_;
    Link& link_;
    const Choices& choices_;
    Position at_;
    TranscriptIndex first_;
    wire::Clock::time_point start_;
    bool octets_;  ///< at least one octet has come: this is not silence
    bool waits_for_bytes_ = false;
    std::optional<Duration> longest_silent_, shortest_silent_;
};

}  // namespace

wire::Awaitable<void> await_event(ScriptState& state, Link& link, const Choices& choices, Position at) {
    Awaiting awaiting(state, link, choices, at);
    co_await awaiting.run();
}

}  // namespace smtpspec::script
