#include <algorithm>

#include "protocol/script/await.hpp"
#include "protocol/script/await_choice.hpp"

namespace smtpspec::script {

namespace {

/// One wait for a series. While none of the series (`[*]` aside) fits what has come so far but one of them
/// still could, each further reply is awaited for `step`: a peer that takes its time over every command is
/// slow, not silent. Then `quiet` is waited for, so that what is too much shows as well. `[4yz]` does not fit
/// when the connection ended behind the reply; a star that stands last takes in the end.
class SeriesAwaiting {
  public:
    SeriesAwaiting(ScriptState& state, Link& link, const Choices& choices, Position at)
        : state_(state), link_(link), choices_(choices), at_(at), first_(state.position()) {}

    wire::Awaitable<void> run() {
        wire::Clock::time_point last = wire::Clock::now();
        wire::Clock::time_point patience = last + state_.step;
        LinkEvent event = LinkEvent::octets;
        while (event == LinkEvent::octets && replies_.size() < most_replies) {
            const bool replied = collect();
            const bool open = could_go_on();
            // Only a reply buys time, and only while it leaves the series open: neither octets of a line
            // without end nor replies of which there are too many already keep us here.
            patience = replied && open ? last + state_.step : patience;
            const wire::Deadline enough = std::min(last + state_.quiet, patience + state_.step);
            const wire::Deadline until = std::min(state_.total, open ? patience : enough);
            event = co_await more(state_, link_, until);
            last = wire::Clock::now();
        }
        ended_ = event == LinkEvent::end;
        collect();
        if (replies_.empty() && !ended_ && !fits_already()) {
            nothing_came();
            co_return;
        }
        settle();
    }

  private:
    static constexpr std::size_t most_replies = 10'000;

    static const SeriesPattern& series(const Choice& choice) {
        return std::get<SeriesPattern>(choice.pattern->node);
    }

    /// True if there was at least one more reply.
    bool collect() {
        const std::size_t before = replies_.size();
        while (link_.peek_reply() != nullptr) {
            state_.take_reply(link_);
            replies_.push_back(*link_.last_reply);
        }
        return replies_.size() > before;
    }

    SeriesState match(const Choice& choice, Captures captures) {
        return fits_series(series(choice), replies_, ended_, state_.scope, captures);
    }

    bool fits_already() {
        return std::any_of(choices_.begin(), choices_.end(), [&](const Choice& choice) {
            return !is_anything(series(choice)) && match(choice, Captures::drop).complete;
        });
    }

    bool could_go_on() {
        if (replies_.empty() && !fits_already()) {
            return true;
        }
        const bool viable = std::any_of(choices_.begin(), choices_.end(), [&](const Choice& choice) {
            return !is_anything(series(choice)) && match(choice, Captures::drop).viable;
        });
        return viable && !fits_already();
    }

    void settle() {
        for (const Choice& choice : choices_) {
            if (match(choice, Captures::drop).complete) {
                match(choice, Captures::keep);
                state_.last_event = replies_.empty() ? wire::Clock::now() : link_.connection().last_receive();
                state_.reach(choice.alternative->goal, first_);
                return;
            }
        }
        if (state_.out_of_time(at_)) {
            return;
        }
        const std::string got = what_came();
        state_.note("unexpected series: " + got);
        state_.stop(ScriptEnd::unexpected,
                    at_,
                    expected_text(choices_),
                    got,
                    "the script does not name this series of replies: " + got);
    }

    void nothing_came() {
        if (state_.out_of_time(at_)) {
            return;
        }
        state_.note("time-out: no reply");
        state_.stop(ScriptEnd::timeout,
                    at_,
                    expected_text(choices_),
                    "nothing",
                    "no reply within " + duration_text(state_.step));
    }

    std::string what_came() {
        constexpr std::size_t shown_replies = 20;
        std::string text = "[";
        for (std::size_t i = 0; i < replies_.size() && i < shown_replies; ++i) {
            text += (i == 0 ? "" : ", ") + state_.shown(replies_[i].raw);
        }
        text += replies_.size() > shown_replies ? ", …" : "";
        return text + (ended_ ? (replies_.empty() ? "close]" : ", close]") : "]");
    }

    ScriptState& state_;
    Link& link_;
    const Choices& choices_;
    Position at_;
    TranscriptIndex first_;
    std::vector<smtp::Reply> replies_;
    bool ended_ = false;
};

}  // namespace

wire::Awaitable<void> await_series(ScriptState& state, Link& link, const Choices& choices, Position at) {
    SeriesAwaiting awaiting(state, link, choices, at);
    co_await awaiting.run();
}

}  // namespace smtpspec::script
