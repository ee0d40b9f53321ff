#pragma once

#include <string>
#include <string_view>
#include <vector>

/// Foreign text in GitHub and GitLab Markdown. Everything takes text of one line that has been through
/// smtp::printable already. What is not plain prose becomes a code span: there is nothing else that neither
/// the parser (emphasis, links, HTML, addresses) nor the site behind it (@mentions, #numbers, commits,
/// $formulas$) looks into.
namespace smtpspec::report::markdown {

/// A code span, its delimiter as long as no run of backticks within; "" for "".
std::string code(std::string_view text);

/// The text as it is where it is plain prose, else as code().
std::string words(std::string_view text);

/// words() for a table, where a "|" would end the field even within a code span: it is shown as \x7C, the
/// program's own notation.
std::string field(std::string_view text);

/// words() for within a block of HTML, where there is no Markdown: escaped, as <code> when it is not plain.
std::string html(std::string_view text);

/// A reference of a scenario, with a link to where it can be read.
std::string reference(std::string_view text);

/// A fenced block that none of its lines can close, as long as none begins with more than 250 backticks.
std::string fenced(const std::vector<std::string>& lines, std::string_view language);

}  // namespace smtpspec::report::markdown
