#pragma once

#include <string>

#include <CLI/App.hpp>
#include <CLI/Formatter.hpp>

namespace smtpspec::cli {

/// Help of at most 80 columns: names on the left, what they mean wrapped beside them. Lines of a footer that
/// begin with a blank (commands to copy) stay as they are.
class HelpFormat : public CLI::Formatter {
  public:
    std::string make_usage(const CLI::App* app, std::string name) const override;
    std::string make_option(const CLI::Option* option, bool is_positional) const override;
    std::string make_subcommand(const CLI::App* command) const override;
    std::string make_footer(const CLI::App* app) const override;
};

}  // namespace smtpspec::cli
