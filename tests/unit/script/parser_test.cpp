#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "protocol/script/print.hpp"
#include "protocol/script/scenario.hpp"

namespace {

using namespace smtpspec::script;

std::string head(Side side) {
    const std::string common =
        "rev: 1\ntitle: t\nfail_means: m\nlevel: MUST\nseverity: low\nrefs: [RFC 5321]\noutcomes: {x: pass, "
        "y: fail}\n"
        "selftest: {d: y}\nparams: {p: {one: \"250\", two: \"4yz/5yz\"}, m: {v: {a: \"[250, *]\", b: "
        "\"w\"}}, "
        "g: {v: \"EHLO *\"}}\n";
    return side == Side::Server ? "---\nid: t\nside: server\nfrom: ehlo\n" + common + "---\n"
                                : "---\nid: t\nside: client\n" + common + "---\n";
}

tl::expected<Scenario, Diagnostics> load(Side side,
                                         const std::string& script,
                                         const std::string& more_head = {}) {
    const std::string front = head(side);
    return load_scenario(front.substr(0, front.size() - 4) + more_head + "---\n" + script + "\n", "test");
}

/// The grammar of §2, production by production: what has to be read on side server …
const std::vector<std::string> good_for_server = {
    "C: NOOP",
    "C: MAIL FROM:<\"a b\"@x.test>",
    "C: a$$b ${nonce} # comment",
    "C:NOOP",
    "C: x#y",
    "C| \"a\"",
    "C| \"a\" \"b\" nonce upper(nonce) ~50ms \"c\"",
    "C| \"a\" by 1",
    "C| \"a\" by p every 10ms",
    "C| \"\\r\\n\\t\\0\\\"\\\\\\x00\\u{20AC}\"",
    "C| \"${repeat(\"${nonce}\", 2)}\"",
    "C| \"a\"\n | \"b\" # on\n | \"c\"",
    "S: 250",
    "S: 2yz/25z/250",
    "S: any",
    "S: malformed",
    "S: /x/",
    "S: /x\\/y/i",
    "S: 250 /x/ has STARTTLS lacks AUTH=PLAIN",
    "S: has SIZE",
    "S: silent",
    "S: silent 3s",
    "S: close",
    "S: close notify",
    "S: close fin",
    "S: close rst",
    "S: bytes /\\x16\\x03/",
    "S: ${p}",
    "S: ${m.a}",
    "S: []",
    "S: [250]",
    "S: [250, 4yz/5yz, any, *]",
    "S: [*, close]",
    "S: [250 /x/, malformed]",
    "S: 250 => x",
    "S: 250 => x!",
    "S: 250 | 4yz => y | close => y!",
    "S: 250\n  | 4yz => y",
    "tls",
    "tls => x",
    "tls | fail => y",
    "tls | fail /alert/ => y | silent => y | silent 3s => y",
    "tls min=1.2 max=1.3 sni=\"a.test\" cert=${p} verify=yes",
    "reach data",
    "reach data => x | fail => y",
    "connection b",
    "connection b from tls port=465 => x",
    "connection b host=\"${host}\" family=6",
    "check 1 => x",
    "check 1 == 2 => x | 2 => y | else => y",
    "check nonce ~ /x/i => x",
    "check not x and y or x => y",
    "check (1 + 2) * 3 - 4 >= 5 => x",
    "check [1, 2][1] == 1 => x",
    "check header(mail(nonce), \"Received\")[1] ~ /x/ => x",
    "check len(nonce) > 64KiB => x",
    "check since(ehlo) < 5s => x",
    "check f() => x",
    "check a.b.c => x",
    "check -5 < 1 => x",
    "otherwise => x",
    "when x {\n}",
    "when x {\n C: NOOP\n when y {\n S: 250\n }\n}",
    "for i in 1..9 {\n C: ${i}\n}",
    "for c in [\"NOOP\", \"RSET\"] until x {\n C: ${c}\n}",
    "for i in 1..number(nonce) until x or y {\n}",
    "watch S 5yz => y",
    "watch S any if session.clear => y!",
    "watch C secret => y",
    "watch C MAIL * if session.clear => y",
    "let a = \"b\"",
    "let a = upper(\"${nonce}\") + \"c\"",
    "wait 5s",
    "close",
    "drop fin",
    "drop rst",
    "stall",
    "mark m",
    "# only a comment\nC: NOOP",
    "\tC: NOOP",
};
/// … and what must not.
const std::vector<std::string> bad_for_server = {
    "C:",
    "C",
    "C : NOOP",
    "c: NOOP",
    "C|",
    "C| ~5s",
    "C| \"a",
    "C| 'a'",
    "C| \"\\q\"",
    "C| \"\\x1\"",
    "C| \"\\u{}\"",
    "C| \"\\u{D800}\"",
    "C| \"${\"",
    "C| \"${}\"",
    "C| \"a\" by",
    "C| \"a\" every 5s",
    "C| close",
    "C: ${",
    "C: ${a b}",
    "S:",
    "S| \"x\"",
    "S: 25",
    "S: 2500",
    "S: 25x",
    "S: y50",
    "S: 2zy",
    "S: 250/",
    "S: 250 / 251",
    "S: 250 OK",
    "S: EHLO *",
    "S: secret",
    "S: /x",
    "S: /(/",
    "S: /x/g",
    "S: /(?P<n>x)/",
    "S: /(?<n-m>x)/",
    "S: /(?<!x)y/",
    "S: /\\1/",
    "S: has",
    "S: silent 3",
    "S: bytes",
    "S: ${nope}",
    "S: ${m}",
    "S: ${m.b}",
    "S: ${p",
    "S: [250",
    "S: [250,]",
    "S: [close, 250]",
    "S: [silent]",
    "S: 250 =>",
    "S: 250 => 1",
    "S: 250 => fail",
    "S: 250 = x",
    "S: 250 ||  4yz",
    "S: 250 |",
    "S: close later",
    "tls | any => x",
    "tls | fail",
    "tls cert=",
    "tls cert",
    "reach",
    "reach here",
    "connection",
    "connection secret",
    "check",
    "check x",
    "check => x",
    "check else => x",
    "check x => x | else => y | x => x",
    "check x = y => x",
    "check a -b => x",
    "check 1 < 2 < 3 => x",
    "check nonce ~ \"x\" => x",
    "check (1 => x",
    "check f(1 => x",
    "check [1 => x",
    "check ${nonce} => x",
    "check and => x",
    "check 1 + => x",
    "otherwise",
    "when { ",
    "when x",
    "when x { C: NOOP }",
    "when x {",
    "}",
    "for i in 1..9",
    "for in 1..9 {\n}",
    "for i 1..9 {\n}",
    "for from in 1..9 {\n}",
    "watch 250 => x",
    "watch S 250",
    "watch X 250 => x",
    "watch S EHLO * => x",
    "let a",
    "let a == 1",
    "let 1 = a",
    "let nonce = 1",
    "wait",
    "wait 5",
    "drop",
    "drop it",
    "mark",
    "mark any",
    "close now",
    "serve {\n on MAIL => x\n}",
    "on MAIL => x",
    "| 250",
    "frobnicate",
};
const std::vector<std::string> good_for_client = {
    "S: 220 hello",
    "S| \"220 hello\\r\\n\" ~1s \"x\" by 3",
    "C: EHLO *",
    "C: * TO:<${to}>",
    "C: MAIL",
    "C: any",
    "C: secret",
    "C: end-of-data",
    "C: /^EHLO/i",
    "C: ${g}",
    "C: silent 2s",
    "C: close",
    "C: bytes /\\x16/",
    "C: EHLO * => x | close => y!",
    "C: MAIL FROM:<a|b> => x",
    "C: MAIL FROM:<$$> # no\n | any => y",
    "serve {\n}",
    "serve for 900s {\n on MAIL => x\n}",
    "serve {\n on connect -> \"421 no\"\n on command /x/i first if chance(5%) -> \"451 no\" keep => x\n on "
    "idle 2s -> close\n"
    " on data 64KiB -> drop rst\n on MAIL after 3 -> wait 1s \"450 no\"\n on EHLO -> omit STARTTLS offer "
    "\"AUTH PLAIN\"\n"
    " on client-hello -> alert handshake-failure\n on STARTTLS -> tls cert=expired max=1.1\n on RCPT first 2 "
    "-> send \"250 o\" ~1s \"k\\r\\n\" by 1 every 1ms close\n"
    " on QUIT -> pass by 1 every 10ms\n on DATA -> swallow stall\n on RSET -> mark here \"250 ok\" => x!\n "
    "on end => y\n}",
};
const std::vector<std::string> bad_for_client = {
    "C| \"x\"",
    "C: 250",
    "C: has X",
    "C: [EHLO]",
    "C: malformed",
    "C: anything",
    "S:",
    "S: a\n | b",
    "serve",
    "serve for {\n}",
    "serve { on MAIL => x }",
    "serve {\n on MAIL\n}",
    "serve {\n on mail => x\n}",
    "serve {\n on MAIL -> \n}",
    "serve {\n on MAIL -> later\n}",
    "serve {\n on idle -> close\n}",
    "serve {\n on data -> close\n}",
    "serve {\n on MAIL 5s -> close\n}",
    "serve {\n on MAIL first 0 -> close\n}",
    "serve {\n on MAIL after -> close\n}",
    "serve {\n on MAIL -> drop\n}",
    "serve {\n on MAIL -> omit\n}",
    "serve {\n on MAIL -> offer AUTH\n}",
    "serve {\n on MAIL -> send\n}",
    "serve {\n on MAIL -> alert\n}",
    "serve {\n on MAIL -> \"451 a\" later\n}",
    "serve {\n MAIL -> close\n}",
    "serve {\n on MAIL => x",
};

TEST(Grammar, TakesWhatTheReferenceAllowsOnSideServer) {
    for (const std::string& script : good_for_server) {
        const auto scenario = load(Side::Server, script);
        EXPECT_TRUE(scenario) << script << "\n" << (scenario ? "" : scenario.error().render());
    }
}

TEST(Grammar, RefusesEverythingElseOnSideServer) {
    for (const std::string& script : bad_for_server) {
        EXPECT_FALSE(load(Side::Server, script)) << script;
    }
}

TEST(Grammar, TakesWhatTheReferenceAllowsOnSideClient) {
    for (const std::string& script : good_for_client) {
        const auto scenario = load(Side::Client, script);
        EXPECT_TRUE(scenario) << script << "\n" << (scenario ? "" : scenario.error().render());
    }
}

TEST(Grammar, RefusesEverythingElseOnSideClient) {
    for (const std::string& script : bad_for_client) {
        EXPECT_FALSE(load(Side::Client, script)) << script;
    }
}

TEST(Grammar, PrintsWhatItHasRead) {
    for (const Side side : {Side::Server, Side::Client}) {
        for (const std::string& script : side == Side::Server ? good_for_server : good_for_client) {
            const auto first = load(side, script);
            ASSERT_TRUE(first) << script;
            const std::string text = to_text(first->script);
            const auto second = load(side, text);
            ASSERT_TRUE(second) << script << "\n" << text << second.error().render();
            EXPECT_EQ(to_text(second->script), text);
        }
    }
}

template <class Node>
const Node& only(const Scenario& scenario) {
    return std::get<Node>(scenario.script.at(0).node);
}

TEST(Texts, HaveDollarsAndInsertionsButNoEscapes) {
    const auto scenario = load(Side::Server, "C:  a\\r $$x ${nonce} \"q\"   # comment");
    ASSERT_TRUE(scenario);
    const Template& text = only<SendStatement>(*scenario).text;
    ASSERT_EQ(text.pieces.size(), 3U);
    EXPECT_EQ(text.pieces[0].literal, "a\\r $x ");
    EXPECT_NE(text.pieces[1].expression, nullptr);
    EXPECT_EQ(text.pieces[2].literal, " \"q\"");
}

TEST(Strings, ResolveTheirEscapes) {
    const auto e = parse_expression(R"("\r\n\t\0\"\\\xC3\u{E4}$$")");
    ASSERT_TRUE(e);
    const std::string expected("\r\n\t\0\"\\\xC3\xC3\xA4$", 10);
    EXPECT_EQ(std::get<StringLiteral>((*e)->node).text.literal(), expected);
}

TEST(Expressions, BindAsTheGrammarSays) {
    const std::pair<const char*, const char*> table[] = {
        {"a or b and not c == d + e * f", "a or b and not c == d + e * f"},
        {"(a or b) and c", "(a or b) and c"},
        {"(a and b) or c", "a and b or c"},
        {"a - (b - c)", "a - (b - c)"},
        {"(a - b) - c", "a - b - c"},
        {"(a == b) == c", "(a == b) == c"},
        {"not (not a)", "not (not a)"},
        {"(a + b)[1]", "(a + b)[1]"},
        {"2m + 90s", "2m + 90s"},
    };
    for (const auto& [source, text] : table) {
        const auto e = parse_expression(source);
        ASSERT_TRUE(e) << source;
        EXPECT_EQ(to_text(**e), text);
    }
}

TEST(Patterns, InParametersAreParsedForEachValue) {
    const auto scenario = load(Side::Server, "S: ${p}");
    ASSERT_TRUE(scenario);
    const auto& pattern =
        std::get<ParameterPattern>(only<AwaitStatement>(*scenario).alternatives[0].pattern.node);
    EXPECT_EQ(pattern.parameter, "p");
    ASSERT_EQ(pattern.by_value.size(), 2U);
    EXPECT_EQ(to_text(*pattern.by_value.at("two")), "4yz/5yz");
    const std::vector<CellParams> cells = expand_cells(scenario->head);
    EXPECT_EQ(to_text(*cell_pattern(pattern, cells[0])), "250");
}

TEST(Patterns, OfALoneVerbAreEventsAndOthersGlobs) {
    const auto verb = parse_pattern("MAIL", Side::Client);
    const auto glob = parse_pattern("MAIL *", Side::Client);
    ASSERT_TRUE(verb && glob);
    EXPECT_TRUE(std::holds_alternative<EventPattern>(verb->node));
    EXPECT_TRUE(std::holds_alternative<GlobPattern>(glob->node));
    EXPECT_FALSE(parse_pattern("250 => x", Side::Server));
    EXPECT_FALSE(parse_pattern("", Side::Server));
}

TEST(Codes, MatchByTheirWildCards) {
    EXPECT_TRUE(CodePattern{"2yz"}.matches(250));
    EXPECT_TRUE(CodePattern{"25z"}.matches(259));
    EXPECT_FALSE(CodePattern{"25z"}.matches(260));
    EXPECT_FALSE(CodePattern{"250"}.matches(2500));
    EXPECT_TRUE(CodePattern{"560"}.matches(560));
}

TEST(Rules, StandAloneForTheMock) {
    const auto rules = parse_rules(
        "# chaos\non MAIL first 2 -> \"451 4.7.1 try later\"\n\non RCPT -> drop rst # x\n", "--fault");
    ASSERT_TRUE(rules) << rules.error().render();
    ASSERT_EQ(rules->size(), 2U);
    EXPECT_EQ((*rules)[0].text, "on MAIL first 2 -> \"451 4.7.1 try later\"");
    EXPECT_EQ((*rules)[1].text, "on RCPT -> drop rst");
    EXPECT_TRUE((*rules)[0].answers());
}

TEST(Rules, HaveNoGoalsForTheMock) {
    const auto rules = parse_rules("on MAIL => x\non RCPT -> later\n", "--fault");
    ASSERT_FALSE(rules);
    EXPECT_EQ(rules.error().error_count(), 2U) << rules.error().render();
}

TEST(Mistakes, AreAllReportedAtOnce) {
    const auto scenario = load(Side::Server, "C:\nwhen x = {\n S: 25x\n}\nS: [250\nfoo\nC| \"\\q\"");
    ASSERT_FALSE(scenario);
    EXPECT_EQ(scenario.error().error_count(), 6U) << scenario.error().render();
}

TEST(ScenarioProperties, FollowFromTheScript) {
    EXPECT_TRUE(load(Side::Server, "watch S 5yz => y\ncheck 1 => x")->passive());
    EXPECT_FALSE(load(Side::Server, "watch S 5yz => y\nC: NOOP")->passive());
    EXPECT_TRUE(load(Side::Server, "wait 3s")->slow());
    EXPECT_FALSE(load(Side::Server, "S: silent 2s => x")->slow());
    EXPECT_TRUE(load(Side::Server, "for i in 1..3 {\n S: silent 1s => x\n}")->slow());
    EXPECT_FALSE(load(Side::Server, "S: 250 => x | silent 30s => y")->slow())
        << "nobody waits for a bad outcome";
}

TEST(ScenarioProperties, TellHowLongAClientIsKept) {
    const auto lasts = [](const std::string& head, const std::string& script) {
        const auto scenario = load(Side::Client, script, head);
        EXPECT_TRUE(scenario) << scenario.error().render();
        return scenario ? scenario->lasts() : Duration{};
    };
    using namespace std::chrono_literals;
    EXPECT_EQ(lasts("", "serve {\n on idle 1500ms -> \"250 ok\" => x\n}"), 1500ms);
    EXPECT_EQ(lasts("client: {messages: 10}\nlimiter: {a: {rate: 4/s, burst: 2}}\n",
                    "serve {\n on MAIL if over(a) -> mark y \"450 x\"\n}\ncheck count(y) > 1 => x"),
              2s);
    EXPECT_EQ(lasts("client: {messages: 2}\nlimiter: {a: {rate: 4/s, burst: 2}}\n",
                    "serve {\n on MAIL if over(a) -> mark y \"450 x\"\n}\ncheck count(y) > 1 => x"),
              0s);
}

}  // namespace
