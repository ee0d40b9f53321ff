#include "harness/cli/check_arguments.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "harness/cli/latency_output.hpp"
#include "harness/cli/output_file.hpp"
#include "harness/run/endpoint.hpp"
#include "protocol/script/suggest.hpp"

namespace smtpspec::cli {

namespace {

/// A path and what it is for.
struct NamedPath {
    std::string use, path;
};

std::vector<NamedPath> inputs_of(const Arguments& arguments) {
    std::vector<NamedPath> inputs{{"--waivers", arguments.options.waivers_file},
                                  {"--ca", arguments.options.ca_file}};
    if (arguments.command == "report") {
        inputs.push_back({"the result to render", arguments.operands.front()});
    }
    if (arguments.command == "compare") {
        inputs.push_back({"OLD", arguments.compare.old_path});
        inputs.push_back({"NEW", arguments.compare.new_path});
    }
    if (arguments.endpoint_is_file || run::names_a_file(arguments.endpoint)) {
        inputs.push_back({"the endpoint profile", arguments.endpoint});
    }
    if (run::names_a_file(arguments.mock.profile)) {
        inputs.push_back({"--profile", arguments.mock.profile});
    }
    for (const std::string& path : arguments.mock.fault_files) {
        inputs.push_back({"--faults", path});
    }
    return inputs;
}

std::vector<NamedPath> outputs_of(const Arguments& arguments) {
    std::vector<NamedPath> outputs{{"--ca-out", arguments.mock.ca_out},
                                   {"--ready-file", arguments.mock.ready_file}};
    for (const OutputRequest& request : arguments.outputs) {
        outputs.push_back({"--output", request.path == "-" ? "" : request.path});
    }
    return outputs;
}

std::string clash(const NamedPath& output, const NamedPath& other, const char* what) {
    if (output.path.empty() || other.path.empty() || !same_file(output.path, other.path)) {
        return {};
    }
    return fmt::format("{} {} would overwrite {} ({} {}). Give it another name; nothing was done.",
                       output.use,
                       output.path,
                       what,
                       other.use,
                       other.path);
}

std::string overwritten(const std::vector<NamedPath>& outputs, const std::vector<NamedPath>& inputs) {
    for (const NamedPath& output : outputs) {
        for (const NamedPath& input : inputs) {
            if (std::string text = clash(output, input, "an input"); !text.empty()) {
                return text;
            }
        }
    }
    return {};
}

/// A file that is there already.
bool file_below(const std::string& path, const std::string& folder) {
    namespace fs = std::filesystem;
    std::error_code failure;
    if (path.empty() || folder.empty() || !fs::is_regular_file(path, failure)) {
        return false;
    }
    const std::string inside = fs::relative(path, folder, failure).string();
    return !failure && !inside.empty() && inside.compare(0, 2, "..") != 0;
}

/// Why nothing can be written there, "" when nothing is known against it: better said before a run than
/// after.
std::string no_place(const NamedPath& output) {
    namespace fs = std::filesystem;
    std::error_code failure;
    if (output.path.empty()) {
        return {};
    }
    if (fs::is_directory(output.path, failure)) {
        return fmt::format(
            "{} {} is a folder. Name a file in it; nothing was done.", output.use, output.path);
    }
    const fs::path folder = fs::path(output.path).parent_path();
    if (folder.empty() || fs::is_directory(folder, failure)) {
        return {};
    }
    return fmt::format("{} {}: there is no folder {}. Make it first (mkdir -p); nothing was done.",
                       output.use,
                       output.path,
                       folder.string());
}

/// A format for cells where there are none.
std::string wrong_format(const Arguments& arguments) {
    const bool compares = arguments.command == "compare";
    if (!compares && arguments.command != "bench") {
        return {};
    }
    const bool may =
        std::all_of(arguments.outputs.begin(), arguments.outputs.end(), [&](const OutputRequest& request) {
            return is_format_of_latency(request.format) ||
                   (compares && request.format == report::Format::markdown);
        });
    return may ? ""
               : fmt::format("{} has no tests to report: {}",
                             arguments.command,
                             compares ? "--format terminal, json, markdown or html" : formats_of_latency);
}

/// What two reports would do to each other on one standard output.
std::string mixed_reports(const Arguments& arguments) {
    const auto bare =
        std::count_if(arguments.outputs.begin(), arguments.outputs.end(), [](const OutputRequest& request) {
            return request.path.empty() || request.path == "-";
        });
    return bare < 2 ? ""
                    : fmt::format(
                          "{} reports would be mixed on standard output. Put --output FILE behind "
                          "each --format but one.",
                          bare);
}

/// What speaks against the files that are to be written.
std::string wrong_outputs(const Arguments& arguments) {
    const auto outputs = outputs_of(arguments);
    if (std::string text = overwritten(outputs, inputs_of(arguments)); !text.empty()) {
        return text;
    }
    for (std::size_t i = 0; i < outputs.size(); ++i) {
        if (std::string text = no_place(outputs[i]); !text.empty()) {
            return text;
        }
        if (file_below(outputs[i].path, arguments.scenarios_dir)) {
            return fmt::format(
                "{} {} would overwrite a file of --scenarios {}. Give it another name; nothing was done.",
                outputs[i].use,
                outputs[i].path,
                arguments.scenarios_dir);
        }
        for (std::size_t j = 0; j < i; ++j) {
            if (std::string text = clash(outputs[i], outputs[j], "another output"); !text.empty()) {
                return text;
            }
        }
    }
    return {};
}

}  // namespace

std::string overwrites_files_of(const run::Profile& profile, const Arguments& arguments) {
    return overwritten(
        outputs_of(arguments),
        {{"the profile's password_file", profile.password_file}, {"the profile's ca_file", profile.ca_file}});
}

std::string wrong_words(const std::vector<std::string>& commands, int argc, const char* const* argv) {
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        const std::size_t equals = word.find('=');
        const bool option = word.compare(0, 2, "--") == 0;
        if (word.empty()) {
            return fmt::format("the argument after \"{}\" is empty. Is it a variable that is not set?",
                               i == 1 ? "smtpspec" : argv[i - 1]);
        }
        if (option && equals != std::string::npos && equals + 1 == word.size()) {
            return fmt::format("{} has an empty value. Is it a variable that is not set?", word);
        }
    }
    const std::string command = argc > 1 ? argv[1] : "-";
    if (command.front() == '-' || std::find(commands.begin(), commands.end(), command) != commands.end()) {
        return {};
    }
    const std::string near = script::did_you_mean(command, commands);
    return fmt::format("there is no command \"{}\"{}{}. Commands: {}.",
                       command,
                       near.empty() ? "" : "; ",
                       near.substr(0, near.find('?')),
                       script::any_of(commands));
}

std::string contradiction(const Arguments& arguments) {
    const bool goes_out = arguments.command == "run" || arguments.command == "bench";
    if (goes_out && arguments.endpoint.empty() &&
        (!arguments.options.ca_file.empty() || !arguments.options.connect_to.empty())) {
        return fmt::format(
            "{} needs an endpoint: the embedded server has an address and a CA of its own. "
            "Example: smtpspec {} mail.example.org {} …",
            arguments.options.ca_file.empty() ? "--connect-to" : "--ca",
            arguments.command,
            arguments.options.ca_file.empty() ? "--connect-to" : "--ca");
    }
    if (std::string text = wrong_format(arguments); !text.empty()) {
        return text;
    }
    if (std::string text = mixed_reports(arguments); !text.empty()) {
        return text;
    }
    return wrong_outputs(arguments);
}

}  // namespace smtpspec::cli
