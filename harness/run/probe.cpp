#include "harness/run/probe.hpp"

#include <deque>

#include <boost/asio/io_context.hpp>

#include "harness/run/interruptible.hpp"
#include "protocol/smtp/escape.hpp"
#include "protocol/smtp/reply.hpp"
#include "protocol/wire/resolve.hpp"

namespace smtpspec::run {

namespace asio = boost::asio;

namespace {

using std::chrono::milliseconds;

constexpr milliseconds step_limit{8000};
/// A greeting is often held back on purpose (postscreen, greetpause, tarpits); RFC 5321 §4.5.3.2.1 allows 5
/// minutes.
constexpr milliseconds greeting_limit_elsewhere{30000};
constexpr milliseconds mode_check_limit{3000};

std::string seconds_text(milliseconds time) {
    return fmt::format("{:g} s", static_cast<double>(time.count()) / 1000);
}

/// A conversation step: one reply, or why there was none.
struct Answer {
    std::optional<smtp::Reply> reply;
    wire::ReadEvent event = wire::ReadEvent::timeout;
    std::string unfinished;  ///< what came without making one
};

wire::Awaitable<Answer> read_reply(wire::Connection& connection, wire::Deadline deadline) {
    smtp::ReplyParser parser;
    Answer answer;
    while (true) {
        const std::size_t used = parser.feed(connection.input());
        connection.consume(used);
        if (parser.complete()) {
            answer.reply = parser.take();
            co_return answer;
        }
        answer.event = co_await connection.receive(deadline);
        if (answer.event != wire::ReadEvent::octets) {
            answer.unfinished = std::string(parser.pending().substr(0, 4096));
            co_return answer;
        }
    }
}

class Probe {
  public:
    Probe(const RunContext& context, int port, asio::any_io_executor executor)
        : context_(context),
          executor_(executor),
          step_(context.profile.step.value_or(step_limit)),
          patience_(std::max(step_, context.loopback() ? step_limit : greeting_limit_elsewhere)),
          transcript_(&context.masker),
          where_(fmt::format(
              "{}:{} ({})", context.profile.host, port, wire::to_string(context.addresses.at(port)))) {
        result_.port = port;
        result_.mode = context.profile.ports.at(port);
    }

    wire::Awaitable<PortProbe> run() {
        wire::Connection connection(executor_, transcript_);
        auto connected = co_await connection.connect(context_.addresses.at(result_.port), soon());
        if (!connected) {
            stop(PortProbe::State::unreachable,
                 connected.error().what +
                     ". Check that the server runs, that the port is right, and that no firewall is in the "
                     "way.");
            co_return result_;
        }
        co_await talk(connection);
        co_await connection.close(wire::Clock::now() + milliseconds(500));
        co_return result_;
    }

  private:
    wire::Deadline soon() const { return wire::Clock::now() + step_; }

    /// What the peer said, for people. Masked before it is cut: half a secret is not found any more.
    std::string shown(std::string_view raw, std::size_t most) const {
        constexpr std::size_t looked_at = 4096;
        return smtp::printable(context_.masker.by_value(raw.substr(0, looked_at)), most);
    }

    void stop(PortProbe::State state, std::string detail) {
        result_.state = state;
        result_.detail = std::move(detail);
    }

    wire::TlsClientSettings tls_settings() const {
        wire::TlsClientSettings settings;
        settings.context = context_.client_tls;
        settings.server_name =
            context_.profile.server_name.empty() ? context_.profile.host : context_.profile.server_name;
        return settings;
    }

    wire::Awaitable<bool> start_tls(wire::Connection& connection) {
        auto started = co_await connection.start_tls_client(tls_settings(), soon());
        if (!started) {
            result_.tls_problem = context_.masker.by_value(started.error().what);
            tls_failure_ = started.error().kind;
            result_.lost =
                result_.mode == script::Mode::Tls && connection.raw_tail().empty() &&
                (tls_failure_ == wire::IoError::Kind::closed || tls_failure_ == wire::IoError::Kind::reset);
        } else if (const wire::TlsInfo* info = connection.tls_info()) {
            result_.certificate_problem = context_.masker.by_value(info->problem);
        }
        co_return started.has_value();
    }

    wire::Awaitable<void> talk(wire::Connection& connection) {
        if (result_.mode == script::Mode::Tls) {
            const bool secured = co_await start_tls(connection);
            if (!secured) {
                no_tls(connection);
                co_return;
            }
        }
        const bool welcome = co_await greeting(connection);
        if (!welcome) {
            co_return;
        }
        result_.state = PortProbe::State::ok;
        std::optional<smtp::Capabilities> offered = co_await ehlo(connection);
        (result_.mode == script::Mode::Tls ? result_.secure : result_.clear) = offered;
        if (!offered) {
            stop(PortProbe::State::no_ehlo,
                 fmt::format("{}: the port greets (\"{}\"), but EHLO was answered by {}.",
                             where_,
                             result_.greeting,
                             ehlo_problem_));
            co_return;
        }
        if (result_.mode == script::Mode::Starttls && offered && offered->has("STARTTLS")) {
            co_await upgrade(connection);
        }
        const std::string quit = "QUIT\r\n";
        co_await connection.send(quit, soon());
        co_await read_reply(connection, wire::Clock::now() + std::chrono::seconds(2));
    }

    void no_tls(wire::Connection& connection) {
        const std::string& tail = connection.raw_tail();
        if (tail.compare(0, 3, "220") == 0) {
            stop(PortProbe::State::wrong_mode,
                 fmt::format("{} is said to speak TLS from the first octet, but it greets in clear: \"{}\". "
                             "If it upgrades "
                             "by STARTTLS, set its mode to starttls in the profile.",
                             where_,
                             shown(tail, 80)));
            return;
        }
        if (!tail.empty()) {
            stop(PortProbe::State::not_smtp,
                 fmt::format("{}: a TLS handshake was answered by \"{}\": this is no TLS port.",
                             where_,
                             shown(tail, 80)));
            return;
        }
        switch (tls_failure_) {
            case wire::IoError::Kind::timeout:
                stop(PortProbe::State::silent,
                     fmt::format(
                         "{}: the port accepts connections but did not complete a TLS handshake within {}. "
                         "An overloaded server, a tarpit, or a port that is not for TLS from the first octet "
                         "does this.",
                         where_,
                         seconds_text(step_)));
                return;
            case wire::IoError::Kind::closed:
            case wire::IoError::Kind::reset:
                stop(
                    PortProbe::State::unreachable,
                    fmt::format(
                        "{}: the connection was {} instead of a TLS handshake, without an alert. A limit on "
                        "connections, a firewall, or a server without a certificate for this port does this; "
                        "its log knows.",
                        where_,
                        tls_failure_ == wire::IoError::Kind::reset ? "reset" : "closed"));
                return;
            default:
                stop(PortProbe::State::no_tls, fmt::format("{}: {}", where_, result_.tls_problem));
        }
    }

    wire::Awaitable<bool> greeting(wire::Connection& connection) {
        const auto connected = wire::Clock::now();
        Answer answer = co_await read_reply(connection, connected + step_);
        if (answer.event == wire::ReadEvent::timeout && !answer.reply && answer.unfinished.empty()) {
            if (result_.mode != script::Mode::Tls) {
                co_await look_for_tls();
            }
            if (result_.state == PortProbe::State::wrong_mode) {
                co_return false;
            }
            answer = co_await read_reply(connection, connected + patience_);
        }
        if (!answer.reply) {
            no_greeting(connection, answer);
            co_return false;
        }
        result_.greeting = shown(answer.reply->raw, 200);
        if (answer.reply->code == 0) {
            stop(PortProbe::State::not_smtp,
                 fmt::format(
                     "{}: expected an SMTP greeting (220 …), got \"{}\". Is this another service's port?",
                     where_,
                     result_.greeting));
            co_return false;
        }
        if (answer.reply->code / 100 != 2) {
            stop(PortProbe::State::turned_away,
                 fmt::format("{}: the server turned us away: \"{}\"", where_, result_.greeting));
            co_return false;
        }
        co_return true;
    }

    void no_greeting(wire::Connection& connection, const Answer& answer) {
        const std::string seen = shown(answer.unfinished, 80);
        if (answer.event == wire::ReadEvent::timeout && seen.empty()) {
            stop(PortProbe::State::silent,
                 fmt::format("{}: the port accepts connections but sent no greeting within {}. A service "
                             "that waits for the client to speak first, a tarpit, or an overloaded server "
                             "does this; `time: {{step: …}}` in the profile waits longer.",
                             where_,
                             seconds_text(patience_)));
        } else if (seen.empty()) {
            result_.lost = true;
            stop(PortProbe::State::unreachable,
                 fmt::format("{}: the connection was {} before any greeting.",
                             where_,
                             connection.peer_end() == wire::PeerEnd::rst ? "reset" : "closed"));
        } else {
            stop(PortProbe::State::not_smtp,
                 fmt::format("{}: expected an SMTP greeting (220 …), got \"{}\" without a reply in it.",
                             where_,
                             seen));
        }
    }

    /// Nobody knows what the rest would have offered.
    static bool was_cut(const smtp::Reply& reply) {
        return reply.has(smtp::ReplyViolation::line_too_long) ||
               reply.has(smtp::ReplyViolation::too_many_lines) ||
               reply.has(smtp::ReplyViolation::too_many_octets);
    }

    wire::Awaitable<std::optional<smtp::Capabilities>> ehlo(wire::Connection& connection) {
        const std::string command = "EHLO " + context_.profile.ehlo + "\r\n";
        std::optional<smtp::Capabilities> offered;
        auto sent = co_await connection.send(command, soon());
        if (!sent) {
            co_return offered;
        }
        const Answer answer = co_await read_reply(connection, soon());
        const int code = answer.reply ? answer.reply->code : 0;
        if (answer.reply && was_cut(*answer.reply)) {
            ehlo_problem_ = fmt::format("a reply without end: it was cut after {} lines ({} octets)",
                                        answer.reply->lines.size(),
                                        answer.reply->raw.size());
        } else if (code == 250) {
            offered = smtp::Capabilities::from_reply(*answer.reply);
        } else if (code == 500 || code == 502) {
            offered = smtp::Capabilities();  // it knows no extensions (RFC 5321 §4.1.4)
        } else if (answer.reply) {
            ehlo_problem_ = fmt::format(
                "\"{}\"; if it is our name \"{}\" that it refuses, `ehlo: NAME` in the "
                "profile gives another",
                shown(answer.reply->raw, 200),
                context_.profile.ehlo);
        } else {
            ehlo_problem_ =
                answer.event == wire::ReadEvent::timeout ? "silence" : "the end of the connection";
        }
        co_return offered;
    }

    wire::Awaitable<void> upgrade(wire::Connection& connection) {
        const std::string command = "STARTTLS\r\n";
        co_await connection.send(command, soon());
        const Answer answer = co_await read_reply(connection, soon());
        result_.starttls_code = answer.reply ? answer.reply->code : 0;
        if (!answer.reply || answer.reply->code != 220) {
            result_.tls_problem = answer.reply ? "STARTTLS was answered " + shown(answer.reply->raw, 200)
                                               : "no reply to STARTTLS";
            co_return;
        }
        const bool secured = co_await start_tls(connection);
        if (secured) {
            result_.secure = co_await ehlo(connection);
        }
    }

    /// A silent port on which the profile promises STARTTLS: does it wait for a ClientHello?
    wire::Awaitable<void> look_for_tls() {
        wire::Connection connection(executor_, transcript_);
        auto connected = co_await connection.connect(context_.addresses.at(result_.port), soon());
        if (!connected) {
            co_return;
        }
        auto started =
            co_await connection.start_tls_client(tls_settings(), wire::Clock::now() + mode_check_limit);
        if (started) {
            stop(PortProbe::State::wrong_mode,
                 fmt::format("{} says nothing in clear but completes a TLS handshake: it speaks TLS from the "
                             "first octet. "
                             "Set its mode to tls in the profile.",
                             where_));
        }
        co_await connection.close(wire::Clock::now() + milliseconds(500));
    }

    const RunContext& context_;
    asio::any_io_executor executor_;
    milliseconds step_, patience_;  ///< for a reply; for the greeting
    wire::Transcript transcript_;
    std::string where_;
    std::string ehlo_problem_ = "nothing: it could not be sent";
    wire::IoError::Kind tls_failure_ = wire::IoError::Kind::other;
    PortProbe result_;
};

}  // namespace

wire::Awaitable<PortProbe> probe_port(const RunContext& context, int port) {
    constexpr int looks = 4;
    asio::any_io_executor executor = co_await asio::this_coro::executor;
    PortProbe result;
    for (int look = 0; look == 0 || (result.lost && look < looks); ++look) {
        Probe probe(context, port, executor);
        result = co_await probe.run();
    }
    co_return result;
}

namespace {

/// Takes one port after the other until none is left.
wire::Awaitable<void> probe_in_turn(const RunContext& context,
                                    std::deque<int>& ports,
                                    std::map<int, PortProbe>& probes) {
    while (!ports.empty()) {
        const int port = ports.front();
        ports.pop_front();
        PortProbe probe = co_await probe_port(context, port);
        probes[port] = std::move(probe);
    }
}

}  // namespace

std::map<int, PortProbe> probe_ports(const RunContext& context) {
    auto owned = std::make_unique<asio::io_context>(1);
    asio::io_context& loop = *owned;
    std::map<int, PortProbe> probes;
    std::deque<int> ports;
    for (const auto& address : context.addresses) {
        ports.push_back(address.first);
    }
    const std::size_t at_once =
        context.most_connections() > 0 ? static_cast<std::size_t>(context.most_connections()) : ports.size();
    for (std::size_t i = std::min(at_once, ports.size()); i > 0; --i) {
        asio::co_spawn(loop, probe_in_turn(context, ports, probes), [](std::exception_ptr thrown) {
            if (thrown) {
                std::rethrow_exception(thrown);
            }
        });
    }
    run_interruptibly(std::move(owned), context);
    return probes;
}

namespace {

std::string upper(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::toupper(c); });
    return text;
}

}  // namespace

bool PortProbe::lacks_auth() const {
    const auto& offered = mode == script::Mode::Plain ? clear : secure;
    return usable() && offered && !offered->has("AUTH");
}

std::string PortProbe::lacks(const std::string& need) const {
    if (need == "starttls") {
        const bool offered = mode != script::Mode::Starttls || (clear && clear->has("STARTTLS"));
        return offered ? "" : "STARTTLS is not offered";
    }
    const auto& offered = secure ? secure : clear;
    if (!offered || (mode == script::Mode::Starttls && !secure)) {
        return {};  // not known: let the cell find out
    }
    if (need.compare(0, 5, "auth:") == 0) {
        return offered->auth_offers(upper(need.substr(5))) ? "" : upper(need.substr(5)) + " is not offered";
    }
    return offered->has(upper(need)) ? "" : upper(need) + " is not offered";
}

}  // namespace smtpspec::run
