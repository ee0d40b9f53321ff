#include "harness/cli/output.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "harness/cli/output_file.hpp"

namespace smtpspec::cli {

namespace {

/// Somewhere else, when the place asked for is full. "" when that failed as well.
std::string rescue(const std::string& text) {
    const char* folder = std::getenv("TMPDIR");
    std::string path =
        std::string(folder != nullptr && *folder != '\0' ? folder : "/tmp") + "/smtpspec-result-XXXXXX";
    const int descriptor = ::mkstemp(path.data());
    if (descriptor < 0) {
        return {};
    }
    ::close(descriptor);
    return write_file(path, text).empty() ? path : "";
}

int terminal_width() {
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 60) {
        return std::min<int>(size.ws_col, 120);
    }
    return 80;
}

bool to_standard_output(const std::string& text) {
    return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
}

bool write_one(const Arguments& arguments, const OutputRequest& request, const run::Result& result) {
    const std::string text = report::render(request.format, result, render_options(arguments, request.path));
    if (request.path.empty() || request.path == "-") {
        if (to_standard_output(text)) {
            return true;
        }
        say("smtpspec: standard output could not be written: {}\n", std::strerror(errno));
    } else {
        const std::string problem = write_file(request.path, text);
        if (problem.empty()) {
            return true;
        }
        say("smtpspec: {} could not be written: {}\n", request.path, problem);
    }
    keep_elsewhere(report::render_json(result),
                   "The whole result is kept in {0}; render it with: smtpspec report {0}");
    return false;
}

}  // namespace

void keep_elsewhere(const std::string& text, const std::string& told) {
    const std::string kept = rescue(text);
    say("  {}\n",
        kept.empty() ? "It could not be kept elsewhere either. Free some space, or set TMPDIR."
                     : fmt::format(fmt::runtime(told), kept));
}

bool write_text(const std::string& path, const std::string& text) {
    if (path.empty() || path == "-") {
        return print(text);
    }
    const std::string problem = write_file(path, text);
    if (!problem.empty()) {
        say("smtpspec: {} could not be written: {}\n", path, problem);
    }
    return problem.empty();
}

report::RenderOptions render_options(const Arguments& arguments, const std::string& path) {
    report::RenderOptions options;
    const char* no_color = std::getenv("NO_COLOR");
    const bool on_terminal = (path.empty() || path == "-") && ::isatty(STDOUT_FILENO) == 1;
    const bool automatic = on_terminal && (no_color == nullptr || *no_color == '\0');
    options.colour = arguments.colour == "always" || (arguments.colour == "auto" && automatic)
                         ? report::Colour::yes
                         : report::Colour::no;
    options.width = on_terminal ? terminal_width() : 80;
    return options;
}

void say_text(std::string_view text) {
    [[maybe_unused]] const std::size_t written = std::fwrite(text.data(), 1, text.size(), stderr);
    std::fflush(stderr);
}

bool print(const std::string& text) {
    if (to_standard_output(text)) {
        return true;
    }
    if (errno != EPIPE) {  // who closed a pipe has seen enough
        say("smtpspec: standard output could not be written: {}\n", std::strerror(errno));
    }
    return false;
}

bool write_reports(const Arguments& arguments, const run::Result& result) {
    bool all = true;
    for (const OutputRequest& request : arguments.outputs) {
        all = write_one(arguments, request, result) && all;
    }
    return all;
}

std::function<void(const std::string&)> progress_line() {
    using Clock = std::chrono::steady_clock;
    const bool terminal = ::isatty(STDERR_FILENO) == 1;
    auto last = std::make_shared<Clock::time_point>(Clock::now());
    return [terminal, last](const std::string& text) {
        const auto now = Clock::now();
        const auto pause = terminal ? std::chrono::milliseconds(100) : std::chrono::milliseconds(5000);
        if (now - *last < pause) {
            return;
        }
        *last = now;
        say("{}{}{}", terminal ? "\r\033[K" : "", text, terminal ? "" : "\n");
    };
}

run::Progress progress_on_stderr() {
    const auto show = progress_line();
    return [show](const run::Cell& cell, std::size_t done, std::size_t of) {
        show(fmt::format("{}/{} cells  {}", done, of, cell.scenario));
    };
}

void end_progress() {
    if (::isatty(STDERR_FILENO) == 1) {
        say("\r\033[K");
    }
}

}  // namespace smtpspec::cli
