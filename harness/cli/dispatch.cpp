#include <csignal>
#include <cstdio>
#include <exception>

#include <fmt/format.h>

#include "harness/cli/commands.hpp"
#include "harness/cli/descriptors.hpp"
#include "harness/cli/output.hpp"

namespace smtpspec::cli {

namespace {

int dispatch(const Arguments& arguments) {
    using Command = int (*)(const Arguments&);
    static const std::pair<const char*, Command> commands[] = {{"run", run_command},
                                                               {"selftest", selftest_command},
                                                               {"mock", mock_command},
                                                               {"bench", bench_command},
                                                               {"compare", compare_command},
                                                               {"merge", merge_command},
                                                               {"waive", waive_command},
                                                               {"report", report_command},
                                                               {"list", list_command},
                                                               {"show", show_command},
                                                               {"lint", lint_command}};
    for (const auto& [name, command] : commands) {
        if (arguments.command == name) {
            return command(arguments);
        }
    }
    return 2;
}

}  // namespace

int main_command(int argc, const char* const* argv) {
    std::signal(SIGPIPE, SIG_IGN);  // a reader that goes away is an error of write(), not our death
    prepare_descriptors();
    const ParseOutcome parsed = parse_arguments(argc, argv);
    if (!parsed.arguments) {
        return parsed.exit_code;
    }
    try {
        return dispatch(*parsed.arguments);
    } catch (const std::exception& bug) {
        say("smtpspec: internal error: {}\nThis is a bug of smtpspec; please report it with the "
            "command line.\n",
            bug.what());
        return 3;
    }
}

}  // namespace smtpspec::cli
