#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "protocol/script/lint.hpp"
#include "protocol/script/print.hpp"
#include "protocol/script/scenario.hpp"

namespace {

namespace fs = std::filesystem;
using namespace smtpspec::script;

const fs::path folder = fs::path(SMTPSPEC_SOURCE_DIR) / "tests/unit/script";

std::string read(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

std::vector<fs::path> files(const fs::path& in, const std::string& ending) {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(in)) {
        if (entry.path().extension() == ending) {
            found.push_back(entry.path());
        }
    }
    std::sort(found.begin(), found.end());
    return found;
}

LintVocabulary vocabulary() {
    LintVocabulary words = LintVocabulary::standard();
    words.server_defects = {"some-defect", "defect-one", "defect-two"};
    words.client_defects = words.server_defects;
    return words;
}

/// What a person sees who gives this file to `smtpspec lint`.
std::string messages(const fs::path& path) {
    return check_scenario(read(path), path.filename().string(), vocabulary()).render();
}

TEST(ScenarioMessages, AreThoseOfTheGoldenFiles) {
    const bool renew = std::getenv("SMTPSPEC_RENEW_GOLDEN") != nullptr;
    const auto broken = files(folder / "golden", ".smtp");
    EXPECT_GE(broken.size(), 40U);
    for (const fs::path& path : broken) {
        const std::string got = messages(path);
        const fs::path golden = fs::path(path).replace_extension(".txt");
        if (renew) {
            std::ofstream(golden, std::ios::binary) << got;
        }
        EXPECT_EQ(got, read(golden)) << path;
        EXPECT_FALSE(got.empty()) << path << " has no mistake";
    }
}

TEST(ScenarioMessages, NeverComeForTheExamplesOfTheReference) {
    const auto examples = files(folder / "examples", ".smtp");
    EXPECT_EQ(examples.size(), 14U);
    for (const fs::path& path : examples) {
        const auto scenario = load_scenario(read(path), path.filename().string());
        ASSERT_TRUE(scenario) << scenario.error().render();
        const Diagnostics found = lint(*scenario, LintVocabulary::standard());
        EXPECT_FALSE(found.has_errors()) << found.render();
    }
}

TEST(ScenarioText, IsTheSameTreeAgainWhenItIsParsedAgain) {
    for (const fs::path& path : files(folder / "examples", ".smtp")) {
        const std::string text = read(path);
        const auto first = load_scenario(text, path.filename().string());
        ASSERT_TRUE(first);
        const std::string printed = to_text(first->script);
        const std::size_t head_end = text.find("\n---\n") + 5;
        const auto second = load_scenario(text.substr(0, head_end) + printed, path.filename().string());
        ASSERT_TRUE(second) << second.error().render() << printed;
        EXPECT_EQ(to_text(second->script), printed);
    }
}

TEST(ScenarioText, WritesStartStatesOut) {
    const auto scenario =
        load_scenario(read(folder / "examples/data.eod.only-crlf-dot-crlf.smtp"), "example");
    ASSERT_TRUE(scenario);
    const std::string shown = print_scenario(*scenario);
    EXPECT_NE(shown.find("# data, on a STARTTLS port:\n#   connect\n#   S: 220\n#   C: EHLO ${ehlo}"),
              std::string::npos)
        << shown;
    EXPECT_NE(shown.find("  #   C: DATA\n  #   S: 354\n  reach data"), std::string::npos) << shown;
    const auto again = load_scenario(shown, "example");
    ASSERT_TRUE(again) << again.error().render();
    EXPECT_EQ(to_text(again->script), to_text(scenario->script));
}

TEST(HostileScenario, OfAnySizeEndsInBoundedTime) {
    const std::string head = read(folder / "golden/unused.smtp");
    const std::string begin = head.substr(0, head.find("\n---\n") + 5);
    const std::vector<std::string> scripts = {
        std::string(900'000, '('),
        "check " + std::string(900'000, '['),
        "C| \"" + std::string(900'000, '\\'),
        std::string(900'000, '{'),
        std::string(900'000, '\n') + "|",
        std::string(900'000, '|'),
        "C: " + std::string(900'000, ' '),
        "S: " + std::string(900'000, '/'),
        "check 1" + std::string(900'000, '+'),
    };
    for (const std::string& script : scripts) {
        EXPECT_FALSE(load_scenario(begin + script, "hostile"));
    }
    std::string sums = "check 1";
    std::string blocks;
    std::string flow = "---\nrefs: [";
    std::string deep = "---\nrefs: ";
    for (int i = 0; i < 100'000; ++i) {
        sums += " + 1";
        blocks += "when nonce {\n";
        flow += "a, ";
        deep += "[";
    }
    for (const std::string& script : {sums + " => good\n", blocks}) {
        EXPECT_FALSE(load_scenario(begin + script, "hostile"));
    }
    EXPECT_FALSE(load_scenario(flow + "]\n---\n", "hostile"));
    EXPECT_FALSE(load_scenario(deep + "\n---\n", "hostile"));
    EXPECT_FALSE(load_scenario(std::string(2'000'000, 'x'), "hostile"));
}

}  // namespace
