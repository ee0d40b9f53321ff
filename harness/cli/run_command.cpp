#include <fmt/format.h>

#include "harness/cli/commands.hpp"
#include "harness/cli/compare_input.hpp"
#include "harness/cli/interrupt.hpp"
#include "harness/cli/load.hpp"
#include "harness/cli/option_values.hpp"
#include "harness/cli/output.hpp"
#include "harness/run/input_file.hpp"
#include "harness/run/runner.hpp"

namespace smtpspec::cli {

namespace {

/// How long each cell took in the result that --balance names. The error is a sentence.
tl::expected<std::map<std::string, std::int64_t>, std::string> earlier_times(const std::string& path) {
    std::map<std::string, std::int64_t> times;
    if (path.empty()) {
        return times;
    }
    const auto input = read_compare_input(path, "--balance");
    if (!input) {
        return tl::make_unexpected(input.error());
    }
    if (!input->verdicts) {
        return tl::make_unexpected(path + " is a result of bench; --balance takes one of run");
    }
    for (const run::Cell& cell : input->verdicts->cells) {
        times[run::shard_key(cell.name(), cell.port)] = cell.duration_us;
    }
    return times;
}

/// The options that one cell's command needs besides --only and --port.
run::Rerun rerun_options(const Arguments& arguments) {
    run::Rerun options;
    if (!arguments.endpoint.empty()) {
        options.emplace_back(arguments.endpoint_is_file ? "--endpoint" : "endpoint", arguments.endpoint);
    }
    if (!arguments.options.ca_file.empty()) {
        options.emplace_back("--ca", arguments.options.ca_file);
    }
    if (!arguments.scenarios_dir.empty()) {
        options.emplace_back("--scenarios", arguments.scenarios_dir);
    }
    if (arguments.options.no_auth) {
        options.emplace_back("--no-auth", "");
    }
    if (arguments.options.slow) {
        options.emplace_back("--slow", "");
    }
    if (arguments.options.intrusive) {
        options.emplace_back("--intrusive", "");
    }
    for (const auto& rule : arguments.options.connect_to) {
        options.emplace_back("--connect-to", connect_to_text(rule));
    }
    return options;
}

/// What a profile would add (for an endpoint that nobody prepared).
void add_profile_hint(const run::RunContext& context, run::Result& result) {
    if (context.embedded() || !context.profile.user.empty() || !context.profile.to.empty()) {
        return;
    }
    result.notices.push_back(
        "no profile: scenarios that need a login, a recipient or a mailbox were skipped; a profile "
        "(docs/endpoints.md) with "
        "auth and envelope adds them");
}

}  // namespace

int run_command(const Arguments& arguments) {
    auto catalog = load_catalog(arguments);
    if (!catalog) {
        return 2;
    }
    const auto waivers = load_waivers_of(arguments);
    if (!waivers) {
        say("smtpspec: {}\n", waivers.error());
        return 2;
    }
    if (!filters_fit(*catalog, arguments)) {
        return 2;
    }
    auto times = earlier_times(arguments.balance_path);
    if (!times) {
        say("smtpspec: {}\n", times.error());
        return 2;
    }
    int exit_code = 2;
    std::unique_ptr<run::RunContext> context = arguments.endpoint.empty() ? embedded_endpoint(arguments)
                                               : arguments.plan_only
                                                   ? foreign_endpoint(arguments, *catalog, exit_code)
                                                   : foreign_endpoint_or_none(arguments, *catalog, exit_code);
    if (!context) {
        return exit_code;
    }
    if (context->options.shard && context->surroundings == run::Surroundings::remote) {
        say("smtpspec run: --shard is for the embedded server and for servers on this machine without pace "
            "and budget. Each "
            "part would look at {} and log in for itself, so that connections, logins and repeats were "
            "multiplied by "
            "the number of parts.\n",
            context->profile.host);
        return 2;
    }
    context->options.earlier_times = std::move(*times);
    const run::Plan plan = run::plan_run(*context, *catalog);
    if (arguments.plan_only) {
        return print(run::describe_plan(*context, plan)) ? 0 : 3;
    }
    const InterruptGuard guard(context->interrupted);
    run::Result result = run::execute(*context, *catalog, plan, *waivers, progress_on_stderr());
    end_progress();
    result.command = arguments.shown;
    result.rerun = rerun_options(arguments);
    add_profile_hint(*context, result);
    const bool written = write_reports(arguments, result);
    const int code = context->unresolved.empty() ? run::exit_code(result, arguments.allow_inconclusive) : 4;
    return written ? code : 3;
}

}  // namespace smtpspec::cli
