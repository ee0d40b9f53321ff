#include "protocol/script/head.hpp"

#include <gtest/gtest.h>

#include <string>

#include "protocol/script/print.hpp"
#include "protocol/script/scenario.hpp"

namespace {

using namespace smtpspec::script;

const std::string base =
    "id: t.x\nrev: 3\ntitle: A \"quoted\" title\nfail_means: Mail is lost, says ä user\nside: client\nlevel: "
    "MUST NOT\nseverity: low\n"
    "refs: [RFC 5321 §4.1.1.4, CVE-2011-0411]\noutcomes: {x: pass, y: vulnerable/critical}\nselftest: {d: "
    "\"y[eod=a*]\"}\n";

tl::expected<Scenario, Diagnostics> load(const std::string& head) {
    return load_scenario("---\n" + head + "---\nserve {\n  on MAIL => x\n  on RCPT => y\n}\n", "test");
}

Head head_of(const std::string& extra) {
    const auto scenario = load(base + extra);
    EXPECT_TRUE(scenario) << scenario.error().render();
    return scenario ? scenario->head : Head{};
}

TEST(Head, IsTyped) {
    const Head head = head_of("");
    EXPECT_EQ(head.id.text, "t.x");
    EXPECT_EQ(head.rev, 3);
    EXPECT_EQ(head.title.text, "A \"quoted\" title");
    EXPECT_EQ(head.fail_means.text, "Mail is lost, says ä user");
    EXPECT_EQ(head.side, Side::Client);
    EXPECT_EQ(head.level, Level::MustNot);
    EXPECT_EQ(head.refs[0].text, "RFC 5321 §4.1.1.4");
    EXPECT_EQ(head.outcome("y")->verdict, Verdict::Vulnerable);
    EXPECT_EQ(head.outcome("y")->severity, Severity::Critical);
    EXPECT_FALSE(head.outcome("x")->severity);
    EXPECT_EQ(head.selftest[0].label, "y");
    EXPECT_EQ(head.selftest[0].filter->keys[0].second, "a*");
    EXPECT_EQ(head.from, State::Connected);
    EXPECT_EQ(head.modes.size(), 3U);
    EXPECT_EQ(head.services.size(), 2U);
    EXPECT_FALSE(head.intrusive);
}

TEST(Head, KeepsScalarsAsTheyAreWritten) {
    const Head head = head_of("params: {p: [0250, no, 1e3, 5s], q: {yes: 0x10}}\n");
    EXPECT_EQ(head.params[0].values[0].find("")->literal(), "0250");
    EXPECT_EQ(head.params[0].values[1].name, "no");
    EXPECT_EQ(head.params[1].values[0].name, "yes");
    EXPECT_EQ(head.params[1].values[0].find("")->literal(), "0x10");
}

TEST(HeadValues, FollowTheStringRulesHoweverTheyAreQuoted) {
    const Head head = head_of(
        "params:\n  eod: {dq: \"\\n.\\n\", nul: \"\\r\\n\\x00.\\r\\n\", plain: \\xC3\\r, sq: 'it''s \\n', "
        "hash: a#b}   # comment\n"
        "  two:\n    a: \"$$x\"\n    b: |\n      one\n      two\n");
    const Parameter& eod = head.params[0];
    EXPECT_EQ(eod.find("dq")->find("")->literal(), "\n.\n");
    EXPECT_EQ(eod.find("nul")->find("")->literal(), std::string("\r\n\0.\r\n", 6));
    EXPECT_EQ(eod.find("plain")->find("")->literal(), "\xC3\r");
    EXPECT_EQ(eod.find("sq")->find("")->literal(), "it's \n");
    EXPECT_EQ(eod.find("hash")->find("")->literal(), "a#b");
    EXPECT_EQ(head.params[1].find("a")->find("")->literal(), "$x");
    EXPECT_EQ(head.params[1].find("b")->find("")->literal(), "one\ntwo\n");
}

TEST(HeadValues, MayInsertParametersAndCalls) {
    const Head head =
        head_of("params: {c: {m: \"3 1 1 ${spki(\\\"wrong-host\\\")}\", n: '${repeat(\"}\", 2)}'}}\n");
    const Template& text = *head.params[0].find("m")->find("");
    ASSERT_EQ(text.pieces.size(), 2U);
    EXPECT_EQ(to_text(*text.pieces[1].expression), "spki(\"wrong-host\")");
    EXPECT_EQ(to_text(*head.params[0].find("n")->find("")->pieces[0].expression), "repeat(\"}\", 2)");
}

TEST(HeadValues, OfTheClientAreReadToo) {
    const Head head = head_of(
        "client: {policy: require-tls, to: [a@x.test, \"${to}\"], messages: 20, body: \"a\\r\\n\"}\n"
        "limiter: {account: {rate: 20/m, burst: 3, per: login}, other: {rate: 7/s}}\n"
        "time: {total: 5m, quiet: 250ms}\nintrusive: yes\nservice: mx\nneeds: [dns, auth:scram-sha-256]\n"
        "web: {\"https://mta-sts.x.test/a\": \"v\\n\"}\n");
    EXPECT_EQ(head.client_entry("to")->values.size(), 2U);
    EXPECT_EQ(head.client_entry("body")->values[0].literal(), "a\r\n");
    EXPECT_EQ(head.limiter("account")->period, std::chrono::minutes(1));
    EXPECT_EQ(head.limiter("account")->burst, 3);
    EXPECT_EQ(head.limiter("other")->burst, 7);
    EXPECT_EQ(head.time.total, std::chrono::minutes(5));
    EXPECT_EQ(head.time.quiet, std::chrono::milliseconds(250));
    EXPECT_TRUE(head.intrusive);
    EXPECT_EQ(head.services, std::vector<Service>{Service::Mx});
    EXPECT_TRUE(head.needs_word("auth:scram-sha-256"));
    EXPECT_EQ(head.web[0].body.literal(), "v\n");
}

TEST(HeadYaml, MayBeWrittenInBlocksOrInFlow) {
    const Head head = head_of(
        "modes:\n- starttls\n- tls\nneeds:\n  - dns\n  # between\n  - queue\nparams:\n  a: [x,\n      y,   # "
        "why\n\n      z,]\n"
        "  b:\n    v: {f: \"1\", g: '2'}\n    w:\n      f: 3\n      g: \"4\"\n");
    EXPECT_EQ(head.modes.size(), 2U);
    EXPECT_EQ(head.needs.size(), 2U);
    EXPECT_EQ(head.params[0].values.size(), 3U);
    EXPECT_EQ(head.params[1].find("w")->find("f")->literal(), "3");
    EXPECT_EQ(head.params[1].find("v")->find("g")->literal(), "2");
}

TEST(HeadYaml, RefusesWhatAHeadMayNotHave) {
    const char* table[] = {"rev: 4\n",
                           "nonsense: 1\n",
                           "needs: &a [dns]\n",
                           "needs: *a\n",
                           "needs: !!seq [dns]\n",
                           "<<: *a\n",
                           "needs: [dns\n",
                           "needs: {dns\n",
                           "dns: >\n  folded\n",
                           "dns: \"open\n",
                           "dns: a: b\n",
                           "needs:\n\t- dns\n",
                           "time: {total: 5}\n",
                           "time: {total: -5s}\n",
                           "time: {total: 0s}\n",
                           "time: 5s\n",
                           "modes: starttls\n",
                           "modes: []\n",
                           "params: {a: []}\n",
                           "params: {a: [[b]]}\n",
                           "params: {a: {v: {name: x}}}\n",
                           "params: {nonce: [a]}\n",
                           "params: {data: [a]}\n",
                           "params: {a: [\"b,c\"]}\n",
                           "params: {a: {v: \"\\q\"}}\n",
                           "params: {a: {v: \"${\"}}\n",
                           "client: {policy: maybe}\n",
                           "client: {messages: 0}\n",
                           "client: {ports: some}\n",
                           "limiter: {a: {burst: 3}}\n",
                           "limiter: {a: {rate: 3/y}}\n",
                           "web: {\"http://x.test/\": a}\n",
                           "intrusive: true\n",
                           "language: 2\n",
                           "language: 0\n",
                           "? a\n",
                           "needs:\n  dns: x\n    y: z\n"};
    for (const char* extra : table) {
        EXPECT_FALSE(load(base + extra)) << extra;
    }
}

TEST(HeadYaml, NeedsItsMandatoryKeys) {
    const auto scenario = load("id: t.x\nside: client\n");
    ASSERT_FALSE(scenario);
    EXPECT_EQ(scenario.error().error_count(), 8U) << scenario.error().render();
}

TEST(Cells, AreAllCombinationsInTheOrderOfTheHeadButTheExceptions) {
    const Head head = head_of(
        "params: {a: [x, y], b: [1, 2]}\nexcept: [\"a=y,b=1\"]\ncovers: {r.one: \"a=x\", r.all: \"*\"}\n");
    const auto cells = expand_cells(head);
    ASSERT_EQ(cells.size(), 3U);
    EXPECT_EQ(cells[0].name(), "t.x[a=x,b=1]");
    EXPECT_EQ(cells[1].name(), "t.x[a=x,b=2]");
    EXPECT_EQ(cells[2].name(), "t.x[a=y,b=2]");
    EXPECT_EQ(covered_by(head, cells[0]), (std::vector<std::string>{"r.one", "r.all"}));
    EXPECT_EQ(covered_by(head, cells[2]), (std::vector<std::string>{"r.all"}));
    EXPECT_EQ(cell_value(head, cells[2], "a")->name, "y");
    EXPECT_EQ(expand_cells(head_of("")).at(0).name(), "t.x");
}

TEST(CellFilters, AreGlobsOverIdsAndValues) {
    CellParams cell;
    cell.scenario = "data.eod.only";
    cell.values = {{"eod", "lf-dot-lf"}, {"eol", "crlf"}};
    for (const char* yes : {"data.eod.*[eod=lf-*]",
                            "eod=lf*",
                            "eol=crlf,eod=*",
                            "*",
                            "data.*",
                            "[eol=crlf]",
                            "data.eod.only",
                            "data.eod.onl?"}) {
        EXPECT_TRUE(filter_matches(yes, cell)) << yes;
    }
    for (const char* no : {"data.eod", "eod=cr*", "other=*", "data.*[eol=lf]", "auth.*[eod=*]"}) {
        EXPECT_FALSE(filter_matches(no, cell)) << no;
    }
}

TEST(Scenario, MustBeUtf8WithoutMarkOrControlCharacters) {
    const std::string ok = "---\n" + base + "---\nserve {\n on MAIL => x\n on RCPT => y\n}\n";
    EXPECT_TRUE(load_scenario(ok, "t"));
    std::string crlf;
    for (const char c : ok) {
        crlf += c == '\n' ? "\r\n" : std::string(1, c);
    }
    EXPECT_TRUE(load_scenario(crlf, "t")) << load_scenario(crlf, "t").error().render();
    EXPECT_FALSE(load_scenario("\xEF\xBB\xBF" + ok, "t"));
    for (const std::string& odd : {std::string("\x80"),
                                   std::string("\xC0\xAF"),
                                   std::string("\xED\xA0\x80"),
                                   std::string("\0", 1),
                                   std::string("\x1B"),
                                   std::string("\xF5\x80\x80\x80")}) {
        EXPECT_FALSE(load_scenario(ok + "# " + odd + "\n", "t"));
    }
}

}  // namespace
