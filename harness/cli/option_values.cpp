#include "harness/cli/option_values.hpp"

#include <CLI/CLI.hpp>

#include <charconv>
#include <cstdlib>
#include <optional>

#include "protocol/smtp/text.hpp"

namespace smtpspec::cli {

namespace {

/// A value that is wrong; becomes a usage error (exit 2).
[[noreturn]] void usage_error(const std::string& option, const std::string& what) {
    throw CLI::ValidationError(option, what);
}

/// All of `text` as a plain decimal number from `low` to `high`; anything else is none.
std::optional<double> decimal(const std::string& text, double low, double high) {
    double value = 0;
    const char* const end = text.data() + text.size();
    const auto [stopped, problem] = std::from_chars(text.data(), end, value, std::chars_format::fixed);
    const bool whole = problem == std::errc{} && stopped == end;
    return whole && value >= low && value <= high ? std::optional(value) : std::nullopt;
}

}  // namespace

double parse_share(const std::string& text) {
    const bool percent = !text.empty() && text.back() == '%';
    const auto value = decimal(text.substr(0, text.size() - (percent ? 1 : 0)), 0, 100);
    if (!value) {
        usage_error("--allow-inconclusive",
                    "expected a percentage from 0 to 100, e.g. 2%, got \"" + text + "\"");
    }
    return *value / 100.0;
}

double parse_threshold(const std::string& text) {
    const bool percent = !text.empty() && text.back() == '%';
    const auto value = decimal(text.substr(0, text.size() - (percent ? 1 : 0)), 0, 1000);
    if (!value || *value <= 0) {
        usage_error("--threshold", "expected a percentage above 0, e.g. 10%, got \"" + text + "\"");
    }
    return *value / 100.0;
}

double parse_chaos(const std::string& text) {
    const auto value = decimal(text, 0, 1);
    if (!value) {
        usage_error("--chaos", "expected a number from 0 to 1, got \"" + text + "\"");
    }
    return *value;
}

std::uint64_t parse_seed(const std::string& text) {
    std::uint64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [stopped, problem] = std::from_chars(text.data(), end, value);
    if (problem != std::errc{} || stopped != end) {
        usage_error("--seed", "expected a whole number from 0 to 18446744073709551615, got \"" + text + "\"");
    }
    return value;
}

script::Side parse_side(const std::string& word) {
    const auto side = script::side_from_string(word);
    if (!side) {
        usage_error("--side", "expected server or client, got \"" + word + "\"");
    }
    return *side;
}

std::optional<run::Shard> parse_shard_option(const std::string& text) {
    if (text == "auto") {
        const auto found = run::shard_of([](const char* name) -> const char* { return std::getenv(name); });
        if (!found.problem.empty()) {
            usage_error("--shard", found.problem);
        }
        return found.shard;
    }
    const auto shard = run::parse_shard(text);
    if (!shard) {
        usage_error("--shard", "expected K/N with K from 1 to N, e.g. 3/8, or auto; got \"" + text + "\"");
    }
    return shard;
}

script::Level parse_level(const std::string& word) {
    const auto level = script::level_from_string(smtp::to_upper(word));
    if (!level) {
        usage_error(
            "--level",
            "expected MUST, \"MUST NOT\", SHOULD, \"SHOULD NOT\", MAY or SECURITY, got \"" + word + "\"");
    }
    return *level;
}

run::ConnectTo parse_connect_to(const std::string& text) {
    std::vector<std::string> parts;
    std::string part;
    int bracket = 0;
    for (const char c : text) {
        bracket += c == '[' ? 1 : c == ']' ? -1 : 0;
        if (c == ':' && bracket == 0) {
            parts.push_back(part);
            part.clear();
        } else if (c != '[' && c != ']') {
            part += c;
        }
    }
    parts.push_back(part);
    const auto port = [&](const std::string& digits) {
        const bool number = digits.find_first_not_of("0123456789") == std::string::npos && digits.size() < 6;
        if (!number || std::atoi(digits.c_str()) > 65535) {
            usage_error("--connect-to", "\"" + digits + "\" is no port in " + text);
        }
        return std::atoi(digits.c_str());
    };
    if (parts.size() != 4) {
        usage_error("--connect-to", "expected HOST:PORT:ADDR:PORT, got \"" + text + "\"");
    }
    return run::ConnectTo{parts[0], port(parts[1]), parts[2], port(parts[3])};
}

std::string connect_to_text(const run::ConnectTo& rule) {
    const auto host = [](const std::string& name) {
        return name.find(':') == std::string::npos ? name : "[" + name + "]";
    };
    const auto port = [](int number) { return number == 0 ? std::string() : std::to_string(number); };
    return host(rule.host) + ":" + port(rule.port) + ":" + host(rule.address) + ":" + port(rule.to_port);
}

}  // namespace smtpspec::cli
