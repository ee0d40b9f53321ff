#include "protocol/script/scenario.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "protocol/script/head_loader.hpp"
#include "protocol/script/lexer.hpp"
#include "protocol/script/load.hpp"
#include "protocol/script/parser.hpp"

namespace smtpspec::script {
namespace {

constexpr auto none = std::string_view::npos;

std::string_view line_without_blanks(const SourceFile& file, std::size_t number) {
    std::string_view line = file.line(number);
    while (!line.empty() && is_blank(line.back())) {
        line.remove_suffix(1);
    }
    return line;
}

/// The length of the UTF-8 character at the start of `text`, 0 if it is none (overlong forms and surrogates
/// are none).
std::size_t utf8_length(std::string_view text) {
    const auto octet = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned first = octet(0);
    if (first < 0x80) {
        return 1;
    }
    const std::size_t length = first >= 0xF0 ? 4 : (first >= 0xE0 ? 3 : 2);
    if (first < 0xC2 || first > 0xF4 || text.size() < length) {
        return 0;
    }
    for (std::size_t i = 1; i < length; ++i) {
        if ((octet(i) & 0xC0U) != 0x80U) {
            return 0;
        }
    }
    const unsigned second = octet(1);
    const bool bad = (first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
                     (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F);
    return bad ? 0 : length;
}

/// UTF-8 without BOM and without control characters; the first breach is reported.
bool check_characters(Reporter& reporter) {
    const SourceFile& file = *reporter.source();
    const std::string_view text = file.text();
    if (text.substr(0, 3) == "\xEF\xBB\xBF") {
        reporter.error({1, 1}, 1, "the file begins with a byte order mark", "UTF-8 without BOM");
        return false;
    }
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t length = utf8_length(text.substr(i));
        const auto octet = static_cast<unsigned char>(text[i]);
        const bool line_end = octet == '\n' || (octet == '\r' && i + 1 < text.size() && text[i + 1] == '\n');
        if (length == 0) {
            reporter.error(file.position(i),
                           1,
                           fmt::format("the octet 0x{:02X} is not UTF-8 here", octet),
                           "UTF-8",
                           "an octet in a string is written \\xHH");
            return false;
        }
        if ((octet < 0x20 && octet != '\t' && !line_end) || octet == 0x7F) {
            reporter.error(file.position(i),
                           1,
                           fmt::format("a control character (0x{:02X}) stands in the text", octet),
                           {},
                           "in a string it is written \\xHH");
            return false;
        }
        i += length;
    }
    return true;
}

struct Parts {
    std::size_t head_begin = 0;
    std::size_t head_end = 0;
    std::size_t script_begin = 0;
};

std::optional<Parts> split(Reporter& reporter) {
    const SourceFile& file = *reporter.source();
    if (line_without_blanks(file, 1) != "---") {
        reporter.error(
            {1, 1}, 1, "the head is missing", "`---` as the first line, and another after the head");
        return std::nullopt;
    }
    for (std::size_t number = 2; number <= file.line_count(); ++number) {
        if (line_without_blanks(file, number) == "---") {
            return Parts{file.line_start(2), file.line_start(number), file.line_start(number + 1)};
        }
    }
    reporter.error({1, 1}, 3, "the head is not closed", "a second line `---` before the script");
    return std::nullopt;
}

/// When `side` is missing: what the script looks like, so that the rest of the file is still looked at
/// sensibly.
Side guess_side(std::string_view script) {
    const bool client =
        script.find("\nserve") != none || script.find("\nS|") != none || script.rfind("serve", 0) == 0;
    return client ? Side::Client : Side::Server;
}

std::size_t count_script_lines(const SourceFile& file, std::size_t begin) {
    std::size_t count = 0;
    for (std::size_t number = file.position(begin).line; number <= file.line_count(); ++number) {
        const std::string_view line = file.line(number);
        const std::size_t first = line.find_first_not_of(" \t");
        count += file.line_start(number) >= begin && first != none && line[first] != '#' ? 1U : 0U;
    }
    return count;
}

/// The entry of the head with `outcomes` ends before the next line that is not indented.
bool outcomes_are_whole(const Head& head, const Reporter& reporter) {
    const SourceFile& file = *reporter.source();
    std::size_t last = head.outcomes_at.line;
    for (const Outcome& outcome : head.outcomes) {
        last = std::max<std::size_t>(last, outcome.at.line);
    }
    while (last < file.line_count() && file.line(last + 1).find_first_of(" \t}#") == 0) {
        ++last;
    }
    return !head.outcomes.empty() && !reporter.has_error_in(head.outcomes_at.line, last);
}

void read_parts(Reporter& reporter, Loaded& loaded) {
    Scenario& scenario = loaded.scenario;
    const SourceFile& file = *scenario.source;
    const auto parts = split(reporter);
    if (!parts) {
        return;
    }
    HeadLoader loader(reporter);
    scenario.head = loader.load(parts->head_begin, parts->head_end);
    if (loader.refused()) {
        return;
    }
    loaded.readable = loader.side_known();
    loaded.head_whole = !reporter.has_errors();
    loaded.outcomes_whole = outcomes_are_whole(scenario.head, reporter);
    ParserContext context;
    context.under_test =
        loader.side_known() ? scenario.head.side : guess_side(file.text().substr(parts->script_begin));
    context.parameters = &scenario.head.params;
    Lexer lexer(reporter, file.text(), parts->script_begin);
    Parser parser(lexer, context);
    scenario.script = parser.parse_script();
    scenario.script_lines = count_script_lines(file, parts->script_begin);
    loaded.script_whole = parser.left_out() == 0 && !reporter.full();
    if (scenario.script.empty() && !reporter.has_errors()) {
        reporter.error(file.position(parts->head_end), 3, "the script is empty", "statements after the head");
    }
}

/// Runs `parse` over a text that is not a whole scenario.
template <class Result, class Parse>
tl::expected<Result, Diagnostics> parse_alone(std::string_view text,
                                              std::string name,
                                              const ParserContext& context,
                                              Parse parse) {
    if (text.size() > max_scenario_octets) {
        Reporter reporter(std::make_shared<const SourceFile>(std::move(name), std::string()));
        reporter.error({1, 1}, 1, "the text is larger than 1 MiB");
        return tl::unexpected(reporter.take());
    }
    Reporter reporter(std::make_shared<const SourceFile>(std::move(name), std::string(text)));
    Result result{};
    if (check_characters(reporter)) {
        Lexer lexer(reporter, reporter.source()->text());
        Parser parser(lexer, context);
        try {
            result = parse(parser);
        } catch (const SyntaxAbandoned&) {  // reported
        }
    }
    if (reporter.has_errors()) {
        return tl::unexpected(reporter.take());
    }
    return result;
}

}  // namespace

Loaded read_scenario(std::string_view text, std::string file_name) {
    const bool too_large = text.size() > max_scenario_octets;
    Loaded loaded;
    loaded.scenario.source =
        std::make_shared<const SourceFile>(std::move(file_name), std::string(too_large ? "" : text));
    Reporter reporter(loaded.scenario.source);
    if (too_large) {
        reporter.error({1, 1}, 1, "the file is larger than 1 MiB");
    } else if (check_characters(reporter)) {
        read_parts(reporter, loaded);
    }
    loaded.diagnostics = reporter.take();
    return loaded;
}

tl::expected<Scenario, Diagnostics> load_scenario(std::string_view text, std::string file_name) {
    Loaded loaded = read_scenario(text, std::move(file_name));
    if (loaded.diagnostics.has_errors()) {
        return tl::unexpected(std::move(loaded.diagnostics));
    }
    return std::move(loaded.scenario);
}

tl::expected<std::vector<Rule>, Diagnostics> parse_rules(std::string_view text, std::string name) {
    const ParserContext context{Side::Client, nullptr, ParserContext::Goals::Forbidden};
    return parse_alone<std::vector<Rule>>(
        text, std::move(name), context, [](Parser& parser) { return parser.parse_rule_lines(); });
}

tl::expected<Pattern, Diagnostics> parse_pattern(std::string_view text, Side side) {
    const ParserContext context{side, nullptr, ParserContext::Goals::Forbidden};
    return parse_alone<Pattern>(
        text, "pattern", context, [](Parser& parser) { return parser.parse_lone_pattern(); });
}

tl::expected<ExpressionPtr, Diagnostics> parse_expression(std::string_view text) {
    const ParserContext context;
    return parse_alone<ExpressionPtr>(
        text, "expression", context, [](Parser& parser) { return parser.parse_lone_expression(); });
}

}  // namespace smtpspec::script
