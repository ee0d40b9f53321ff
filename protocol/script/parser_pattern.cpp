#include <algorithm>
#include <cctype>
#include <utility>

#include <fmt/format.h>

#include "protocol/script/parser.hpp"
#include "protocol/script/print.hpp"
#include "protocol/script/scenario.hpp"
#include "protocol/script/suggest.hpp"

/// Patterns: what the side under test may do (§2, §5 Await).
namespace smtpspec::script {
namespace {

using ParamFields = std::vector<std::pair<std::string, Template>>;

constexpr const char* server_patterns =
    "silent, close, bytes /…/, any, malformed, a code, /…/, has, lacks, [series] or ${param}";
constexpr const char* client_patterns =
    "silent, close, bytes /…/, any, secret, an event, a glob (capital letter or `*`), /…/ or ${param}";

bool begins_server_word(std::string_view word) {
    return word == "malformed" || word == "has" || word == "lacks";
}

}  // namespace

const Parameter* find_parameter(const std::vector<Parameter>& parameters,
                                std::string_view path,
                                std::string& field) {
    for (const Parameter& parameter : parameters) {
        if (parameter.name == path) {
            field.clear();
            return &parameter;
        }
    }
    for (const Parameter& parameter : parameters) {
        const std::string_view name = parameter.name;
        if (path.size() > name.size() + 1 && path.substr(0, name.size()) == name &&
            path[name.size()] == '.') {
            field = path.substr(name.size() + 1);
            return &parameter;
        }
    }
    return nullptr;
}

Pattern Parser::parse_pattern(Side side, GlobEnd glob_end) {
    lexer_.skip_blanks();
    Pattern pattern;
    pattern.at = lexer_.here();
    if (parse_common_pattern(pattern)) {
        return pattern;
    }
    if (lexer_.looking_at("${")) {
        pattern.node = parse_parameter_pattern(side);
        return pattern;
    }
    const Position at = pattern.at;
    pattern = side == Side::Server ? parse_server_pattern() : parse_client_pattern(glob_end);
    pattern.at = at;
    return pattern;
}

/// silent, close, bytes: the same for both sides.
bool Parser::parse_common_pattern(Pattern& pattern) {
    if (lexer_.accept_word("silent")) {
        SilentPattern silent;
        if (lexer_.sees_number()) {
            silent.time = lexer_.take_time();
        }
        pattern.node = silent;
        return true;
    }
    if (lexer_.accept_word("close")) {
        ClosePattern close;
        if (const auto how = close_how_from_string(lexer_.peek_name())) {
            close.how = *how;
            lexer_.take_name();
        }
        pattern.node = close;
        return true;
    }
    if (lexer_.accept_word("bytes")) {
        pattern.node = BytesPattern{parse_regex()};
        return true;
    }
    return false;
}

ParameterPattern Parser::parse_parameter_pattern(Side side) {
    const std::size_t begin = lexer_.offset();
    lexer_.advance(2);
    const std::size_t name_begin = lexer_.offset();
    const std::string name(lexer_.take_name());
    if (name.empty() || !lexer_.accept("}")) {
        lexer_.fail_expected("the name of a parameter and `}`");
    }
    ParameterPattern pattern;
    pattern.parameter = name;
    if (context_.parameters == nullptr) {
        lexer_.error(begin, lexer_.offset() - begin, "a parameter cannot stand here");
        return pattern;
    }
    const Parameter* parameter = find_parameter(*context_.parameters, name, pattern.field);
    if (parameter == nullptr) {
        std::vector<std::string> known;
        for (const Parameter& entry : *context_.parameters) {
            known.push_back(entry.name);
            const bool maps = !entry.values.empty() && entry.values.front().is_map();
            for (const auto& field : maps ? std::get<1>(entry.values.front().value) : ParamFields{}) {
                known.push_back(entry.name + "." + field.first);
            }
        }
        lexer_.fail(name_begin,
                    name.size(),
                    fmt::format("there is no parameter `{}`", name),
                    "a parameter of the head whose values are patterns",
                    did_you_mean(name, known));
    }
    pattern.parameter = parameter->name;
    if (parameter->values.empty()) {
        return pattern;
    }
    if (parameter->values.front().is_map() && pattern.field.empty()) {
        lexer_.fail(name_begin,
                    name.size(),
                    fmt::format("the values of `{}` are maps", name),
                    fmt::format("${{{}.FIELD}}", name));
    }
    fill_parameter_pattern(pattern, *parameter, side);
    return pattern;
}

/// Parses the pattern of each value; mistakes are reported where the value stands in the head.
void Parser::fill_parameter_pattern(ParameterPattern& pattern, const Parameter& parameter, Side side) {
    for (const ParamValue& value : parameter.values) {
        const Template* text = value.find(pattern.field);
        if (text == nullptr) {
            const std::string what =
                pattern.field.empty() ? std::string("text") : "field `" + pattern.field + "`";
            lexer_.reporter().error(
                value.at, value.name.size(), fmt::format("the value `{}` has no {}", value.name, what));
            continue;
        }
        std::string source;
        for (const TemplatePiece& piece : text->pieces) {
            source += piece.expression ? "${" + to_text(*piece.expression) + "}" : piece.literal;
        }
        const SourceFile& file = *lexer_.reporter().source();
        const std::size_t place = file.line_start(text->at.line);
        Reporter inner(lexer_.reporter().source());
        Lexer sublexer(inner,
                       source,
                       0,
                       std::vector<std::uint32_t>(source.size() + 1, static_cast<std::uint32_t>(place)));
        const ParserContext context{side, nullptr, context_.goals};
        Parser parser(sublexer, context);
        parser.depth_ = depth_;
        try {
            Pattern parsed = parser.parse_lone_pattern();
            parsed.at = text->at;
            pattern.by_value[value.name] = std::make_shared<const Pattern>(std::move(parsed));
        } catch (const SyntaxAbandoned&) {  // reported below
        }
        for (const Diagnostic& problem : inner.take()) {
            lexer_.reporter().error(text->at,
                                    1,
                                    fmt::format("as a pattern, `{}`: {}", source, problem.message),
                                    problem.expected,
                                    problem.hint);
        }
    }
}

Pattern Parser::parse_server_pattern() {
    Pattern pattern;
    if (lexer_.looking_at("[")) {
        pattern.node = parse_series();
        return pattern;
    }
    const std::string_view word = lexer_.peek_name();
    const bool glob =
        lexer_.peek() == '*' || (!word.empty() && std::isupper(static_cast<unsigned char>(word[0])) != 0);
    if (glob || word == "secret" || event_from_string(word)) {
        lexer_.fail_expected(server_patterns, "globs, events and `secret` are patterns for a client");
    }
    pattern.node = parse_reply();
    return pattern;
}

Pattern Parser::parse_client_pattern(GlobEnd glob_end) {
    Pattern pattern;
    const char first = lexer_.peek();
    const std::string_view word = lexer_.peek_name();
    if (is_digit(first) || first == '[' || begins_server_word(word)) {
        lexer_.fail_expected(client_patterns,
                             "codes, series, `has`, `lacks` and `malformed` are patterns for a server");
    }
    if (first == '/') {
        pattern.node = LinePattern{parse_regex()};
    } else if (first == '*' || std::isupper(static_cast<unsigned char>(first)) != 0) {
        GlobPattern glob = parse_glob(glob_end);
        const auto event = glob.text.is_literal() ? event_from_string(glob.text.literal()) : std::nullopt;
        if (event) {
            pattern.node = EventPattern{*event};
        } else {
            pattern.node = std::move(glob);
        }
    } else if (lexer_.accept_word("any")) {
        pattern.node = AnyLinePattern{};
    } else if (lexer_.accept_word("secret")) {
        pattern.node = SecretPattern{};
    } else if (const auto event = event_from_string(word)) {
        lexer_.take_name();
        pattern.node = EventPattern{*event};
    } else {
        std::vector<std::string> known = event_words();
        known.insert(known.end(), {"silent", "close", "bytes", "any", "secret"});
        lexer_.fail_expected(client_patterns, did_you_mean(word, known));
    }
    return pattern;
}

bool Parser::glob_ends_here(GlobEnd glob_end) {
    if (lexer_.at_end_of_input() || lexer_.at_newline()) {
        return true;
    }
    if (!is_blank(lexer_.peek())) {
        return false;
    }
    std::size_t ahead = 0;
    while (is_blank(lexer_.peek(ahead))) {
        ++ahead;
    }
    const char next = lexer_.peek(ahead);
    const char after = lexer_.peek(ahead + 1);
    const bool spaced = is_blank(after) || after == '\0' || after == '\n' || after == '\r';
    if (next == '#' || (next == '|' && spaced) || (next == '=' && after == '>')) {
        return true;
    }
    const bool condition = next == 'i' && after == 'f' && is_blank(lexer_.peek(ahead + 2));
    const bool line_end = next == '\0' || next == '\n' || (next == '\r' && after == '\n');
    return line_end || (glob_end == GlobEnd::Condition && condition);
}

GlobPattern Parser::parse_glob(GlobEnd glob_end) {
    GlobPattern glob;
    glob.text.at = lexer_.here();
    std::string literal;
    while (!glob_ends_here(glob_end)) {
        if (is_blank(lexer_.peek())) {  // looked at once: a run of blanks must not cost its square
            while (is_blank(lexer_.peek())) {
                literal += lexer_.peek();
                lexer_.advance(1);
            }
        } else if (lexer_.looking_at("$$")) {
            literal += '$';
            lexer_.advance(2);
        } else if (lexer_.looking_at("${")) {
            add_insertion(glob.text, literal, parse_insertion());
        } else {
            literal += lexer_.peek();
            lexer_.advance(1);
        }
    }
    if (!literal.empty()) {
        glob.text.pieces.push_back({std::move(literal), nullptr});
    }
    return glob;
}

std::string Parser::parse_word(std::string_view what) {
    const std::string word(lexer_.take_loose_word());
    if (word.empty()) {
        lexer_.fail_expected(std::string(what));
    }
    return word;
}

CodePattern Parser::parse_code() {
    const std::size_t begin = lexer_.offset();
    std::size_t length = 0;
    while (is_digit(lexer_.peek(length)) || is_letter(lexer_.peek(length))) {
        ++length;
    }
    const std::string text(lexer_.slice(begin, begin + length));
    const bool fits = text.size() == 3 && is_digit(text[0]) && (is_digit(text[1]) || text[1] == 'y') &&
                      (is_digit(text[2]) || text[2] == 'z');
    if (!fits) {
        lexer_.fail(begin,
                    std::max<std::size_t>(length, 1),
                    fmt::format("`{}` is not a code", text),
                    "three digits; the second may be `y`, the third `z`: 250, 25z, 2yz");
    }
    lexer_.advance(3);
    return CodePattern{text};
}

CodesPart Parser::parse_codes() {
    CodesPart part;
    part.at = lexer_.here();
    part.codes.push_back(parse_code());
    while (lexer_.peek() == '/') {
        lexer_.advance(1);
        part.codes.push_back(parse_code());
    }
    return part;
}

bool Parser::parse_reply_part(ReplyPattern& reply) {
    lexer_.skip_blanks();
    const Position at = lexer_.here();
    if (is_digit(lexer_.peek())) {
        reply.parts.emplace_back(parse_codes());
    } else if (lexer_.peek() == '/') {
        reply.parts.emplace_back(parse_regex());
    } else if (lexer_.accept_word("has")) {
        reply.parts.emplace_back(HasPart{at, parse_word("an EHLO keyword, like STARTTLS or AUTH=PLAIN")});
    } else if (lexer_.accept_word("lacks")) {
        reply.parts.emplace_back(LacksPart{at, parse_word("an EHLO keyword, like STARTTLS or AUTH=PLAIN")});
    } else {
        return false;
    }
    return true;
}

ReplyPattern Parser::parse_reply() {
    lexer_.skip_blanks();
    ReplyPattern reply;
    reply.at = lexer_.here();
    if (lexer_.accept_word("any")) {
        return reply;
    }
    if (lexer_.accept_word("malformed")) {
        reply.kind = ReplyPattern::Kind::Malformed;
        return reply;
    }
    reply.kind = ReplyPattern::Kind::Parts;
    if (!parse_reply_part(reply)) {
        const std::vector<std::string> known = {
            "silent", "close", "bytes", "any", "malformed", "has", "lacks"};
        lexer_.fail_expected(server_patterns, did_you_mean(lexer_.peek_name(), known));
    }
    while (parse_reply_part(reply)) {
    }
    return reply;
}

SeriesElement Parser::parse_series_element() {
    if (lexer_.accept("*")) {
        return SeriesStar{};
    }
    if (lexer_.accept_word("close")) {
        return SeriesClose{};
    }
    return parse_reply();
}

SeriesPattern Parser::parse_series() {
    SeriesPattern series;
    const std::size_t begin = lexer_.offset();
    lexer_.accept("[");
    if (lexer_.accept("]")) {
        return series;
    }
    while (true) {
        lexer_.skip_blanks();
        const std::size_t element = lexer_.offset();
        series.elements.push_back(parse_series_element());
        const bool last = lexer_.accept("]");
        if (std::holds_alternative<SeriesClose>(series.elements.back()) && !last) {
            lexer_.fail(element, 5, "`close` may only stand last in a series");
        }
        if (last) {
            return series;
        }
        if (!lexer_.accept(",")) {
            if (lexer_.at_statement_end()) {
                lexer_.fail(begin, 1, "the series is not closed", "`]`");
            }
            lexer_.fail_expected("`,` or `]`");
        }
    }
}

Pattern Parser::parse_lone_pattern() {
    Pattern pattern = parse_pattern(context_.under_test);
    if (!lexer_.at_statement_end()) {
        lexer_.fail_expected("the end of the pattern");
    }
    return pattern;
}

}  // namespace smtpspec::script
