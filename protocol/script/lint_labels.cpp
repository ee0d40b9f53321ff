#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "protocol/script/lint_rules.hpp"
#include "protocol/script/suggest.hpp"

/// Labels and what they lead to: outcomes, verdicts, the self-test.
namespace smtpspec::script {
namespace {

std::vector<std::string> outcome_labels(const Head& head) {
    std::vector<std::string> labels;
    for (const Outcome& outcome : head.outcomes) {
        labels.push_back(outcome.label);
    }
    return labels;
}

void check_goals(const LintInput& in, const std::vector<std::string>& outcomes) {
    std::set<std::string> reported;
    for (const Goal* goal : in.survey.goals) {
        const bool known =
            in.scenario.head.outcome(goal->label) != nullptr || in.survey.asked.count(goal->label) != 0;
        // In a part that could not be read a condition may ask for any label, but hardly for a misspelt one.
        const bool sure = in.script_whole || !did_you_mean(goal->label, outcomes).empty();
        if (!known && sure && !in.reporter.full() && reported.insert(goal->label).second) {
            in.reporter.error(goal->at,
                              goal->label.size(),
                              fmt::format("the label `{}` leads to nothing", goal->label),
                              "a label of `outcomes`, or one that a condition asks for",
                              did_you_mean(goal->label, outcomes));
        }
    }
}

void check_outcomes(const LintInput& in, const std::set<std::string>& reached) {
    const Head& head = in.scenario.head;
    const std::vector<std::string> goals(reached.begin(), reached.end());
    for (const Outcome& outcome : head.outcomes) {
        if (reached.count(outcome.label) == 0) {
            in.reporter.error(outcome.at,
                              outcome.label.size(),
                              fmt::format("the outcome `{}` is never reached", outcome.label),
                              fmt::format("`=> {}` in the script", outcome.label),
                              did_you_mean(outcome.label, goals));
        }
    }
    const bool passes = std::any_of(head.outcomes.begin(), head.outcomes.end(), [&](const Outcome& outcome) {
        return outcome.verdict == Verdict::Pass && reached.count(outcome.label) != 0;
    });
    if (!passes) {
        in.reporter.error(
            head.outcomes_at, 1, "the script cannot reach a `pass`", "a label with the verdict pass");
    }
}

bool is_bad(const Head& head, const SelftestEntry& entry) {
    const Outcome* outcome = head.outcome(entry.label);
    return outcome != nullptr && outcome->verdict != Verdict::Pass;
}

void check_selftest(const LintInput& in, const std::vector<std::string>& outcomes) {
    const Head& head = in.scenario.head;
    const bool server = head.side == Side::Server;
    const std::set<std::string>& defects =
        server ? in.vocabulary.server_defects : in.vocabulary.client_defects;
    for (const SelftestEntry& entry : head.selftest) {
        if (!defects.empty() && defects.count(entry.defect) == 0) {
            in.reporter.error(entry.at,
                              entry.defect.size(),
                              fmt::format("unknown defect `{}` of the {}",
                                          entry.defect,
                                          server ? "faithful server" : "reference client"),
                              {},
                              did_you_mean(entry.defect, {defects.begin(), defects.end()}));
        }
        if (in.outcomes_whole && head.outcome(entry.label) == nullptr) {
            in.reporter.error(entry.label_at,
                              entry.label.size(),
                              fmt::format("`{}` is not an outcome", entry.label),
                              "a label of `outcomes`",
                              did_you_mean(entry.label, outcomes));
        }
    }
    const bool any_bad = std::any_of(
        head.selftest.begin(), head.selftest.end(), [&](const auto& entry) { return is_bad(head, entry); });
    if (in.head_whole && !any_bad) {
        in.reporter.error(head.selftest_at,
                          1,
                          "no defect of `selftest` reaches a bad outcome",
                          "at least one label whose verdict is not pass");
    }
}

/// How bad an outcome can get, for the level of the rule.
void check_level(const LintInput& in) {
    const Head& head = in.scenario.head;
    const bool must = head.level == Level::Must || head.level == Level::MustNot;
    const bool hard = std::any_of(head.outcomes.begin(), head.outcomes.end(), [](const Outcome& outcome) {
        return outcome.verdict == Verdict::Fail || outcome.verdict == Verdict::Vulnerable;
    });
    if (must && !hard && !head.outcomes.empty()) {
        in.reporter.warning(
            head.level_at,
            to_string(head.level).size(),
            fmt::format("a {} whose worst outcome is milder than fail", to_string(head.level)));
    }
}

}  // namespace

void lint_labels(const LintInput& input) {
    std::set<std::string> reached;
    for (const Goal* goal : input.survey.goals) {
        reached.insert(goal->label);
    }
    const std::vector<std::string> outcomes = outcome_labels(input.scenario.head);
    if (input.outcomes_whole) {
        check_goals(input, outcomes);
    }
    if (input.head_whole && input.script_whole) {
        check_outcomes(input, reached);
    }
    check_selftest(input, outcomes);
    if (input.head_whole) {
        check_level(input);
    }
}

}  // namespace smtpspec::script
