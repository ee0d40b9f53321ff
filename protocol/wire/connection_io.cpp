#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <array>

#include "protocol/wire/connection_impl.hpp"

namespace smtpspec::wire {

namespace asio = boost::asio;
using boost::asio::as_tuple;
using boost::asio::use_awaitable;
using namespace std::chrono_literals;

/// Waits until the socket is ready. The wait itself moves no octet, so that ending it loses none; the
/// watchdog timer ends it, which costs nothing as long as deadlines only move away.
auto Connection::Impl::wait_for(Socket::wait_type what, Deadline deadline) -> Awaitable<Ready> {
    Wait& wait = what == Socket::wait_read ? reading : writing;
    watch(wait, deadline);
    for (;;) {
        unsigned cancels_before = watchdog_cancels;
        auto [ec] = co_await socket.async_wait(what, as_tuple(use_awaitable));
        bool aborted = ec == asio::error::operation_aborted;
        bool others_deadline =
            aborted && cancels_before != watchdog_cancels && !wait.expired && !cancel_requested;
        if (others_deadline && socket.is_open())
            continue;
        wait.active = false;
        if (!aborted)
            co_return Ready::yes;
        if (wait.expired)
            co_return Ready::timeout;
        cancel_requested = false;
        co_return Ready::cancelled;
    }
}

void Connection::Impl::watch(Wait& wait, Deadline deadline) {
    wait.deadline = deadline;
    wait.active = true;
    wait.expired = false;
    if (deadline >= armed_for)
        return;
    armed_for = deadline;
    watchdog.expires_at(deadline);
    watchdog.async_wait([weak = weak_from_this()](ErrorCode ec) {
        if (auto self = weak.lock(); self && !ec)
            self->on_watchdog();
    });
}

void Connection::Impl::on_watchdog() {
    armed_for = Deadline::max();
    auto now = Clock::now();
    bool cancel = false;
    for (Wait* wait : {&reading, &writing}) {
        if (!wait->active || wait->expired)
            continue;
        if (wait->deadline <= now)
            wait->expired = cancel = true;
        else
            watch(*wait, wait->deadline);
    }
    if (!cancel)
        return;
    ++watchdog_cancels;
    ErrorCode ignored;
    socket.cancel(ignored);
}

/// Waits with a buffer in hand, and not for readiness: Asio then needs no epoll_ctl before and no second look
/// behind the wait. Ending it loses no octet either: an operation that was ended has moved none.
auto Connection::Impl::await_octets(Deadline deadline) -> Awaitable<Ready> {
    watch(reading, deadline);
    for (;;) {
        unsigned cancels_before = watchdog_cancels;
        auto [ec, count] = co_await socket.async_read_some(asio::buffer(arriving.data(), room_for_octets()),
                                                           as_tuple(use_awaitable));
        bool aborted = ec == asio::error::operation_aborted;
        bool others_deadline =
            aborted && cancels_before != watchdog_cancels && !reading.expired && !cancel_requested;
        if (others_deadline && socket.is_open())
            continue;
        reading.active = false;
        if (!aborted) {
            digest_read(ec, std::string_view(arriving.data(), count));
            co_return Ready::yes;
        }
        if (reading.expired)
            co_return Ready::timeout;
        cancel_requested = false;
        co_return Ready::cancelled;
    }
}

Awaitable<bool> Connection::Impl::fill(Deadline deadline) {
    auto begun = Clock::now();
    if (raw_end || room_for_octets() == 0)
        co_return true;
    auto ready = co_await await_octets(deadline);
    if (ready == Ready::yes) {
        read_the_rest();
        co_return true;
    }
    if (ready == Ready::cancelled || !socket.is_open())
        co_return false;
    if (read_once())
        co_return true;
    bool came = co_await settle(Clock::now() - std::max(deadline, begun));
    co_return came;
}

/// More than a line was there.
void Connection::Impl::read_the_rest() {
    if (!raw_end && last_count == arriving.size())
        read_once();
}

/// Time is over; but a peer on the same loop, or on a machine without a free core, may not have had its turn.
Awaitable<bool> Connection::Impl::settle(Clock::duration late) {
    for (int turn = 0; turn < options.settle_turns; ++turn) {
        pause.expires_after(0s);
        auto [ec] = co_await pause.async_wait(as_tuple(use_awaitable));
        if (ec || !socket.is_open())
            co_return false;
        if (read_once())
            co_return true;
    }
    if (options.settle_turns == 0 || late <= 20ms)
        co_return false;
    auto extra = std::min<Clock::duration>(2 * late, 1s);
    auto ready = co_await wait_for(Socket::wait_read, Clock::now() + extra);
    if (ready != Ready::yes || !socket.is_open())
        co_return false;
    co_return read_once();
}

/// So many octets may be read now: no more than the owner of the input allows.
std::size_t Connection::Impl::room_for_octets(std::size_t most) const {
    if (mode != Mode::clear || closed_by_us)
        return most;
    return std::min(most, options.input_limit - std::min(options.input_limit, input_view().size()));
}

/// Reads what is there without waiting. True when it was something: octets, or the end.
bool Connection::Impl::read_once() {
    static thread_local std::array<char, 64 * 1024> scratch;
    if (raw_end)
        return true;
    std::size_t room = room_for_octets(scratch.size());
    if (room == 0)
        return true;
    ErrorCode ec;
    auto count = socket.read_some(asio::buffer(scratch.data(), room), ec);
    if (ec == asio::error::would_block || ec == asio::error::try_again || ec == asio::error::interrupted)
        return false;
    digest_read(ec, std::string_view(scratch.data(), count));
    return true;
}

/// What a read gave: octets, or the end.
void Connection::Impl::digest_read(const ErrorCode& ec, std::string_view octets) {
    last_count = octets.size();
    if (!ec) {
        last_receive = Clock::now();
        accept_octets(octets);
        return;
    }
    raw_end = true;
    // EPIPE: a reset that came behind a FIN, in answer to what we wrote after it.
    bool fin = ec == asio::error::eof || ec == asio::error::broken_pipe;
    if (fin && !reset_on_write)
        note_end(PeerEnd::fin, "");
    else
        note_end(PeerEnd::rst, ec == asio::error::connection_reset || fin ? "" : ec.message());
}

void Connection::Impl::accept_octets(std::string_view octets) {
    if (mode == Mode::handshake || mode == Mode::tls) {
        records.append(octets);
        return;
    }
    received += octets.size();
    transcript.record(EntryKind::received, options.name, false, octets);
    if (mode == Mode::clear) {
        input.append(octets);
        grown += octets.size();
        return;
    }
    broken_news = true;
    if (raw_tail.size() < options.input_limit)
        raw_tail.append(octets);
}

void Connection::Impl::note_end(PeerEnd how, std::string_view detail) {
    std::string text = how == PeerEnd::notify ? "peer close_notify"
                       : how == PeerEnd::fin  ? "peer fin"
                                              : "peer reset";
    if (!detail.empty())
        text.append(" (").append(detail).append(")");
    transcript.record(EntryKind::end, options.name, mode == Mode::tls, text);
    if (peer_end == PeerEnd::none)
        peer_end = how;
}

/// Gives the kernel what it takes at once and shortens `octets` by that.
auto Connection::Impl::write_once(std::string_view& octets) -> ErrorCode {
    ErrorCode ec;
    while (!octets.empty()) {
        auto count = socket.write_some(asio::buffer(octets.data(), octets.size()), ec);
        if (ec == asio::error::interrupted)
            continue;
        if (ec)
            break;
        octets.remove_prefix(count);
    }
    if (ec == asio::error::would_block || ec == asio::error::try_again)
        return {};
    if (ec) {
        write_failed = true;
        reset_on_write = reset_on_write || ec == asio::error::connection_reset;
    }
    return ec;
}

Awaitable<IoResult<void>> Connection::Impl::write_all(std::string_view octets, Deadline deadline) {
    if (!nothing_queued()) {
        outgoing.append(octets);
        octets = {};
    }
    ErrorCode ec;
    if (outgoing.empty())
        ec = write_once(octets);
    outgoing.append(octets);
    if (writer_active)
        co_return IoResult<void>();
    writer_active = true;
    Ready ready = Ready::yes;
    while (!ec && !outgoing.empty() && ready == Ready::yes) {
        std::string_view rest = outgoing;
        ec = write_once(rest);
        outgoing.erase(0, outgoing.size() - rest.size());
        if (!ec && !outgoing.empty())
            ready = co_await wait_for(Socket::wait_write, deadline);
    }
    writer_active = false;
    if (ec)
        co_return tl::unexpected(error(ec, "send to"));
    if (outgoing.empty())
        co_return IoResult<void>();
    auto why = std::to_string(outgoing.size()) + " octets were not taken by the peer until the deadline";
    auto kind = ready == Ready::timeout ? IoError::Kind::timeout : IoError::Kind::other;
    outgoing.clear();
    write_failed = write_failed || mode != Mode::clear;  // half a record may be on the wire
    co_return tl::unexpected(error(kind, "send to", ready == Ready::timeout ? why : "cancelled"));
}

/// For what TLS itself has to say while we read (KeyUpdate): never worth waiting.
void Connection::Impl::flush_without_waiting() {
    outgoing += engine->take_output();
    if (outgoing.empty() || writer_active || !socket.is_open())
        return;
    std::string_view rest = outgoing;
    if (write_once(rest))
        outgoing.clear();
    else
        outgoing.erase(0, outgoing.size() - rest.size());
}

/// Digests what has been read; an event when there is one to report. `grown_before`: see `grown`.
std::optional<ReadEvent> Connection::Impl::progress(std::uint64_t grown_before) {
    if (mode == Mode::tls)
        while (!input_full() && decrypt_next()) {
        }
    if (grown != grown_before)
        return ReadEvent::octets;
    if (broken_news) {
        broken_news = false;
        return ReadEvent::broken;
    }
    if (peer_end != PeerEnd::none || raw_end)
        return ReadEvent::end;
    return std::nullopt;
}

/// Takes one record out of the raw octets. False when there is none or TLS is over.
bool Connection::Impl::decrypt_next() {
    std::string_view record;
    auto next = records.next(record);
    if (next == RecordBuffer::Next::incomplete)
        return false;
    if (next == RecordBuffer::Next::not_tls) {
        break_tls("what came is no TLS record", records.take_all());
        return false;
    }
    engine->feed(record);
    records.drop(0);
    auto before = input.size();
    auto step = engine->read(input, input.size() + 64 * 1024);
    auto gained = input.size() - before;
    received += gained;
    grown += gained;
    if (gained != 0)
        transcript.record(EntryKind::received, options.name, true, std::string_view(input).substr(before));
    if (step == TlsEngine::Step::ended && peer_end == PeerEnd::none)
        note_end(PeerEnd::notify, "");
    if (step == TlsEngine::Step::failed)
        break_tls(engine->error(), records.take_all());
    else
        flush_without_waiting();
    return step == TlsEngine::Step::done || step == TlsEngine::Step::want_input;
}

void Connection::Impl::break_tls(std::string reason, std::string_view tail) {
    mode = Mode::broken;
    tls_error = std::move(reason);
    raw_tail.append(tail);
    broken_news = true;
    transcript.note(options.name, "TLS broken: " + tls_error);
    if (!tail.empty()) {
        received += tail.size();
        transcript.record(EntryKind::received, options.name, false, tail);
    }
}

}  // namespace smtpspec::wire
