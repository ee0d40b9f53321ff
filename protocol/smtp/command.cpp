#include "protocol/smtp/command.hpp"

#include <algorithm>
#include <array>

#include "protocol/smtp/text.hpp"

namespace smtpspec::smtp {

namespace {

constexpr size_t max_command = 512;  // RFC 5321 §4.5.3.1.4

void violate(Command& command, CommandViolation violation) {
    if (!command.has(violation)) {
        command.violations.push_back(violation);
    }
}

void split_line_end(Command& command) {
    std::string_view line = command.raw;
    if (line.empty() || line.back() != '\n') {
        violate(command, CommandViolation::no_eol);
    } else if (line.size() >= 2 && line[line.size() - 2] == '\r') {
        command.eol = Command::Eol::crlf;
        line.remove_suffix(2);
    } else {
        command.eol = Command::Eol::lf;
        violate(command, CommandViolation::bare_lf);
        line.remove_suffix(1);
    }
    command.line = line;
}

void inspect_octets(Command& command) {
    for (const char c : command.line) {
        if (c == '\r' || c == '\n') {
            violate(command, c == '\r' ? CommandViolation::bare_cr : CommandViolation::bare_lf);
        } else if (c == '\0') {
            violate(command, CommandViolation::nul);
        } else if (is_control(c) && c != '\t') {
            violate(command, CommandViolation::control);
        }
    }
    if (has_eight_bit(command.line)) {
        violate(command, is_utf8(command.line) ? CommandViolation::utf8 : CommandViolation::eight_bit);
    }
    if (command.raw.size() > max_command) {
        violate(command, CommandViolation::too_long);
    }
}

void split_words(Command& command) {
    std::string_view line = command.line;
    if (!line.empty() && (line.front() == ' ' || line.front() == '\t')) {
        violate(command, CommandViolation::leading_space);
        line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    }
    const size_t last = line.find_last_not_of(" \t");
    if (last + 1 != line.size()) {
        violate(command, CommandViolation::trailing_space);
        line = line.substr(0, last + 1);  // npos + 1 is 0
    }
    const size_t blank = std::min(line.find_first_of(" \t"), line.size());
    command.verb = to_upper(line.substr(0, blank));
    command.argument = line.substr(std::min(blank + 1, line.size()));
    const auto good = [](char c) { return is_alnum(c); };
    if (command.verb.empty() || !std::all_of(command.verb.begin(), command.verb.end(), good)) {
        violate(command, CommandViolation::bad_verb);
    }
}

}  // namespace

std::string_view to_string(CommandViolation violation) {
    constexpr std::array<std::string_view, 11> names{"bare_lf",
                                                     "no_eol",
                                                     "bare_cr",
                                                     "nul",
                                                     "control",
                                                     "eight_bit",
                                                     "utf8",
                                                     "leading_space",
                                                     "trailing_space",
                                                     "bad_verb",
                                                     "too_long"};
    return names.at(static_cast<size_t>(violation));
}

bool Command::has(CommandViolation violation) const {
    return std::find(violations.begin(), violations.end(), violation) != violations.end();
}

Command parse_command(std::string_view raw) {
    Command command;
    command.raw = raw;
    split_line_end(command);
    inspect_octets(command);
    split_words(command);
    return command;
}

}  // namespace smtpspec::smtp
