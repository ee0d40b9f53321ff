#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/property_tree/ptree.hpp>
#include <boost/property_tree/xml_parser.hpp>
#include <map>
#include <sstream>

#include "harness/report/report.hpp"
#include "protocol/smtp/text.hpp"
#include "report_support.hpp"

namespace smtpspec::report {
namespace {

using boost::property_tree::ptree;
using run::Verdict;

ptree read_back(const std::string& text) {
    std::istringstream in(text);
    ptree tree;
    boost::property_tree::read_xml(in, tree);
    return tree;
}

/// XML 1.0 §2.2: tab, line feed, carriage return, and from U+0020 on all but surrogates, U+FFFE and U+FFFF.
bool has_only_xml_characters(const std::string& text) {
    for (const char c : text) {
        if (static_cast<unsigned char>(c) < 32 && c != '\n' && c != '\t' && c != '\r') {
            return false;
        }
    }
    return smtp::is_utf8(text) && text.find("\xEF\xBF\xBE") == std::string::npos &&
           text.find("\xEF\xBF\xBF") == std::string::npos;
}

TEST(JunitReport, IsAsItWas) {
    EXPECT_EQ(test::golden_difference("junit_mixed.xml", render_junit(test::mixed_result())), "");
}

TEST(JunitReport, SaysForEachVerdictWhatAReaderUnderstands) {
    struct Row {
        Verdict verdict;
        const char* element;
        const char* when_waived;
    };
    const Row rows[] = {{Verdict::Pass, "", ""},
                        {Verdict::Tolerated, "system-out", "system-out"},
                        {Verdict::Warn, "system-out", "system-out"},
                        {Verdict::Fail, "failure", "skipped"},
                        {Verdict::Vulnerable, "failure", "skipped"},
                        {Verdict::Unsupported, "skipped", "skipped"},
                        {Verdict::Skipped, "skipped", "skipped"},
                        {Verdict::Inconclusive, "error", "skipped"},
                        {Verdict::Error, "error", "error"}};
    for (const Row& row : rows) {
        for (const bool waived : {false, true}) {
            run::Result result;
            result.cells.push_back(test::cell("group.name", 25, row.verdict));
            if (waived) {
                result.cells[0].waiver = run::WaiverNote{"because", "*"};
            }
            const ptree tree = read_back(render_junit(result));
            std::string found;
            for (const auto& [name, child] : tree.get_child("testsuites.testsuite.testcase")) {
                found += name == "<xmlattr>" ? "" : name;
            }
            EXPECT_EQ(found, waived ? row.when_waived : row.element) << script::to_string(row.verdict);
        }
    }
}

TEST(JunitReport, CountsWhatItHolds) {
    const ptree tree = read_back(render_junit(test::mixed_result()));
    std::map<std::string, int> all;
    for (const auto& [name, suite] : tree.get_child("testsuites")) {
        if (name != "testsuite") {
            continue;
        }
        std::map<std::string, int> counted;
        for (const auto& [kind, child] : suite) {
            if (kind == "<xmlattr>") {
                continue;
            }
            ++counted["tests"];
            counted["failures"] += static_cast<int>(child.count("failure"));
            counted["errors"] += static_cast<int>(child.count("error"));
            counted["skipped"] += static_cast<int>(child.count("skipped"));
        }
        for (const char* attribute : {"tests", "failures", "errors", "skipped"}) {
            EXPECT_EQ(suite.get<int>(std::string("<xmlattr>.") + attribute), counted[attribute]);
            all[attribute] += counted[attribute];
        }
    }
    EXPECT_EQ(tree.get<int>("testsuites.<xmlattr>.tests"),
              static_cast<int>(test::mixed_result().cells.size()));
    EXPECT_EQ(tree.get<int>("testsuites.<xmlattr>.failures"), all["failures"]);
    EXPECT_EQ(tree.get<int>("testsuites.<xmlattr>.errors"), all["errors"]);
}

TEST(JunitReport, NamesTheCellAndItsGroup) {
    run::Result result;
    result.cells.push_back(test::cell("data.eod", 25, Verdict::Pass));
    result.cells[0].params = {{"eod", "<lf>&\"x\""}};
    const ptree tree = read_back(render_junit(result));
    const ptree& attributes = tree.get_child("testsuites.testsuite.testcase.<xmlattr>");
    EXPECT_EQ(attributes.get<std::string>("name"), "data.eod[eod=<lf>&\"x\"]");
    EXPECT_EQ(attributes.get<std::string>("classname"), "data");
    EXPECT_EQ(attributes.get<std::string>("time"), "0.001500");
}

TEST(JunitReport, IsXmlWhateverThePeerSent) {
    std::string text = render_junit(test::hostile_result());
    EXPECT_TRUE(has_only_xml_characters(text));
    EXPECT_NO_THROW(read_back(text));
    for (int octet = 0; octet < 256; ++octet) {
        run::Result result;
        result.cells.push_back(test::cell("a.b", 25, Verdict::Fail));
        result.cells[0].got = std::string("x") + static_cast<char>(octet) + "]]><";
        text = render_junit(result);
        ASSERT_TRUE(has_only_xml_characters(text)) << octet;
        ASSERT_NO_THROW(read_back(text)) << octet;
    }
}

}  // namespace
}  // namespace smtpspec::report
