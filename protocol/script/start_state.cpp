#include "protocol/script/start_state.hpp"

#include "protocol/script/await.hpp"
#include "protocol/script/words.hpp"

namespace smtpspec::script {

namespace {

StepFailure failure(std::string step, std::string reason) {
    StepFailure result;
    result.step = std::move(step);
    result.reason = std::move(reason);
    return result;
}

StepFailure from_event(std::string step, LinkEvent event, Duration time) {
    StepFailure result = failure(std::move(step), "the connection was closed");
    if (event == LinkEvent::time) {
        result.reason = "no answer within " + duration_text(time);
        result.silent = true;
    }
    return result;
}

StepFailure refused(ScriptState& state, std::string step, const smtp::Reply& reply) {
    StepFailure result = failure(std::move(step), state.shown(reply.raw));
    result.reply = result.reason;
    result.code = reply.code;
    return result;
}

}  // namespace

wire::Awaitable<void> send_octets(ScriptState& state, Link& link, std::string octets) {
    if (link.given_away() || !link.connection().is_open()) {
        state.environment.transcript().note(link.name(), "nothing is sent: the connection is closed");
        co_return;
    }
    co_await state.environment.before_send(octets);
    link.sent(octets);
    const wire::Deadline deadline = state.within(state.step);
    const wire::IoResult<void> sent = co_await link.connection().send(std::move(octets), deadline);
    if (!sent && sent.error().kind == wire::IoError::Kind::timeout) {
        state.environment.transcript().note(link.name(), "the send was not finished: " + sent.error().what);
    }
}

namespace {

wire::Awaitable<tl::expected<StepReply, StepFailure>> answer(ScriptState& state,
                                                             Link& link,
                                                             std::string step,
                                                             int wanted) {
    const wire::Deadline deadline = state.within(state.step);
    const NextReply next = co_await next_reply(state, link, deadline);
    if (next.event != LinkEvent::octets) {
        co_return tl::unexpected(from_event(std::move(step), next.event, state.step));
    }
    const int code = next.reply.code;
    const bool good = wanted == 0 || code == wanted || code / 100 == wanted;
    if (!good || !next.reply.well_formed()) {
        co_return tl::unexpected(refused(state, std::move(step), next.reply));
    }
    StepReply result;
    result.reply = next.reply;
    co_return result;
}

}  // namespace

wire::Awaitable<tl::expected<StepReply, StepFailure>> exchange(
    ScriptState& state, Link& link, std::string line, std::string step, int wanted) {
    if (link.given_away() || !link.connection().is_open()) {
        co_return tl::unexpected(failure(std::move(step), "the connection is closed"));
    }
    co_await send_octets(state, link, line + "\r\n");
    co_return co_await answer(state, link, std::move(step), wanted);
}

namespace {

std::string given(const ScriptState& state, const std::string& name) {
    const auto& values = state.environment.given();
    const auto found = values.find(name);
    return found == values.end() ? std::string() : found->second;
}

/// The steps of a client on its way to a state. Each does nothing when its work is done already.
class Climb {
  public:
    Climb(ScriptState& state, Link& link) : state_(state), link_(link) {}

    wire::Awaitable<StepResult> to(State wanted) {
        for (int i = static_cast<int>(State::Connected); i <= static_cast<int>(wanted); ++i) {
            const TranscriptIndex before = state_.position();
            const StepResult done = co_await step(static_cast<State>(i));
            if (!done) {
                co_return done;
            }
            const std::string name(to_string(static_cast<State>(i)));
            if (state_.position() != before || !state_.marks.contains(name)) {
                state_.mark(name);  // what had been reached before is not reached again
            }
        }
        co_return StepResult();
    }

  private:
    wire::Awaitable<StepResult> step(State next) {
        switch (next) {
            case State::Tcp:
                break;
            case State::Connected:
                co_return co_await connected();
            case State::Greeted:
                co_return co_await greeted();
            case State::Ehlo:
                co_return co_await ehlo();
            case State::Tls:
                co_return co_await tls();
            case State::Authenticated:
                co_return co_await login();
            case State::Envelope:
                co_return co_await envelope();
            case State::Data:
                co_return co_await data();
        }
        co_return StepResult();
    }

    wire::Awaitable<StepResult> connected() {
        if (link_.mode != Mode::Tls || link_.connection().inside_tls()) {
            co_return StepResult();
        }
        TlsOptions none;
        co_return co_await start_tls(state_, link_, std::move(none), state_.step);
    }

    wire::Awaitable<StepResult> greeted() {
        if (link_.tracker.greeted()) {
            co_return StepResult();
        }
        auto reply = co_await answer(state_, link_, "the greeting", 220);
        if (!reply) {
            reply.error().lost = !reply.error().silent && reply.error().code == 0 && link_.unread().empty();
        }
        co_return outcome(reply);
    }

    wire::Awaitable<StepResult> ehlo() {
        if (link_.tracker.ehlo()) {
            co_return StepResult();
        }
        std::string name = given(state_, "ehlo");
        if (name.empty()) {
            name = "[127.0.0.1]";
        }
        const auto reply = co_await exchange(state_, link_, "EHLO " + name, "EHLO", 250);
        co_return outcome(reply);
    }

    /// After TLS has begun everything learnt before it is forgotten, so EHLO is sent again (RFC 3207 §4.2).
    wire::Awaitable<StepResult> tls() {
        if (link_.mode == Mode::Starttls && !link_.connection().inside_tls()) {
            const auto reply = co_await exchange(state_, link_, "STARTTLS", "STARTTLS", 220);
            if (!reply) {
                co_return outcome(reply);
            }
            TlsOptions none;
            const StepResult done = co_await start_tls(state_, link_, std::move(none), state_.step);
            if (!done) {
                co_return done;
            }
        }
        co_return co_await ehlo();
    }

    wire::Awaitable<StepResult> login() {
        if (link_.tracker.authenticated() || given(state_, "user").empty() ||
            given(state_, "secret").empty()) {
            co_return StepResult();
        }
        co_return co_await authenticate(state_, link_);
    }

    wire::Awaitable<StepResult> envelope() {
        if (!link_.tracker.mail()) {
            const auto reply =
                co_await exchange(state_, link_, "MAIL FROM:<" + given(state_, "from") + ">", "MAIL", 250);
            if (!reply) {
                co_return outcome(reply);
            }
        }
        if (link_.tracker.rcpt()) {
            co_return StepResult();
        }
        const auto reply =
            co_await exchange(state_, link_, "RCPT TO:<" + given(state_, "to") + ">", "RCPT", 2);
        co_return outcome(reply);
    }

    wire::Awaitable<StepResult> data() {
        if (link_.tracker.data()) {
            co_return StepResult();
        }
        const auto reply = co_await exchange(state_, link_, "DATA", "DATA", 354);
        co_return outcome(reply);
    }

    static StepResult outcome(const tl::expected<StepReply, StepFailure>& reply) {
        if (!reply) {
            return tl::unexpected(reply.error());
        }
        return StepResult();
    }

    ScriptState& state_;
    Link& link_;
};

wire::Awaitable<StepResult> play_client_to(ScriptState& state, Link& link, State wanted) {
    const wire::Deadline deadline = state.within(state.step);
    const auto played = co_await link.session()->play_until(wanted, deadline);
    if (!played) {
        StepFailure result = failure("the client on its way to `" + std::string(to_string(wanted)) + "`",
                                     state.environment.masker().by_value(played.error()));
        result.silent = wire::Clock::now() >= deadline;
        co_return tl::unexpected(std::move(result));
    }
    link.context.inside_data = wanted == State::Data;
    for (int i = static_cast<int>(State::Tcp); i <= static_cast<int>(wanted); ++i) {
        state.mark(std::string(to_string(static_cast<State>(i))));
    }
    co_return StepResult();
}

}  // namespace

wire::Awaitable<StepResult> reach_state(ScriptState& state, Link& link, State wanted) {
    if (link.given_away()) {
        co_return tl::unexpected(failure("`reach`", "the connection is in the hands of `serve`"));
    }
    if (link.session() != nullptr) {
        co_return co_await play_client_to(state, link, wanted);
    }
    Climb climb(state, link);
    co_return co_await climb.to(wanted);
}

namespace {

StepFailure from_io(std::string step, const wire::IoError& error) {
    StepFailure result = failure(std::move(step), error.what);
    result.silent = error.kind == wire::IoError::Kind::timeout;
    return result;
}

void add_link(ScriptState& state, std::unique_ptr<Link> link) {
    state.current = link.get();
    state.links.push_back(std::move(link));
    state.mark(std::string(to_string(State::Tcp)));
}

wire::Awaitable<StepResult> accept_link(ScriptState& state, std::string name) {
    const wire::Deadline deadline = state.within(state.step);
    auto session = co_await state.environment.accept(name, deadline);
    if (!session) {
        co_return tl::unexpected(from_io("the client's connection `" + name + "`", session.error()));
    }
    const int number = static_cast<int>(state.links.size()) + 1;
    auto link = std::make_unique<Link>(std::move(name), number, std::move(*session));
    link->mode = state.environment.mode();
    add_link(state, std::move(link));
    co_return StepResult();
}

}  // namespace

namespace {

wire::Awaitable<StepResult> connect_link(ScriptState& state, std::string name, const OpenOptions& options) {
    OpenRequest request;
    request.name = name;
    request.host = options.host;
    request.family = options.family;
    request.port = options.port;
    const wire::Deadline deadline = state.within(state.step);
    auto connection = co_await state.environment.open(std::move(request), deadline);
    if (!connection) {
        co_return tl::unexpected(from_io("connection `" + name + "`", connection.error()));
    }
    const int number = static_cast<int>(state.links.size()) + 1;
    auto link = std::make_unique<Link>(std::move(name), number, std::move(*connection));
    link->mode = state.environment.mode_of_port(options.port);
    add_link(state, std::move(link));
    co_return StepResult();
}

}  // namespace

wire::Awaitable<StepResult> open_link(ScriptState& state, std::string name, OpenOptions options, State from) {
    for (int lost = 0;; ++lost) {
        StepResult done;
        if (state.server_side()) {
            done = co_await connect_link(state, name, options);
        } else {
            done = co_await accept_link(state, name);
        }
        if (!done) {
            co_return done;
        }
        done = co_await reach_state(state, *state.current, from);
        if (done || !done.error().lost || lost >= state.environment.lost_connections()) {
            co_return done;
        }
        state.environment.transcript().note(name,
                                            done.error().step + ": " + done.error().reason + "; once more");
        state.links.pop_back();
        state.current = nullptr;
    }
}

namespace {

void apply_options(wire::TlsClientSettings& settings, const TlsOptions& options) {
    for (const auto& [name, value] : options) {
        if (name == "min") {
            settings.minimum = value;
        } else if (name == "max") {
            settings.maximum = value;
        } else if (name == "sni") {
            settings.server_name = value;
            settings.send_sni = !value.empty();
        } else if (name == "alpn") {
            settings.alpn = value;
        } else if (name == "ciphers") {
            settings.ciphers = value;
        } else if (name == "verify") {
            settings.verify_chain = settings.verify_host = value == "yes";
        }
    }
}

/// The reason of a failed handshake; a plaintext answer on the raw socket belongs to it (real-peers: it is
/// evidence).
StepFailure tls_failure(ScriptState& state, Link& link, const wire::IoError& error) {
    StepFailure result = from_io("the TLS handshake", error);
    const std::string& raw = link.connection().raw_tail();
    const bool ended = error.kind == wire::IoError::Kind::closed || error.kind == wire::IoError::Kind::reset;
    result.lost = ended && raw.empty() && link.mode == Mode::Tls && !link.tracker.greeted();
    if (!raw.empty()) {
        result.reason += "; it answered in clear: " + state.shown(raw);
        state.environment.transcript().note(link.name(), "raw octets: " + state.shown(raw));
    }
    return result;
}

}  // namespace

wire::Awaitable<StepResult> start_tls(ScriptState& state, Link& link, TlsOptions options, Duration time) {
    if (link.given_away() || !link.connection().is_open()) {
        co_return tl::unexpected(failure("the TLS handshake", "the connection is closed"));
    }
    if (link.connection().inside_tls()) {
        co_return tl::unexpected(failure("the TLS handshake", "TLS is on already"));
    }
    const wire::Deadline deadline = state.within(time);
    if (link.session() != nullptr) {
        const auto done = co_await link.session()->start_tls(std::move(options), deadline);
        if (!done) {
            co_return tl::unexpected(tls_failure(state, link, done.error()));
        }
    } else {
        wire::TlsClientSettings settings = state.environment.client_tls();
        apply_options(settings, options);
        const auto done = co_await link.connection().start_tls_client(std::move(settings), deadline);
        if (!done) {
            co_return tl::unexpected(tls_failure(state, link, done.error()));
        }
    }
    link.tls_started();
    state.last_event = wire::Clock::now();
    co_return StepResult();
}

}  // namespace smtpspec::script
