#include "mockserver/session.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace smtpspec::mock {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using script::ServerEventKind;
using wire::Awaitable;

namespace {

constexpr auto write_patience = 30s;
constexpr std::size_t stalled_octets = 1U << 20;

}  // namespace

void Session::queue(std::string octets, Place place) {
    if (octets.empty()) {
        return;
    }
    if (shared_->observer != nullptr) {
        shared_->observer->server_octets(facts(), octets);
    }
    log("S:", octets);
    if (out_.empty()) {
        out_ = std::move(octets);
    } else {
        out_.insert(place == Place::first ? 0 : out_.size(), octets);
    }
}

Awaitable<void> Session::flush() {
    if (out_.empty()) {
        co_return;
    }
    std::string octets;
    octets.swap(out_);
    const auto sent = co_await connection_->send(std::move(octets), wire::Clock::now() + write_patience);
    if (!sent) {
        finish(sent.error().what);
    }
}

Awaitable<void> Session::write(std::string octets) {
    co_await flush();
    queue(octets);
    co_await flush();
}

Awaitable<void> Session::sleep(std::chrono::milliseconds time) {
    if (aborted_ || time <= 0ms) {
        co_return;
    }
    sleeper_.expires_after(time);
    co_await sleeper_.async_wait(asio::as_tuple(asio::use_awaitable));
}

/// Neither answers nor closes. What comes is thrown away up to a point, so that the end of the client is
/// noticed.
Awaitable<void> Session::stall() {
    co_await flush();
    log("--", "stalls");
    std::size_t swallowed = 0;
    while (!aborted_ && swallowed < stalled_octets) {
        const auto came = co_await connection_->receive(wire::Deadline::max());
        swallowed += connection_->input().size();
        connection_->consume(connection_->input().size());
        if (came == wire::ReadEvent::end || came == wire::ReadEvent::broken) {
            const auto happened = event(ServerEventKind::end);
            (void)decide(happened);
            finish("the client ended it");
            co_return;
        }
    }
    while (!aborted_) {
        co_await sleep(std::chrono::hours(1));
    }
}

/// The defect: whoever was sent away still counts as a client until it goes.
Awaitable<void> Session::wait_for_end() {
    auto came = wire::ReadEvent::octets;
    while (came == wire::ReadEvent::octets && !aborted_) {
        connection_->consume(connection_->input().size());
        came = co_await connection_->receive(wire::Clock::now() + shared_->config.idle_timeout);
    }
}

Awaitable<void> Session::close() {
    co_await flush();
    if (dialogue_.has(Defect::closes_without_notify)) {
        connection_->drop_fin();
        finish("closed");
        co_return;
    }
    if (dialogue_.has(Defect::one_client_at_a_time)) {
        co_await wait_for_end();
    }
    finish("closed");
    if (dialogue_.has(Defect::close_without_notify)) {
        connection_->drop_fin();
        co_return;
    }
    co_await connection_->close(wire::Clock::now() + shared_->config.linger);
}

wire::Deadline Session::wake_up_time() const {
    auto idle = shared_->config.idle_timeout;
    if (shared_->overlay != nullptr) {
        if (const auto next = shared_->overlay->next_idle(idle_seen_)) {
            idle = std::min(idle, *next);
        }
    }
    const auto wake = last_input_ + idle;
    return script_deadline_ ? std::min(wake, *script_deadline_) : wake;
}

Awaitable<void> Session::idle_event(std::chrono::milliseconds idle) {
    idle_seen_ = idle;
    auto happened = event(ServerEventKind::idle);
    happened.idle = idle;
    script::Decision decision = decide(happened);
    Answer nothing;
    co_await perform(std::move(decision), std::move(nothing));
}

/// Waits until there is more input. Everything else that may happen meanwhile is handled here.
Awaitable<Session::Got> Session::wait_input() {
    if (!out_.empty() && dialogue_.has(Defect::reply_out_of_order)) {
        const auto more = co_await connection_->receive(wire::Clock::now() + 20ms);  // the rest of the group
        if (more == wire::ReadEvent::octets) {
            co_return Got::octets;
        }
    }
    const bool holds =
        !held_once_ && dialogue_.has(Defect::replies_held) && dialogue_.has_recipient() && !out_.empty();
    held_once_ = held_once_ || holds;
    if (!out_.empty() && !holds) {
        co_await flush();
    }
    if (phase_ == Phase::over || aborted_) {
        co_return Got::end;
    }
    const auto came = co_await connection_->receive(wake_up_time());
    if (came == wire::ReadEvent::octets) {
        last_input_ = wire::Clock::now();
        idle_seen_ = 0ms;
        co_return Got::octets;
    }
    co_return co_await no_input(
        came);  // a coroutine of its own: this one lives as long as the client is idle
}

/// The client went, or time passed.
Awaitable<Session::Got> Session::no_input(wire::ReadEvent came) {
    if (came == wire::ReadEvent::end || came == wire::ReadEvent::broken) {
        const auto happened = event(ServerEventKind::end);
        (void)decide(happened);
        if (phase_ == Phase::content && dialogue_.has(Defect::end_of_connection_ends_data)) {
            (void)dialogue_.content_effect(250);
        }
        finish(came == wire::ReadEvent::end ? "the client ended it"
                                            : "TLS is broken: " + connection_->tls_error());
        co_return Got::end;
    }
    if (aborted_ || (script_deadline_ && *script_deadline_ <= wire::Clock::now())) {
        co_return Got::deadline;
    }
    const auto idle = wire::Clock::now() - last_input_;
    std::optional<std::chrono::milliseconds> asked;
    if (shared_->overlay != nullptr) {
        asked = shared_->overlay->next_idle(idle_seen_);
    }
    if (asked && idle >= *asked) {
        co_await idle_event(*asked);
    } else if (idle >= shared_->config.idle_timeout) {
        Answer answer = dialogue_.closing(421, "4.4.2", shared_->config.host + " Idle for too long, closing");
        script::Decision none;
        co_await perform(std::move(none), std::move(answer));
    }
    co_return Got::handled;
}

/// A ClientHello where a command is due is no line and yet is something that watches have to see.
void Session::show_strange_input() {
    const auto input = connection_->input();
    if (strange_shown_ || shared_->observer == nullptr || !input.starts_with('\x16')) {
        return;
    }
    strange_shown_ = true;
    shared_->observer->client_line(facts(), input);
}

std::pair<std::size_t, std::size_t> Session::find_line_end() const {
    const auto input = connection_->input();
    if (dialogue_.has(Defect::command_bare_cr)) {
        const auto end = input.find('\r');
        return {end, input.substr(std::min(end, input.size())).starts_with("\r\n") ? 2 : 1};
    }
    if (dialogue_.has(Defect::segment_is_line) && !input.empty() && !input.ends_with('\n')) {
        return {input.size(), 0};
    }
    if (!dialogue_.has(Defect::keep_plaintext_bare_lf) && !dialogue_.has(Defect::command_bare_lf)) {
        return {input.find("\r\n", scanned_), 2};
    }
    const auto end = input.find('\n');
    const bool whole = end != std::string_view::npos && end > 0 && input[end - 1] == '\r';
    return {whole ? end - 1 : end, whole ? 2 : 1};
}

/// Takes a line out of the input if a whole one is there.
std::optional<Session::Got> Session::take_line(std::size_t limit) {
    const auto [end, ending] = find_line_end();
    if (end == std::string_view::npos) {
        return std::nullopt;
    }
    const bool overlong = dropped_ + end + ending > limit;
    line_ = overlong ? std::string() : std::string(connection_->input().substr(0, end));
    connection_->consume(end + ending);
    scanned_ = dropped_ = 0;
    if (overlong) {
        return Got::overlong;
    }
    log("C:", line_);
    if (shared_->observer != nullptr) {
        shared_->observer->client_line(facts(), line_);
    }
    return Got::line;
}

/// A line has no end: of what is here, only the last octet is kept, for it may be a CR.
void Session::drop_overlong(std::size_t limit) {
    const auto size = connection_->input().size();
    scanned_ = size == 0 ? 0 : size - 1;
    if (size > limit) {
        dropped_ += scanned_;
        connection_->consume(scanned_);
        scanned_ = 0;
    }
}

Awaitable<void> Session::runaway() {
    dropped_ = 0;
    if (dialogue_.has(Defect::slow_when_flooded)) {
        shared_->flooded = true;
        co_await sleep(8s);
        shared_->flooded = false;
    }
    Answer answer = dialogue_.closing(421, "4.7.0", "Line without end, closing connection");
    script::Decision none;
    co_await perform(std::move(none), std::move(answer));
}

/// One line into line_, ended by CRLF and nothing else (RFC 5321 §2.3.8), without it.
Awaitable<Session::Got> Session::read_line(std::size_t limit) {
    if (dialogue_.has(Defect::no_line_limit)) {
        limit = std::string::npos;
    }
    if (next_line_) {
        line_ = std::move(*next_line_);
        next_line_.reset();
        co_return Got::line;
    }
    auto got = Got::octets;
    if (std::exchange(holds_leftover_, false)) {
        got = co_await wait_input();
    }
    scanned_ = 0;
    while (got == Got::octets) {
        if (const auto taken = take_line(limit)) {
            co_return *taken;
        }
        drop_overlong(limit);
        show_strange_input();
        if (dropped_ > shared_->config.limits.runaway_octets) {
            co_await runaway();
            co_return Got::runaway;
        }
        got = co_await wait_input();
    }
    co_return got;
}

}  // namespace smtpspec::mock
