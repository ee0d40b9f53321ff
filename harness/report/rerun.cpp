#include <fmt/format.h>

#include "harness/report/finding.hpp"
#include "harness/report/text.hpp"
#include "protocol/smtp/escape.hpp"
#include "protocol/smtp/text.hpp"

namespace smtpspec::report {

namespace {

bool needs_no_quotes(std::string_view word) {
    for (std::size_t i = 0; i < word.size(); ++i) {
        const bool harmless = std::string_view("@%+=:,./_-").find(word[i]) != std::string_view::npos;
        if ((!smtp::is_alnum(word[i]) && !harmless) || smtp::commands_a_log(word, i)) {
            return false;
        }
    }
    return !word.empty();
}

bool is_plain_at(std::string_view word, std::size_t at) {
    return !smtp::is_control(word[at]) && !smtp::is_eight_bit(word[at]) && !smtp::commands_a_log(word, at);
}

/// One word for a shell. What could drive a terminal or the log of a CI job never comes out raw.
std::string quoted(std::string_view word) {
    if (needs_no_quotes(word)) {
        return std::string(word);
    }
    bool plain = true;
    for (std::size_t i = 0; i < word.size(); ++i) {
        plain = plain && is_plain_at(word, i);
    }
    std::string out = plain ? "'" : "$'";
    for (std::size_t i = 0; i < word.size(); ++i) {
        const char c = word[i];
        if (c == '\'') {
            out += plain ? "'\\''" : "\\'";
        } else if (is_plain_at(word, i)) {
            out += !plain && c == '\\' ? "\\\\" : std::string(1, c);
        } else {
            out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
        }
    }
    return out + "'";
}

/// The words, quoted, each option with its value where both fit into a line.
std::vector<std::string> options_with_values(const std::vector<std::string>& words, int width) {
    std::vector<std::string> units;
    bool after_option = false;
    for (const std::string& word : words) {
        const bool is_option = word.rfind("--", 0) == 0;
        const std::string shown = quoted(word);
        if (after_option && !is_option && columns(units.back()) + 1 + columns(shown) <= width) {
            units.back() += " " + shown;
        } else {
            units.push_back(shown);
        }
        after_option = is_option;
    }
    return units;
}

}  // namespace

std::vector<std::string> rerun_words(const run::Result& result,
                                     const run::Cell& cell,
                                     const std::string& program) {
    std::vector<std::string> words = {program, "run"};
    const run::Rerun& rerun = result.rerun_of(cell);
    for (const auto& [option, value] : rerun) {
        if (option == "endpoint") {
            words.push_back(value);
        }
    }
    for (const auto& [option, value] : rerun) {
        if (option != "endpoint") {
            words.push_back(option);
            if (!value.empty()) {
                words.push_back(value);
            }
        }
    }
    words.emplace_back("--only");
    words.push_back(cell.name());
    if (cell.port != 0) {
        words.emplace_back("--port");
        words.push_back(std::to_string(cell.port));
    }
    return words;
}

std::string rerun_command(const run::Result& result, const run::Cell& cell, const std::string& program) {
    std::string command;
    for (const std::string& word : rerun_words(result, cell, program)) {
        command += (command.empty() ? "" : " ") + quoted(word);
    }
    return command;
}

tl::expected<std::vector<std::string>, Overlong> shell_lines(const std::vector<std::string>& words,
                                                             int width) {
    std::vector<std::string> lines;
    std::string line;
    for (const std::string& shown : options_with_values(words, width - 2)) {
        if (columns(shown) > width - 2) {
            return tl::make_unexpected(Overlong{});
        }
        if (!line.empty() && columns(line) + 1 + columns(shown) > width - 2) {
            lines.push_back(line + " \\");
            line.clear();
        }
        line += (line.empty() ? "" : " ") + shown;
    }
    lines.push_back(line);
    return lines;
}

std::vector<std::string> broken_shell_lines(const std::vector<std::string>& words, int width) {
    std::vector<std::string> lines;
    std::string line, separator;
    const auto fits = [&](const std::string& piece) {
        return columns(line + separator + quoted(piece)) <= width - 2;
    };
    const auto end_line = [&](const std::string& last) {
        lines.push_back(line + separator + last + "\\");
        line.clear();
        separator.clear();
    };
    for (const std::string& word : words) {
        std::string piece;
        for (const char c : word) {
            if (!fits(piece + c)) {
                end_line(piece.empty() ? "" : quoted(piece));
                piece.clear();
            }
            piece += c;
        }
        line += separator + quoted(piece);
        separator = " ";
    }
    lines.push_back(line);
    return lines;
}

}  // namespace smtpspec::report
