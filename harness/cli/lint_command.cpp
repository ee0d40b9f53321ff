#include <fmt/format.h>

#include <filesystem>

#include "harness/cli/commands.hpp"
#include "harness/cli/output.hpp"
#include "harness/run/catalog.hpp"
#include "harness/run/embedded.hpp"
#include "harness/run/input_file.hpp"
#include "protocol/script/lint.hpp"

namespace smtpspec::cli {

namespace {

/// What a lint run has found so far.
struct LintRun {
    std::vector<script::Scenario> scenarios;
    std::string text;
    std::size_t files = 0, errors = 0, warnings = 0;
};

void add(LintRun& run, const script::Diagnostics& found) {
    run.errors += found.error_count();
    run.warnings += found.warning_count();
    run.text += found.render();
}

void lint_text(LintRun& run,
               const std::string& text,
               const std::string& name,
               const script::LintVocabulary& vocabulary) {
    ++run.files;
    add(run, script::check_scenario(text, name, vocabulary));
    if (auto loaded = script::load_scenario(text, name)) {
        run.scenarios.push_back(std::move(*loaded));
    }
}

bool lint_file(LintRun& lint, const std::string& path, const script::LintVocabulary& vocabulary) {
    if (std::filesystem::is_directory(path)) {
        for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
            if (entry.is_regular_file() && entry.path().extension() == ".smtp" &&
                !lint_file(lint, entry.path().string(), vocabulary)) {
                return false;
            }
        }
        return true;
    }
    const auto text = run::read_input(path, "the scenario file", 8 * run::small_input);
    if (!text) {
        say("smtpspec: {}\n", text.error());
        return false;
    }
    lint_text(lint, *text, path, vocabulary);
    return true;
}

}  // namespace

int lint_command(const Arguments& arguments) {
    const script::LintVocabulary vocabulary = run::lint_vocabulary();
    LintRun run;
    for (const std::string& path : arguments.operands) {
        if (!lint_file(run, path, vocabulary)) {
            return 2;
        }
    }
    if (arguments.operands.empty()) {
        for (const auto& file : smtpspec::run::embedded_files()) {
            if (file.name.size() > 5 && file.name.substr(file.name.size() - 5) == ".smtp") {
                lint_text(run, std::string(file.text), "scenarios/" + std::string(file.name), vocabulary);
            }
        }
    }
    add(run, script::lint_together(run.scenarios));
    run.text += fmt::format("{} files, {} errors, {} warnings\n", run.files, run.errors, run.warnings);
    if (!print(run.text)) {
        return 3;
    }
    return run.errors > 0 ? 2 : 0;
}

}  // namespace smtpspec::cli
