#include <fmt/format.h>

#include "protocol/script/print.hpp"

/// Patterns, rules and statements as text.
namespace smtpspec::script {
namespace {

std::string raw_text(const Template& text) {
    std::string out;
    for (const TemplatePiece& piece : text.pieces) {
        if (piece.expression) {
            out += fmt::format("${{{}}}", to_text(*piece.expression));
            continue;
        }
        for (const char c : piece.literal) {
            out += c == '$' ? "$$" : std::string(1, c);
        }
    }
    return out;
}

std::string goal_text(const Goal& goal) { return fmt::format(" => {}{}", goal.label, goal.ends ? "!" : ""); }
std::string goal_text(const std::optional<Goal>& goal) { return goal ? goal_text(*goal) : std::string(); }

std::string options_text(const Options& options) {
    std::string out;
    for (const Option& option : options) {
        out += fmt::format(" {}={}", option.name, to_text(option.value));
    }
    return out;
}

std::string pieces_text(const std::optional<Pieces>& pieces) {
    if (!pieces) {
        return {};
    }
    const std::string every = pieces->every ? " every " + duration_text(*pieces->every) : std::string();
    return fmt::format(" by {}{}", to_text(*pieces->size), every);
}

std::string time_text(const std::optional<Duration>& time) {
    return time ? " " + duration_text(*time) : std::string();
}

struct PartPrinter {
    std::string operator()(const CodesPart& part) const {
        std::string out;
        for (const CodePattern& code : part.codes) {
            out += (out.empty() ? "" : "/") + code.text;
        }
        return out;
    }
    std::string operator()(const Regex& regex) const { return to_text(regex); }
    std::string operator()(const HasPart& part) const { return "has " + part.word; }
    std::string operator()(const LacksPart& part) const { return "lacks " + part.word; }
};

std::string reply_text(const ReplyPattern& reply) {
    if (reply.kind != ReplyPattern::Kind::Parts) {
        return reply.kind == ReplyPattern::Kind::Any ? "any" : "malformed";
    }
    std::string out;
    for (const ReplyPart& part : reply.parts) {
        out += (out.empty() ? "" : " ") + std::visit(PartPrinter{}, part);
    }
    return out;
}

struct ElementPrinter {
    std::string operator()(const SeriesStar& /*star*/) const { return "*"; }
    std::string operator()(const SeriesClose& /*close*/) const { return "close"; }
    std::string operator()(const ReplyPattern& reply) const { return reply_text(reply); }
};

struct PatternPrinter {
    std::string operator()(const SilentPattern& node) const { return "silent" + time_text(node.time); }
    std::string operator()(const ClosePattern& node) const {
        return node.how == CloseHow::Any ? "close" : fmt::format("close {}", to_string(node.how));
    }
    std::string operator()(const BytesPattern& node) const { return "bytes " + to_text(node.regex); }
    std::string operator()(const ParameterPattern& node) const {
        return fmt::format("${{{}{}{}}}", node.parameter, node.field.empty() ? "" : ".", node.field);
    }
    std::string operator()(const ReplyPattern& node) const { return reply_text(node); }
    std::string operator()(const SeriesPattern& node) const {
        std::string out;
        for (const SeriesElement& element : node.elements) {
            out += (out.empty() ? "" : ", ") + std::visit(ElementPrinter{}, element);
        }
        return "[" + out + "]";
    }
    std::string operator()(const AnyLinePattern& /*node*/) const { return "any"; }
    std::string operator()(const SecretPattern& /*node*/) const { return "secret"; }
    std::string operator()(const EventPattern& node) const { return std::string(to_string(node.event)); }
    std::string operator()(const GlobPattern& node) const { return raw_text(node.text); }
    std::string operator()(const LinePattern& node) const { return to_text(node.regex); }
};

struct ActionPrinter {
    std::string operator()(const WaitAction& node) const { return "wait " + duration_text(node.time); }
    std::string operator()(const CloseAction& /*node*/) const { return "close"; }
    std::string operator()(const DropAction& node) const {
        return fmt::format("drop {}", to_string(node.how));
    }
    std::string operator()(const StallAction& /*node*/) const { return "stall"; }
    std::string operator()(const MarkAction& node) const { return "mark " + node.name; }
};

struct ActPrinter : ActionPrinter {
    using ActionPrinter::operator();
    std::string operator()(const ReplyAct& node) const {
        return to_text(node.text) + pieces_text(node.pieces);
    }
    std::string operator()(const SendAct& node) const { return "send " + to_text(node.bytes); }
    std::string operator()(const PassAct& node) const { return "pass" + pieces_text(node.pieces); }
    std::string operator()(const SwallowAct& /*node*/) const { return "swallow"; }
    std::string operator()(const KeepAct& /*node*/) const { return "keep"; }
    std::string operator()(const OmitAct& node) const { return "omit " + node.word; }
    std::string operator()(const OfferAct& node) const { return "offer " + to_text(node.line); }
    std::string operator()(const TlsAct& node) const { return "tls" + options_text(node.options); }
    std::string operator()(const AlertAct& node) const { return "alert " + node.name; }
};

std::string block_text(const Block& block, int indent) {
    return " {\n" + to_text(block, indent + 4) + std::string(static_cast<std::size_t>(indent), ' ') + "}";
}

struct StatementPrinter {
    int indent;

    std::string operator()(const SendStatement& node) const {
        const char speaker = node.speaker == Side::Client ? 'C' : 'S';
        return node.form == SendStatement::Form::Line ? fmt::format("{}: {}", speaker, raw_text(node.text))
                                                      : fmt::format("{}| {}", speaker, to_text(node.bytes));
    }
    std::string operator()(const AwaitStatement& node) const {
        std::string out;
        for (const Alternative& alternative : node.alternatives) {
            out += (out.empty() ? "" : " | ") + to_text(alternative.pattern) + goal_text(alternative.goal);
        }
        return (node.speaker == Side::Client ? "C: " : "S: ") + out;
    }
    std::string operator()(const AttemptStatement& node) const {
        std::string out;
        if (const auto* tls = std::get_if<TlsAttempt>(&node.what)) {
            out = "tls" + options_text(tls->options);
        } else if (const auto* reach = std::get_if<ReachAttempt>(&node.what)) {
            out = fmt::format("reach {}", to_string(reach->state));
        } else {
            const auto& connection = std::get<ConnectionAttempt>(node.what);
            out = "connection " + connection.name;
            out += connection.from ? fmt::format(" from {}", to_string(*connection.from)) : std::string();
            out += options_text(connection.options);
        }
        out += goal_text(node.goal);
        for (const AttemptAlternative& alternative : node.alternatives) {
            const bool fail = alternative.kind == AttemptAlternative::Kind::Fail;
            out += fail ? " | fail" : " | silent" + time_text(alternative.time);
            out += alternative.reason ? " " + to_text(*alternative.reason) : std::string();
            out += goal_text(alternative.goal);
        }
        return out;
    }
    std::string operator()(const CheckStatement& node) const {
        std::string out = "check ";
        for (std::size_t i = 0; i < node.branches.size(); ++i) {
            out += (i == 0 ? "" : " | ") + to_text(*node.branches[i].condition) +
                   goal_text(node.branches[i].goal);
        }
        return out + (node.otherwise ? " | else" + goal_text(*node.otherwise) : std::string());
    }
    std::string operator()(const OtherwiseStatement& node) const {
        return "otherwise" + goal_text(node.goal);
    }
    std::string operator()(const WhenStatement& node) const {
        return "when " + to_text(*node.condition) + block_text(node.block, indent);
    }
    std::string operator()(const ForStatement& node) const {
        std::string out = fmt::format("for {} in {}", node.variable, to_text(*node.first));
        out += node.last ? ".." + to_text(*node.last) : std::string();
        out += node.until ? " until " + to_text(*node.until) : std::string();
        return out + block_text(node.block, indent);
    }
    std::string operator()(const WatchStatement& node) const {
        const std::string condition = node.condition ? " if " + to_text(*node.condition) : std::string();
        return fmt::format("watch {} {}{}{}",
                           node.speaker == Side::Client ? 'C' : 'S',
                           to_text(node.pattern),
                           condition,
                           goal_text(node.goal));
    }
    std::string operator()(const ServeStatement& node) const {
        const std::string margin(static_cast<std::size_t>(indent), ' ');
        std::string out =
            node.time ? fmt::format("serve for {} {{\n", duration_text(*node.time)) : "serve {\n";
        for (const Rule& rule : node.rules) {
            out += margin + "    " + to_text(rule) + "\n";
        }
        return out + margin + "}";
    }
    std::string operator()(const LetStatement& node) const {
        return fmt::format("let {} = {}", node.name, to_text(*node.value));
    }
    std::string operator()(const ActionStatement& node) const {
        return std::visit(ActionPrinter{}, node.action);
    }
};

}  // namespace

std::string to_text(const Bytes& bytes) {
    std::string out;
    for (const BytesItem& item : bytes.items) {
        out += out.empty() ? "" : " ";
        if (const auto* pause = std::get_if<Pause>(&item)) {
            out += "~" + duration_text(pause->time);
        } else {
            out += to_text(*std::get<ExpressionPtr>(item));
        }
    }
    return out + pieces_text(bytes.pieces);
}

std::string to_text(const Pattern& pattern) { return std::visit(PatternPrinter{}, pattern.node); }

std::string to_text(const Rule& rule) {
    std::string out = fmt::format("on {}", to_string(rule.event));
    if (rule.amount) {
        out += " " + to_text(*rule.amount);
    }
    if (rule.regex) {
        out += " " + to_text(*rule.regex);
    }
    if (rule.count) {
        const bool first = rule.count->kind == RuleCount::Kind::First;
        out += fmt::format(" {} {}", first ? "first" : "after", rule.count->number);
    }
    if (rule.condition) {
        out += " if " + to_text(*rule.condition);
    }
    out += rule.acts.empty() ? "" : " ->";
    for (const Act& act : rule.acts) {
        out += " " + std::visit(ActPrinter{}, act.node);
    }
    return out + goal_text(rule.goal);
}

std::string to_text(const Statement& statement, int indent) {
    return std::string(static_cast<std::size_t>(indent), ' ') +
           std::visit(StatementPrinter{indent}, statement.node);
}

std::string to_text(const Block& block, int indent) {
    std::string out;
    for (const Statement& statement : block) {
        out += to_text(statement, indent) + "\n";
    }
    return out;
}

}  // namespace smtpspec::script
