#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/report/markdown_text.hpp"
#include "harness/report/reference.hpp"
#include "harness/report/report.hpp"
#include "report_support.hpp"

namespace smtpspec::report {
namespace {

using run::Verdict;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string page(const run::Result& result) { return render_markdown(result, {}); }

TEST(MarkdownReport, IsAsItWas) {
    EXPECT_EQ(test::golden_difference("markdown_good.md", page(test::good_result())), "");
    EXPECT_EQ(test::golden_difference("markdown_mixed.md", page(test::mixed_result())), "");
}

TEST(MarkdownReport, SaysTheVerdictInWordsFirst) {
    struct Row {
        std::vector<Verdict> verdicts;
        const char* heading;
    };
    const Row rows[] = {
        {{}, "## ➖ smtpspec: nothing was judged\n"},
        {{Verdict::Pass}, "## ✅ smtpspec: nothing is wrong\n"},
        {{Verdict::Pass, Verdict::Warn}, "## ✅ smtpspec: nothing is wrong, 1 warning\n"},
        {{Verdict::Fail, Verdict::Error}, "## ❌ smtpspec: something is wrong: 1 fail\n"},
        {{Verdict::Vulnerable, Verdict::Fail}, "## ❌ smtpspec: something is wrong: 1 vulnerable, 1 fail\n"},
        {{Verdict::Error, Verdict::Pass}, "## 💥 smtpspec: not everything could be judged: 1 error\n"},
        {{Verdict::Inconclusive}, "## ❓ smtpspec: not everything could be judged: 1 inconclusive\n"},
        {{Verdict::Skipped, Verdict::Unsupported}, "## ➖ smtpspec: nothing was judged\n"}};
    for (const Row& row : rows) {
        run::Result result;
        for (const Verdict verdict : row.verdicts) {
            result.cells.push_back(test::cell("group.name", 25, verdict));
        }
        EXPECT_THAT(page(result), StartsWith(row.heading));
    }
    run::Result waived;
    waived.cells.push_back(test::cell("group.name", 25, Verdict::Fail));
    waived.cells[0].waiver = run::WaiverNote{"ticket 4711", "*"};
    EXPECT_THAT(page(waived), StartsWith("## ✅ smtpspec: nothing is wrong but 1 waived cell\n"));
    EXPECT_THAT(page(waived), HasSubstr("🔕 fail, waived: group.name, port 25 (starttls): ticket 4711\n"));
    waived.cells[0].waiver.reset();
    waived.cells[0].verdict = Verdict::Inconclusive;
    waived.cells[0].error_kind = "unreachable";
    EXPECT_THAT(page(waived), StartsWith("## ❓ smtpspec: not everything could be reached\n"));
}

TEST(MarkdownReport, HasAMatrixForEachEndpointAndClient) {
    run::Result result = test::good_result();
    run::Cell other = test::cell("auth.fail.wrong-password", 587, Verdict::Fail);
    other.endpoint = "second";
    result.cells.push_back(other);
    const std::string text = page(result);
    for (const char* heading : {"### Server embedded (127.0.0.1, embedded)\n\n| | 25 starttls | 465 tls |",
                                "### Server second\n\n| | 587 starttls |\n|:--|:--|\n",
                                "### Client reference 0.0.0\n\n| | 25 starttls |"}) {
        EXPECT_THAT(text, HasSubstr(heading));
    }
    EXPECT_THAT(text, HasSubstr("### What is not green: server second\n"));
}

/// Many findings that are long as well.
run::Result long_result(std::size_t cells) {
    run::Result result;
    for (std::size_t i = 0; i < cells; ++i) {
        run::Cell cell = test::cell("group.name-" + std::to_string(i), 25, Verdict::Fail);
        cell.got = std::string(500, '`') + std::to_string(i);
        wire::Entry entry;
        entry.kind = wire::EntryKind::received;
        entry.octets = std::string(1 << 20, '`');
        cell.transcript.assign(1, entry);
        result.cells.push_back(cell);
    }
    result.notices.assign(cells, std::string(500, '|'));
    return result;
}

TEST(MarkdownReport, KeepsTheLimitOfGitHubAndSaysWhatIsLeftOut) {
    const std::string text = page(long_result(800));
    EXPECT_LE(text.size(), longest_markdown);
    EXPECT_GT(text.size(), longest_markdown / 2);
    EXPECT_THAT(text, testing::ContainsRegex("\\*\\*[0-9]+ findings are left out"));
    EXPECT_THAT(text, testing::ContainsRegex("\\*\\*[0-9]+ lines are left out"));
    EXPECT_THAT(text, Not(HasSubstr("rows of the matrix are")));
    EXPECT_THAT(page(test::mixed_result()), Not(HasSubstr("left out: a page")));
}

TEST(MarkdownReport, CutsAMatrixThatIsTooLong) {
    run::Result result;
    for (int i = 0; i < 4000; ++i) {
        result.cells.push_back(
            test::cell("group." + std::string(250, 'n') + std::to_string(i), 25, Verdict::Fail));
    }
    const std::string text = page(result);
    EXPECT_LE(text.size(), longest_markdown);
    EXPECT_THAT(text, testing::ContainsRegex("\\*\\*[0-9]+ rows of the matrix are left out"));
    EXPECT_THAT(text, HasSubstr("<details>"));  // room for findings is left all the same
}

TEST(MarkdownReport, StaysShortWhateverThePeerSent) {
    const std::string text = page(test::hostile_result());
    EXPECT_LE(text.size(), 300000U);
    for (const char c : text) {
        ASSERT_TRUE(c == '\n' || (static_cast<unsigned char>(c) >= 32 && c != 127));
    }
}

TEST(MarkdownText, LeavesPlainProseAndPutsTheRestIntoCode) {
    struct Row {
        const char* text;
        const char* shown;
    };
    const Row rows[] = {
        {"", ""},
        {"reached \"executed\"; a good peer reaches discarded", nullptr},
        {"Only CRLF.CRLF ends the mail data (RFC 5321 §4.5.2)", nullptr},
        {"cause: unreachable", nullptr},
        {"server mail.example.org", nullptr},
        {"250 2.0.0 Ok", "`250 2.0.0 Ok`"},
        {"1. a list", "`1. a list`"},
        {"- a list", "`- a list`"},
        {"=cmd", "`=cmd`"},
        {"a <b>c</b>", "`a <b>c</b>`"},
        {"a*b*", "`a*b*`"},
        {"a_b_", "`a_b_`"},
        {"a [b](c)", "`a [b](c)`"},
        {"see https://example.org", "`see https://example.org`"},
        {"see www.example.org", "`see www.example.org`"},
        {"mail a@example.org", "`mail a@example.org`"},
        {"hello @everybody", "`hello @everybody`"},
        {"fixes #1", "`fixes #1`"},
        {"see GH-1", "`see GH-1`"},
        {"commit 0123abcd", "`commit 0123abcd`"},
        {"feedback is no commit", nullptr},
        {"a :smile: b", "`a :smile: b`"},
        {"a $x$", "`a $x$`"},
        {"a `b`", "`` a `b` ``"},
        {"```", "` ``` `"},
        {"a ``` b", "`a ``` b`"},
        {"a ` `` ```` b", "```a ` `` ```` b```"},
        {" a ", "`  a  `"},
        {"caf\xc3\xa9", "`caf\xc3\xa9`"},
    };
    for (const Row& row : rows) {
        EXPECT_EQ(markdown::words(row.text), row.shown == nullptr ? row.text : row.shown);
    }
}

TEST(MarkdownText, LeavesNoPipeInATable) {
    EXPECT_EQ(markdown::field("a|b\\|c"), "`a\\x7Cb\\\\x7Cc`");
    EXPECT_EQ(markdown::field("2 others"), "2 others");
}

TEST(MarkdownText, EscapesWithinHtml) {
    EXPECT_EQ(markdown::html("port 25"), "port 25");
    EXPECT_EQ(markdown::html("</summary>&\"`"), "<code>&lt;/summary&gt;&amp;&quot;`</code>");
}

TEST(MarkdownText, HasAFenceThatNoLineCloses) {
    EXPECT_EQ(markdown::fenced({"a", "b"}, "text"), "```text\na\nb\n```\n");
    EXPECT_EQ(markdown::fenced({" ````", "x `````"}, "text"), "`````text\n ````\nx `````\n`````\n");
}

TEST(Reference, HasAnAddressOnlyWhereItIsKnown) {
    struct Row {
        const char* reference;
        const char* url;
    };
    const Row rows[] = {{"RFC 5321", "https://www.rfc-editor.org/rfc/rfc5321"},
                        {"RFC 5321 §4.5.3.1.6", "https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3.1.6"},
                        {"RFC 3207 §4.2", "https://www.rfc-editor.org/rfc/rfc3207#section-4.2"},
                        {"RFC 5321 §D", "https://www.rfc-editor.org/rfc/rfc5321#appendix-D"},
                        {"RFC 5321 §F.2", "https://www.rfc-editor.org/rfc/rfc5321#appendix-F.2"},
                        {"CVE-2011-0411", "https://www.cve.org/CVERecord?id=CVE-2011-0411"},
                        {"RFC 5321 §", nullptr},
                        {"RFC 5321 §4.", nullptr},
                        {"RFC 5321 §4.2)[x](y", nullptr},
                        {"RFC 532a", nullptr},
                        {"RFC ", nullptr},
                        {"RFC 123456", nullptr},
                        {"rfc 5321", nullptr},
                        {"CVE-11-0411", nullptr},
                        {"CVE-2011-04\"1", nullptr},
                        {"https://evil.example", nullptr},
                        {"javascript:alert(1)", nullptr},
                        {"", nullptr}};
    for (const Row& row : rows) {
        EXPECT_EQ(url_of(row.reference).value_or(""), row.url == nullptr ? "" : row.url) << row.reference;
    }
}

}  // namespace
}  // namespace smtpspec::report
