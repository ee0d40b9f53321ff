#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "harness/report/finding.hpp"
#include "harness/report/report.hpp"
#include "harness/report/text.hpp"
#include "report_support.hpp"

namespace smtpspec::report {
namespace {

using run::Verdict;
using testing::HasSubstr;
using testing::Not;

RenderOptions at_width(int width) {
    RenderOptions options;
    options.width = width;
    return options;
}

/// What bash prints for a script of several lines.
std::string output_of_bash(const std::string& script) {
    const std::string path = testing::TempDir() + "smtpspec_rerun_" + std::to_string(::getpid()) + ".sh";
    std::ofstream(path) << script;
    std::string output;
    std::FILE* pipe = ::popen(("bash " + path).c_str(), "r");
    for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) {
        output += static_cast<char>(c);
    }
    EXPECT_EQ(::pclose(pipe), 0);
    std::remove(path.c_str());
    return output;
}

TEST(TerminalReport, ShowsAGoodRunAsOneRowPerGroup) {
    EXPECT_EQ(test::golden_difference("terminal_good.txt", render_terminal(test::good_result(), {})), "");
}

TEST(TerminalReport, ShowsEveryVerdictThatIsNotGreenWithItsEvidence) {
    EXPECT_EQ(test::golden_difference("terminal_mixed.txt", render_terminal(test::mixed_result(), {})), "");
}

TEST(TerminalReport, ColoursOnlyWhenAsked) {
    RenderOptions colourful;
    colourful.colour = Colour::yes;
    const std::string text = render_terminal(test::mixed_result(), colourful);
    EXPECT_THAT(text, HasSubstr("\033[1;31m"));
    EXPECT_THAT(render_terminal(test::mixed_result(), {}), Not(HasSubstr("\033")));
}

TEST(TerminalReport, SaysTheSameWithAndWithoutColour) {
    RenderOptions colourful;
    colourful.colour = Colour::yes;
    const std::string text = render_terminal(test::mixed_result(), colourful);
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\033') {
            i = text.find('m', i);
        } else {
            plain += text[i];
        }
    }
    EXPECT_EQ(plain, render_terminal(test::mixed_result(), {}));
}

TEST(TerminalReport, FitsTheWidthAndHasNoTrailingBlanks) {
    for (const auto& result : {test::good_result(), test::mixed_result(), test::hostile_result()}) {
        for (const int width : {60, 80, 97, 120}) {
            for (const std::string& line : test::lines_of(render_terminal(result, at_width(width)))) {
                ASSERT_LE(columns(line), width) << line;
                ASSERT_TRUE(line.empty() || line.back() != ' ') << "[" << line << "]";
            }
        }
    }
}

TEST(TerminalReport, NeverShowsHostileOctetsRaw) {
    const std::string text = render_terminal(test::hostile_result(), {});
    for (const char c : text) {
        ASSERT_TRUE(c == '\n' || (static_cast<unsigned char>(c) >= 32 && c != 127));
    }
    EXPECT_THAT(text, Not(HasSubstr("\xc2\x9b")));      // CSI as a C1 control
    EXPECT_THAT(text, Not(HasSubstr("\xe2\x80\xae")));  // right-to-left override
    EXPECT_THAT(text, Not(HasSubstr("\xff")));
    EXPECT_LT(text.size(), 300000U);
}

TEST(TerminalReport, SplitsTheMatrixWhenThereAreMorePortsThanColumns) {
    run::Result result;
    for (int port = 1000; port < 1030; ++port) {
        result.cells.push_back(test::cell("a.b", port, Verdict::Fail));
    }
    const std::string text = render_terminal(result, at_width(60));
    for (const char* port : {"1000", "1015", "1029"}) {
        EXPECT_THAT(text, HasSubstr(port));
    }
    for (const std::string& line : test::lines_of(text)) {
        EXPECT_LE(columns(line), 60) << line;
    }
}

TEST(TerminalReport, SaysWhenNothingWasJudged) {
    EXPECT_EQ(render_terminal(run::Result{}, {}), "\n0 cells in 0.00 s: nothing was judged\n");
}

TEST(TerminalReport, NeverCutsTheNameOfAScenario) {
    run::Result result;
    const std::string longest = "client-starttls.sequence." + std::string(70, 'n');
    result.cells.push_back(test::cell(longest, 25, Verdict::Fail));
    EXPECT_THAT(render_terminal(result, at_width(100)), HasSubstr("sequence." + std::string(70, 'n')));
}

TEST(TerminalReport, FindsTheEntriesOfALabelInALongTranscript) {
    run::Result result;
    run::Cell cell = test::cell("a.b", 25, Verdict::Fail);
    for (int i = 0; i < 100; ++i) {
        wire::Entry entry;
        entry.kind = i % 2 == 0 ? wire::EntryKind::sent : wire::EntryKind::received;
        entry.octets = "line " + std::to_string(i) + "\r\n";
        cell.transcript.push_back(entry);
    }
    cell.outcome = "bad";
    cell.labels = {{"good", 1, 2, 3}, {"bad", 2, 50, 51}};
    result.cells.push_back(cell);
    const std::string text = render_terminal(result, {});
    EXPECT_THAT(text, HasSubstr("C: line 50\n"));
    EXPECT_THAT(text, HasSubstr("S: line 51\n"));
    EXPECT_THAT(text, Not(HasSubstr("line 60")));
    EXPECT_THAT(text, Not(HasSubstr("line 30\n")));
}

TEST(TerminalReport, ShortensALongReplyThatIsOnlyContext) {
    run::Result result;
    run::Cell cell = test::cell("a.b", 25, Verdict::Fail);
    wire::Entry entry;
    entry.kind = wire::EntryKind::received;
    for (int i = 0; i < 15; ++i) {
        entry.octets += "250-WORD" + std::to_string(i) + "\r\n";
    }
    entry.octets += "250 LAST\r\n";
    cell.transcript.push_back(entry);
    entry.kind = wire::EntryKind::sent;
    entry.octets = "QUIT\r\n";
    cell.transcript.push_back(entry);
    result.cells.push_back(cell);
    const std::string text = render_terminal(result, {});
    EXPECT_THAT(text, HasSubstr("S: 250-WORD0\n"));
    EXPECT_THAT(text, HasSubstr("S: … (13 lines left out)\n"));
    EXPECT_THAT(text, HasSubstr("S: 250 LAST\n"));
    EXPECT_THAT(text, HasSubstr("C: QUIT\n"));
}

TEST(TerminalReport, SaysTheTitleOnceWhenItIsWhatWasExpected) {
    run::Result result;
    run::Cell cell = test::cell("a.b", 25, Verdict::Fail);
    cell.title = cell.expected = "The sky is blue";
    result.cells.push_back(cell);
    const std::string text = render_terminal(result, {});
    EXPECT_THAT(text, HasSubstr("expected  The sky is blue\n"));
    EXPECT_EQ(text.find("The sky is blue"), text.rfind("The sky is blue"));
}

TEST(TerminalReport, ShowsAClientUnderTestAsTheOneWhoSaysC) {
    run::Result result;
    run::Cell cell = test::cell("client-a.b", 25, Verdict::Fail);
    cell.side = script::Side::Client;
    cell.client = "other";
    wire::Entry entry;
    entry.kind = wire::EntryKind::received;
    entry.octets = "MAIL FROM:<a@b.example>\r\n";
    cell.transcript = {entry};
    result.cells.push_back(cell);
    EXPECT_THAT(render_terminal(result, {}), HasSubstr("C: MAIL FROM:<a@b.example>"));
}

TEST(RerunCommand, NamesEndpointOptionsCellAndPort) {
    const run::Result result = test::mixed_result();
    run::Cell cell = test::cell("data.eod", 587, Verdict::Fail);
    cell.params = {{"eod", "lf"}};
    EXPECT_EQ(
        rerun_command(result, cell, "smtpspec"),
        "smtpspec run mail.example.org --ca '/etc/my ca.pem' --no-auth --only 'data.eod[eod=lf]' --port 587");
    cell.port = 0;
    EXPECT_THAT(rerun_command(result, cell, "smtpspec"), Not(HasSubstr("--port")));
}

TEST(RerunCommand, LeavesNothingToTheShell) {
    struct Row {
        std::string value, quoted;
    };
    const Row rows[] = {{"a b", "'a b'"},
                        {"it's", "'it'\\''s'"},
                        {"$(reboot)", "'$(reboot)'"},
                        {"a;b", "'a;b'"},
                        {"~root", "'~root'"},
                        {"*", "'*'"},
                        {"\x1b'\\", "$'\\x1b\\'\\\\'"},
                        {"m\xc3\xbc", "$'m\\xc3\\xbc'"},
                        {"::error::x", "$'\\x3a:error::x'"},
                        {"##[x]", "$'\\x23#[x]'"},
                        {"2001:db8::a", "2001:db8::a"},
                        {"mail.example:25", "mail.example:25"}};
    for (const Row& row : rows) {
        run::Result result;
        result.rerun = {{"endpoint", row.value}};
        EXPECT_EQ(rerun_command(result, test::cell("a.b", 25, Verdict::Fail), "smtpspec"),
                  "smtpspec run " + row.quoted + " --only a.b --port 25");
    }
}

TEST(RerunCommand, IsReadByAShellAsOneLineEvenWhenItIsBroken) {
    const std::vector<std::string> words = {
        "printf", "%s|", std::string(150, 'p'), "it's\x1b[2J$(reboot) \\", std::string(90, '\'')};
    for (const int width : {60, 61, 62, 63, 80}) {
        std::string script;
        for (const std::string& line : broken_shell_lines(words, width)) {
            EXPECT_LE(columns(line), width);
            script += line + "\n";
        }
        EXPECT_EQ(output_of_bash(script), words[2] + "|" + words[3] + "|" + words[4] + "|");
    }
}

TEST(Wrap, BreaksAtBlanksAndWithinAWordThatIsTooLong) {
    EXPECT_EQ(wrap("one two three", 7), (std::vector<std::string>{"one two", "three"}));
    EXPECT_EQ(wrap("abcdefghij k", 4), (std::vector<std::string>{"abcd", "efgh", "ij k"}));
    EXPECT_EQ(wrap("漢字漢字", 4), (std::vector<std::string>{"漢字", "漢字"}));
    EXPECT_EQ(wrap("", 10), (std::vector<std::string>{""}));
}

TEST(TerminalReport, MissesNoTranscriptWhereNoScenarioWasPlayed) {
    run::Result result = test::good_result();
    run::Cell found = test::cell("endpoint.mode", 587, Verdict::Fail);
    found.endpoint = "embedded";
    found.duration_us = 0;
    result.cells = {found};
    EXPECT_EQ(render_terminal(result, {}).find("--transcripts"), std::string::npos);
    result.cells[0].duration_us = 1500;
    EXPECT_NE(render_terminal(result, {}).find("--transcripts"), std::string::npos);
}

}  // namespace
}  // namespace smtpspec::report
