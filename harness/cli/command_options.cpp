#include "harness/cli/command_options.hpp"

#include <CLI/CLI.hpp>

#include "harness/cli/option_values.hpp"

namespace smtpspec::cli {

namespace {

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
        .add_option("--format",
                    words.formats,
                    "terminal, json, junit or html; repeatable, all but one with --output behind it")
        ->option_text("FORMAT ...")
        ->check(CLI::IsMember({"terminal", "json", "junit", "html"}));
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

void add_run(CLI::App& app, ParsedWords& words) {
    Arguments& arguments = words.arguments;
    CLI::App& run =
        *app.add_subcommand("run", "the matrix: scenarios against an endpoint, on each of its ports");
    add_endpoint(run, arguments, "do not log in; wrong logins are still tried (--max-bad-logins 0: none)");
    add_filters(run, arguments);
    add_conduct(run, arguments);
    add_output(run, words);
    run.add_option(
        "--waivers", arguments.options.waivers_file, "what is known to be wrong, with reasons (YAML)");
    add_message_limit(run, arguments);
    run.add_option("--max-bad-logins",
                   arguments.options.max_bad_logins,
                   "wrong logins per port and run (not for loopback)")
        ->check(CLI::Range(0, 1000000));
    run.add_option("--retries", arguments.options.retries, "run inconclusive cells again so often")
        ->check(CLI::Range(0, 10));
    run.add_flag("--plan", arguments.plan_only, "say what would be done, send nothing");
    run.add_option_function<std::string>(
        "--allow-inconclusive",
        [&](const std::string& text) { arguments.allow_inconclusive = parse_share(text); },
        "share of inconclusive cells that is no failure, e.g. 2%");
    run.footer(
        "Examples:\n"
        "  smtpspec run                             embedded server, reference client\n"
        "  smtpspec run mail.example.org --no-auth  a server nobody prepared\n"
        "  RESEND_API_KEY=re_... smtpspec run resend\n"
        "                                           a hosted provider, five ports\n"
        "  smtpspec run --endpoint my.yaml --only 'starttls.*' --port 587\n"
        "  smtpspec run --format terminal --format json --output result.json\n"
        "\nExit code: 0 good, 1 something is wrong, 2 usage, 3 our own error, 4 unreachable, 5 inconclusive, "
        "77 nothing judged, 130 interrupted");
}

/// What the scripted server does, besides its account and addresses.
void add_mock_conduct(CLI::App& command, MockArguments& mock) {
    command.add_option(
        "--fault", mock.faults, "a rule, e.g. 'on MAIL first 2 -> \"451 4.7.1 try later\"' (repeatable)");
    command.add_option("--faults", mock.fault_files, "a file of rules, one per line (repeatable)");
    command.add_option(
        "--scenario", mock.scenario, "play the server of this client scenario, e.g. 'client-auth.fail.535'");
    command.add_option(
        "--defect", mock.defects, "a wrong turn of the server (repeatable; smtpspec list --defects)");
    command.add_option("--profile", mock.profile, "names, limits and replies of this endpoint profile");
    command.add_option_function<std::string>(
        "--chaos",
        [&mock](const std::string& text) { mock.chaos = parse_chaos(text); },
        "share of commands that go wrong at random, 0..1");
}

void add_mock(CLI::App& app, Arguments& arguments) {
    MockArguments& mock = arguments.mock;
    CLI::App& command = *app.add_subcommand(
        "mock", "the scripted server on five ports, until interrupted or while a command runs");
    add_mock_conduct(command, mock);
    command.add_option("--ca-out", mock.ca_out, "write the CA certificate (PEM) here");
    command.add_option(
        "--ready-file", mock.ready_file, "written when all ports accept: host, ports, user, files as JSON");
    command.add_option(
        "--maildir", mock.maildir, "keep what was accepted as files in this folder (new/, cur/, tmp/)");
    command.add_flag(
        "--discard", mock.discard, "count messages and forget them, for loads; the count is told at the end");
    command.add_flag("--no-log", mock.no_log, "no line per session event");
    command.add_option("--listen", mock.listen, "address to bind (default 127.0.0.1)");
    auto* real = command.add_flag(
        "--real-ports", mock.real_ports, "bind 25, 465, 587, 2465 and 2587 (default: 10025 ... 12587)");
    command.add_flag("--ephemeral", mock.ephemeral, "bind free ports (always so with a command)")
        ->excludes(real);
    auto* no_auth = command.add_flag(
        "--no-auth", mock.no_auth, "as an MX does: no AUTH is offered, and mail needs neither login nor TLS");
    auto* certificate = command.add_option(
        "--cert", mock.certificate, "show this certificate (PEM, the leaf first) in place of the test CA's");
    auto* key = command.add_option("--key", mock.key, "its private key (PEM)")->needs(certificate);
    certificate->needs(key);
    command.add_option("--user", mock.user, "user name of the account (default: tester, or the profile's)")
        ->excludes(no_auth);
    command
        .add_option("--password-env",
                    mock.password_env,
                    "take the account's password from this variable (default: one is made)")
        ->excludes(no_auth);
    add_seed(command, arguments, "seed of chance() and --chaos");
    command.add_option("--scenarios", arguments.scenarios_dir, "a folder with more scenarios");
    command.footer(
        "Examples:\n"
        "  smtpspec mock --ca-out ca.pem\n"
        "  smtpspec mock --fault 'on RCPT first -> \"450 4.2.1 later\"' -- ./my-test-suite\n"
        "  smtpspec mock --defect keep-plaintext-after-starttls --ready-file ready.json\n"
        "\nWith a command (mock [OPTIONS] -- CMD ...): SMTPSPEC_HOST, SMTPSPEC_PORT_25 ... "
        "SMTPSPEC_PORT_2587, SMTPSPEC_USER, SMTPSPEC_PASSWORD_FILE and SMTPSPEC_CA_FILE are in its "
        "environment. The exit code is the command's; when that is 0 and there is a --scenario: 1 when the "
        "client failed it, 5 when it could not be judged.");
}

void add_selftest(CLI::App& app, ParsedWords& words) {
    CLI::App& selftest = *app.add_subcommand("selftest", "every scenario against good and bad model peers");
    add_filters(selftest, words.arguments);
    add_conduct(selftest, words.arguments);
    add_output(selftest, words);
    selftest.add_flag("--mutate",
                      words.arguments.mutate,
                      "turn each non-pass outcome into pass, one at a time: somebody must notice");
    selftest.footer(
        "Examples:\n  smtpspec selftest\n  smtpspec selftest --only 'starttls.inject.*' --mutate\n  smtpspec "
        "selftest --scenarios my-scenarios/");
}

void add_list(CLI::App& app, Arguments& arguments) {
    CLI::App& list = *app.add_subcommand("list", "the scenarios");
    add_filters(list, arguments);
    list.add_option("--format", arguments.list_format, "text or json")
        ->option_text("FORMAT")
        ->check(CLI::IsMember({"text", "json"}));
    list.add_flag("--defects", arguments.list_defects, "the named defects of the model peers instead");
    list.footer(
        "Examples:\n  smtpspec list --side server\n  smtpspec list --format json\n  smtpspec list --defects");
}

void add_files(CLI::App& app, ParsedWords& words) {
    Arguments& arguments = words.arguments;
    CLI::App& show =
        *app.add_subcommand("show", "head and script of a scenario, with its start state written out");
    show.add_option("id", arguments.operands, "scenario id")->required();
    show.add_option("--scenarios", arguments.scenarios_dir, "a folder with more scenarios");
    show.footer("Example:\n  smtpspec show starttls.inject.command-same-segment");

    CLI::App& lint = *app.add_subcommand("lint", "mistakes in scenario files, all at once");
    lint.add_option("file", arguments.operands, "scenario files; none: the built-in ones");
    lint.footer("Example:\n  smtpspec lint my-scenarios/*.smtp");

    CLI::App& report = *app.add_subcommand("report", "render a result document again");
    report.add_option("result", arguments.operands, "a file that run wrote with --format json")->required();
    add_output(report, words);
    report.footer("Example:\n  smtpspec report result.json --format junit --output junit.xml");
}

/// "500", "500/s".
std::string without_per_second(std::string text) {
    if (text.ends_with("/s")) {
        text.resize(text.size() - 2);
    }
    return text;
}

void add_load(CLI::App& bench, BenchArguments& load) {
    const std::map<std::string, double> seconds = {
        {"ms", 0.001}, {"s", 1}, {"m", 60}, {"min", 60}, {"h", 3600}};
    const std::string group = "Load (any of these brings one)";
    bench.add_option("--connections", load.connections, "connections at once on each port")
        ->check(CLI::Range(1, 20000))
        ->group(group);
    bench
        .add_option("--rate",
                    load.rate,
                    "open loop: so many messages a second begin, whether earlier ones are done or not; "
                    "times count from when a message was due")
        ->transform(without_per_second)
        ->check(CLI::Range(0.001, 1e6))
        ->group(group);
    bench
        .add_option(
            "--duration", load.duration, "so long per port, e.g. 30s, 5m, 1h (default with --rate: 10s)")
        ->transform(CLI::AsNumberWithUnit(seconds, CLI::AsNumberWithUnit::CASE_INSENSITIVE, "TIME"))
        ->check(CLI::Range(0.01, 7 * 86400.0))
        ->group(group);
    bench
        .add_option("--messages-per-connection",
                    load.messages_per_connection,
                    "before QUIT (default 1; 0: as many as there are)")
        ->check(CLI::Range(0, 1000000))
        ->group(group);
    bench.add_option("--size", load.size, "of a message, e.g. 512, 10k, 1m (default: a short text)")
        ->transform(CLI::AsSizeValue(false))
        ->check(CLI::Range(std::int64_t{1}, std::int64_t{100} * 1024 * 1024))
        ->group(group);
    bench.add_option("--recipients", load.recipients, "of each message")
        ->check(CLI::Range(1, 1000))
        ->group(group);
    bench
        .add_flag(
            "--pipelining", load.pipelining, "MAIL, RCPT and DATA in one write, where the server offers it")
        ->group(group);
    bench.add_flag("--tls-resumption", load.tls_resumption, "resume the TLS sessions of earlier connections")
        ->group(group);
    bench.add_option("--warmup", load.warmup, "messages per port that go before and do not count")
        ->check(CLI::Range(0, 1000000))
        ->group(group);
    bench.add_option("--threads", load.threads, "of the load generator (default 1)")
        ->check(CLI::Range(1, 256))
        ->group(group);
    bench
        .add_flag("--i-may-load-this-host",
                  load.may_load,
                  "for a server elsewhere; the profile's pace and budget hold all the same")
        ->group(group);
}

void add_bench(CLI::App& app, ParsedWords& words) {
    Arguments& arguments = words.arguments;
    CLI::App& bench = *app.add_subcommand("bench", "latency per stage, port by port; with or without a load");
    add_endpoint(bench, arguments, "do not log in");
    add_ports(bench, arguments);
    bench
        .add_option("--messages",
                    arguments.bench.messages,
                    "messages per port (default: 100 against the embedded server, else 20; of a load 1000)")
        ->check(CLI::Range(1, 100000000));
    bench.add_flag_callback(
        "--no-calibration",
        [&arguments] { arguments.bench.calibrate = false; },
        "do not measure the embedded server in between, which tells how fast this machine is");
    add_load(bench, arguments.bench);
    add_message_limit(bench, arguments);
    add_output(bench, words);
    bench.footer(
        "Examples:\n"
        "  smtpspec bench                            embedded server, five ports\n"
        "  smtpspec bench --endpoint my.yaml --messages 50\n"
        "  smtpspec bench --connections 10 --messages 5000 --port 587\n"
        "  smtpspec bench --endpoint my.yaml --rate 200/s --duration 30s --port 465");
}

void add_compare(CLI::App& app, ParsedWords& words) {
    CompareArguments& compare = words.arguments.compare;
    CLI::App& command = *app.add_subcommand("compare", "did latency get worse between two results of bench?");
    command.add_option("OLD", compare.old_path, "what bench wrote with --format json")->required();
    command.add_option("NEW", compare.new_path, "the same, later")->required();
    command
        .add_option_function<std::string>(
            "--threshold",
            [&compare](const std::string& text) { compare.threshold = parse_threshold(text); },
            "a change has to be larger to count (default 10%)")
        ->option_text("PERCENT");
    command.add_option("--resolution", compare.resolution_us, "and larger than this time (default 75us)")
        ->option_text("TIME")
        ->transform(CLI::AsNumberWithUnit(
            std::map<std::string, std::int64_t>{{"us", 1}, {"ms", 1000}, {"s", 1000000}},
            CLI::AsNumberWithUnit::UNIT_REQUIRED,
            "TIME"));
    command.add_flag("--all", compare.all, "show what is the same, too");
    command
        .add_option_function<std::string>(
            "--baseline-missing",
            [&compare](const std::string& word) { compare.baseline_may_miss = word == "ok"; },
            "ok: without OLD end with 0 and a notice (the first run of a gate); default: error")
        ->option_text("ok|error")
        ->check(CLI::IsMember({"ok", "error"}));
    add_output(command, words);
    command.footer(
        "Exit code 1 only for a stage that is slower for certain and by more than the threshold.\n\n"
        "Examples:\n"
        "  smtpspec compare monday.json friday.json\n"
        "  smtpspec compare old.json new.json --threshold 25% --all\n"
        "  smtpspec compare baseline.json new.json --baseline-missing=ok");
}

}  // namespace

void add_commands(CLI::App& app, ParsedWords& words) {
    add_run(app, words);
    add_mock(app, words.arguments);
    add_selftest(app, words);
    add_list(app, words.arguments);
    add_files(app, words);
    add_bench(app, words);
    add_compare(app, words);
}

}  // namespace smtpspec::cli
