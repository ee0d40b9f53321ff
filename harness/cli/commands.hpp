#pragma once

#include "harness/cli/arguments.hpp"

namespace smtpspec::cli {

// One function per subcommand, each in its own file; they print and give the exit code (design.md §6).

int run_command(const Arguments& arguments);
int selftest_command(const Arguments& arguments);
int mock_command(const Arguments& arguments);
int bench_command(const Arguments& arguments);
int compare_command(const Arguments& arguments);
int merge_command(const Arguments& arguments);
int waive_command(const Arguments& arguments);
int report_command(const Arguments& arguments);
int list_command(const Arguments& arguments);
int show_command(const Arguments& arguments);
int lint_command(const Arguments& arguments);

/// Parses, dispatches, and turns an exception that nobody expected into a message and exit 3.
int main_command(int argc, const char* const* argv);

}  // namespace smtpspec::cli
