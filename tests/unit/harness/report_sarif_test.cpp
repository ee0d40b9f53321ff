#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <set>

#include "harness/report/report.hpp"
#include "report_support.hpp"
#include "schema_support.hpp"

namespace smtpspec::report {
namespace {

using nlohmann::json;
using run::Verdict;
using testing::HasSubstr;
using testing::Not;

json document_of(const run::Result& result) { return json::parse(render_sarif(result)); }

json run_of(const run::Result& result) { return document_of(result)["runs"][0]; }

/// What the schema of OASIS has against the report (tests/data/README.md says where it comes from).
std::string complaints(const run::Result& result) {
    return test::schema_complaints("tests/data/sarif-2.1.0.schema.json", document_of(result));
}

run::Result with(const run::Cell& cell) {
    run::Result result;
    result.cells.push_back(cell);
    return result;
}

TEST(SarifReport, IsAsItWas) {
    EXPECT_EQ(test::golden_difference("sarif_mixed.sarif", render_sarif(test::mixed_result())), "");
}

TEST(SarifReport, FitsTheSchemaOfSarif) {
    EXPECT_EQ(complaints(run::Result{}), "");
    EXPECT_EQ(complaints(test::good_result()), "");
    EXPECT_EQ(complaints(test::mixed_result()), "");
    EXPECT_EQ(complaints(test::hostile_result()), "");
}

TEST(SarifSchema, RefusesWhatIsNotSarif) {
    for (const char* pointer : {"/version", "/runs/0/results/0/level", "/runs/0/results/0/message"}) {
        json bad = document_of(test::mixed_result());
        bad[json::json_pointer(pointer)] = "surprise";
        EXPECT_NE(test::schema_complaints("tests/data/sarif-2.1.0.schema.json", bad), "") << pointer;
    }
}

TEST(SarifReport, HasAResultForWhatIsWrongAndNothingElse) {
    struct Row {
        Verdict verdict;
        const char* level;
    };
    const Row rows[] = {{Verdict::Pass, ""},
                        {Verdict::Tolerated, ""},
                        {Verdict::Warn, "warning"},
                        {Verdict::Fail, "error"},
                        {Verdict::Vulnerable, "error"},
                        {Verdict::Unsupported, ""},
                        {Verdict::Skipped, ""},
                        {Verdict::Inconclusive, ""},
                        {Verdict::Error, ""}};
    for (const Row& row : rows) {
        for (const bool waived : {false, true}) {
            run::Cell cell = test::cell("group.name", 25, row.verdict);
            if (waived) {
                cell.waiver = run::WaiverNote{"ticket 4711", "group.*"};
            }
            EXPECT_EQ(complaints(with(cell)), "");
            const json results = run_of(with(cell))["results"];
            ASSERT_EQ(results.size(), *row.level == '\0' ? 0U : 1U) << script::to_string(row.verdict);
            if (!results.empty()) {
                EXPECT_EQ(results[0]["level"], row.level);
                EXPECT_EQ(results[0]["suppressions"].size(), waived ? 1U : 0U);
            }
        }
    }
}

TEST(SarifReport, SuppressesWhatIsWaivedWithTheReason) {
    run::Cell cell = test::cell("group.name", 25, Verdict::Fail);
    cell.waiver = run::WaiverNote{"ticket 4711", "group.*"};
    const json suppression = run_of(with(cell))["results"][0]["suppressions"][0];
    EXPECT_EQ(suppression["kind"], "external");
    EXPECT_EQ(suppression["justification"], "ticket 4711");
}

TEST(SarifReport, CallsAnUnexpectedPassAnErrorThatIsNotSuppressed) {
    run::Cell cell = test::cell("group.name", 25, Verdict::Pass);
    cell.waiver = run::WaiverNote{"ticket 4711", "group.*"};
    cell.unexpected_pass = true;
    const json found = run_of(with(cell))["results"][0];
    EXPECT_EQ(found["level"], "error");
    EXPECT_EQ(found["suppressions"].size(), 0U);
    EXPECT_THAT(found["message"]["text"], HasSubstr("unexpected pass"));
}

TEST(SarifReport, HasOneRuleForTheCellsOfAScenario) {
    const json run = run_of(test::mixed_result());
    const json& rules = run["tool"]["driver"]["rules"];
    std::set<std::string> ids;
    for (const json& rule : rules) {
        EXPECT_TRUE(ids.insert(rule["id"]).second) << rule["id"];
    }
    for (const json& found : run["results"]) {
        EXPECT_EQ(rules[found["ruleIndex"].get<std::size_t>()]["id"], found["ruleId"]);
    }
    EXPECT_EQ(rules[0]["helpUri"], "https://www.rfc-editor.org/rfc/rfc3207#section-4.2");
}

TEST(SarifReport, GivesVulnerableRulesTheSeverityThatGitHubReads) {
    struct Row {
        Verdict verdict;
        const char* severity;
        json number;
    };
    const Row rows[] = {{Verdict::Vulnerable, "critical", "9.5"},
                        {Verdict::Vulnerable, "high", "8.0"},
                        {Verdict::Vulnerable, "medium", "5.5"},
                        {Verdict::Vulnerable, "low", "2.5"},
                        {Verdict::Vulnerable, "info", "0.5"},
                        {Verdict::Vulnerable, "of a later version", "5.5"},
                        {Verdict::Fail, "critical", nullptr},
                        {Verdict::Warn, "high", nullptr}};
    for (const Row& row : rows) {
        run::Cell cell = test::cell("group.name", 25, row.verdict);
        cell.severity = row.severity;
        const json properties = run_of(with(cell))["tool"]["driver"]["rules"][0]["properties"];
        EXPECT_EQ(properties.value("security-severity", json()), row.number) << row.severity;
        EXPECT_EQ(properties["severity"], row.severity);
    }
}

TEST(SarifReport, PointsAtTheScenarioAndItsLine) {
    const json location = run_of(test::mixed_result())["results"][0]["locations"][0];
    EXPECT_EQ(location["physicalLocation"]["artifactLocation"]["uri"],
              "scenarios/starttls/starttls.inject.command-same-segment.smtp");
    EXPECT_EQ(location["physicalLocation"]["region"]["startLine"], 21);
    EXPECT_EQ(location["logicalLocations"][0]["fullyQualifiedName"], "example:25");
    run::Cell cell = test::cell("g/../n n", 0, Verdict::Fail);
    const json odd = run_of(with(cell))["results"][0]["locations"][0];
    EXPECT_EQ(odd["physicalLocation"]["artifactLocation"]["uri"], "scenarios/g%2F/g%2F..%2Fn%20n.smtp");
    EXPECT_EQ(odd["physicalLocation"]["region"]["startLine"], 1);
    EXPECT_EQ(odd["logicalLocations"][0]["fullyQualifiedName"], "example:all ports");
}

std::string fingerprint(const run::Cell& cell) {
    return run_of(with(cell))["results"][0]["partialFingerprints"]["smtpspecCell/v1"];
}

run::Cell failing() {
    run::Cell cell = test::cell("group.name", 25, Verdict::Fail);
    cell.params = {{"a", "1"}, {"b", "2"}};
    cell.outcome = "bad";
    return cell;
}

TEST(SarifReport, HasAFingerprintThatOutlivesARun) {
    // A stored value: a later version must not give old alerts a new identity.
    EXPECT_EQ(fingerprint(failing()), "b1309c1978956a21");
    const std::vector<std::function<void(run::Cell&)>> changes = {
        [](run::Cell& cell) { cell.duration_us = 7; },
        [](run::Cell& cell) { cell.rev = 7; },
        [](run::Cell& cell) { cell.title = "said better"; },
        [](run::Cell& cell) { cell.got = "550 at 12:34:56"; },
        [](run::Cell& cell) { cell.reason = "other words"; },
        [](run::Cell& cell) { cell.labels = {{"bad", 7, 0, 0}}; },
        [](run::Cell& cell) { cell.waiver = run::WaiverNote{"known", "*"}; },
        [](run::Cell& cell) { std::swap(cell.params[0], cell.params[1]); }};
    for (std::size_t i = 0; i < changes.size(); ++i) {
        run::Cell cell = failing();
        changes[i](cell);
        EXPECT_EQ(fingerprint(cell), fingerprint(failing())) << i;
    }
}

TEST(SarifReport, HasAnotherFingerprintForAnotherCellOrOutcome) {
    const std::vector<std::function<void(run::Cell&)>> changes = {
        [](run::Cell& cell) { cell.scenario = "group.other"; },
        [](run::Cell& cell) { cell.params[1].second = "3"; },
        [](run::Cell& cell) { cell.params.pop_back(); },
        [](run::Cell& cell) { cell.endpoint = "elsewhere"; },
        [](run::Cell& cell) { cell.port = 587; },
        [](run::Cell& cell) { cell.outcome = "worse"; },
        [](run::Cell& cell) { cell.verdict = Verdict::Vulnerable; },
        [](run::Cell& cell) {
            cell.side = script::Side::Client;
            cell.client = cell.endpoint;
        }};
    std::set<std::string> prints = {fingerprint(failing())};
    for (std::size_t i = 0; i < changes.size(); ++i) {
        run::Cell cell = failing();
        changes[i](cell);
        EXPECT_TRUE(prints.insert(fingerprint(cell)).second) << i;
    }
}

TEST(SarifReport, SaysHowTheRunEnded) {
    struct Row {
        Verdict verdict;
        bool interrupted;
        int code;
        bool successful;
    };
    const Row rows[] = {{Verdict::Pass, false, 0, true},
                        {Verdict::Fail, false, 1, true},
                        {Verdict::Error, false, 3, false},
                        {Verdict::Inconclusive, false, 5, true},
                        {Verdict::Skipped, false, 77, true},
                        {Verdict::Pass, true, 130, false}};
    for (const Row& row : rows) {
        run::Result result = with(test::cell("group.name", 25, row.verdict));
        result.interrupted = row.interrupted;
        const json invocation = run_of(result)["invocations"][0];
        EXPECT_EQ(invocation["exitCode"], row.code);
        EXPECT_EQ(invocation["executionSuccessful"], row.successful) << row.code;
    }
    const json mixed = run_of(test::mixed_result());
    EXPECT_EQ(mixed["invocations"][0]["startTimeUtc"], "2026-01-02T03:04:05Z");
    EXPECT_EQ(mixed["tool"]["driver"]["version"], "0.0.0");
    EXPECT_FALSE(run_of(test::hostile_result())["invocations"][0].contains("startTimeUtc"));
}

TEST(SarifReport, LetsNobodyPutALinkIntoAMessage) {
    run::Cell cell = test::cell("group.name", 25, Verdict::Fail);
    cell.title = cell.got = "[click](https://evil.example)";
    const std::string text = render_sarif(with(cell));
    const json found = json::parse(text)["runs"][0];
    EXPECT_THAT(found["results"][0]["message"]["text"], HasSubstr("[click] (https://evil.example)"));
    EXPECT_THAT(found["tool"]["driver"]["rules"][0]["shortDescription"]["text"], Not(HasSubstr("](")));
}

}  // namespace
}  // namespace smtpspec::report
