#include "protocol/wire/connection_impl.hpp"

namespace smtpspec::wire {

using boost::asio::ip::tcp;

namespace {

/// The beginning of what came instead of TLS, for a message.
std::string excerpt(std::string_view octets) {
    std::string text;
    for (char c : octets.substr(0, 60)) {
        bool plain = c >= ' ' && c < 127;
        text += plain ? c : '.';
    }
    return text;
}

tl::expected<std::unique_ptr<TlsEngine>, std::string> choose_engine(const Connection::ChooseTls& choose,
                                                                    const ClientHello& hello) {
    auto settings = choose(hello);
    if (!settings)
        return tl::unexpected(std::move(settings.error()));
    return TlsEngine::server(*settings);
}

/// The alert that "alert NAME" asks for; any other text is our own failure.
std::string alert_in(const std::string& refusal) {
    static constexpr std::string_view kAlert = "alert ";
    return refusal.rfind(kAlert, 0) == 0 ? refusal.substr(kAlert.size()) : "internal_error";
}

}  // namespace

IoError Connection::Impl::handshake_error(IoError::Kind kind, const std::string& why) {
    IoError made = error(kind, "TLS handshake with", why);
    if (mode != Mode::broken) {
        mode = Mode::broken;
        tls_error = why;
        transcript.note(options.name, made.what);
    }
    broken_news = false;  // this error says it
    return made;
}

IoError Connection::Impl::handshake_cut_off(bool timed_out) {
    if (timed_out)
        return handshake_error(IoError::Kind::timeout, "not complete until the deadline");
    if (peer_end == PeerEnd::rst)
        return handshake_error(IoError::Kind::reset, "reset by the peer");
    return handshake_error(IoError::Kind::closed, "the peer closed the connection");
}

/// Clear octets that are waiting when TLS begins (RFC 3207 §4.2). What begins a TLS record belongs to the
/// handshake.
void Connection::Impl::split_input(Leftover policy) {
    leftover = policy;
    mode = Mode::handshake;
    seen_record = false;
    std::string waiting(input_view());
    auto start = may_start_record(waiting) && !waiting.empty() ? 0 : find_record_start(waiting);
    plain_leftover = waiting.substr(0, start);
    if (start < waiting.size())
        records.append(std::string_view(waiting).substr(start));
    input.clear();
    input_taken = 0;
    if (policy == Leftover::keep_as_plaintext)
        input = plain_leftover;
}

/// For the deliberately wrong peer: clear octets that arrived between the switch and the first record are
/// kept as well. True when the raw octets now begin, or may begin, with a record.
bool Connection::Impl::set_aside_clear_octets() {
    auto raw = records.peek();
    if (seen_record || may_start_record(raw))
        return true;
    if (leftover == Leftover::discard)
        return false;
    auto start = std::min(find_record_start(raw), raw.size());
    if (start == raw.size() && raw.back() == '\x16')
        --start;
    auto clear = raw.substr(0, start);
    received += clear.size();
    transcript.record(EntryKind::received, options.name, false, clear);
    plain_leftover.append(clear);
    input.append(clear);
    records.drop(start);
    return true;
}

/// Gives the engine one record, waiting for it. The value says nothing.
Awaitable<IoResult<bool>> Connection::Impl::feed_handshake(Deadline deadline) {
    for (;;) {
        std::string_view record;
        bool tls = set_aside_clear_octets();
        auto next = tls ? records.next(record) : RecordBuffer::Next::not_tls;
        if (next == RecordBuffer::Next::record) {
            seen_record = true;
            engine->feed(record);
            records.drop(0);
            co_return true;
        }
        if (next == RecordBuffer::Next::not_tls) {
            auto tail = records.take_all();
            auto why = "the peer does not speak TLS here, it sent \"" + excerpt(tail) + "\"";
            break_tls(why, tail);
            co_return tl::unexpected(handshake_error(IoError::Kind::tls, why));
        }
        if (raw_end)
            co_return tl::unexpected(handshake_cut_off(false));
        bool came = co_await fill(deadline);
        if (!came)
            co_return tl::unexpected(handshake_cut_off(true));
    }
}

Awaitable<IoResult<TlsInfo>> Connection::Impl::handshake(std::unique_ptr<TlsEngine> made,
                                                         Clock::time_point begun,
                                                         Deadline deadline) {
    engine = std::move(made);
    for (;;) {
        auto step = engine->handshake();
        auto output = engine->take_output();
        if (raw_client_hello.empty() && !SSL_is_server(engine->ssl()))
            raw_client_hello = output;
        auto written = co_await write_all(output, deadline);
        if (step == TlsEngine::Step::done)
            break;
        if (step != TlsEngine::Step::want_input) {
            auto why =
                step == TlsEngine::Step::ended ? std::string("the peer sent close_notify") : engine->error();
            co_return tl::unexpected(handshake_error(IoError::Kind::tls, why));
        }
        if (!written && written.error().kind == IoError::Kind::timeout)
            co_return tl::unexpected(handshake_cut_off(true));
        auto fed = co_await feed_handshake(deadline);
        if (!fed)
            co_return tl::unexpected(std::move(fed.error()));
    }
    info = std::make_unique<TlsInfo>(engine->info());
    info->duration = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begun);
    mode = Mode::tls;
    transcript.record(EntryKind::tls,
                      options.name,
                      true,
                      info->version + " " + info->cipher + (info->resumed ? " resumed" : ""));
    co_return *info;
}

/// Collects the raw octets of the ClientHello without taking them out of `records`.
Awaitable<IoResult<ClientHello>> Connection::Impl::read_client_hello(Deadline deadline) {
    std::size_t wanted = 0;
    for (;;) {
        bool tls = set_aside_clear_octets();
        auto raw = records.peek();
        if (tls && raw.size() < wanted) {
            // not yet
        } else {
            auto parsed = parse_client_hello(raw);
            wanted = parsed.octets;
            if (parsed.state == HelloProgress::State::complete) {
                raw_client_hello = raw.substr(0, parsed.octets);
                co_return std::move(parsed.hello);
            }
            if (!tls || parsed.state == HelloProgress::State::not_tls) {
                auto tail = records.take_all();
                auto why = "the peer does not speak TLS here, it sent \"" + excerpt(tail) + "\"";
                break_tls(why, tail);
                co_return tl::unexpected(handshake_error(IoError::Kind::tls, why));
            }
            if (parsed.state == HelloProgress::State::malformed) {
                (void)co_await write_all(alert_record("decode_error"), deadline);
                co_return tl::unexpected(handshake_error(IoError::Kind::tls, "the ClientHello is malformed"));
            }
        }
        if (raw_end)
            co_return tl::unexpected(handshake_cut_off(false));
        bool came = co_await fill(deadline);
        if (!came)
            co_return tl::unexpected(handshake_cut_off(true));
    }
}

Awaitable<IoResult<TlsInfo>> Connection::start_tls_client(TlsClientSettings settings, Deadline deadline) {
    Impl& me = *impl_;
    auto begun = Clock::now();
    if (me.mode != Impl::Mode::clear || me.closed_by_us || !me.socket.is_open())
        co_return tl::unexpected(
            me.error(IoError::Kind::other, "TLS handshake with", "the connection is not in clear"));
    auto made = TlsEngine::client(settings);
    if (!made)
        co_return tl::unexpected(me.error(IoError::Kind::other, "TLS handshake with", made.error()));
    me.split_input(client_leftover_);
    auto result = co_await me.handshake(std::move(*made), begun, deadline);
    co_return result;
}

Awaitable<IoResult<TlsInfo>> Connection::start_tls_server(ChooseTls choose,
                                                          Leftover leftover,
                                                          Deadline deadline) {
    Impl& me = *impl_;
    auto begun = Clock::now();
    if (me.mode != Impl::Mode::clear || me.closed_by_us || !me.socket.is_open())
        co_return tl::unexpected(
            me.error(IoError::Kind::other, "TLS handshake with", "the connection is not in clear"));
    me.split_input(leftover);
    auto hello = co_await me.read_client_hello(deadline);
    if (!hello)
        co_return tl::unexpected(std::move(hello.error()));
    me.seen_record = true;
    auto made = choose_engine(choose, *hello);
    if (!made) {
        IoError why = me.handshake_error(IoError::Kind::tls, "refused by us: " + made.error());
        std::string alert = alert_in(made.error());
        co_await send_alert(std::move(alert), deadline);
        co_return tl::unexpected(std::move(why));
    }
    auto result = co_await me.handshake(std::move(*made), begun, deadline);
    co_return result;
}

std::string Connection::channel_binding() const {
    Impl& me = *impl_;
    if (!me.info || !me.engine)
        return {};
    static constexpr std::string_view kLabel = "EXPORTER-Channel-Binding";
    std::string octets(32, '\0');
    auto* out = reinterpret_cast<unsigned char*>(octets.data());
    int ok = SSL_export_keying_material(
        me.engine->ssl(), out, octets.size(), kLabel.data(), kLabel.size(), nullptr, 0, 0);
    return ok == 1 ? octets : std::string();
}

SSL_SESSION* Connection::tls_session() const {
    return impl_->engine ? SSL_get1_session(impl_->engine->ssl()) : nullptr;
}

}  // namespace smtpspec::wire
