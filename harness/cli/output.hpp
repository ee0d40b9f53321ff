#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "harness/cli/arguments.hpp"
#include "harness/run/result.hpp"
#include "harness/run/schedule.hpp"

namespace smtpspec::cli {

/// Text to standard error as far as it goes there: a pager that was closed, a terminal that is gone or a full
/// disk never costs a result.
void say_text(std::string_view text);

/// A message to standard error, formatted as fmt::format does.
template <typename... Values>
void say(fmt::format_string<Values...> text, Values&&... values) {
    say_text(fmt::format(text, std::forward<Values>(values)...));
}

/// Writes all reports asked for. A report that cannot be written (full disk, no such folder) gives a message
/// with the path and the system's reason; the result document is then kept in the folder for temporary files,
/// so that nothing is lost. False: something could not be written (exit 3).
bool write_reports(const Arguments& arguments, const run::Result& result);

/// Keeps what could not be written where it was asked for in the folder for temporary files, and says so on
/// standard error: `told` with the path for {0}.
void keep_elsewhere(const std::string& text, const std::string& told);

/// Text to a file, or to standard output when `path` is empty or "-"; false, with a message, when that
/// failed.
bool write_text(const std::string& path, const std::string& text);

/// Text to standard output; false when it could not be written.
bool print(const std::string& text);

/// Colours: --color, else NO_COLOR, else whether standard output is a terminal.
report::RenderOptions render_options(const Arguments& arguments, const std::string& path);

/// Shows a line of progress on standard error, at most ten times a second on a terminal, every five seconds
/// in a pipe.
std::function<void(const std::string&)> progress_line();
/// Shows progress on standard error: one line that changes on a terminal, a plain line now and then in a
/// pipe.
run::Progress progress_on_stderr();
/// Ends the line that changes.
void end_progress();

}  // namespace smtpspec::cli
