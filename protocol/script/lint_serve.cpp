#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "protocol/script/lint_rules.hpp"
#include "protocol/script/suggest.hpp"

/// Rules of the server that we play (§6).
namespace smtpspec::script {
namespace {

/// True if the rule takes its event away from all rules below it.
bool always_answers(const Rule& rule) {
    return rule.answers() && !rule.condition && !rule.regex && !rule.count;
}

/// Rules looked at beside each other; only amounts can make more than there are events.
constexpr std::size_t most_takers = 200;

bool same_event(const Rule& above, const Rule& below) {
    const bool command = is_verb(below.event) || below.event == Event::Command;
    if (above.event == Event::Command && command) {
        return true;
    }
    return above.event == below.event && (!above.amount || above.amount == below.amount);
}

bool is_end(const Act& act) {
    return std::holds_alternative<CloseAction>(act.node) || std::holds_alternative<DropAction>(act.node) ||
           std::holds_alternative<StallAction>(act.node);
}

bool is_reply(const Act& act) {
    return std::holds_alternative<ReplyAct>(act.node) || std::holds_alternative<SendAct>(act.node) ||
           std::holds_alternative<PassAct>(act.node) || std::holds_alternative<SwallowAct>(act.node) ||
           std::holds_alternative<AlertAct>(act.node);
}

class ServeChecker {
  public:
    explicit ServeChecker(const LintInput& input) : in_(input) {}

    void run(const ServeStatement& serve) {
        std::vector<const Rule*> takers;
        for (const Rule& rule : serve.rules) {
            const auto taker = std::find_if(
                takers.begin(), takers.end(), [&](const Rule* above) { return same_event(*above, rule); });
            if (taker != takers.end()) {
                error(rule.at,
                      2,
                      fmt::format("no `{}` comes here: the rule in line {} always answers it",
                                  to_string(rule.event),
                                  (*taker)->at.line),
                      {},
                      "put the rule with a condition above the other");
            } else if (takers.size() < most_takers && always_answers(rule)) {
                takers.push_back(&rule);
            }
            acts(rule);
        }
    }

  private:
    void error(Position at,
               std::size_t length,
               std::string message,
               std::string expected = {},
               std::string hint = {}) {
        in_.reporter.error(at, length, std::move(message), std::move(expected), std::move(hint));
    }

    void acts(const Rule& rule) {
        bool ended = false;
        bool replied = false;
        for (const Act& act : rule.acts) {
            if (ended && is_reply(act)) {
                error(act.at, 1, "an answer after `close`, `drop` or `stall` is never given");
            }
            if (std::holds_alternative<KeepAct>(act.node) && !replied) {
                error(act.at, 4, "`keep` follows a reply", "a reply in quotes before it");
            }
            ended = ended || is_end(act);
            replied = replied || std::holds_alternative<ReplyAct>(act.node) ||
                      std::holds_alternative<SendAct>(act.node);
            std::visit([&](const auto& node) { place(node, act.at, rule.event); }, act.node);
        }
    }

    template <class Other>
    void place(const Other& /*node*/, Position /*at*/, Event /*event*/) {}
    void place(const OmitAct& /*node*/, Position at, Event event) {
        only(event == Event::Ehlo, "omit", at, event, "EHLO");
    }
    void place(const OfferAct& /*node*/, Position at, Event event) {
        only(event == Event::Ehlo, "offer", at, event, "EHLO");
    }
    void place(const AlertAct& node, Position at, Event event) {
        only(event == Event::ClientHello, "alert", at, event, "client-hello");
        std::string name = node.name;
        std::replace(name.begin(), name.end(), '_', '-');
        const auto& known = in_.vocabulary.alerts;
        if (!known.empty() && known.count(name) == 0) {
            error(at,
                  5,
                  fmt::format("unknown TLS alert `{}`", node.name),
                  {},
                  did_you_mean(name, {known.begin(), known.end()}));
        }
    }
    void place(const TlsAct& node, Position at, Event event) {
        const bool early = event == Event::ClientHello || event == Event::Connect || event == Event::Starttls;
        only(early, "tls", at, event, "connect, STARTTLS or client-hello");
        lint_options(in_, node.options);
    }
    void place(const ReplyAct& /*node*/, Position at, Event event) { needs_peer("a reply", at, event); }
    void place(const SendAct& /*node*/, Position at, Event event) { needs_peer("`send`", at, event); }
    void place(const PassAct& /*node*/, Position at, Event event) { needs_peer("`pass`", at, event); }

    void only(bool allowed, std::string_view act, Position at, Event event, std::string_view where) {
        if (!allowed) {
            error(at,
                  act.size(),
                  fmt::format("`{}` does nothing on `{}`", act, to_string(event)),
                  fmt::format("`{}` on {}", act, where));
        }
    }
    void needs_peer(std::string_view act, Position at, Event event) {
        if (event == Event::End) {
            error(at, 1, fmt::format("{} on `end`: the client has closed", act));
        }
    }

    const LintInput& in_;
};

/// The texts that an option can have: its own, or those of the parameter that it inserts.
std::vector<std::string> possible_texts(const Head& head, const Template& value) {
    std::vector<std::string> texts;
    if (value.is_literal()) {
        texts.push_back(value.literal());
        return texts;
    }
    const auto* name =
        value.pieces.size() == 1 ? std::get_if<NameExpression>(&value.pieces[0].expression->node) : nullptr;
    const Parameter* parameter = name == nullptr ? nullptr : head.parameter(name->name);
    for (std::size_t i = 0; parameter != nullptr && i < parameter->values.size(); ++i) {
        const Template* text = parameter->values[i].find("");
        if (text != nullptr && text->is_literal()) {
            texts.push_back(text->literal());
        }
    }
    return texts;
}

}  // namespace

void lint_options(const LintInput& input, const Options& options) {
    const std::vector<std::string> known = {"cert", "min", "max", "sni", "alpn", "ciphers", "verify"};
    const auto& certificates = input.vocabulary.certificates;
    for (const Option& option : options) {
        if (std::find(known.begin(), known.end(), option.name) == known.end()) {
            input.reporter.error(option.at,
                                 option.name.size(),
                                 fmt::format("unknown option `{}` of `tls`", option.name),
                                 any_of(known),
                                 did_you_mean(option.name, known));
        }
        for (const std::string& text : possible_texts(input.scenario.head, option.value)) {
            if (option.name == "cert" && !certificates.empty() && certificates.count(text) == 0) {
                input.reporter.error(option.value.at,
                                     std::max<std::size_t>(1, text.size()),
                                     fmt::format("unknown certificate `{}`", text),
                                     {},
                                     did_you_mean(text, {certificates.begin(), certificates.end()}));
            }
        }
    }
}

void lint_serve(const LintInput& input) {
    for (const ServeStatement* serve : input.survey.serves) {
        ServeChecker(input).run(*serve);
    }
}

}  // namespace smtpspec::script
