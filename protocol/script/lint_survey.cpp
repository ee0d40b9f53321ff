#include "protocol/script/lint_survey.hpp"

#include <algorithm>
#include <array>

#include "protocol/script/functions.hpp"

namespace smtpspec::script {
namespace {

class Surveyor {
  public:
    explicit Surveyor(const Scenario& scenario) : scenario_(scenario) { out_.blocks.push_back({}); }

    Survey run() {
        head();
        block(scenario_.script);
        return std::move(out_);
    }

  private:
    // the head
    void head() {
        const Head& head = scenario_.head;
        out_.furthest = head.from;
        for (const Parameter& parameter : head.params) {
            declare(parameter.name, NameKind::Parameter, parameter.at);
        }
        for (const Limiter& limiter : head.limiters) {
            declare(limiter.name, NameKind::Limiter, limiter.at);
        }
        where_ = Where::Head;
        for (const Parameter& parameter : head.params) {
            for (const ParamValue& value : parameter.values) {
                value_texts(value);
            }
        }
        for (const ClientEntry& entry : head.client) {
            for (const Template& text_of : entry.values) {
                text(text_of);
            }
        }
        for (const WebPage& page : head.web) {
            text(page.body);
        }
        if (head.dns) {
            text(*head.dns, Survey::TextUse::As::Zone);
        }
        where_ = Where::Script;
    }
    void value_texts(const ParamValue& value) {
        if (!value.is_map()) {
            text(std::get<Template>(value.value));
            return;
        }
        for (const auto& field : std::get<1>(value.value)) {
            text(field.second);
        }
    }

    // names
    void declare(const std::string& name, NameKind kind, Position at, std::size_t length = 0) {
        (kind == NameKind::Mark ? marks_ : others_).insert(name);
        out_.declarations.push_back(
            {name, kind, at, order_, block_, statement_, length == 0 ? name.size() : length});
    }
    void use(const std::string& name, Position at, Survey::Use::As as) {
        out_.uses.push_back({name, at, order_, block_, where_, as});
        out_.asked.insert(name);
    }

    // expressions
    void text(const Template& text_of, Survey::TextUse::As as = Survey::TextUse::As::Octets) {
        out_.texts.push_back({&text_of, as});
        insertions(text_of);
    }
    void insertions(const Template& text_of) {
        for (const TemplatePiece& piece : text_of.pieces) {
            if (piece.expression) {
                expression(piece.expression);
            }
        }
    }
    void expression(const ExpressionPtr& e) {
        if (e) {
            std::visit([&](const auto& node) { visit(node, e->at); }, e->node);
        }
    }
    void visit(const StringLiteral& node, Position /*at*/) { text(node.text); }
    void visit(const RegexLiteral& node, Position /*at*/) { regex(node.regex); }
    void visit(const NumberLiteral& /*node*/, Position /*at*/) {}
    void visit(const NameExpression& node, Position at) { use(node.name, at, Survey::Use::As::Value); }
    void visit(const CallExpression& node, Position at) {
        out_.calls.push_back({&node, at, where_});
        for (const ExpressionPtr& argument : node.arguments) {
            const auto* name = std::get_if<NameExpression>(&argument->node);
            const bool of_mark = node.function == "since" ||
                                 (node.function == "count" && name != nullptr && is_mark(name->name));
            if (name != nullptr && of_mark) {
                use(name->name, argument->at, Survey::Use::As::Mark);
            } else if (name != nullptr && node.function == "over") {
                use(name->name, argument->at, Survey::Use::As::Limiter);
            } else {
                expression(argument);
            }
        }
    }
    void visit(const ListExpression& node, Position /*at*/) {
        for (const ExpressionPtr& item : node.items) {
            expression(item);
        }
    }
    void visit(const IndexExpression& node, Position /*at*/) {
        expression(node.base);
        expression(node.index);
    }
    void visit(const NotExpression& node, Position /*at*/) { expression(node.operand); }
    void visit(const BinaryExpression& node, Position at) {
        out_.comparisons.push_back(&node);
        out_.comparison_places.push_back(at);
        expression(node.left);
        expression(node.right);
    }
    /// `count` takes a mark or a list; a name that is nothing else is taken for a mark.
    bool is_mark(const std::string& name) const {
        return !is_list_fact(name) && (marks_.count(name) != 0 || others_.count(name) == 0);
    }

    // patterns
    void regex(const Regex& r) {
        insertions(r.source);
        for (const std::string& name : r.captures) {
            declare(name, NameKind::Capture, r.at, 1);
        }
    }
    void reply(const ReplyPattern& node) {
        for (const ReplyPart& part : node.parts) {
            if (const auto* r = std::get_if<Regex>(&part)) {
                regex(*r);
            }
        }
    }
    void pattern(const Pattern& p) {
        if (const auto* bytes = std::get_if<BytesPattern>(&p.node)) {
            regex(bytes->regex);
        } else if (const auto* line = std::get_if<LinePattern>(&p.node)) {
            regex(line->regex);
        } else if (const auto* glob = std::get_if<GlobPattern>(&p.node)) {
            insertions(glob->text);
        } else if (const auto* one = std::get_if<ReplyPattern>(&p.node)) {
            reply(*one);
        } else if (const auto* series = std::get_if<SeriesPattern>(&p.node)) {
            for (const SeriesElement& element : series->elements) {
                if (const auto* inner = std::get_if<ReplyPattern>(&element)) {
                    reply(*inner);
                }
            }
        } else if (const auto* parameter = std::get_if<ParameterPattern>(&p.node)) {
            use(parameter->parameter + (parameter->field.empty() ? "" : "." + parameter->field),
                p.at,
                Survey::Use::As::Value);
            for (const auto& value : parameter->by_value) {
                pattern(*value.second);
            }
        }
    }
    void goal(const Goal& g) {
        out_.goals.push_back(&g);
        declare(g.label, NameKind::Label, g.at);
    }
    void goal(const std::optional<Goal>& g) {
        if (g) {
            goal(*g);
        }
    }

    // statements
    void block(const Block& statements) {
        for (const Statement& statement : statements) {
            ++order_;
            ++statement_;
            std::visit([&](const auto& node) { visit_statement(node, statement.at); }, statement.node);
        }
    }
    template <class Inside>
    void nested(bool unordered, Inside inside) {
        const std::size_t outer = block_;
        out_.blocks.push_back({outer, unordered});
        block_ = out_.blocks.size() - 1;
        inside();
        block_ = outer;
    }
    void bytes(const Bytes& b) {
        for (const BytesItem& item : b.items) {
            if (const auto* e = std::get_if<ExpressionPtr>(&item)) {
                expression(*e);
            }
        }
        pieces(b.pieces);
    }
    void pieces(const std::optional<Pieces>& p) {
        if (p) {
            expression(p->size);
        }
    }
    void options(const Options& list) {
        for (const Option& option : list) {
            insertions(option.value);
        }
    }
    void visit_statement(const SendStatement& node, Position /*at*/) {
        if (node.form == SendStatement::Form::Line) {
            text(node.text);
        } else {
            bytes(node.bytes);
        }
    }
    void visit_statement(const AwaitStatement& node, Position /*at*/) {
        for (const Alternative& alternative : node.alternatives) {
            pattern(alternative.pattern);
            goal(alternative.goal);
        }
    }
    void visit_statement(const AttemptStatement& node, Position at) {
        out_.attempts.push_back(&node);
        out_.attempt_places.push_back(at);
        if (const auto* tls = std::get_if<TlsAttempt>(&node.what)) {
            options(tls->options);
        } else if (const auto* reach = std::get_if<ReachAttempt>(&node.what)) {
            out_.furthest = std::max(out_.furthest, reach->state);
        } else {
            const auto& connection = std::get<ConnectionAttempt>(node.what);
            options(connection.options);
            declare(connection.name, NameKind::Connection, at);
            out_.furthest = std::max(out_.furthest, connection.from.value_or(State::Tcp));
        }
        goal(node.goal);
        for (const AttemptAlternative& alternative : node.alternatives) {
            if (alternative.reason) {
                regex(*alternative.reason);
            }
            goal(alternative.goal);
        }
    }
    void visit_statement(const CheckStatement& node, Position /*at*/) {
        where_ = Where::Check;
        for (const CheckBranch& branch : node.branches) {
            expression(branch.condition);
            goal(branch.goal);
        }
        goal(node.otherwise);
        where_ = Where::Script;
    }
    void visit_statement(const OtherwiseStatement& node, Position /*at*/) { goal(node.goal); }
    void visit_statement(const WhenStatement& node, Position /*at*/) {
        expression(node.condition);
        nested(false, [&] { block(node.block); });
    }
    void visit_statement(const ForStatement& node, Position at) {
        expression(node.first);
        expression(node.last);
        nested(true, [&] {
            declare(node.variable, NameKind::LoopVariable, at, 3);
            expression(node.until);
            block(node.block);
        });
    }
    void visit_statement(const WatchStatement& node, Position /*at*/) {
        where_ = Where::Watch;
        pattern(node.pattern);
        expression(node.condition);
        goal(node.goal);
        where_ = Where::Script;
    }
    void visit_statement(const ServeStatement& node, Position /*at*/) {
        out_.serves.push_back(&node);
        nested(true, [&] {
            where_ = Where::Rule;
            for (const Rule& r : node.rules) {
                rule(r);
            }
            where_ = Where::Script;
        });
    }
    void rule(const Rule& r) {
        if (r.regex) {
            regex(*r.regex);
        }
        expression(r.condition);
        for (const Act& act : r.acts) {
            std::visit([&](const auto& node) { visit_act(node, act.at); }, act.node);
        }
        goal(r.goal);
    }
    template <class Other>
    void visit_act(const Other& /*node*/, Position /*at*/) {}
    void visit_act(const ReplyAct& node, Position /*at*/) {
        text(node.text);
        pieces(node.pieces);
    }
    void visit_act(const SendAct& node, Position /*at*/) { bytes(node.bytes); }
    void visit_act(const PassAct& node, Position /*at*/) { pieces(node.pieces); }
    void visit_act(const OfferAct& node, Position /*at*/) { text(node.line); }
    void visit_act(const TlsAct& node, Position /*at*/) { options(node.options); }
    void visit_act(const MarkAction& node, Position at) { declare(node.name, NameKind::Mark, at, 4); }
    void visit_statement(const LetStatement& node, Position at) {
        expression(node.value);
        declare(node.name, NameKind::Variable, at, 3);
    }
    void visit_statement(const ActionStatement& node, Position at) {
        if (const auto* mark = std::get_if<MarkAction>(&node.action)) {
            declare(mark->name, NameKind::Mark, at, 4);
        }
    }

    const Scenario& scenario_;
    Survey out_;
    std::set<std::string> marks_;
    std::set<std::string> others_;
    Where where_ = Where::Script;
    std::size_t order_ = 0;
    std::size_t statement_ = 0;
    std::size_t block_ = 0;
};

bool oracle_name(std::string_view name) {
    static constexpr std::array prefixes = {"store.", "client."};
    return std::any_of(prefixes.begin(), prefixes.end(), [&](std::string_view prefix) {
        return name.substr(0, prefix.size()) == prefix;
    });
}

bool oracle_function(std::string_view name) {
    static constexpr std::array names = {"copies", "mail", "body", "header", "dns", "web"};
    return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

std::string_view to_string(NameKind kind) {
    switch (kind) {
        case NameKind::Parameter:
            return "parameter";
        case NameKind::Variable:
            return "variable";
        case NameKind::Capture:
            return "capture";
        case NameKind::LoopVariable:
            return "loop variable";
        case NameKind::Mark:
            return "mark";
        case NameKind::Connection:
            return "connection";
        case NameKind::Label:
            return "label";
        case NameKind::Limiter:
            return "limiter";
    }
    return "name";
}

bool Survey::encloses(std::size_t outer, std::size_t inner) const {
    while (inner != outer && inner != 0) {
        inner = blocks[inner].parent;
    }
    return inner == outer;
}

bool Survey::shares_unordered_block(std::size_t a, std::size_t b) const {
    for (std::size_t block = a;; block = blocks[block].parent) {
        if (blocks[block].unordered && encloses(block, b)) {
            return true;
        }
        if (block == 0) {
            return false;
        }
    }
}

Survey survey(const Scenario& scenario) { return Surveyor(scenario).run(); }

bool asks_oracle(const Expression& expression) {
    const auto any = [](const std::vector<ExpressionPtr>& list) {
        return std::any_of(list.begin(), list.end(), [](const ExpressionPtr& e) { return asks_oracle(*e); });
    };
    if (const auto* name = std::get_if<NameExpression>(&expression.node)) {
        return oracle_name(name->name);
    }
    if (const auto* call = std::get_if<CallExpression>(&expression.node)) {
        return oracle_function(call->function) || any(call->arguments);
    }
    if (const auto* list = std::get_if<ListExpression>(&expression.node)) {
        return any(list->items);
    }
    if (const auto* index = std::get_if<IndexExpression>(&expression.node)) {
        return asks_oracle(*index->base) || asks_oracle(*index->index);
    }
    if (const auto* inner = std::get_if<NotExpression>(&expression.node)) {
        return asks_oracle(*inner->operand);
    }
    if (const auto* binary = std::get_if<BinaryExpression>(&expression.node)) {
        return asks_oracle(*binary->left) || asks_oracle(*binary->right);
    }
    return false;
}

}  // namespace smtpspec::script
