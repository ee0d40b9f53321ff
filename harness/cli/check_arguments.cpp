#include "harness/cli/check_arguments.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "harness/cli/output_file.hpp"
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
    if (arguments.endpoint_is_file || arguments.endpoint.find('/') != std::string::npos ||
        arguments.endpoint.find(".yaml") != std::string::npos) {
        inputs.push_back({"the endpoint profile", arguments.endpoint});
    }
    if (arguments.mock.profile.find('/') != std::string::npos) {
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

}  // namespace

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
    const auto outputs = outputs_of(arguments);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
        for (const NamedPath& input : inputs_of(arguments)) {
            if (std::string text = clash(outputs[i], input, "an input"); !text.empty()) {
                return text;
            }
        }
        for (std::size_t j = 0; j < i; ++j) {
            if (std::string text = clash(outputs[i], outputs[j], "another output"); !text.empty()) {
                return text;
            }
        }
    }
    return {};
}

}  // namespace smtpspec::cli
