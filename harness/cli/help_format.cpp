#include "harness/cli/help_format.hpp"

#include <sstream>

#include "harness/report/text.hpp"

namespace smtpspec::cli {

namespace {

constexpr int help_width = 80;
constexpr int name_width = 26;

/// "  --name TEXT      what it means", the meaning wrapped in its column; below a name that is too long.
std::string two_columns(const std::string& name, const std::string& meaning) {
    std::string out = "  " + name;
    bool beside = report::columns(out) < name_width;
    if (!beside) {
        out += "\n";
    }
    for (const std::string& line : report::wrap(meaning, help_width - name_width)) {
        out = beside ? report::pad(out, name_width) : std::move(out);
        out.append(beside ? 0 : name_width, ' ').append(line).append("\n");
        beside = false;
    }
    return out;
}

/// Each line that is no example, wrapped.
std::string paragraphs(const std::string& text) {
    std::istringstream in(text);
    std::string out;
    for (std::string line; std::getline(in, line);) {
        if (line.empty() || line.front() == ' ') {
            out += line + "\n";
            continue;
        }
        for (const std::string& part : report::wrap(line, help_width)) {
            out += part + "\n";
        }
    }
    return out;
}

}  // namespace

std::string HelpFormat::make_usage(const CLI::App* app, std::string name) const {
    return paragraphs(Formatter::make_usage(app, std::move(name)));
}

std::string HelpFormat::make_option(const CLI::Option* option, bool is_positional) const {
    return two_columns(make_option_name(option, is_positional) + make_option_opts(option),
                       make_option_desc(option));
}

std::string HelpFormat::make_subcommand(const CLI::App* command) const {
    return two_columns(command->get_display_name(true), command->get_description());
}

std::string HelpFormat::make_footer(const CLI::App* app) const {
    const std::string footer = app->get_footer();
    return footer.empty() ? "" : paragraphs(footer);
}

}  // namespace smtpspec::cli
