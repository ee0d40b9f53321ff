#include "harness/cli/catalogue_page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>

#include "harness/report/markdown_text.hpp"
#include "harness/report/text.hpp"
#include "harness/run/catalog.hpp"
#include "protocol/script/print.hpp"
#include "protocol/smtp/text.hpp"

namespace smtpspec::cli {

namespace {

namespace markdown = report::markdown;
using script::Scenario;
using script::Side;
using script::Verdict;

/// The scenarios of a side by group, both in the order of the list.
using Groups = std::map<std::string, std::vector<const Scenario*>>;

std::string words(std::string_view text) { return markdown::words(report::safe(text)); }

/// The fragment that GitHub and GitLab give a heading of letters, digits, blanks, hyphens and dots.
std::string anchor(std::string_view heading) {
    std::string out;
    for (const char c : heading) {
        if (smtp::is_alnum(c) || c == '-') {
            out += smtp::to_lower(c);
        } else if (c == ' ') {
            out += '-';
        }
    }
    return out;
}

std::string_view title_of(Side side) { return side == Side::Server ? "Servers" : "Clients"; }

std::string group_heading(Side side, const std::string& group) {
    return fmt::format("{} {}", title_of(side), group);
}

Groups groups_of(const std::vector<const Scenario*>& scenarios, Side side) {
    Groups groups;
    for (const Scenario* scenario : scenarios) {
        if (scenario->head.side == side) {
            groups[std::string(run::group_of(scenario->id()))].push_back(scenario);
        }
    }
    return groups;
}

std::size_t count_of(const Groups& groups) {
    std::size_t count = 0;
    for (const auto& [name, members] : groups) {
        count += members.size();
    }
    return count;
}

std::string contents(const Groups& groups, Side side) {
    std::string out = fmt::format("\n**{}** ({})\n\n", title_of(side), count_of(groups));
    for (const auto& [name, members] : groups) {
        out += fmt::format("- [{}](#{})\n", name, anchor(group_heading(side, name)));
        for (const Scenario* scenario : members) {
            out += fmt::format("  - [{}](#{}): {}\n",
                               scenario->id(),
                               anchor(scenario->id()),
                               words(scenario->head.title.text));
        }
    }
    return out;
}

/// Where a script begins, in the words of the conversation (scenario-language.md §4).
std::string_view beginning(script::State state, Side side) {
    const bool server = side == Side::Server;
    switch (state) {
        case script::State::Tcp:
            return "right after the TCP connection is there";
        case script::State::Connected:
            return server ? "before the greeting; on a port for implicit TLS after the handshake"
                          : "when the client connects";
        case script::State::Greeted:
            return "after the greeting";
        case script::State::Ehlo:
            return "after EHLO; on a STARTTLS port still in clear";
        case script::State::Tls:
            return "after EHLO inside TLS";
        case script::State::Authenticated:
            return "after EHLO inside TLS and a login, if there are credentials";
        case script::State::Envelope:
            return "after a login, MAIL and RCPT";
        case script::State::Data:
            return "after a login, MAIL, RCPT and the 354 to DATA";
    }
    return "";
}

/// The script as it stands in the file, with the comments of its author.
std::vector<std::string> script_lines(const Scenario& scenario) {
    std::vector<std::string> lines;
    int rulers = 0;
    for (std::size_t number = 1; number <= scenario.source->line_count(); ++number) {
        const std::string_view line = scenario.source->line(number);
        if (rulers == 2) {
            lines.push_back(report::safe(line));
        }
        rulers += rulers < 2 && line.substr(0, 3) == "---" ? 1 : 0;
    }
    while (!lines.empty() && lines.back().empty()) {
        lines.pop_back();
    }
    return lines;
}

/// "**fail**: started; **warn**: other-code", the worst first.
std::string outcomes(const script::Head& head) {
    std::map<Verdict, std::string> by_verdict;
    for (const script::Outcome& outcome : head.outcomes) {
        std::string& text = by_verdict[outcome.verdict];
        text += text.empty() ? fmt::format("**{}**: ", script::to_string(outcome.verdict)) : ", ";
        text += markdown::code(outcome.label);
        text += outcome.severity ? fmt::format(" ({})", script::to_string(*outcome.severity)) : "";
    }
    std::vector<std::string> parts;
    for (const Verdict verdict : {Verdict::Vulnerable,
                                  Verdict::Fail,
                                  Verdict::Warn,
                                  Verdict::Tolerated,
                                  Verdict::Pass,
                                  Verdict::Unsupported,
                                  Verdict::Skipped,
                                  Verdict::Inconclusive}) {
        if (const auto found = by_verdict.find(verdict); found != by_verdict.end()) {
            parts.push_back(found->second);
        }
    }
    return report::joined(parts, "; ");
}

std::string references(const script::Head& head) {
    std::vector<std::string> refs;
    for (const script::Located& ref : head.refs) {
        refs.push_back(markdown::reference(report::safe(ref.text)));
    }
    return report::joined(refs, ", ");
}

/// On which ports and with what it runs.
std::string conditions(const Scenario& scenario) {
    const script::Head& head = scenario.head;
    std::vector<std::string> modes;
    for (const script::Mode mode : head.modes) {
        modes.emplace_back(script::to_string(mode));
    }
    std::string out = head.modes.size() == 3 ? "every port" : "ports with " + report::joined(modes, ", ");
    if (head.services.size() == 1) {
        out += fmt::format(" that are for {}", script::to_string(head.services.front()));
    }
    std::vector<std::string> needs;
    for (const script::Located& need : head.needs) {
        needs.push_back(markdown::code(need.text));
    }
    out += needs.empty() ? "" : "; needs " + report::joined(needs, ", ");
    out += head.intrusive ? "; intrusive" : "";
    return out + (scenario.slow() ? "; slow" : "");
}

/// What a value of a parameter stands for; "" where its name says it.
std::string meaning(const script::ParamValue& value) {
    if (const script::Template* text = value.find("")) {
        const std::string shown = script::to_text(*text);
        return shown == '"' + value.name + '"' ? "" : shown;
    }
    std::vector<std::string> fields;
    for (const auto& [name, text] : std::get<1>(value.value)) {
        fields.push_back(fmt::format("{}: {}", name, script::to_text(text)));
    }
    return report::joined(fields, ", ");
}

std::string parameters(const script::Head& head) {
    constexpr int longest = 160;  // characters
    std::string out;
    for (const script::Parameter& parameter : head.params) {
        std::vector<std::string> bare;
        std::string explained;
        for (const script::ParamValue& value : parameter.values) {
            const std::string name = markdown::code(report::safe(value.name));
            const std::string text = report::cut(report::safe(meaning(value)), longest);
            if (text.empty()) {
                bare.push_back(name);
            } else {
                explained += fmt::format("  - {}: {}\n", name, markdown::code(text));
            }
        }
        const std::string names = bare.empty() ? "" : " " + report::joined(bare, ", ");
        out += fmt::format("- With {}:{}\n{}", markdown::code(parameter.name), names, explained);
    }
    return out;
}

std::string covered(const script::Head& head) {
    std::vector<std::string> names;
    for (const script::Cover& cover : head.covers) {
        if (std::find(names.begin(), names.end(), cover.requirement) == names.end()) {
            names.push_back(cover.requirement);
        }
    }
    return names.empty() ? "" : fmt::format("- Covers: {}\n", report::joined(names, ", "));
}

std::string section(const Scenario& scenario) {
    const script::Head& head = scenario.head;
    std::string out = fmt::format("\n#### {}\n\n{}\n\n", head.id.text, words(head.title.text));
    out += fmt::format("- Rule: {}, severity {}; {}\n",
                       script::to_string(head.level),
                       script::to_string(head.severity),
                       references(head));
    out += fmt::format("- A failure means: {}\n", words(head.fail_means.text));
    out += fmt::format("- Outcomes: {}\n", outcomes(head));
    out += fmt::format("- Where: {}\n", conditions(scenario));
    out += parameters(head) + covered(head);
    out += fmt::format("- On the wire, {}:\n\n", beginning(head.from, head.side));
    return out + markdown::fenced(script_lines(scenario), "text");
}

std::string part(const Groups& groups, Side side) {
    std::string out = groups.empty() ? "" : fmt::format("\n## {}\n", title_of(side));
    for (const auto& [name, members] : groups) {
        out += fmt::format("\n### {}\n", group_heading(side, name));
        for (const Scenario* scenario : members) {
            out += section(*scenario);
        }
    }
    return out;
}

constexpr std::string_view introduction =
    R"(# The scenarios

Written by `smtpspec list --format markdown`; do not edit. How to read a script: `C:` is what the client says and `S:` what the server says.
The lines of the side under test are patterns that are awaited, those of the other side are sent; `=> label` reaches an outcome, and `!` ends
the script. Every verdict: [result.md](result.md#verdicts). The language: [scenario-language.md](scenario-language.md).
)";

}  // namespace

std::string catalogue_page(const std::vector<const Scenario*>& scenarios) {
    const Groups servers = groups_of(scenarios, Side::Server);
    const Groups clients = groups_of(scenarios, Side::Client);
    std::string out(introduction);
    for (const auto& [side, groups] :
         {std::pair(Side::Server, &servers), std::pair(Side::Client, &clients)}) {
        out += groups->empty() ? "" : contents(*groups, side);
    }
    return out + part(servers, Side::Server) + part(clients, Side::Client);
}

}  // namespace smtpspec::cli
