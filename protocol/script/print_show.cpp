#include <map>

#include <fmt/format.h>

#include "protocol/script/print.hpp"

/// `smtpspec show ID`: the file as it stands, and beside it what its start states do (§4, §11).
namespace smtpspec::script {
namespace {

struct Step {
    State state;
    std::vector<std::string> lines;
};

std::vector<std::string> tls_lines(Mode mode) {
    if (mode != Mode::Starttls) {
        return {};
    }
    return {"C: STARTTLS", "S: 220", "tls", "C: EHLO ${ehlo}", "S: 250"};
}

/// What leads from each state to the next on a port of this mode.
std::vector<Step> steps(Mode mode) {
    std::vector<std::string> connected;
    if (mode == Mode::Tls) {
        connected = {"tls"};
    }
    return {
        {State::Tcp, {"connect"}},
        {State::Connected, connected},
        {State::Greeted, {"S: 220"}},
        {State::Ehlo, {"C: EHLO ${ehlo}", "S: 250"}},
        {State::Tls, tls_lines(mode)},
        {State::Authenticated, {"C: AUTH, the best mechanism offered (if there are credentials)", "S: 235"}},
        {State::Envelope, {"C: MAIL FROM:<${from}>", "S: 250", "C: RCPT TO:<${to}>", "S: 250"}},
        {State::Data, {"C: DATA", "S: 354"}}};
}

std::string mode_title(Mode mode) {
    switch (mode) {
        case Mode::Starttls:
            return "on a STARTTLS port";
        case Mode::Tls:
            return "on an implicit-TLS port";
        case Mode::Plain:
            return "on a plain port";
    }
    return {};
}

/// The steps up to `to`, as comment lines; modes with the same steps are put together.
std::string written_out(const Head& head, State to, const std::string& margin) {
    std::vector<std::pair<std::string, std::string>> texts;  // steps, titles
    for (const Mode mode : head.modes) {
        std::string text;
        for (const Step& step : steps(mode)) {
            if (step.state > to) {
                break;
            }
            for (const std::string& line : step.lines) {
                text += fmt::format("{}#   {}\n", margin, line);
            }
        }
        if (!texts.empty() && texts.back().first == text) {
            texts.back().second += ", " + mode_title(mode);
        } else {
            texts.emplace_back(text, mode_title(mode));
        }
    }
    std::string out;
    for (const auto& [text, title] : texts) {
        out += fmt::format("{}# {}, {}:\n{}", margin, to_string(to), title, text);
    }
    return out;
}

/// The comments that belong below the lines of a script, by line number.
class Remarks {
  public:
    explicit Remarks(const Head& head) : head_(head) {}

    void collect(const Block& block, int depth) {
        for (const Statement& statement : block) {
            if (const auto* when = std::get_if<WhenStatement>(&statement.node)) {
                collect(when->block, depth + 1);
            } else if (const auto* loop = std::get_if<ForStatement>(&statement.node)) {
                collect(loop->block, depth + 1);
            } else if (const auto* attempt = std::get_if<AttemptStatement>(&statement.node)) {
                add(statement.at, *attempt, depth);
            }
        }
    }

    std::map<std::uint32_t, std::string> above;

  private:
    void add(Position at, const AttemptStatement& attempt, int depth) {
        const std::string margin(static_cast<std::size_t>(depth) * 2, ' ');
        if (const auto* reach = std::get_if<ReachAttempt>(&attempt.what)) {
            above[at.line] +=
                margin + "# what of this is still missing:\n" + written_out(head_, reach->state, margin);
            return;
        }
        const auto* connection = std::get_if<ConnectionAttempt>(&attempt.what);
        if (connection != nullptr && connection->from) {
            above[at.line] += margin + "# on first use:\n" + written_out(head_, *connection->from, margin);
        }
    }

    const Head& head_;
};

}  // namespace

std::string print_scenario(const Scenario& scenario) {
    Remarks remarks(scenario.head);
    remarks.collect(scenario.script, 0);
    const std::string who = scenario.head.side == Side::Server ? "before the first line we do"
                                                               : "before the first line the client is let";
    std::string out;
    int rulers = 0;
    for (std::size_t number = 1; number <= scenario.source->line_count(); ++number) {
        const std::string_view line = scenario.source->line(number);
        if (const auto remark = remarks.above.find(static_cast<std::uint32_t>(number));
            remark != remarks.above.end()) {
            out += remark->second;
        }
        out += fmt::format("{}\n", line);
        const bool ruler = rulers < 2 && line.substr(0, 3) == "---";
        rulers += ruler ? 1 : 0;
        if (ruler && rulers == 2) {
            out += fmt::format("# {}:\n{}", who, written_out(scenario.head, scenario.head.from, ""));
        }
    }
    return out;
}

}  // namespace smtpspec::script
