// Scenario files and rules: whatever the text, there is a scenario or a list of located mistakes, and
// everything that is made from a scenario (cells, lint, print) works.
#include <string>

#include "fuzz_support.hpp"
#include "protocol/script/lint.hpp"
#include "protocol/script/print.hpp"
#include "protocol/script/scenario.hpp"

namespace {

using namespace smtpspec::script;
using smtpspec::fuzz::require;

void check(const Diagnostics& diagnostics) {
    for (const Diagnostic& each : diagnostics) {
        require(!each.message.empty() && each.at.line >= 1 && each.at.column >= 1);
    }
    require(diagnostics.empty() == diagnostics.render().empty());
}

void check(const Scenario& scenario) {
    static const LintVocabulary vocabulary = LintVocabulary::standard();
    check(lint(scenario, vocabulary));
    const auto cells = expand_cells(scenario.head);
    require(cells.size() <= max_cells + 1);
    for (size_t i = 0; i < cells.size() && i < 20; ++i) {
        require(filter_matches(parse_cell_filter(cells[i].name()), cells[i]));
        covered_by(scenario.head, cells[i]);
    }
    require(!print_scenario(scenario).empty());
    scenario.passive();
    scenario.slow();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, size_t size) {
    const std::string_view text = smtpspec::fuzz::text_of(data, size);
    if (const auto scenario = load_scenario(text, "fuzz.smtp")) {
        check(*scenario);
    } else {
        require(scenario.error().has_errors());
        check(scenario.error());
    }
    check(check_scenario(text, "fuzz.smtp", LintVocabulary::standard()));
    if (const auto rules = parse_rules(text, "--fault"); !rules) {
        require(rules.error().has_errors());
        check(rules.error());
    }
    return 0;
}
