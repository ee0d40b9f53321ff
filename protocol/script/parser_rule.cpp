#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "protocol/script/parser.hpp"
#include "protocol/script/suggest.hpp"

/// The rules of `serve` and what statements share with them (§2, §6).
namespace smtpspec::script {
namespace {

const std::vector<std::string>& act_words() {
    static const std::vector<std::string> words = {"send",
                                                   "pass",
                                                   "swallow",
                                                   "keep",
                                                   "omit",
                                                   "offer",
                                                   "tls",
                                                   "alert",
                                                   "wait",
                                                   "close",
                                                   "drop",
                                                   "stall",
                                                   "mark"};
    return words;
}

constexpr const char* expected_act =
    "a reply in quotes, send, pass, swallow, keep, omit, offer, tls, alert, wait, close, drop, stall or mark";

}  // namespace

std::string Parser::declared_name(std::string_view what) {
    lexer_.skip_blanks();
    const std::size_t begin = lexer_.offset();
    const std::string name(lexer_.take_name());
    if (name.empty()) {
        lexer_.fail_expected(
            fmt::format("the name of a {}: a letter, then letters, digits, `_`, inner `-` or `.`", what));
    }
    if (is_reserved_word(name)) {
        lexer_.error(begin,
                     name.size(),
                     fmt::format("`{}` is a word of the language and cannot name a {}", name, what));
    } else if (state_from_string(name)) {
        lexer_.error(
            begin,
            name.size(),
            fmt::format("`{}` is a start state, whose mark has that name; it cannot name a {}", name, what));
    }
    return name;
}

Goal Parser::parse_goal() {
    lexer_.skip_blanks();
    Goal goal;
    if (!lexer_.accept("=>")) {
        lexer_.fail_expected("a goal: `=> label`");
    }
    lexer_.skip_blanks();
    goal.at = lexer_.here();
    goal.label = declared_name("label");
    if (lexer_.peek() == '!') {
        lexer_.advance(1);
        goal.ends = true;
    }
    return goal;
}

std::optional<Goal> Parser::parse_optional_goal() {
    lexer_.skip_blanks();
    return lexer_.looking_at("=>") ? std::optional<Goal>(parse_goal()) : std::nullopt;
}

Options Parser::parse_options() {
    Options options;
    while (true) {
        const std::string_view name = lexer_.peek_name();
        if (name.empty() || lexer_.peek(name.size()) != '=' || lexer_.peek(name.size() + 1) == '>') {
            return options;
        }
        Option option;
        option.at = lexer_.here();
        option.name = name;
        lexer_.advance(name.size() + 1);
        option.value.at = lexer_.here();
        if (lexer_.peek() == '"') {
            option.value = parse_string();
        } else if (lexer_.looking_at("${")) {
            option.value.pieces.push_back({{}, parse_insertion()});
        } else {
            const bool blank = is_blank(lexer_.peek());
            std::string word(blank ? std::string_view() : lexer_.take_loose_word());
            if (word.empty()) {
                lexer_.fail_expected(
                    fmt::format("the value of `{}`: a word, a number, a string or ${{…}}", option.name));
            }
            option.value.pieces.push_back({std::move(word), nullptr});
        }
        options.push_back(std::move(option));
    }
}

std::optional<Pieces> Parser::parse_pieces() {
    lexer_.skip_blanks();
    Pieces pieces;
    pieces.at = lexer_.here();
    if (!lexer_.accept_word("by")) {
        return std::nullopt;
    }
    pieces.size = parse_expression();
    if (lexer_.accept_word("every")) {
        pieces.every = lexer_.take_time();
    }
    return pieces;
}

Bytes Parser::parse_bytes() {
    Bytes bytes;
    lexer_.skip_blanks();
    bytes.at = lexer_.here();
    while (true) {
        lexer_.skip_continuation_mark();
        const Position at = lexer_.here();
        if (lexer_.peek() == '"') {
            bytes.items.emplace_back(make(at, StringLiteral{parse_string()}));
        } else if (lexer_.accept("~")) {
            bytes.items.emplace_back(Pause{at, lexer_.take_time()});
        } else if (const auto name = lexer_.peek_name(); !name.empty() && !sees_act() && name != "by") {
            nodes_ = 0;
            bytes.items.emplace_back(parse_name_or_call());
        } else {
            break;
        }
        nodes_ = 0;
    }
    const bool something = std::any_of(bytes.items.begin(), bytes.items.end(), [](const BytesItem& item) {
        return std::holds_alternative<ExpressionPtr>(item);
    });
    if (!something) {
        lexer_.fail_expected("octets to send: a string, a name or a call");
    }
    bytes.pieces = parse_pieces();
    return bytes;
}

RuleCount Parser::parse_rule_count() {
    RuleCount count;
    count.kind = lexer_.accept_word("first") ? RuleCount::Kind::First : RuleCount::Kind::After;
    if (count.kind == RuleCount::Kind::After) {
        lexer_.accept_word("after");
    }
    if (!lexer_.sees_number()) {
        if (count.kind == RuleCount::Kind::After) {
            lexer_.fail_expected("how many times come before: `after 3`");
        }
        return count;
    }
    const std::size_t begin = lexer_.offset();
    const Quantity quantity = lexer_.take_number();
    if (quantity.unit != Unit::None || quantity.value < 1) {
        lexer_.fail(begin, lexer_.offset() - begin, "this is not a count", "a number from 1");
    }
    count.number = quantity.value;
    return count;
}

Event Parser::parse_event(std::size_t begin) {
    const std::string_view word = lexer_.take_name();
    const auto event = event_from_string(word);
    if (!event) {
        lexer_.seek(begin);
        lexer_.fail(begin,
                    lexer_.token_length(begin),
                    fmt::format("unknown event {}", lexer_.found()),
                    any_of(event_words()),
                    did_you_mean(word, event_words()));
    }
    return *event;
}

std::optional<Quantity> Parser::parse_amount(Event event) {
    const bool number = lexer_.sees_number();
    const std::size_t begin = lexer_.offset();
    if (event == Event::Idle) {
        return Quantity{lexer_.take_time().count(), Unit::Time};
    }
    if (event == Event::Content && !number) {
        lexer_.fail_expected("how much content: `on data 64KiB`", "the verb is written `DATA`");
    }
    if (!number) {
        return std::nullopt;
    }
    const Quantity quantity = lexer_.take_number();
    if (event != Event::Content) {
        lexer_.fail(begin,
                    lexer_.offset() - begin,
                    fmt::format("`{}` takes no amount", to_string(event)),
                    "an amount only after `idle` (a time) and `data` (a size)",
                    event == Event::Data ? "so much content is `on data 64KiB`" : "");
    }
    if (quantity.value < 0 || (quantity.unit != Unit::None && quantity.unit != Unit::Octets)) {
        lexer_.fail(begin, lexer_.offset() - begin, "this is not a size", "a size, like 1000, 64KiB or 2MiB");
    }
    return Quantity{quantity.value, Unit::Octets};
}

bool Parser::sees_act() {
    const std::string_view word = lexer_.peek_name();
    const auto& words = act_words();
    return std::find(words.begin(), words.end(), word) != words.end();
}

/// The acts that are also statements, and those without arguments.
bool Parser::parse_plain_act(Act& act, std::string_view word) {
    if (word == "swallow") {
        act.node = SwallowAct{};
    } else if (word == "keep") {
        act.node = KeepAct{};
    } else {
        return false;
    }
    lexer_.take_name();
    return true;
}

Act Parser::parse_act() {
    lexer_.skip_continuation_mark();
    Act act;
    act.at = lexer_.here();
    if (lexer_.peek() == '"') {
        ReplyAct reply;
        reply.text = parse_string();
        reply.pieces = parse_pieces();
        act.node = std::move(reply);
        return act;
    }
    const std::string word(lexer_.peek_name());
    if (!sees_act()) {
        lexer_.fail_expected(expected_act, did_you_mean(word, act_words()));
    }
    if (parse_plain_act(act, word)) {
        return act;
    }
    if (word == "wait" || word == "close" || word == "drop" || word == "stall" || word == "mark") {
        std::visit([&](auto action) { act.node = std::move(action); }, parse_action(word));
        return act;
    }
    lexer_.take_name();
    if (word == "send") {
        act.node = SendAct{parse_bytes()};
    } else if (word == "pass") {
        act.node = PassAct{parse_pieces()};
    } else if (word == "omit") {
        act.node = OmitAct{parse_word("an EHLO keyword")};
    } else if (word == "offer") {
        act.node = OfferAct{parse_string()};
    } else if (word == "tls") {
        act.node = TlsAct{parse_options()};
    } else {
        act.node = AlertAct{parse_word("the name of a TLS alert, like handshake-failure")};
    }
    return act;
}

Rule Parser::parse_rule() {
    lexer_.skip_blanks();
    const std::size_t begin = lexer_.offset();
    Rule rule;
    rule.at = lexer_.here();
    if (!lexer_.accept_word("on")) {
        lexer_.fail_expected("a rule: `on EVENT …`", did_you_mean(lexer_.peek_name(), {"on"}));
    }
    lexer_.skip_blanks();
    rule.event = parse_event(lexer_.offset());
    rule.amount = parse_amount(rule.event);
    lexer_.skip_blanks();
    if (lexer_.peek() == '/') {
        rule.regex = parse_regex();
    }
    if (lexer_.sees_word("first") || lexer_.sees_word("after")) {
        rule.count = parse_rule_count();
    }
    if (lexer_.accept_word("if")) {
        rule.condition = parse_expression();
    }
    if (lexer_.accept("->")) {
        do {
            rule.acts.push_back(parse_act());
            lexer_.skip_continuation_mark();
        } while (!lexer_.at_statement_end() && !lexer_.looking_at("=>"));
    }
    lexer_.skip_blanks();
    const std::size_t goal_at = lexer_.offset();
    rule.goal = parse_optional_goal();
    if (rule.goal && context_.goals == ParserContext::Goals::Forbidden) {
        lexer_.error(
            goal_at, lexer_.offset() - goal_at, "a goal is for scenarios; here nobody asks for labels");
    }
    rule.text = lexer_.slice(begin, lexer_.token_end());
    if (rule.acts.empty() && !rule.goal) {
        lexer_.fail_expected(rule.condition ? "an operator, `-> act` or `=> label`"
                                            : "`-> act` or `=> label`");
    }
    return rule;
}

std::vector<Rule> Parser::parse_rule_lines() {
    std::vector<Rule> rules;
    while (lexer_.to_next_statement() && !lexer_.reporter().full()) {
        try {
            rules.push_back(parse_rule());
            finish_statement();
        } catch (const SyntaxAbandoned&) {
            depth_ = 0;
            lexer_.skip_statement();
        }
    }
    return rules;
}

}  // namespace smtpspec::script
