#include "protocol/script/watch.hpp"

#include "protocol/script/interpreter_state.hpp"
#include "protocol/smtp/command.hpp"
#include "protocol/smtp/text.hpp"

namespace smtpspec::script {

/// Every watch whose pattern `fits` and whose condition holds reaches its label. A condition that cannot be
/// evaluated ends the script with an error.
template <class Fits>
void Watches::apply(const ServerEvent& event, Fits fits) {
    for (const WatchStatement* watch : watches_) {
        EventScope scope(state_.scope, event, state_.limiters, state_.random);
        try {
            const Pattern* const pattern = resolved(watch->pattern, state_.cell);
            if (pattern != nullptr && fits(*watch, *pattern, scope) && holds(watch->condition, scope)) {
                state_.reach(watch->goal, state_.position());
            }
        } catch (const EvalError& error) {
            state_.stop(ScriptEnd::error, error.at(), error.what());
        }
    }
}

namespace {

ServerEvent event_of(Link& link, std::string_view line) {
    ServerEvent event;
    event.kind = ServerEventKind::command;
    event.line = std::string(line);
    event.octets = line.size();
    event.session = link.facts();
    const smtp::Command command = smtp::parse_command(line);
    event.verb = command.verb;
    const std::size_t open = line.find('<');
    const std::size_t close = line.find('>', open == std::string_view::npos ? 0 : open);
    if (open != std::string_view::npos && close != std::string_view::npos) {
        event.address = std::string(line.substr(open + 1, close - open - 1));
    }
    return event;
}

std::string_view without_line_end(std::string_view raw) {
    while (raw.ends_with('\n') || raw.ends_with('\r')) {
        raw.remove_suffix(1);
    }
    return raw;
}

}  // namespace

void Watches::reply(Link& link, const smtp::Reply& reply) {
    ServerEvent event;
    event.session = link.facts();
    apply(event, [&](const WatchStatement& watch, const Pattern& pattern, Scope& scope) {
        const auto* wanted = std::get_if<ReplyPattern>(&pattern.node);
        return watch.speaker == Side::Server && wanted != nullptr && fits_reply(*wanted, reply, scope);
    });
}

void Watches::line(Link& link, std::string_view raw) {
    look_at_line(event_of(link, without_line_end(raw)), raw, link.context, false);
}

/// `played`: the faithful server reads, so octets() does not see them.
void Watches::look_at_line(const ServerEvent& event, std::string_view raw, LineContext context, bool played) {
    ClientLine line;
    line.line = event.line;
    line.raw = raw;
    line.context = context;
    apply(event, [&](const WatchStatement& watch, const Pattern& pattern, Scope& scope) {
        if (watch.speaker != Side::Client) {
            return false;
        }
        const auto* bytes = played ? std::get_if<BytesPattern>(&pattern.node) : nullptr;
        return bytes != nullptr ? search(bytes->regex, raw, scope)
                                : fits_line(pattern, line, state_.environment.masker(), scope);
    });
}

void Watches::octets(Link& link) {
    if (watches_.empty()) {
        return;
    }
    ServerEvent event;
    event.session = link.facts();
    const Side speaker = state_.server_side() ? Side::Server : Side::Client;
    apply(event, [&](const WatchStatement& watch, const Pattern& pattern, Scope& scope) {
        const auto* wanted = std::get_if<BytesPattern>(&pattern.node);
        return watch.speaker == speaker && wanted != nullptr && search(wanted->regex, link.recent, scope);
    });
}

void Watches::end(Link& link) {
    if (link.given_away()) {
        return;
    }
    ServerEvent event;
    event.kind = ServerEventKind::end;
    event.session = link.facts();
    const wire::PeerEnd how = link.connection().peer_end();
    apply(event, [&](const WatchStatement&, const Pattern& pattern, Scope&) {
        const auto* wanted = std::get_if<ClosePattern>(&pattern.node);
        return wanted != nullptr && how != wire::PeerEnd::none && fits_close(*wanted, how);
    });
}

void Watches::client_line(const SessionFacts& session, std::string_view line) {
    if (watches_.empty()) {
        return;
    }
    ServerEvent event;
    event.kind = ServerEventKind::command;
    event.line = std::string(without_line_end(line));
    event.octets = line.size();
    event.verb = smtp::parse_command(line).verb;
    event.session = session;
    look_at_line(event, line, LineContext(), true);
}

/// Message content: regular expressions, `secret` and `bytes` look at it as it comes, commands and globs do
/// not.
void Watches::client_content(const SessionFacts& session, std::string_view octets) {
    if (watches_.empty()) {
        return;
    }
    ServerEvent event;
    event.kind = ServerEventKind::data;
    event.octets = octets.size();
    event.session = session;
    apply(event, [&](const WatchStatement& watch, const Pattern& pattern, Scope& scope) {
        if (watch.speaker != Side::Client) {
            return false;
        }
        if (const auto* bytes = std::get_if<BytesPattern>(&pattern.node)) {
            return search(bytes->regex, octets, scope);
        }
        return std::holds_alternative<SecretPattern>(pattern.node) &&
               state_.environment.masker().reveals(octets);
    });
}

void Watches::server_octets(const SessionFacts&, std::string_view) {}

void Watches::session_event(const ServerEvent& event) {
    if (!watches_.empty()) {
        look_at_event(event);
    }
}

/// Events that are no line: `watch C tls`, `watch C end-of-data`. Lines come by client_line().
void Watches::look_at_event(const ServerEvent& event) {
    apply(event, [&](const WatchStatement& watch, const Pattern& pattern, Scope&) {
        if (watch.speaker != Side::Client) {
            return false;
        }
        if (std::holds_alternative<ClosePattern>(pattern.node)) {
            return event.kind == ServerEventKind::end;
        }
        const auto* wanted = std::get_if<EventPattern>(&pattern.node);
        if (wanted == nullptr) {
            return false;
        }
        switch (wanted->event) {
            case Event::Connect:
                return event.kind == ServerEventKind::connect;
            case Event::ClientHello:
                return event.kind == ServerEventKind::client_hello;
            case Event::Tls:
                return event.kind == ServerEventKind::tls;
            case Event::AuthLine:
                return event.kind == ServerEventKind::auth_line;
            case Event::EndOfData:
                return event.kind == ServerEventKind::end_of_data;
            case Event::End:
                return event.kind == ServerEventKind::end;
            default:
                return false;
        }
    });
}

}  // namespace smtpspec::script
