#include "harness/cli/command_options.hpp"

#include <CLI/CLI.hpp>

#include "harness/cli/option_groups.hpp"
#include "harness/cli/option_values.hpp"

namespace smtpspec::cli {

namespace {

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
    add_shard(run, arguments);
    run.add_option("--balance",
                   arguments.balance_path,
                   "an earlier result of run: its times balance the parts of --shard")
        ->option_text("RESULT");
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
    auto* mutate =
        selftest.add_flag("--mutate",
                          words.arguments.mutate,
                          "turn each non-pass outcome into pass, one at a time: somebody must notice");
    selftest
        .add_flag("--by-defect",
                  words.arguments.by_defect,
                  "for each defect of the model server, which server scenarios turn red or warn")
        ->excludes(mutate)
        ->excludes(selftest.get_option("--format"));
    selftest.footer(
        "Examples:\n  smtpspec selftest\n  smtpspec selftest --only 'starttls.inject.*' --mutate\n  smtpspec "
        "selftest --scenarios my-scenarios/\n  smtpspec selftest --by-defect");
}

void add_list(CLI::App& app, Arguments& arguments) {
    CLI::App& list = *app.add_subcommand("list", "the scenarios");
    add_filters(list, arguments);
    list.add_option("--format", arguments.list_format, "text, json or markdown")
        ->option_text("FORMAT")
        ->check(CLI::IsMember({"text", "json", "markdown"}));
    list.add_flag("--defects", arguments.list_defects, "the named defects of the model peers instead");
    list.footer(
        "Examples:\n  smtpspec list --side server\n  smtpspec list --format json\n  smtpspec list --format "
        "markdown  docs/scenarios.md\n  smtpspec list --defects");
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
    report
        .add_option("result",
                    arguments.operands,
                    "a file that run or bench wrote with --format json; merge makes one of several")
        ->required()
        ->expected(1);
    add_output(report, words);
    report.footer(
        "Examples:\n"
        "  smtpspec report result.json --format junit --output junit.xml\n"
        "  smtpspec report result.json --format markdown >>$GITHUB_STEP_SUMMARY");
}

}  // namespace

void add_commands(CLI::App& app, ParsedWords& words) {
    add_run(app, words);
    add_mock(app, words.arguments);
    add_selftest(app, words);
    add_list(app, words.arguments);
    add_files(app, words);
    add_measuring(app, words);
}

}  // namespace smtpspec::cli
