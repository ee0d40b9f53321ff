#include "harness/cli/arguments.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <charconv>
#include <iostream>

#include "harness/cli/check_arguments.hpp"
#include "harness/run/version.hpp"
#include "protocol/script/suggest.hpp"

namespace smtpspec::cli {

namespace {

/// A value that is wrong; becomes a usage error (exit 2).
[[noreturn]] void usage_error(const std::string& option, const std::string& what) {
    throw CLI::ValidationError(option, what);
}

/// All of `text` as a plain decimal number from `low` to `high`; anything else is none.
std::optional<double> decimal(const std::string& text, double low, double high) {
    double value = 0;
    const char* const end = text.data() + text.size();
    const auto [stopped, problem] = std::from_chars(text.data(), end, value, std::chars_format::fixed);
    const bool whole = problem == std::errc{} && stopped == end;
    return whole && value >= low && value <= high ? std::optional(value) : std::nullopt;
}

/// "2%" or "2": a share from 0 to 1.
double parse_share(const std::string& text) {
    const bool percent = !text.empty() && text.back() == '%';
    const auto value = decimal(text.substr(0, text.size() - (percent ? 1 : 0)), 0, 100);
    if (!value) {
        usage_error("--allow-inconclusive",
                    "expected a percentage from 0 to 100, e.g. 2%, got \"" + text + "\"");
    }
    return *value / 100.0;
}

double parse_chaos(const std::string& text) {
    const auto value = decimal(text, 0, 1);
    if (!value) {
        usage_error("--chaos", "expected a number from 0 to 1, got \"" + text + "\"");
    }
    return *value;
}

std::uint64_t parse_seed(const std::string& text) {
    std::uint64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [stopped, problem] = std::from_chars(text.data(), end, value);
    if (problem != std::errc{} || stopped != end) {
        usage_error("--seed", "expected a whole number from 0 to 18446744073709551615, got \"" + text + "\"");
    }
    return value;
}

run::ConnectTo parse_connect_to(const std::string& text) {
    std::vector<std::string> parts;
    std::string part;
    int bracket = 0;
    for (const char c : text) {
        bracket += c == '[' ? 1 : c == ']' ? -1 : 0;
        if (c == ':' && bracket == 0) {
            parts.push_back(part);
            part.clear();
        } else if (c != '[' && c != ']') {
            part += c;
        }
    }
    parts.push_back(part);
    const auto port = [&](const std::string& digits) {
        const bool number = digits.find_first_not_of("0123456789") == std::string::npos && digits.size() < 6;
        if (!number || std::atoi(digits.c_str()) > 65535) {
            usage_error("--connect-to", "\"" + digits + "\" is no port in " + text);
        }
        return std::atoi(digits.c_str());
    };
    if (parts.size() != 4) {
        usage_error("--connect-to", "expected HOST:PORT:ADDR:PORT, got \"" + text + "\"");
    }
    return run::ConnectTo{parts[0], port(parts[1]), parts[2], port(parts[3])};
}

void add_seed(CLI::App& command, Arguments& arguments, const std::string& what) {
    command.add_option_function<std::string>(
        "--seed",
        [&](const std::string& text) { arguments.options.seed = parse_seed(text); },
        what + " (0 to 2^64-1)");
}

void add_selection(CLI::App& command, Arguments& arguments) {
    run::RunOptions& options = arguments.options;
    command.add_option(
        "--only", options.only, "only ids or cells that fit this glob, e.g. 'starttls.*' (repeatable)");
    command.add_option("--skip", options.skip, "leave out ids or cells that fit this glob (repeatable)");
    command.add_option_function<std::string>(
        "--side",
        [&](const std::string& word) {
            options.side = script::side_from_string(word);
            if (!options.side) {
                usage_error("--side", "expected server or client, got \"" + word + "\"");
            }
        },
        "only scenarios that judge a server, or a client");
    command.add_option_function<std::vector<std::string>>(
        "--level",
        [&](const std::vector<std::string>& words) {
            for (const std::string& word : words) {
                const auto level = script::level_from_string(word);
                if (!level) {
                    usage_error(
                        "--level",
                        "expected MUST, \"MUST NOT\", SHOULD, \"SHOULD NOT\", MAY or SECURITY, got \"" +
                            word + "\"");
                }
                options.levels.insert(*level);
            }
        },
        "only rules of this level (repeatable)");
    command
        .add_option_function<std::vector<int>>(
            "--port",
            [&](const std::vector<int>& ports) { options.ports.insert(ports.begin(), ports.end()); },
            "only this port (repeatable)")
        ->check(CLI::Range(1, 65535));
    command.add_flag("--slow", options.slow, "also scenarios that have to wait for seconds");
    command.add_flag("--intrusive", options.intrusive, "also scenarios that a foreign server may take amiss");
    command.add_option("--scenarios",
                       arguments.scenarios_dir,
                       "a folder with more scenarios, or other versions of the built-in ones");
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
            "which cells keep their transcript in the result")
        ->check(CLI::IsMember({"all", "failed", "none"}));
}

void add_output(CLI::App& command,
                Arguments& arguments,
                std::vector<std::string>& formats,
                std::vector<std::string>& paths) {
    command.add_option("--format", formats, "terminal, json or junit; with --output, repeatable")
        ->check(CLI::IsMember({"terminal", "json", "junit"}));
    command.add_option("--output", paths, "where the report named before it goes; default: standard output");
    command.add_option("--color", arguments.colour, "auto, always or never (NO_COLOR is honoured)")
        ->check(CLI::IsMember({"auto", "always", "never"}));
}

void add_endpoint(CLI::App& command, Arguments& arguments) {
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
    command.add_flag("--no-auth",
                     options.no_auth,
                     "do not log in; wrong logins are still tried (--max-bad-logins 0: none)");
}

CLI::App* add_run(CLI::App& app,
                  Arguments& arguments,
                  std::vector<std::string>& formats,
                  std::vector<std::string>& paths) {
    auto* run = app.add_subcommand("run", "the matrix: scenarios against an endpoint, on each of its ports");
    add_endpoint(*run, arguments);
    add_selection(*run, arguments);
    add_output(*run, arguments, formats, paths);
    run->add_option(
        "--waivers", arguments.options.waivers_file, "what is known to be wrong, with reasons (YAML)");
    run->add_option(
           "--max-messages", arguments.options.max_messages, "messages per port and run (not for loopback)")
        ->check(CLI::Range(0, 1000000));
    run->add_option("--max-bad-logins",
                    arguments.options.max_bad_logins,
                    "wrong logins per port and run (not for loopback)")
        ->check(CLI::Range(0, 1000000));
    run->add_option("--retries", arguments.options.retries, "run inconclusive cells again so often")
        ->check(CLI::Range(0, 10));
    run->add_flag("--plan", arguments.plan_only, "say what would be done, send nothing");
    run->add_option_function<std::string>(
        "--allow-inconclusive",
        [&](const std::string& text) { arguments.allow_inconclusive = parse_share(text); },
        "share of inconclusive cells that is no failure, e.g. 2%");
    run->footer(
        "Examples:\n"
        "  smtpspec run                                     the embedded server and the reference client\n"
        "  smtpspec run mail.example.org --no-auth          a server nobody prepared\n"
        "  RESEND_API_KEY=re_... smtpspec run resend        a hosted provider, five ports\n"
        "  smtpspec run --endpoint my.yaml --only 'starttls.*' --port 587\n"
        "  smtpspec run --format terminal --format json --output result.json\n"
        "\nExit code: 0 good, 1 something is wrong, 2 usage, 3 our own error, 4 unreachable, 5 inconclusive, "
        "77 nothing judged, 130 interrupted");
    return run;
}

void add_mock(CLI::App& app, Arguments& arguments) {
    MockArguments& mock = arguments.mock;
    auto* command = app.add_subcommand(
        "mock", "the scripted server on five ports, until interrupted or while a command runs");
    command->add_option(
        "--fault", mock.faults, "a rule, e.g. 'on MAIL first 2 -> \"451 4.7.1 try later\"' (repeatable)");
    command->add_option("--faults", mock.fault_files, "a file of rules, one per line (repeatable)");
    command->add_option(
        "--scenario", mock.scenario, "play the server of this client scenario, e.g. 'client-auth.fail.535'");
    command->add_option(
        "--defect", mock.defects, "a wrong turn of the server (repeatable; smtpspec list --defects)");
    command->add_option("--profile", mock.profile, "names, limits and replies of this endpoint profile");
    command->add_option("--ca-out", mock.ca_out, "write the CA certificate (PEM) here");
    command->add_option(
        "--ready-file", mock.ready_file, "written when all ports accept: host, ports, user, files as JSON");
    command->add_option(
        "--maildir", mock.maildir, "keep what was accepted as files in this folder (new/, cur/, tmp/)");
    command->add_option("--listen", mock.listen, "address to bind (default 127.0.0.1)");
    auto* real = command->add_flag(
        "--real-ports", mock.real_ports, "bind 25, 465, 587, 2465 and 2587 (default: 10025 ... 12587)");
    command->add_flag("--ephemeral", mock.ephemeral, "bind free ports (always so with a command)")
        ->excludes(real);
    command->add_option_function<std::string>(
        "--chaos",
        [&mock](const std::string& text) { mock.chaos = parse_chaos(text); },
        "share of commands that go wrong at random, 0..1");
    command->add_option("--user", mock.user, "user name of the account (default: tester, or the profile's)");
    command->add_option("--password-env",
                        mock.password_env,
                        "take the account's password from this variable (default: one is made)");
    add_seed(*command, arguments, "seed of chance() and --chaos");
    command->add_option("--scenarios", arguments.scenarios_dir, "a folder with more scenarios");
    command->footer(
        "Examples:\n"
        "  smtpspec mock --ca-out ca.pem\n"
        "  smtpspec mock --fault 'on RCPT first -> \"450 4.2.1 later\"' -- ./my-test-suite\n"
        "  smtpspec mock --defect keep-plaintext-after-starttls --ready-file ready.json\n"
        "\nWith a command (mock [OPTIONS] -- CMD ...): SMTPSPEC_HOST, SMTPSPEC_PORT_25 ... "
        "SMTPSPEC_PORT_2587, SMTPSPEC_USER, "
        "SMTPSPEC_PASSWORD_FILE and\n"
        "SMTPSPEC_CA_FILE are in its environment. The exit code is the command's; when that is 0 and there "
        "is a\n"
        "--scenario: 1 when the client failed it, 5 when it could not be judged.");
}

void add_small_commands(CLI::App& app,
                        Arguments& arguments,
                        std::vector<std::string>& formats,
                        std::vector<std::string>& paths) {
    auto* selftest = app.add_subcommand("selftest", "every scenario against good and bad model peers");
    add_selection(*selftest, arguments);
    add_output(*selftest, arguments, formats, paths);
    selftest->add_flag("--mutate",
                       arguments.mutate,
                       "turn each non-pass outcome into pass, one at a time: somebody must notice");
    selftest->footer(
        "Examples:\n  smtpspec selftest\n  smtpspec selftest --only 'starttls.inject.*' --mutate\n  smtpspec "
        "selftest --scenarios my-scenarios/");

    auto* list = app.add_subcommand("list", "the scenarios");
    add_selection(*list, arguments);
    list->add_option("--format", arguments.list_format, "text or json")
        ->check(CLI::IsMember({"text", "json"}));
    list->add_flag_callback(
        "--defects",
        [&] { arguments.list_format = "defects"; },
        "the named defects of the model peers instead");
    list->footer(
        "Examples:\n  smtpspec list --side server\n  smtpspec list --format json\n  smtpspec list --defects");

    auto* show =
        app.add_subcommand("show", "head and script of a scenario, with its start state written out");
    show->add_option("id", arguments.operands, "scenario id")->required();
    show->add_option("--scenarios", arguments.scenarios_dir, "a folder with more scenarios");
    show->footer("Example:\n  smtpspec show starttls.inject.command-same-segment");

    auto* lint = app.add_subcommand("lint", "mistakes in scenario files, all at once");
    lint->add_option("file", arguments.operands, "scenario files; none: the built-in ones");
    lint->footer("Example:\n  smtpspec lint my-scenarios/*.smtp");

    auto* report = app.add_subcommand("report", "render a result document again");
    report->add_option("result", arguments.operands, "a file that run wrote with --format json")->required();
    add_output(*report, arguments, formats, paths);
    report->footer("Example:\n  smtpspec report result.json --format junit --output junit.xml");

    auto* bench = app.add_subcommand("bench", "latency per stage, port by port");
    add_endpoint(*bench, arguments);
    bench->add_option("--port", "only this port (repeatable)")
        ->check(CLI::Range(1, 65535))
        ->each([&](const std::string& text) { arguments.options.ports.insert(std::atoi(text.c_str())); })
        ->take_all();
    bench->add_option("--messages", arguments.bench.messages, "messages per port (default 20)")
        ->check(CLI::Range(1, 10000));
    bench
        ->add_option(
            "--max-messages", arguments.options.max_messages, "messages per port and run (not for loopback)")
        ->check(CLI::Range(0, 1000000));
    add_output(*bench, arguments, formats, paths);
    bench->footer("Examples:\n  smtpspec bench\n  smtpspec bench --endpoint my.yaml --messages 50");
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
                const bool json = path->size() > 5 && path->substr(path->size() - 5) == ".json";
                const bool xml = path->size() > 4 && path->substr(path->size() - 4) == ".xml";
                OutputRequest request;
                request.format = json  ? report::Format::json
                                 : xml ? report::Format::junit
                                       : report::Format::terminal;
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
    std::cerr << "smtpspec: " << what << "\nRun with --help for more information.\n";
    return ParseOutcome{std::nullopt, 2};
}

}  // namespace

ParseOutcome parse_arguments(int argc, const char* const* argv) {
    Arguments arguments;
    std::vector<std::string> formats, paths;
    CLI::App app("smtpspec: SMTP conformance and diagnostics, over the five submission ports", "smtpspec");
    app.set_version_flag("--version", std::string("smtpspec ") + run::version);
    app.require_subcommand(1);
    add_run(app, arguments, formats, paths);
    add_mock(app, arguments);
    add_small_commands(app, arguments, formats, paths);
    app.footer("smtpspec COMMAND --help shows examples. Start with: smtpspec run");
    int count = argc;
    for (int i = 1; i < argc; ++i) {
        if (std::string(argv[i]) == "--") {
            arguments.mock.command.assign(argv + i + 1, argv + argc);
            count = i;
            break;
        }
    }
    if (const std::string wrong = wrong_words(commands_of(app), count, argv); !wrong.empty()) {
        return refuse(wrong);
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
