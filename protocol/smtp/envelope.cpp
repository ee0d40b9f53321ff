#include <algorithm>

#include "protocol/smtp/command.hpp"
#include "protocol/smtp/escape.hpp"
#include "protocol/smtp/text.hpp"

namespace smtpspec::smtp {

namespace {

constexpr size_t max_path = 256;  // RFC 5321 §4.5.3.1.3, brackets included
constexpr size_t shown = 80;      // octets of the peer's text in a message

using PathResult = tl::expected<Path, CommandError>;

tl::unexpected<CommandError> refuse(std::string message, int code, std::string enhanced) {
    return tl::unexpected(CommandError{std::move(message), code, std::move(enhanced)});
}

tl::unexpected<CommandError> refuse_syntax(std::string message) {
    return refuse(std::move(message), 501, "5.5.4");
}

tl::unexpected<CommandError> refuse_address(std::string message) {
    return refuse(std::move(message), 501, "5.1.3");
}

Charset charset_of(ArgumentRules rules) { return rules.smtputf8 ? Charset::utf8 : Charset::ascii; }

/// Offset of the first `end` that stands outside quotes, npos when there is none.
size_t find_outside_quotes(std::string_view text, char end) {
    bool quoted = false;
    for (size_t i = 0; i < text.size(); ++i) {
        if (quoted && text[i] == '\\') {
            ++i;
        } else if (text[i] == '"') {
            quoted = !quoted;
        } else if (!quoted && text[i] == end) {
            return i;
        }
    }
    return std::string_view::npos;
}

/// Splits "<path> parameters"; the first part has its brackets if it has any.
tl::expected<std::string_view, CommandError> split_path(std::string_view text, ArgumentRules rules) {
    if (text.empty() || text.front() != '<') {
        if (!rules.missing_brackets || text.empty()) {
            return refuse_syntax("the path must stand in angle brackets");
        }
        return text.substr(0, find_outside_quotes(text, ' '));
    }
    size_t end = find_outside_quotes(text, '>');
    if (end == std::string_view::npos && rules.any_address) {
        end = text.rfind('>');
    }
    if (end == std::string_view::npos) {
        return refuse_syntax("the path has no closing angle bracket");
    }
    return text.substr(0, end + 1);
}

/// A-d-l ":" (RFC 5321 §4.1.2); receivers accept it and drop it (§4.1.1.3).
tl::expected<std::string_view, CommandError> drop_source_route(std::string_view address,
                                                               ArgumentRules rules) {
    if (address.empty() || address.front() != '@') {
        return address;
    }
    while (true) {
        const size_t end = address.front() == '@' && address.size() > 1 && address[1] == '['
                               ? address.find(']') + 1
                               : address.find_first_of(",:");
        if (end == 0 || end >= address.size()) {
            return refuse_address("the source route has no end");
        }
        const std::string_view domain = address.substr(1, end - 1);
        if (!is_domain(domain, charset_of(rules)) && !is_address_literal(domain)) {
            return refuse_address("the source route holds \"" + printable(domain, shown) +
                                  "\", which is no domain");
        }
        if (address[end] == ':') {
            return address.substr(end + 1);
        }
        if (address[end] != ',' || end + 1 >= address.size() || address[end + 1] != '@') {
            return refuse_address("the source route is broken behind \"" + printable(domain, shown) + "\"");
        }
        address.remove_prefix(end + 1);
    }
}

/// The "@" in front of the domain: the first one outside quotes. A second one makes the domain invalid.
void split_address(Path& path) {
    const std::string_view address = path.address;
    const size_t at = find_outside_quotes(address, '@');
    path.local_part = address.substr(0, at);
    path.domain = at == std::string_view::npos ? std::string_view() : address.substr(at + 1);
}

PathResult check_address(Path path, ArgumentRules rules) {
    if (!rules.smtputf8 && has_eight_bit(path.address)) {
        return refuse(
            "the address is not ASCII and SMTPUTF8 was not asked for", 553, "5.6.7");  // RFC 6531 §3.5
    }
    if (path.raw.size() > max_path) {
        return refuse_address("the path is longer than 256 octets");
    }
    const bool postmaster = iequals(path.address, "postmaster");  // RFC 5321 §4.5.1
    if (postmaster || is_mailbox(path.address, charset_of(rules))) {
        return path;
    }
    return refuse_address("\"" + printable(path.address, shown) + "\" is not an address");
}

PathResult read_path(std::string_view raw, ArgumentRules rules) {
    const bool bracketed = !raw.empty() && raw.front() == '<';
    const std::string_view inner = bracketed ? raw.substr(1, raw.size() - 2) : raw;
    Path path;
    path.raw = raw;
    if (inner.empty()) {
        path.null = true;
        return path;
    }
    const auto address = rules.any_address ? inner : drop_source_route(inner, rules);
    if (!address) {
        return tl::unexpected(address.error());
    }
    path.address = *address;
    split_address(path);
    return rules.any_address ? PathResult(std::move(path)) : check_address(std::move(path), rules);
}

/// esmtp-value = 1*(%d33-60 / %d62-126), with RFC 6531 §3.3 also UTF-8.
bool is_esmtp_value(std::string_view value, ArgumentRules rules) {
    return !value.empty() && is_utf8(value) && std::all_of(value.begin(), value.end(), [rules](char c) {
        return is_eight_bit(c) ? rules.smtputf8 : c > 32 && c < 127 && c != '=';
    });
}

/// (ALPHA / DIGIT) *(ALPHA / DIGIT / "-").
bool is_esmtp_keyword(std::string_view keyword) {
    return !keyword.empty() && keyword.front() != '-' &&
           std::all_of(keyword.begin(), keyword.end(), [](char c) { return is_alnum(c) || c == '-'; });
}

tl::expected<Parameter, CommandError> parse_parameter(std::string_view word, ArgumentRules rules) {
    const size_t equals = word.find('=');
    const std::string_view keyword = word.substr(0, equals);
    if (!is_esmtp_keyword(keyword)) {
        return refuse_syntax("\"" + printable(word, shown) + "\" is not a parameter");
    }
    Parameter parameter;
    parameter.keyword = to_upper(keyword);
    if (equals == std::string_view::npos) {
        return parameter;
    }
    const std::string_view value = word.substr(equals + 1);
    if (!is_esmtp_value(value, rules)) {
        return refuse_syntax("\"" + printable(value, shown) + "\" is not a value for " + parameter.keyword);
    }
    parameter.value = value;
    parameter.has_value = true;
    return parameter;
}

/// "FROM:" or "TO:" off the front.
tl::expected<std::string_view, CommandError> drop_prefix(std::string_view text,
                                                         std::string_view prefix,
                                                         ArgumentRules rules) {
    if (!istarts_with(text, prefix)) {
        return refuse_syntax("\"" + std::string(prefix) + "<address>\" expected");
    }
    text.remove_prefix(prefix.size());
    if (!text.empty() && (text.front() == ' ' || text.front() == '\t')) {
        if (!rules.space_after_colon) {
            return refuse_syntax("no blank may stand behind \"" + std::string(prefix) + "\"");
        }
        text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
    }
    return text;
}

tl::expected<EnvelopeArgument, CommandError> parse_argument(std::string_view text,
                                                            std::string_view prefix,
                                                            ArgumentRules rules) {
    const auto rest = drop_prefix(text, prefix, rules);
    if (!rest) {
        return tl::unexpected(rest.error());
    }
    const auto raw_path = split_path(*rest, rules);
    if (!raw_path) {
        return tl::unexpected(raw_path.error());
    }
    std::string_view tail = rest->substr(raw_path->size());
    if (!tail.empty() && tail.front() != ' ') {
        return refuse_syntax("a blank must stand between the path and \"" + printable(tail, shown) + "\"");
    }
    auto path = read_path(*raw_path, rules);
    if (!path) {
        return tl::unexpected(path.error());
    }
    EnvelopeArgument argument;
    argument.path = std::move(*path);
    if (tail.empty()) {
        return argument;
    }
    auto parameters = parse_parameters(tail.substr(1), rules);
    if (!parameters) {
        return tl::unexpected(parameters.error());
    }
    argument.parameters = std::move(*parameters);
    return argument;
}

}  // namespace

const Parameter* EnvelopeArgument::parameter(std::string_view keyword) const {
    const auto found =
        std::find_if(parameters.begin(), parameters.end(), [keyword](const Parameter& parameter) {
            return iequals(parameter.keyword, keyword);
        });
    return found == parameters.end() ? nullptr : &*found;
}

PathResult parse_path(std::string_view text, ArgumentRules rules) {
    const auto raw = split_path(text, rules);
    if (!raw) {
        return tl::unexpected(raw.error());
    }
    if (raw->size() != text.size()) {
        return refuse_syntax("\"" + printable(text.substr(raw->size()), shown) + "\" stands behind the path");
    }
    return read_path(*raw, rules);
}

tl::expected<std::vector<Parameter>, CommandError> parse_parameters(std::string_view text,
                                                                    ArgumentRules rules) {
    std::vector<Parameter> parameters;
    while (true) {
        const size_t blank = text.find(' ');
        auto parameter = parse_parameter(text.substr(0, blank), rules);
        if (!parameter) {
            return tl::unexpected(parameter.error());
        }
        for (const Parameter& earlier : parameters) {
            if (earlier.keyword == parameter->keyword) {
                return refuse_syntax("the parameter " + earlier.keyword + " stands twice");
            }
        }
        parameters.push_back(std::move(*parameter));
        if (blank == std::string_view::npos) {
            return parameters;
        }
        text.remove_prefix(blank + 1);
    }
}

tl::expected<EnvelopeArgument, CommandError> parse_mail_argument(std::string_view argument,
                                                                 ArgumentRules rules) {
    auto parsed = parse_argument(argument, "FROM:", rules);
    if (!parsed) {
        if (parsed.error().enhanced == "5.1.3") {
            parsed.error().enhanced = "5.1.7";  // the sender's address (RFC 3463 §3.2)
        }
        return parsed;
    }
    if (parsed->path.domain.empty() && !parsed->path.null && !rules.any_address) {
        return refuse("the sender's address has no domain", 501, "5.1.7");
    }
    return parsed;
}

tl::expected<EnvelopeArgument, CommandError> parse_rcpt_argument(std::string_view argument,
                                                                 ArgumentRules rules) {
    auto parsed = parse_argument(argument, "TO:", rules);
    if (parsed && parsed->path.null) {
        return refuse_address("<> is no recipient");
    }
    return parsed;
}

}  // namespace smtpspec::smtp
