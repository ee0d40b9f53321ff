#include "harness/cli/arguments.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <iostream>
#include <memory>
#include <string_view>

#include "harness/cli/check_arguments.hpp"
#include "harness/cli/command_options.hpp"
#include "harness/cli/help_format.hpp"
#include "harness/cli/output.hpp"
#include "harness/run/version.hpp"

namespace smtpspec::cli {

namespace {

/// The format of an --output without a --format before it, by the end of its name.
report::Format format_of_name(std::string_view path) {
    static constexpr std::pair<std::string_view, report::Format> ends[] = {{".json", report::Format::json},
                                                                           {".xml", report::Format::junit},
                                                                           {".md", report::Format::markdown},
                                                                           {".sarif", report::Format::sarif},
                                                                           {".html", report::Format::html}};
    for (const auto& [end, format] : ends) {
        if (path.size() > end.size() && path.ends_with(end)) {
            return format;
        }
    }
    return report::Format::terminal;
}

/// An --output belongs to the --format before it.
std::vector<OutputRequest> pair_outputs(int argc, const char* const* argv) {
    std::vector<OutputRequest> outputs;
    const auto value = [&](int& i, const std::string& option) -> std::optional<std::string> {
        const std::string word = argv[i];
        if (word == option && i + 1 < argc) {
            return argv[++i];
        }
        if (word.compare(0, option.size() + 1, option + "=") == 0) {
            return word.substr(option.size() + 1);
        }
        return std::nullopt;
    };
    for (int i = 1; i < argc && std::string(argv[i]) != "--"; ++i) {
        if (const auto format = value(i, "--format")) {
            OutputRequest request;
            request.format = report::format_from_string(*format).value_or(report::Format::terminal);
            outputs.push_back(request);
        } else if (const auto path = value(i, "--output")) {
            if (outputs.empty() || !outputs.back().path.empty()) {
                OutputRequest request;
                request.format = format_of_name(*path);
                outputs.push_back(request);
            }
            outputs.back().path = *path;
        }
    }
    if (outputs.empty()) {
        outputs.push_back(OutputRequest{});
    }
    return outputs;
}

std::vector<std::string> commands_of(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::App* command : app.get_subcommands({})) {
        names.push_back(command->get_name());
    }
    return names;
}

ParseOutcome refuse(const std::string& what) {
    say("smtpspec: {}\nRun with --help for more information.\n", what);
    return ParseOutcome{std::nullopt, 2};
}

/// What stands behind `--`, the command that mock runs. "" or what is wrong with it.
std::string take_command(int argc, const char* const* argv, int dashes, Arguments& arguments) {
    arguments.mock.command.assign(argv + dashes + 1, argv + argc);
    if (arguments.mock.command.empty() || arguments.mock.command.front().empty()) {
        return "the command after -- is empty; is it a variable that is not set?";
    }
    if (std::string(argv[1]) != "mock") {
        return fmt::format("only mock takes a command after --, not \"{}\"", argv[1]);
    }
    return {};
}

}  // namespace

ParseOutcome parse_arguments(int argc, const char* const* argv) {
    ParsedWords words;
    Arguments& arguments = words.arguments;
    CLI::App app("smtpspec: SMTP conformance and diagnostics, over the five submission ports", "smtpspec");
    app.set_version_flag("--version", std::string("smtpspec ") + run::version);
    app.require_subcommand(1);
    app.formatter(std::make_shared<HelpFormat>());  // commands inherit it, so before them
    add_commands(app, words);
    app.footer("smtpspec COMMAND --help shows examples. Start with: smtpspec run");
    const char* const* const dashes =
        std::find(argv + std::min(1, argc), argv + argc, std::string_view("--"));
    const int count = static_cast<int>(dashes - argv);
    if (const std::string wrong = wrong_words(commands_of(app), count, argv); !wrong.empty()) {
        return refuse(wrong);
    }
    if (count < argc) {
        if (const std::string wrong = take_command(argc, argv, count, arguments); !wrong.empty()) {
            return refuse(wrong);
        }
    }
    try {
        app.parse(count, argv);
    } catch (const CLI::ParseError& problem) {
        const int code = app.exit(problem, std::cout, std::cerr);
        return ParseOutcome{std::nullopt, code == 0 ? 0 : 2};
    }
    arguments.command = app.get_subcommands().front()->get_name();
    arguments.outputs = pair_outputs(count, argv);
    if (const std::string wrong = contradiction(arguments); !wrong.empty()) {
        return refuse(wrong);
    }
    for (int i = 1; i < argc; ++i) {
        arguments.shown += (i == 1 ? "" : " ") + std::string(argv[i]);
    }
    return ParseOutcome{arguments, 0};
}

}  // namespace smtpspec::cli
