#include <CLI/CLI.hpp>

#include "harness/cli/option_groups.hpp"
#include "harness/cli/option_values.hpp"

/// The options of commands that measure, or read results.
namespace smtpspec::cli {

namespace {

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
    add_shard(bench, arguments);
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
    CLI::App& command =
        *app.add_subcommand("compare", "did anything get worse between two results of run, or of bench?");
    command
        .add_option(
            "OLD", compare.old_path, "what run or bench wrote with --format json, or a folder with both")
        ->required();
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
            "TIME"))
        ->check(CLI::NonNegativeNumber);
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
        "Verdicts: exit code 1 when what was fine is wrong, unknown or no longer offered, or a cell is "
        "gone.\n"
        "Latency: exit code 1 only for a stage that is slower for certain and by more than the threshold.\n\n"
        "Examples:\n"
        "  smtpspec compare monday.json friday.json\n"
        "  smtpspec compare baseline/ results/\n"
        "  smtpspec compare old.json new.json --threshold 25% --all\n"
        "  smtpspec compare baseline.json new.json --baseline-missing=ok");
}

void add_merge(CLI::App& app, ParsedWords& words) {
    CLI::App& command = *app.add_subcommand("merge", "one result of the parts that --shard made");
    command
        .add_option("results",
                    words.arguments.operands,
                    "what each part wrote with --format json; or results of several endpoints")
        ->required();
    command.add_option("--waivers",
                       words.arguments.options.waivers_file,
                       "those of the parts: whether one has nothing left to do, only the whole tells");
    add_output(command, words);
    command.footer(
        "A part that is there twice or is of another run is an error (2); one that is missing or was "
        "interrupted is named (5). Exit code 1: a waiver of --waivers has to go.\n\n"
        "Example:\n  smtpspec merge part-*.json --format json --output whole.json");
}

void add_waive(CLI::App& app, Arguments& arguments) {
    CLI::App& command =
        *app.add_subcommand("waive", "a first file for --waivers, with the reasons left to fill in");
    command.add_option("result", arguments.operands, "a file that run wrote with --format json")
        ->required()
        ->expected(1);
    command.add_option("--output", arguments.waive_path, "where the file goes; default: standard output");
    command.footer("Example:\n  smtpspec waive result.json --output waivers.yaml");
}

}  // namespace

void add_measuring(CLI::App& app, ParsedWords& words) {
    add_bench(app, words);
    add_compare(app, words);
    add_merge(app, words);
    add_waive(app, words.arguments);
}

}  // namespace smtpspec::cli
