#include "protocol/script/rules_engine.hpp"

#include <algorithm>

#include "protocol/script/words.hpp"
#include "protocol/smtp/text.hpp"

namespace smtpspec::script {

std::optional<Value> session_fact(const SessionFacts& session, const std::string& name) {
    if (name == "number") {
        return session.number;
    }
    if (name == "clear") {
        return session.clear;
    }
    if (name == "mails") {
        return session.mails;
    }
    if (name == "rcpts") {
        return session.rcpts;
    }
    if (name == "user") {
        return session.user;
    }
    return std::nullopt;
}

Value EventScope::name(const std::string& name, Position at) {
    if (name.starts_with("session.")) {
        if (auto fact = session_fact(event_.session, name.substr(8))) {
            return *fact;
        }
    }
    if (name == "command.line") {
        return event_.line;
    }
    if (name == "command.address") {
        return event_.address;
    }
    if (name == "command.octets") {
        return static_cast<std::int64_t>(event_.octets);
    }
    if (name == "tls.sni") {
        return event_.session.sni;
    }
    if (name == "tls.alpn") {
        return event_.session.alpn;
    }
    return below_.name(name, at);
}

std::optional<Value> EventScope::call(const std::string& function,
                                      const std::vector<Value>& arguments,
                                      Position at) {
    if (function == "chance" && arguments.size() == 1) {
        const Percent* share = arguments.front().percent();
        const std::int64_t percent = share != nullptr ? share->value : as_number(arguments.front(), at);
        return std::uniform_int_distribution<std::int64_t>(0, 99)(random_) < percent;
    }
    if (function == "over" && arguments.size() == 1) {
        const auto result =
            limiters_.over(*arguments.front().octets(), event_.session, std::chrono::steady_clock::now());
        if (!result) {
            throw EvalError(EvalError::Kind::wrong, at, "there is no limiter " + *arguments.front().octets());
        }
        return *result;
    }
    return below_.call(function, arguments, at);
}

RuleEngine::RuleEngine(
    const std::vector<Rule>& rules, Scope& scope, Limiters& limiters, std::uint64_t seed, Hooks hooks)
    : rules_(rules),
      scope_(scope),
      limiters_(limiters),
      random_(seed),
      hooks_(std::move(hooks)),
      states_(rules.size()) {}

namespace {

bool same_event(Event wanted, const ServerEvent& event) {
    switch (wanted) {
        case Event::Connect:
            return event.kind == ServerEventKind::connect;
        case Event::ClientHello:
            return event.kind == ServerEventKind::client_hello;
        case Event::Tls:
            return event.kind == ServerEventKind::tls;
        case Event::Command:
            return event.kind == ServerEventKind::command;
        case Event::AuthLine:
            return event.kind == ServerEventKind::auth_line;
        case Event::Content:
            return event.kind == ServerEventKind::data;
        case Event::EndOfData:
            return event.kind == ServerEventKind::end_of_data;
        case Event::Idle:
            return event.kind == ServerEventKind::idle;
        case Event::End:
            return event.kind == ServerEventKind::end;
        default:
            return event.kind == ServerEventKind::command && event.verb == to_string(wanted);
    }
}

bool counted(const std::optional<RuleCount>& count, std::uint64_t fits) {
    if (!count) {
        return true;
    }
    const auto number = static_cast<std::uint64_t>(std::max<std::int64_t>(count->number, 0));
    return count->kind == RuleCount::Kind::First ? fits <= number : fits > number;
}

std::int64_t idle_micros(const ServerEvent& event) {
    return std::chrono::duration_cast<Duration>(event.idle).count();
}

}  // namespace

/// `idle 2s` and `data 64KiB` fit once, when the session's idle time or content passes the amount. Both only
/// grow until they begin anew.
bool RuleEngine::crosses(const Rule& rule, State& state, const ServerEvent& event) {
    if (!rule.amount || (rule.event != Event::Idle && rule.event != Event::Content)) {
        return true;
    }
    const std::int64_t now =
        rule.event == Event::Idle ? idle_micros(event) : static_cast<std::int64_t>(event.octets);
    std::int64_t& last = state.last_amount[event.session.number];
    const std::int64_t before = now <= last ? 0 : last;
    last = now;
    return before < rule.amount->value && rule.amount->value <= now;
}

/// Event, amount and regular expression fit: this is what `first` and `after` count, also behind a rule that
/// has answered.
bool RuleEngine::event_fits(const Rule& rule, State& state, const ServerEvent& event, Scope& scope) {
    if (!same_event(rule.event, event) || !crosses(rule, state, event)) {
        return false;
    }
    if (rule.regex && !compile(*rule.regex, scope).matches(event.line)) {
        return false;
    }
    ++state.fits;
    return true;
}

Decision RuleEngine::decide(const ServerEvent& event) {
    Decision decision;
    EventScope scope(scope_, event, limiters_, random_);
    for (std::size_t i = 0; i < rules_.size(); ++i) {
        const Rule& rule = rules_[i];
        if (!event_fits(rule, states_[i], event, scope) || decision.answered ||
            !counted(rule.count, states_[i].fits)) {
            continue;
        }
        if (rule.regex) {
            search(*rule.regex, event.line, scope);  // for the captures
        }
        if (!holds(rule.condition, scope)) {
            continue;
        }
        carry_out(rule, scope, decision);
        if (rule.goal && hooks_.reached) {
            hooks_.reached(*rule.goal, event);
        }
    }
    return decision;
}

namespace {

/// Evaluates one act; empty for `mark`, which is no deed of the server.
class ActMaker {
  public:
    explicit ActMaker(Scope& scope) : scope_(scope) {}

    std::optional<PlayedAct> operator()(const ReplyAct& node) {
        std::string text = expand(node.text, scope_);
        if (!text.ends_with("\r\n")) {
            text += "\r\n";
        }
        act::Reply reply;
        reply.writes = cut(text, node.pieces, scope_);
        reply.octets = std::move(text);
        return reply;
    }
    std::optional<PlayedAct> operator()(const SendAct& node) {
        act::Raw raw;
        raw.writes = writes_of(node.bytes, scope_);
        for (const Write& write : raw.writes) {
            raw.octets += write.octets;
        }
        return raw;
    }
    std::optional<PlayedAct> operator()(const PassAct& node) {
        act::Pass pass;
        if (node.pieces) {
            const std::int64_t size = as_number(evaluate(*node.pieces->size, scope_), node.pieces->at);
            pass.piece = static_cast<std::size_t>(std::max<std::int64_t>(size, 1));
            pass.every = milliseconds(node.pieces->every.value_or(Duration(0)));
        }
        return pass;
    }
    std::optional<PlayedAct> operator()(const SwallowAct&) { return act::Swallow{}; }
    std::optional<PlayedAct> operator()(const KeepAct&) { return act::Keep{}; }
    std::optional<PlayedAct> operator()(const OmitAct& node) { return act::Omit{smtp::to_upper(node.word)}; }
    std::optional<PlayedAct> operator()(const OfferAct& node) {
        return act::Offer{expand(node.line, scope_)};
    }
    std::optional<PlayedAct> operator()(const TlsAct& node) {
        act::Tls tls;
        for (const Option& option : node.options) {
            tls.options.emplace_back(option.name, expand(option.value, scope_));
        }
        return tls;
    }
    std::optional<PlayedAct> operator()(const AlertAct& node) { return act::Alert{node.name}; }
    std::optional<PlayedAct> operator()(const WaitAction& node) { return act::Wait{milliseconds(node.time)}; }
    std::optional<PlayedAct> operator()(const CloseAction&) { return act::Close{}; }
    std::optional<PlayedAct> operator()(const DropAction& node) {
        return node.how == DropHow::Fin ? PlayedAct(act::DropFin{}) : PlayedAct(act::DropRst{});
    }
    std::optional<PlayedAct> operator()(const StallAction&) { return act::Stall{}; }
    std::optional<PlayedAct> operator()(const MarkAction&) { return std::nullopt; }

  private:
    static std::chrono::milliseconds milliseconds(Duration time) {
        return std::chrono::duration_cast<std::chrono::milliseconds>(time);
    }

    Scope& scope_;
};

}  // namespace

void RuleEngine::carry_out(const Rule& rule, Scope& scope, Decision& decision) {
    ActMaker maker(scope);
    for (const Act& written : rule.acts) {
        if (const auto* mark = std::get_if<MarkAction>(&written.node)) {
            if (hooks_.marked) {
                hooks_.marked(mark->name);
            }
            continue;
        }
        if (auto made = std::visit(maker, written.node)) {
            decision.acts.push_back(std::move(*made));
        }
    }
    decision.answered = rule.answers();
}

std::optional<std::chrono::milliseconds> RuleEngine::next_idle(std::chrono::milliseconds idle) const {
    std::optional<std::chrono::milliseconds> next;
    for (const Rule& rule : rules_) {
        if (rule.event != Event::Idle || !rule.amount) {
            continue;
        }
        const auto time = std::chrono::ceil<std::chrono::milliseconds>(Duration(rule.amount->value));
        if (time > idle && (!next || time < *next)) {
            next = time;
        }
    }
    return next;
}

std::optional<std::size_t> RuleEngine::next_data_size(std::size_t octets) const {
    std::optional<std::size_t> next;
    for (const Rule& rule : rules_) {
        if (rule.event != Event::Content || !rule.amount || rule.amount->value < 0) {
            continue;
        }
        const auto size = static_cast<std::size_t>(rule.amount->value);
        if (size > octets && (!next || size < *next)) {
            next = size;
        }
    }
    return next;
}

std::vector<RuleFits> RuleEngine::fits() const {
    std::vector<RuleFits> list;
    for (std::size_t i = 0; i < rules_.size(); ++i) {
        list.push_back(RuleFits{rules_[i].text, states_[i].fits});
    }
    return list;
}

}  // namespace smtpspec::script
