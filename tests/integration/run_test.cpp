#include <gtest/gtest.h>

#include <fstream>

#include <nlohmann/json.hpp>

#include "harness/run/runner.hpp"
#include "harness/run/selftest.hpp"
#include "protocol/smtp/base64.hpp"

namespace smtpspec::run {
namespace {

Catalog built_in() {
    auto catalog = Catalog::load("");
    EXPECT_TRUE(catalog) << (catalog ? "" : catalog.error());
    return std::move(*catalog);
}

RunOptions only(std::vector<std::string> filters) {
    RunOptions options;
    options.only = std::move(filters);
    return options;
}

Result run_embedded(const RunOptions& options, std::string* password = nullptr) {
    const Catalog catalog = built_in();
    const auto context = embedded_context(options);
    if (password != nullptr) {
        *password = context->password;
    }
    return execute(*context, catalog, plan_run(*context, catalog), {}, {});
}

TEST(EmbeddedRun, EveryCellOfTheModelPeersPassesOrIsUnsupported) {
    const Result result = run_embedded(
        only({"starttls.*", "auth.fail.*", "client-starttls.strip.*", "client-queue.ratelimit.mail*"}));
    EXPECT_GT(result.cells.size(), 100U);
    for (const Cell& cell : result.cells) {
        EXPECT_TRUE(cell.verdict == Verdict::Pass || cell.verdict == Verdict::Unsupported)
            << cell.name() << " on port " << cell.port << ": " << script::to_string(cell.verdict) << " "
            << cell.reason;
    }
    EXPECT_EQ(exit_code(result, 0), 0);
}

TEST(EmbeddedRun, TheFiveColumnsAreThere) {
    const Result result = run_embedded(only({"auth.fail.wrong-password", "client-implicit.*"}));
    std::set<int> ports;
    for (const Cell& cell : result.cells) {
        ports.insert(cell.port);
    }
    EXPECT_EQ(ports, (std::set<int>{25, 465, 587, 2465, 2587}));
}

TEST(EmbeddedRun, ThePasswordIsNowhereInTheResult) {
    std::string password;
    const Result result = run_embedded(only({"auth.*", "sasl.*", "client-auth.*"}), &password);
    const std::string document =
        to_json(result).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    ASSERT_GT(password.size(), 15U);
    EXPECT_EQ(document.find(password), std::string::npos);
    EXPECT_EQ(document.find(smtp::hex_encode(password)), std::string::npos);
    for (std::size_t shift = 0; shift < 3; ++shift) {
        const std::string inner = smtp::base64_encode(std::string(shift, 'x') + password).substr(4, 12);
        EXPECT_EQ(document.find(inner), std::string::npos) << "alignment " << shift;
    }
}

TEST(Selftest, GoodPeersPassBadPeersAreCaughtAndMutationsAreNoticed) {
    const Catalog catalog = built_in();
    const auto context = embedded_context(only({"starttls.inject.*",
                                                "starttls.state.*",
                                                "auth.fail.wrong-password",
                                                "client-starttls.inject.*",
                                                "client-auth.fail.*"}));
    const SelftestReport report = selftest(*context, catalog, Mutate::yes, {});
    for (const auto& failure : report.failures) {
        ADD_FAILURE() << failure.scenario << ": " << failure.what;
    }
    for (const auto& mutant : report.surviving) {
        ADD_FAILURE() << mutant.scenario << ": " << mutant.what;
    }
    EXPECT_GT(report.bad_cells, 50);
    EXPECT_GT(report.mutations, 10);
}

TEST(Selftest, AScenarioThatCannotFailIsCaught) {
    const Catalog catalog = built_in();
    const auto good = catalog.find("auth.fail.wrong-password");
    ASSERT_TRUE(good);
    std::string text(good->source->text());
    const std::string bad = "235 => accepted";
    ASSERT_NE(text.find(bad), std::string::npos);
    text.replace(text.find(bad), bad.size(), "235 => refused ");
    const std::string path = testing::TempDir() + "auth.fail.wrong-password.smtp";
    std::ofstream(path) << text;
    auto changed = Catalog::from_files({path});
    ASSERT_TRUE(changed) << changed.error();
    const auto context = embedded_context(RunOptions{});
    EXPECT_FALSE(selftest(*context, *changed, Mutate::no, {}).green());
}

Cell cell_with(Verdict verdict, std::string cause = {}) {
    Cell cell;
    cell.verdict = verdict;
    cell.error_kind = std::move(cause);
    return cell;
}

TEST(ExitCode, IsTheFirstThatApplies) {
    struct Case {
        std::vector<Cell> cells;
        bool interrupted;
        int code;
    };
    const std::vector<Case> cases = {
        {{cell_with(Verdict::Pass)}, false, 0},
        {{cell_with(Verdict::Pass),
          cell_with(Verdict::Warn),
          cell_with(Verdict::Tolerated),
          cell_with(Verdict::Skipped)},
         false,
         0},
        {{cell_with(Verdict::Fail), cell_with(Verdict::Error)}, false, 3},
        {{cell_with(Verdict::Fail)}, true, 130},
        {{cell_with(Verdict::Fail), cell_with(Verdict::Inconclusive, "unreachable")}, false, 1},
        {{cell_with(Verdict::Vulnerable)}, false, 1},
        {{cell_with(Verdict::Pass), cell_with(Verdict::Inconclusive, "died")}, false, 4},
        {{cell_with(Verdict::Pass), cell_with(Verdict::Inconclusive)}, false, 5},
        {{cell_with(Verdict::Skipped), cell_with(Verdict::Unsupported)}, false, 77},
        {{}, false, 77},
    };
    for (const Case& one : cases) {
        Result result;
        result.cells = one.cells;
        result.interrupted = one.interrupted;
        EXPECT_EQ(exit_code(result, 0), one.code);
    }
}

TEST(Waivers, AWaivedFailureIsNoLongerRedAndAnUnexpectedPassIs) {
    const auto waivers = load_waivers("waivers:\n  - {id: 'a.*', verdict: fail, reason: known}\n", "w.yaml");
    ASSERT_TRUE(waivers) << waivers.error();
    Result result;
    result.cells = {cell_with(Verdict::Fail), cell_with(Verdict::Pass)};
    result.cells[0].scenario = "a.one";
    result.cells[1].scenario = "b.one";
    apply_waivers(*waivers, result.cells);
    EXPECT_EQ(exit_code(result, 0), 0);
    result.cells[1].scenario = "a.two";
    apply_waivers(*waivers, result.cells);
    EXPECT_EQ(exit_code(result, 0), 0);
    result.cells[0].verdict = Verdict::Pass;
    apply_waivers(*waivers, result.cells);
    EXPECT_TRUE(result.cells[1].unexpected_pass);
    EXPECT_EQ(exit_code(result, 0), 1);
}

TEST(Catalogue, EveryDefectOfASelftestExistsAndEveryScenarioLints) {
    const Catalog catalog = built_in();
    for (const auto& scenario : catalog.scenarios()) {
        const auto found = script::lint(*scenario, lint_vocabulary());
        EXPECT_FALSE(found.has_errors()) << found.render();
    }
}

}  // namespace
}  // namespace smtpspec::run
