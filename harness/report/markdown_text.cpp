#include "harness/report/markdown_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "harness/report/reference.hpp"
#include "protocol/smtp/text.hpp"

namespace smtpspec::report::markdown {

namespace {

/// How long a delimiter has to be: a run of the same length would close the span, a longer one does not. So
/// it stays short: parsers give up at long ones (cmark at 80).
std::size_t delimiter_length(std::string_view text) {
    std::set<std::size_t> runs;
    std::size_t run = 0;
    for (const char c : text) {
        if (c == '`') {
            ++run;
        } else {
            runs.insert(std::exchange(run, 0));
        }
    }
    runs.insert(run);
    std::size_t length = 1;
    while (runs.count(length) > 0) {
        ++length;
    }
    return length;
}

/// The backticks that a line begins with, which could close a fence.
std::size_t leading_backticks(std::string_view line) {
    const std::size_t first = line.find_first_not_of(' ');
    if (first == std::string_view::npos) {
        return 0;
    }
    const std::size_t last = line.find_first_not_of('`', first);
    return (last == std::string_view::npos ? line.size() : last) - first;
}

/// Characters that mean nothing to Markdown within a line, nor to a site (GitLab: ~label, %milestone,
/// !merge).
bool is_plain_at(std::string_view text, std::size_t at) {
    const char c = text[at];
    if (c == ':') {  // before a blank it begins no address and no :emoji:
        return at + 1 == text.size() || text[at + 1] == ' ';
    }
    return smtp::is_alnum(c) || std::string_view(" ,.;()'\"/-=").find(c) != std::string_view::npos;
}

/// What a site may take for a commit, a host or a number of another system.
bool is_word_for_a_site(std::string_view word) {
    const bool hexadecimal = std::all_of(word.begin(), word.end(), [](char c) {
        return smtp::is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    });
    return (word.size() >= 7 && hexadecimal) || smtp::istarts_with(word, "www.") ||
           smtp::istarts_with(word, "gh-") || smtp::istarts_with(word, "ghsa-");
}

/// Nothing in it means anything within a line.
bool is_plain(std::string_view text) {
    std::string word;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool dots = text.substr(i, 3) == "…";
        if (!dots && text.substr(i, 2) != "§" && !is_plain_at(text, i)) {
            return false;
        }
        if (smtp::is_alnum(text[i]) || text[i] == '.' || text[i] == '-') {
            word += text[i];
            continue;
        }
        if (is_word_for_a_site(word)) {
            return false;
        }
        word.clear();
        i += dots ? 2 : smtp::is_eight_bit(text[i]) ? 1 : 0;
    }
    return !is_word_for_a_site(word);
}

/// Plain prose begins with a letter, so that it is no list, no rule and no heading wherever it stands.
bool is_prose(std::string_view text) { return !text.empty() && smtp::is_alpha(text[0]) && is_plain(text); }

std::string escaped_html(std::string_view text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '"':
                out += "&quot;";
                break;
            default:
                out += c;
        }
    }
    return out;
}

}  // namespace

std::string code(std::string_view text) {
    if (text.empty()) {
        return {};
    }
    const std::string delimiter(delimiter_length(text), '`');
    const bool blanks = text.front() == ' ' && text.back() == ' ';  // the parser takes one off at each end
    const char* inner = text.front() == '`' || text.back() == '`' || blanks ? " " : "";
    return fmt::format("{}{}{}{}{}", delimiter, inner, text, inner, delimiter);
}

std::string words(std::string_view text) { return is_prose(text) ? std::string(text) : code(text); }

std::string field(std::string_view text) {
    std::string out;
    for (const char c : text) {
        out += c == '|' ? "\\x7C" : std::string(1, c);
    }
    const bool blank_end =
        !out.empty() && (out.front() == ' ' || out.back() == ' ');  // "** a**" is not strong
    return is_plain(out) && !blank_end ? out : code(out);
}

std::string html(std::string_view text) {
    return is_prose(text) ? escaped_html(text) : fmt::format("<code>{}</code>", escaped_html(text));
}

std::string reference(std::string_view text) {
    const auto url = url_of(text);
    return url ? fmt::format("[{}]({})", text, *url) : words(text);
}

std::string fenced(const std::vector<std::string>& lines, std::string_view language) {
    std::size_t longest = 2;
    for (const std::string& line : lines) {
        longest = std::max(longest, leading_backticks(line));
    }
    const std::string fence(longest + 1, '`');
    std::string out = fmt::format("{}{}\n", fence, language);
    for (const std::string& line : lines) {
        out += line + "\n";
    }
    return out + fence + "\n";
}

}  // namespace smtpspec::report::markdown
