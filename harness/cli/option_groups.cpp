#include "harness/cli/option_groups.hpp"

#include <CLI/CLI.hpp>

#include "harness/cli/option_values.hpp"

namespace smtpspec::cli {

void add_seed(CLI::App& command, Arguments& arguments, const std::string& what) {
    command.add_option_function<std::string>(
        "--seed",
        [&](const std::string& text) { arguments.options.seed = parse_seed(text); },
        what + " (0 to 2^64-1)");
}

void add_ports(CLI::App& command, Arguments& arguments) {
    command
        .add_option_function<std::vector<int>>(
            "--port",
            [&](const std::vector<int>& ports) {
                arguments.options.ports.insert(ports.begin(), ports.end());
            },
            "only these ports, e.g. 587 or 465,587 (repeatable)")
        ->delimiter(',')
        ->check(CLI::Range(1, 65535));
}

/// Which scenarios: what every command has that takes several.
void add_filters(CLI::App& command, Arguments& arguments) {
    run::RunOptions& options = arguments.options;
    command.add_option(
        "--only", options.only, "only ids or cells that fit this glob, e.g. 'starttls.*' (repeatable)");
    command.add_option("--skip", options.skip, "leave out ids or cells that fit this glob (repeatable)");
    command.add_option_function<std::string>(
        "--side",
        [&](const std::string& word) { options.side = parse_side(word); },
        "only scenarios that judge a server, or a client");
    command.add_option_function<std::vector<std::string>>(
        "--level",
        [&](const std::vector<std::string>& words) {
            for (const std::string& word : words) {
                options.levels.insert(parse_level(word));
            }
        },
        "only rules of this level, e.g. MUST or SECURITY (repeatable)");
    command.add_option("--scenarios",
                       arguments.scenarios_dir,
                       "a folder with more scenarios, or other versions of the built-in ones");
}

/// How conversations are held.
void add_conduct(CLI::App& command, Arguments& arguments) {
    run::RunOptions& options = arguments.options;
    add_ports(command, arguments);
    command.add_flag("--slow", options.slow, "also scenarios that have to wait for seconds");
    command.add_flag("--intrusive", options.intrusive, "also scenarios that a foreign server may take amiss");
    command.add_option("--jobs", options.jobs, "conversations at once")->check(CLI::Range(1, 1000));
    add_seed(command, arguments, "seed of everything that is chosen at random");
    command
        .add_option_function<std::string>(
            "--transcripts",
            [&](const std::string& word) {
                options.transcripts = word == "all"      ? run::KeepTranscripts::all
                                      : word == "failed" ? run::KeepTranscripts::failed
                                                         : run::KeepTranscripts::none;
            },
            "which cells keep their transcript in the result: all, failed or none")
        ->option_text("WHICH")
        ->check(CLI::IsMember({"all", "failed", "none"}));
}

void add_output(CLI::App& command, ParsedWords& words) {
    command
        .add_option(
            "--format",
            words.formats,
            "terminal, json, junit, markdown, sarif or html; repeatable, all but one with --output behind it")
        ->option_text("FORMAT ...")
        ->check(CLI::IsMember({"terminal", "json", "junit", "markdown", "sarif", "html"}));
    command.add_option(
        "--output", words.paths, "where the report named before it goes; default: standard output");
    command.add_option("--color", words.arguments.colour, "auto, always or never (NO_COLOR is honoured)")
        ->option_text("WHEN")
        ->check(CLI::IsMember({"auto", "always", "never"}));
}

void add_endpoint(CLI::App& command, Arguments& arguments, const std::string& no_auth) {
    run::RunOptions& options = arguments.options;
    auto* positional = command.add_option(
        "endpoint",
        arguments.endpoint,
        "a host, a profile file, or a built-in profile (resend); none: the embedded server");
    command
        .add_option_function<std::string>(
            "--endpoint",
            [&](const std::string& file) {
                arguments.endpoint = file;
                arguments.endpoint_is_file = true;
            },
            "a profile file")
        ->option_text("FILE")
        ->excludes(positional);
    command.add_option("--ca", options.ca_file, "CA certificates (PEM) to trust instead of the system's");
    command.add_option_function<std::vector<std::string>>(
        "--connect-to",
        [&](const std::vector<std::string>& rules) {
            for (const std::string& rule : rules) {
                options.connect_to.push_back(parse_connect_to(rule));
            }
        },
        "HOST:PORT:ADDR:PORT: connect to ADDR:PORT instead, with the same name in SNI and certificate check");
    command.add_flag("--no-auth", options.no_auth, no_auth);
}

void add_message_limit(CLI::App& command, Arguments& arguments) {
    command
        .add_option(
            "--max-messages", arguments.options.max_messages, "messages per port and run (not for loopback)")
        ->check(CLI::Range(0, 1000000));
}

void add_shard(CLI::App& command, Arguments& arguments) {
    command
        .add_option_function<std::string>(
            "--shard",
            [&arguments](const std::string& text) { arguments.options.shard = parse_shard_option(text); },
            "only part K of N, for merge; auto: from CI_NODE_INDEX or JOB_COMPLETION_INDEX, and "
            "CI_NODE_TOTAL")
        ->option_text("K/N|auto");
}

}  // namespace smtpspec::cli
