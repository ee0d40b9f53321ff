#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "protocol/script/head_loader.hpp"
#include "protocol/script/lexer.hpp"
#include "protocol/script/parser.hpp"
#include "protocol/script/scenario.hpp"
#include "protocol/script/suggest.hpp"

/// The keys of the head that hold values with insertions, labels and filters (§3, §7).
namespace smtpspec::script {
namespace {

struct Buffer {
    std::string text;
    std::vector<std::uint32_t> origin;

    void take(const YamlNode& scalar, std::size_t index) {
        text += scalar.raw[index];
        origin.push_back(scalar.origin[index]);
    }
};

/// Inside `${…}` of a double-quoted scalar YAML wants quotes and backslashes escaped; the expression has them
/// bare. The escapes outside are those of the language's own strings (§1) and stay.
Buffer without_yaml_escapes(const YamlNode& scalar) {
    Buffer out;
    std::vector<char> nesting;  // '$' in an insertion, '"' in a string inside it
    const std::string& raw = scalar.raw;
    for (std::size_t i = 0; i < raw.size(); ++i) {
        const bool pair = i + 1 < raw.size();
        const bool escaped = raw[i] == '\\' && pair;
        if (escaped && nesting.empty()) {
            out.take(scalar, i);
            out.take(scalar, ++i);
            continue;
        }
        if (escaped && (raw[i + 1] == '"' || raw[i + 1] == '\\')) {
            ++i;
        }
        const char c = raw[i];
        const bool in_string = !nesting.empty() && nesting.back() == '"';
        if (nesting.empty() && c == '$' && pair && raw[i + 1] == '$') {
            out.take(scalar, i++);
        } else if (c == '$' && pair && raw[i + 1] == '{') {
            out.take(scalar, i++);
            nesting.push_back('$');
        } else if (!nesting.empty() && !in_string && c == '}') {
            nesting.pop_back();
        } else if (!nesting.empty() && c == '"') {
            if (in_string) {
                nesting.pop_back();
            } else {
                nesting.push_back('"');
            }
        }
        out.take(scalar, i);
    }
    out.origin.push_back(scalar.origin.empty() ? 0 : scalar.origin.back());
    return out;
}

}  // namespace

Template HeadLoader::template_of(const YamlNode& scalar) {
    Buffer buffer;
    if (scalar.style == YamlNode::Style::DoubleQuoted) {
        buffer = without_yaml_escapes(scalar);
    } else {
        buffer.text = scalar.raw;
        buffer.origin = scalar.origin;
    }
    Lexer lexer(reporter_, buffer.text, 0, std::move(buffer.origin));
    const ParserContext context{head_.side, nullptr, ParserContext::Goals::Forbidden};
    Parser parser(lexer, context);
    Template result;
    try {
        result = parser.parse_value_text();
    } catch (const SyntaxAbandoned&) {  // reported
    }
    result.at = scalar.at;
    return result;
}

void HeadLoader::check_name(const std::string& name, Position at, std::string_view what) {
    if (name.empty() || name_length(name) != name.size()) {
        reporter_.error(at,
                        name.size(),
                        fmt::format("`{}` cannot name a {}", name, what),
                        "a letter, then letters, digits, `_`, inner `-` or `.`");
    } else if (is_reserved_word(name)) {
        reporter_.error(
            at, name.size(), fmt::format("`{}` is a word of the language and cannot name a {}", name, what));
    } else if (state_from_string(name)) {
        reporter_.error(
            at,
            name.size(),
            fmt::format("`{}` is a start state, whose mark has that name; it cannot name a {}", name, what));
    }
}

CellFilter HeadLoader::filter_of(const YamlNode& node) {
    CellFilter filter = parse_cell_filter(node.text());
    filter.at = node.at;
    return filter;
}

void HeadLoader::set_outcomes(const YamlNode& node) {
    head_.outcomes_at = node.at;
    if (!expect_map(node, "{label: verdict, label: verdict/severity}")) {
        return;
    }
    for (const YamlNode::Entry& entry : node.entries) {
        add_outcome(entry);
    }
    if (node.entries.empty()) {
        wrong(node, "there are no outcomes", "{label: verdict, …}");
    }
}

void HeadLoader::add_outcome(const YamlNode::Entry& entry) {
    const std::vector<std::string> known = {
        "pass", "tolerated", "warn", "fail", "vulnerable", "unsupported", "skipped", "inconclusive"};
    check_name(entry.key, entry.at, "label");
    if (!expect_scalar(entry.value, "a verdict, or verdict/severity")) {
        return;
    }
    const std::string text = entry.value.text();
    const std::size_t slash = text.find('/');
    const std::string word = text.substr(0, slash);
    const auto verdict = verdict_from_string(word);
    if (!verdict || *verdict == Verdict::Error) {
        wrong(
            entry.value, fmt::format("unknown verdict `{}`", word), any_of(known), did_you_mean(word, known));
        return;
    }
    Outcome outcome{entry.key, *verdict, std::nullopt, entry.at};
    if (slash != std::string::npos) {
        const std::string second = text.substr(slash + 1);
        outcome.severity = severity_from_string(second);
        if (!outcome.severity) {
            const std::vector<std::string> severities = {"critical", "high", "medium", "low", "info"};
            wrong(entry.value,
                  fmt::format("unknown severity `{}`", second),
                  any_of(severities),
                  did_you_mean(second, severities));
        }
    }
    head_.outcomes.push_back(std::move(outcome));
}

void HeadLoader::set_selftest(const YamlNode& node) {
    head_.selftest_at = node.at;
    if (!expect_map(node, "{defect: label}")) {
        return;
    }
    for (const YamlNode::Entry& entry : node.entries) {
        add_selftest(entry);
    }
    if (node.entries.empty()) {
        wrong(node, "there is no defect that proves this scenario", "{defect: label}");
    }
}

void HeadLoader::add_selftest(const YamlNode::Entry& entry) {
    if (!expect_scalar(entry.value, "a label, or label[filter]")) {
        return;
    }
    SelftestEntry result;
    result.defect = entry.key;
    result.at = entry.at;
    result.label_at = entry.value.at;
    const std::string text = entry.value.text();
    const std::size_t bracket = text.find('[');
    result.label = text.substr(0, bracket);
    if (bracket != std::string::npos) {
        if (text.back() != ']') {
            wrong(entry.value, "the filter is not closed", "label[parameter=value]");
        }
        result.filter = parse_cell_filter(text.substr(bracket));
        result.filter->at = entry.value.at;
    }
    head_.selftest.push_back(std::move(result));
}

void HeadLoader::set_params(const YamlNode& node) {
    head_.params_at = node.at;
    if (!expect_map(node, "{name: [value, value]} or {name: {value name: value}}")) {
        return;
    }
    for (const YamlNode::Entry& entry : node.entries) {
        add_parameter(entry);
    }
}

void HeadLoader::add_parameter(const YamlNode::Entry& entry) {
    check_name(entry.key, entry.at, "parameter");
    Parameter parameter;
    parameter.name = entry.key;
    parameter.at = entry.at;
    if (entry.value.kind == YamlNode::Kind::List && !too_many(entry.value)) {
        for (const YamlNode& item : entry.value.items) {
            if (expect_scalar(item, "a value")) {
                add_value(parameter, item.text(), item.at, item);
            }
        }
    } else if (entry.value.kind != YamlNode::Kind::List &&
               expect_map(entry.value, "[value, value] or {value name: value}")) {
        for (const YamlNode::Entry& value : entry.value.entries) {
            add_value(parameter, value.key, value.at, value.value);
        }
    }
    if (parameter.values.empty() && entry.value.kind != YamlNode::Kind::Scalar &&
        entry.value.kind != YamlNode::Kind::Missing) {
        reporter_.error(
            entry.at, entry.key.size(), fmt::format("the parameter `{}` has no values", entry.key));
    }
    head_.params.push_back(std::move(parameter));
}

void HeadLoader::add_value(Parameter& parameter, const std::string& name, Position at, const YamlNode& node) {
    const auto special = [](char c) {
        return static_cast<unsigned char>(c) < 0x20 ||
               std::string_view(",[]=").find(c) != std::string_view::npos;
    };
    if (name.empty() || std::any_of(name.begin(), name.end(), special)) {
        reporter_.error(at,
                        name.size(),
                        "this cannot be the name of a value: it stands in the names of cells",
                        "anything but , [ ] = and control characters",
                        "give it a name: `{name: value}`");
    }
    if (parameter.find(name) != nullptr) {
        reporter_.error(at, name.size(), fmt::format("the value `{}` is there twice", name));
        return;
    }
    ParamValue value;
    value.name = name;
    value.at = at;
    if (node.kind == YamlNode::Kind::Map) {
        std::vector<std::pair<std::string, Template>> fields;
        for (const YamlNode::Entry& field : node.entries) {
            if (field.key == "name" || name_length(field.key) != field.key.size()) {
                reporter_.error(field.at,
                                field.key.size(),
                                fmt::format("a field cannot be called `{}`", field.key),
                                {},
                                field.key == "name" ? "`.name` is the name of the value" : "");
            }
            if (expect_scalar(field.value, "the text of the field")) {
                fields.emplace_back(field.key, template_of(field.value));
            }
        }
        value.value = std::move(fields);
    } else if (expect_scalar(node, "a text, or a map of texts")) {
        value.value = template_of(node);
    } else {
        return;
    }
    if (!parameter.values.empty() && parameter.values.front().is_map() != value.is_map()) {
        reporter_.error(at,
                        name.size(),
                        "some values of this parameter are maps and some are texts",
                        "all the one or all the other");
        return;
    }
    parameter.values.push_back(std::move(value));
}

void HeadLoader::set_except(const YamlNode& node) {
    if (!expect_list(node, "a list of cell filters, like [\"eod=cr-*,header=lf\"]")) {
        return;
    }
    for (const YamlNode& item : node.items) {
        if (expect_scalar(item, "a cell filter")) {
            head_.except.push_back(filter_of(item));
        }
    }
}

void HeadLoader::set_covers(const YamlNode& node) {
    if (!expect_map(node, "{requirement id: cell filter}")) {
        return;
    }
    for (const YamlNode::Entry& entry : node.entries) {
        if (expect_scalar(entry.value, "a cell filter, like \"eod=cr*\"; \"*\" for all cells")) {
            head_.covers.push_back({entry.key, filter_of(entry.value), entry.at});
        }
    }
}

void HeadLoader::set_dns(const YamlNode& node) {
    if (expect_scalar(node, "`|` and lines of a zone file")) {
        head_.dns = template_of(node);
    }
}

void HeadLoader::set_web(const YamlNode& node) {
    if (!expect_map(node, "{https://name.test/path: \"body\"}")) {
        return;
    }
    for (const YamlNode::Entry& entry : node.entries) {
        if (entry.key.rfind("https://", 0) != 0) {
            reporter_.error(entry.at, entry.key.size(), "`web` answers https URLs", "https://name.test/path");
        }
        if (expect_scalar(entry.value, "the body")) {
            head_.web.push_back({entry.key, template_of(entry.value), entry.at});
        }
    }
}

}  // namespace smtpspec::script
