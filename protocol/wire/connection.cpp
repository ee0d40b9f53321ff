#include "protocol/wire/connection.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "protocol/wire/close_on_exec.hpp"
#include "protocol/wire/connection_impl.hpp"
#include "protocol/wire/resolve.hpp"

namespace smtpspec::wire {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr std::size_t kTlsChunk = 16 * 1024;  // RFC 8446 §5.1: the most that one record holds
constexpr std::uint64_t kDrainAtClose = 1024 * 1024;

IoError::Kind kind_of(const boost::system::error_code& ec) {
    using Kind = IoError::Kind;
    if (ec == asio::error::connection_refused)
        return Kind::refused;
    if (ec == asio::error::connection_reset || ec == asio::error::connection_aborted)
        return Kind::reset;
    if (ec == asio::error::broken_pipe || ec == asio::error::eof || ec == asio::error::bad_descriptor)
        return Kind::closed;
    if (ec == asio::error::timed_out)
        return Kind::timeout;
    bool unreachable = ec == asio::error::network_unreachable || ec == asio::error::host_unreachable ||
                       ec == asio::error::network_down || ec == boost::system::errc::address_not_available ||
                       ec == asio::error::address_family_not_supported;
    return unreachable ? Kind::unreachable : Kind::other;
}

std::string quiet_text(Clock::duration waited) {
    auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(waited).count();
    return "nothing came for " + std::to_string(ms) + " ms";
}

}  // namespace

Connection::Impl::Impl(Socket opened, Transcript& record_to, ConnectionOptions with)
    : socket(std::move(opened)),
      watchdog(socket.get_executor()),
      pause(socket.get_executor()),
      transcript(record_to),
      options(std::move(with)) {}

void Connection::Impl::prepare_socket() {
    ErrorCode ignored;
    socket.non_blocking(true, ignored);
    socket.set_option(tcp::no_delay(true), ignored);
    remote = socket.remote_endpoint(ignored);
    local = socket.local_endpoint(ignored);
}

std::string Connection::Impl::remote_text() const { return to_string(remote); }

IoError Connection::Impl::error(IoError::Kind kind, std::string_view step, std::string_view detail) const {
    IoError made;
    made.kind = kind;
    made.what.append(step).append(" ").append(remote_text()).append(": ").append(detail);
    return made;
}

IoError Connection::Impl::error(const ErrorCode& ec, std::string_view step) const {
    return error(kind_of(ec), step, ec.message());
}

/// Our end of the stream is over; the socket itself may live on.
void Connection::Impl::shut_down(std::string_view how) {
    closed_by_us = true;
    ErrorCode ignored;
    socket.shutdown(Socket::shutdown_send, ignored);
    transcript.record(EntryKind::end, options.name, mode == Mode::tls, how);
}

Connection::Connection(Executor executor, Transcript& transcript, ConnectionOptions options)
    : impl_(std::make_shared<Impl>(tcp::socket(executor), transcript, std::move(options))) {}

Connection::Connection(tcp::socket accepted, Transcript& transcript, ConnectionOptions options)
    : impl_(std::make_shared<Impl>(std::move(accepted), transcript, std::move(options))) {
    impl_->prepare_socket();
    if (transcript.keeps_anything())
        transcript.note(impl_->options.name, "accepted from " + impl_->remote_text());
}

Connection::~Connection() {
    impl_->watchdog.cancel();
    impl_->pause.cancel();
    Impl::ErrorCode ignored;
    impl_->socket.close(ignored);
}

Awaitable<IoResult<void>> Connection::connect(tcp::endpoint to, Deadline deadline) {
    Impl& me = *impl_;
    Impl::ErrorCode ec;
    me.socket.close(ec);
    me.remote = to;
    me.socket.open(to.protocol(), ec);
    if (!ec) {
        close_on_exec(me.socket.native_handle());
        me.watch(me.writing, deadline);
        auto [connect_ec] = co_await me.socket.async_connect(to, asio::as_tuple(asio::use_awaitable));
        me.writing.active = false;
        ec = connect_ec;
    }
    if (!ec) {
        me.prepare_socket();
        me.transcript.note(me.options.name, "connected to " + me.remote_text());
        co_return IoResult<void>();
    }
    IoError why = me.error(ec, "connect to");
    if (ec == asio::error::operation_aborted)
        why = me.writing.expired
                  ? me.error(IoError::Kind::timeout, "connect to", "no answer until the deadline")
                  : me.error(IoError::Kind::other, "connect to", "cancelled");
    Impl::ErrorCode ignored;
    me.socket.close(ignored);
    me.transcript.note(me.options.name, why.what);
    co_return tl::unexpected(std::move(why));
}

std::string_view Connection::input() const { return impl_->input_view(); }

void Connection::consume(std::size_t octets) {
    Impl& me = *impl_;
    me.input_taken += std::min(octets, me.input_view().size());
    if (me.input_taken == me.input.size()) {
        me.input.clear();
        me.input_taken = 0;
    } else if (me.input_taken > 64 * 1024) {
        me.input.erase(0, me.input_taken);
        me.input_taken = 0;
    }
    if (me.input.empty() && me.input.capacity() > 64 * 1024)
        me.input.shrink_to_fit();
}

Awaitable<ReadEvent> Connection::receive(Deadline deadline) {
    Impl& me = *impl_;
    auto begun = Clock::now();
    auto grown_before = me.grown;
    if (me.closed_by_us || !me.socket.is_open())
        co_return ReadEvent::end;
    if (me.input_full()) {
        me.tls_error =
            "more than " + std::to_string(me.options.input_limit) + " octets without what we wait for";
        me.transcript.note(me.options.name, me.tls_error);
        co_return ReadEvent::broken;
    }
    for (;;) {
        if (auto event = me.progress(grown_before))
            co_return *event;
        bool came = co_await me.fill(deadline);
        if (came)
            continue;
        if (me.closed_by_us || !me.socket.is_open())
            co_return ReadEvent::end;
        me.transcript.note(me.options.name, quiet_text(Clock::now() - begun));
        co_return ReadEvent::timeout;
    }
}

Awaitable<IoResult<void>> Connection::send(std::string octets, Deadline deadline) {
    Impl& me = *impl_;
    bool tls = me.mode == Impl::Mode::tls;
    bool gone = me.closed_by_us || me.write_failed || me.peer_end == PeerEnd::rst || !me.socket.is_open();
    if (gone || (!tls && me.mode != Impl::Mode::clear)) {
        IoError why = gone ? me.error(IoError::Kind::closed, "send to", "the connection is closed")
                           : me.error(IoError::Kind::tls, "send to", "TLS is broken: " + me.tls_error);
        me.transcript.note(me.options.name, "nothing sent: " + why.what);
        co_return tl::unexpected(std::move(why));
    }
    me.last_send = Clock::now();
    me.transcript.record(EntryKind::sent, me.options.name, tls, octets);
    IoResult<void> result;
    std::string_view rest = octets;
    while (result && !rest.empty()) {
        auto piece = tls ? rest.substr(0, kTlsChunk) : rest;
        rest.remove_prefix(piece.size());
        if (tls && !me.engine->write(piece)) {
            result = tl::unexpected(me.error(IoError::Kind::tls, "send to", me.engine->error()));
            break;
        }
        const std::string record = tls ? me.engine->take_output() : std::string();
        std::string_view out = tls ? std::string_view(record) : piece;
        // The usual case needs no coroutine: nothing is queued, and the kernel takes all.
        const Impl::ErrorCode ec = me.nothing_queued() ? me.write_once(out) : Impl::ErrorCode();
        if (ec)
            result = tl::unexpected(me.error(ec, "send to"));
        else if (!out.empty())
            result = co_await me.write_all(out, deadline);
    }
    if (result)
        me.sent += octets.size();
    else
        me.transcript.note(me.options.name, "the write above did not complete: " + result.error().what);
    co_return result;
}

Awaitable<void> Connection::close(Deadline deadline) {
    Impl& me = *impl_;
    if (me.closed_by_us || !me.socket.is_open())
        co_return;
    if (me.mode == Impl::Mode::tls && !me.write_failed && !me.raw_end) {
        me.engine->close_notify();
        auto record = me.engine->take_output();
        (void)co_await me.write_all(record, deadline);
    }
    if (me.closed_by_us)
        co_return;
    me.shut_down("we closed");
    auto drained = me.received;
    while (!me.raw_end && me.socket.is_open() && me.received - drained < kDrainAtClose) {
        auto ready = co_await me.wait_for(tcp::socket::wait_read, deadline);
        if (ready != Impl::Ready::yes || !me.socket.is_open())
            break;
        me.read_once();
        consume(me.input_view().size());
        me.progress(me.grown);
        consume(me.input_view().size());
    }
    me.watchdog.cancel();
    Impl::ErrorCode ignored;
    me.socket.close(ignored);
}

void Connection::drop_fin() {
    Impl& me = *impl_;
    if (me.closed_by_us || !me.socket.is_open())
        return;
    me.shut_down("we dropped it with a FIN");
    for (int reads = 0; !me.raw_end && reads < 64 && me.read_once(); ++reads) {
        me.progress(me.grown);  // unread octets would turn the FIN into a reset
        consume(me.input_view().size());
    }
    me.watchdog.cancel();
    Impl::ErrorCode ignored;
    me.socket.close(ignored);
}

void Connection::drop_rst() {
    Impl& me = *impl_;
    if (me.closed_by_us || !me.socket.is_open())
        return;
    me.closed_by_us = true;
    me.transcript.record(
        EntryKind::end, me.options.name, me.mode == Impl::Mode::tls, "we dropped it with a reset");
    me.watchdog.cancel();
    Impl::ErrorCode ignored;
    me.socket.set_option(asio::socket_base::linger(true, 0), ignored);
    me.socket.close(ignored);
}

Awaitable<void> Connection::send_alert(std::string name, Deadline deadline) {
    Impl& me = *impl_;
    bool inside = me.mode == Impl::Mode::tls && name == "close_notify";
    if (inside)
        me.engine->close_notify();
    std::string record = inside ? me.engine->take_output() : alert_record(name);
    if (me.closed_by_us || !me.socket.is_open())
        co_return;
    me.transcript.note(me.options.name, "we sent the TLS alert " + name);
    (void)co_await me.write_all(record, deadline);
    if (!me.closed_by_us)
        drop_fin();
}

bool Connection::is_open() const {
    return !impl_->closed_by_us && impl_->peer_end == PeerEnd::none && impl_->socket.is_open();
}
bool Connection::closed_by_us() const { return impl_->closed_by_us; }
PeerEnd Connection::peer_end() const { return impl_->peer_end; }
bool Connection::inside_tls() const { return impl_->info != nullptr; }
const TlsInfo* Connection::tls_info() const { return impl_->info.get(); }
const std::string& Connection::plain_leftover() const { return impl_->plain_leftover; }
const std::string& Connection::raw_tail() const { return impl_->raw_tail; }
const std::string& Connection::tls_error() const { return impl_->tls_error; }
const std::string& Connection::raw_client_hello() const { return impl_->raw_client_hello; }
tcp::endpoint Connection::remote() const { return impl_->remote; }
tcp::endpoint Connection::local() const { return impl_->local; }
Transcript& Connection::transcript() { return impl_->transcript; }
const std::string& Connection::name() const { return impl_->options.name; }
Connection::Executor Connection::executor() const { return impl_->watchdog.get_executor(); }
std::uint64_t Connection::octets_sent() const { return impl_->sent; }
std::uint64_t Connection::octets_received() const { return impl_->received; }
Clock::time_point Connection::last_receive() const { return impl_->last_receive; }
Clock::time_point Connection::last_send() const { return impl_->last_send; }

void Connection::cancel() {
    impl_->cancel_requested = impl_->reading.active || impl_->writing.active;
    impl_->pause.cancel();
    Impl::ErrorCode ignored;
    impl_->socket.cancel(ignored);
}

}  // namespace smtpspec::wire
