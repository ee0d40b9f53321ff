#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "harness/run/result.hpp"

namespace smtpspec::report {

/// What a report is made for. The result document is its only input.
enum class Format { terminal, json, junit, markdown, sarif, html };
std::optional<Format> format_from_string(std::string_view word);

enum class Colour { no, yes };

struct RenderOptions {
    Colour colour = Colour::no;
    int width = 80;                    ///< columns of the terminal report; at least 60
    std::string program = "smtpspec";  ///< how the command that runs one cell again begins
};

/// The matrix (a row per group or scenario, a column per port, groups that are all green folded), below it
/// every cell that is not green with its evidence, last the summary. Pure.
std::string render_terminal(const run::Result& result, const RenderOptions& options);
/// The document itself, pretty-printed (docs/result.schema.json).
std::string render_json(const run::Result& result);
/// JUnit XML that Jenkins' schema accepts: error and inconclusive = error; fail, vulnerable = failure;
/// unsupported, skipped and waived = skipped with the reason.
std::string render_junit(const run::Result& result);

/// A page for $GITHUB_STEP_SUMMARY and merge requests: the verdict in words, the matrix as a table, each
/// finding folded with its evidence. At most `longest_markdown` octets: what does not fit is left out and
/// counted.
std::string render_markdown(const run::Result& result, const RenderOptions& options);

/// GitHub takes 1 MiB for the summary of a step, GitLab 1,000,000 characters for a note.
inline constexpr std::size_t longest_markdown = 1'000'000;

/// SARIF 2.1.0: fail, vulnerable and unexpected passes = error, warn = warning, the others absent; waived
/// cells with a suppression. A fingerprint is that of the cell and its outcome, the same in every run.
std::string render_sarif(const run::Result& result);

std::string render(Format format, const run::Result& result, const RenderOptions& options);

/// The command that runs this one cell again.
std::string rerun_command(const run::Result& result, const run::Cell& cell, const std::string& program);

}  // namespace smtpspec::report
