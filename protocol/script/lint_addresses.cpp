#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include <fmt/format.h>

#include "protocol/script/lexer.hpp"
#include "protocol/script/lint_rules.hpp"

/// Mail addresses and domains in what we send: only those that RFC 2606 sets aside, or variables. What only
/// looks a bit like one (a literal, one label, digits at the end) is left alone.
namespace smtpspec::script {
namespace {

bool is_domain_character(char c) { return is_letter(c) || is_digit(c) || c == '.' || c == '-'; }

/// True for a name of at least two labels whose last is of letters and not set aside.
bool is_foreign(std::string_view domain) {
    while (!domain.empty() && (domain.back() == '.' || domain.back() == '-')) {
        domain.remove_suffix(1);
    }
    const std::size_t dot = domain.find_last_of('.');
    if (dot == std::string_view::npos || dot == 0 || domain.find("..") != std::string_view::npos) {
        return false;
    }
    std::string last(domain.substr(dot + 1));
    if (last.size() < 2 || !std::all_of(last.begin(), last.end(), is_letter)) {
        return false;
    }
    std::transform(last.begin(), last.end(), last.begin(), [](unsigned char c) {
        return static_cast<char>(std::tolower(c));
    });
    static constexpr std::array reserved = {"test", "example", "invalid", "localhost"};
    return std::find(reserved.begin(), reserved.end(), last) == reserved.end();
}

class AddressChecker {
  public:
    explicit AddressChecker(const LintInput& input) : in_(input) {}

    void octets(const Template& text) {
        for (std::size_t i = 0; i < text.pieces.size(); ++i) {
            const bool followed = i + 1 < text.pieces.size();
            const std::string& literal = text.pieces[i].literal;
            for (std::size_t at = literal.find('@'); at != std::string::npos;
                 at = literal.find('@', at + 1)) {
                domain(literal, at + 1, followed, text.at);
            }
            if (i == 0) {
                greeting(literal, followed, text.at);
            }
            for (std::size_t at = literal.find("://"); at != std::string::npos;
                 at = literal.find("://", at + 1)) {
                domain(literal, at + 3, followed, text.at);
            }
        }
    }

    /// Lines of a zone file: names with a dot at the end.
    void zone(const Template& text) {
        for (std::size_t i = 0; i < text.pieces.size(); ++i) {
            const std::string& literal = text.pieces[i].literal;
            for (std::size_t begin = 0; begin < literal.size();) {
                std::size_t end = literal.find_first_of(" \t\n", begin);
                end = end == std::string::npos ? literal.size() : end;
                const std::string_view word = std::string_view(literal).substr(begin, end - begin);
                if (word.size() > 2 && word.back() == '.') {
                    report(word, text.at);
                }
                begin = end + 1;
            }
        }
    }

    void url(std::string_view text, Position at) {
        const std::size_t begin = text.find("://");
        if (begin != std::string_view::npos) {
            domain(std::string(text), begin + 3, false, at);
        }
    }

  private:
    void greeting(const std::string& literal, bool followed, Position at) {
        if (literal.rfind("EHLO ", 0) == 0 || literal.rfind("HELO ", 0) == 0) {
            domain(literal, 5, followed, at);
        }
    }
    void domain(const std::string& literal, std::size_t begin, bool followed, Position at) {
        std::size_t end = begin;
        while (end < literal.size() && is_domain_character(literal[end])) {
            ++end;
        }
        const bool variable = end == literal.size() && followed;
        if (!variable) {
            report(std::string_view(literal).substr(begin, end - begin), at);
        }
    }
    void report(std::string_view domain, Position at) {
        if (!is_foreign(domain)) {
            return;
        }
        in_.reporter.error(place(domain, at),
                           domain.size(),
                           fmt::format("`{}` may belong to somebody", domain),
                           "a name under .test, .example or .invalid, or a variable",
                           "`${domain}`, `${to}` and `${remote}` come from the profile");
    }
    /// Where the domain stands in the text that begins at `at`, if it is on the same line.
    Position place(std::string_view domain, Position at) const {
        const std::string_view line = in_.scenario.source->line(at.line);
        constexpr std::size_t longest_line = 2000;
        const std::size_t found = line.size() > longest_line ? line.npos : line.find(domain);
        return found == line.npos
                   ? at
                   : in_.scenario.source->position(in_.scenario.source->line_start(at.line) + found);
    }

    const LintInput& in_;
};

}  // namespace

void lint_addresses(const LintInput& input) {
    AddressChecker checker(input);
    for (const Survey::TextUse& use : input.survey.texts) {
        if (use.as == Survey::TextUse::As::Zone) {
            checker.zone(*use.text);
        } else {
            checker.octets(*use.text);
        }
    }
    for (const WebPage& page : input.scenario.head.web) {
        checker.url(page.url, page.at);
    }
    for (std::size_t i = 0; i < input.survey.attempts.size(); ++i) {
        const auto* connection = std::get_if<ConnectionAttempt>(&input.survey.attempts[i]->what);
        for (const Option& option : connection == nullptr ? Options{} : connection->options) {
            if (option.name == "host" && option.value.is_literal() && is_foreign(option.value.literal())) {
                input.reporter.error(option.value.at,
                                     option.value.literal().size(),
                                     fmt::format("`{}` may belong to somebody", option.value.literal()),
                                     "a name under .test, .example or .invalid, or a variable");
            }
        }
    }
}

}  // namespace smtpspec::script
