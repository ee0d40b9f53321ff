#include "tests/unit/script/interpreter_rig.hpp"

namespace smtpspec::script {
namespace {

using test::labels;
using test::ServerScripts;

TEST_F(ServerScripts, takes_the_first_alternative_that_fits) {
    const ScriptResult result = run("ehlo", "C: NOOP\nS: 250 => good | 5yz => wrong | any => good\n");
    EXPECT_EQ(labels(result), "wrong");
    EXPECT_EQ(result.end, ScriptEnd::finished) << result.reason;
    EXPECT_EQ(peer.lines, (std::vector<std::string>{"EHLO client.test", "NOOP", "QUIT"}));
    ASSERT_LT(result.labels[0].transcript_first, environment.transcript().entries().size());
    EXPECT_EQ(environment.transcript().entries()[result.labels[0].transcript_last].octets, "500 what\r\n");
}

TEST_F(ServerScripts, reaches_every_state_and_each_only_once) {
    const ScriptResult result = run(
        "data", "C| \"Subject: x\\r\\n\\r\\nx\\r\\n.\\r\\n\"\nS: 250\nreach data\nC: .\nS: 250 => good\n");
    EXPECT_EQ(labels(result), "good");
    EXPECT_EQ(result.reason, "");
    const std::vector<std::string> expected = {"EHLO client.test",
                                               "STARTTLS",
                                               "EHLO client.test",
                                               "AUTH PLAIN AHUAc2VjcmV0LXBhc3M=",
                                               "MAIL FROM:<a@x.test>",
                                               "RCPT TO:<b@x.test>",
                                               "DATA",
                                               "MAIL FROM:<a@x.test>",
                                               "RCPT TO:<b@x.test>",
                                               "DATA",
                                               "QUIT"};
    EXPECT_EQ(peer.lines, expected);
}

TEST_F(ServerScripts, a_start_that_is_refused_is_no_verdict) {
    peer.on("MAIL", "451 4.7.1 slow down\r\n");
    const ScriptResult result = run("envelope", "C: NOOP\nS: any => good\notherwise => wrong\n");
    EXPECT_EQ(labels(result), "");
    EXPECT_EQ(result.end, ScriptEnd::start_failed);
    EXPECT_EQ(result.expected, "MAIL");
    EXPECT_EQ(result.first_reply_problem, "451 4.7.1 slow down\\r\\n");
}

TEST_F(ServerScripts, auth_that_is_not_offered_is_named) {
    peer.on("EHLO", "250-peer.test\r\n250 STARTTLS\r\n");
    const ScriptResult result = run("authenticated", "otherwise => good\n");
    EXPECT_EQ(result.end, ScriptEnd::start_failed);
    EXPECT_EQ(result.got, "the server does not offer AUTH here");
}

TEST_F(ServerScripts, what_no_alternative_names_is_unexpected) {
    const ScriptResult result = run("ehlo", "C: NOOP\nS: 250 => good | 4yz => wrong\notherwise => good\n");
    EXPECT_EQ(labels(result), "");
    EXPECT_EQ(result.end, ScriptEnd::unexpected);
    EXPECT_EQ(result.expected, "250 | 4yz");
    EXPECT_EQ(result.got, "500 what\\r\\n");
}

TEST_F(ServerScripts, no_answer_within_the_step_is_a_time_out) {
    peer.on("NOOP", "");
    const ScriptResult result =
        run("ehlo", "C: NOOP\nS: 250 => good\notherwise => wrong\n", "time: {step: 50ms}\n");
    EXPECT_EQ(labels(result), "");
    EXPECT_EQ(result.end, ScriptEnd::timeout);
}

TEST_F(ServerScripts, silence_is_not_one_octet) {
    peer.on("NOOP", "");
    EXPECT_EQ(labels(run("ehlo", "C: NOOP\nS: silent 50ms => good | any => wrong\n")), "good");
}

TEST_F(ServerScripts, octets_without_a_line_end_are_not_silence) {
    peer.on("NOOP", "25");
    const ScriptResult result =
        run("ehlo", "C: NOOP\nS: silent 50ms => good | any => wrong\n", "time: {step: 100ms}\n");
    EXPECT_EQ(labels(result), "");
    EXPECT_EQ(result.end, ScriptEnd::timeout);
    EXPECT_EQ(result.got, "an incomplete line: 25");
}

TEST_F(ServerScripts, bytes_look_at_what_is_not_complete) {
    peer.on("NOOP", "25");
    EXPECT_EQ(labels(run("ehlo", "C: NOOP\nS: bytes /\\A2.$/ => good | any => wrong\n")), "good");
}

TEST_F(ServerScripts, a_reply_may_come_octet_by_octet) {
    peer.on("NOOP", "250-a\r\n250 b\r\n<slow>");
    EXPECT_EQ(labels(run("ehlo", "C: NOOP\nS: 250 /a\\r\\n250 b/ => good | any => wrong\n")), "good");
}

TEST_F(ServerScripts, the_end_of_a_connection_is_an_event_that_stays) {
    peer.on("NOOP", "421 bye\r\n<close>");
    const ScriptResult result =
        run("ehlo", "C: NOOP\nS: 421\nS: close\nC: NOOP\nS: any => wrong | close fin => good\n");
    EXPECT_EQ(labels(result), "good");
    EXPECT_EQ(result.reason, "");
}

TEST_F(ServerScripts, a_reset_is_not_a_fin) {
    peer.on("NOOP", "<rst>");
    EXPECT_EQ(labels(run("ehlo", "C: NOOP\nS: close fin => wrong | close rst => good\n")), "good");
}

TEST_F(ServerScripts, a_step_after_our_own_close_sees_close) {
    EXPECT_EQ(labels(run("ehlo", "close\nS: any => wrong | close => good\n")), "good");
}

TEST_F(ServerScripts, a_series_is_matched_as_a_whole) {
    peer.on("THREE", "250 a\r\n250 b\r\n550 c\r\n");
    const char* script =
        "C: THREE\n"
        "S: [250] => wrong | [250, 250] => wrong | [250, 250, 5yz] => good | [*] => wrong\n";
    EXPECT_EQ(labels(run("ehlo", script)), "good");
}

TEST_F(ServerScripts, a_series_sees_the_end) {
    peer.on("THREE", "550 a\r\n<close>");
    EXPECT_EQ(labels(run("ehlo", "C: THREE\nS: [5yz] => wrong | [5yz, close] => good | [*] => wrong\n")),
              "good");
}

TEST_F(ServerScripts, one_reply_too_many_is_seen_within_quiet) {
    peer.on("TWO", "250 a\r\n250 b\r\n");
    EXPECT_EQ(labels(run("ehlo", "C: TWO\nS: [250] => wrong | [*] => good\n")), "good");
}

TEST_F(ServerScripts, each_reply_of_a_series_has_a_step_of_its_own) {
    peer.pause = std::chrono::milliseconds(300);  // five of them are more than a step, none is near it
    peer.on("FIVE", "250 a\r\n250 b\r\n550 c\r\n250 d\r\n354 e\r\n<pauses>");
    const char* script = "C: FIVE\nS: [250, 250, 5yz, 250, 354] => good | [*] => wrong\n";
    EXPECT_EQ(labels(run("ehlo", script, "time: {step: 1s}\n")), "good");
}

TEST_F(ServerScripts, a_series_waits_no_longer_than_a_step_for_the_next_reply) {
    peer.on("TWO", "250 a\r\n250 b\r\n");
    const ScriptResult result =
        run("ehlo", "C: TWO\nS: [250, 250, 250] => wrong | [*] => good\n", "time: {step: 200ms}\n");
    EXPECT_EQ(labels(result), "good");
}

TEST_F(ServerScripts, tls_begins_where_the_script_says) {
    const ScriptResult result =
        run("ehlo",
            "C: STARTTLS\nS: 220\ntls | fail => wrong!\n"
            "S: silent => good | any => wrong\n"
            "check session.clear => wrong\n"
            "check tls.version == \"TLSv1.3\" and cert.trusted and cert.matches => good\n");
    EXPECT_EQ(labels(result), "good good");
    EXPECT_EQ(result.reason, "");
}

TEST_F(ServerScripts, a_handshake_that_is_refused_fails) {
    peer.on("STARTTLS", "220 go\r\n454 no\r\n<close>");
    EXPECT_EQ(labels(run("ehlo", "C: STARTTLS\nS: 220\ntls => wrong! | fail => good!\n")), "good");
}

TEST_F(ServerScripts, two_connections_speak_in_the_order_of_the_lines) {
    const ScriptResult result = run("ehlo",
                                    "connection b from connected\nmark asked\nS: 220 => good\n"
                                    "check since(asked) > 5s => wrong\n"
                                    "connection a\nC: NOOP\nS: 500 => good\n");
    EXPECT_EQ(labels(result), "good good");
    EXPECT_EQ(peer.quits, 2);
    ASSERT_FALSE(result.measurements.empty());
    EXPECT_EQ(result.measurements[0].name, "since(asked)");
}

TEST_F(ServerScripts, captures_let_for_and_when_work_together) {
    peer.on("XLIST", "250 count=2\r\n");
    peer.on("XITEM", "250 ok\r\n");
    const ScriptResult result =
        run("ehlo",
            "C: XLIST\nS: 250 /count=(?<n>\\d+)/\n"
            "let total = number(n)\n"
            "for i in 1..total {\n  C: XITEM ${i} ${recipient(i)}\n  S: 250 => some\n}\n"
            "for w in [\"NOOP\", \"HELP\"] until some {\n  C: ${w}\n  S: any => wrong\n}\n"
            "when some {\n  check count(nothing) == 0 and reply.code == 250 => good\n}\n");
    EXPECT_EQ(labels(result), "some good");
    EXPECT_EQ(peer.lines[3], "XITEM 2 r2@x.test");
}

TEST_F(ServerScripts, an_exclamation_mark_ends_the_script) {
    const ScriptResult result = run("ehlo", "C: NOOP\nS: 500 => good!\nC: HELP\nS: any => wrong\n");
    EXPECT_EQ(labels(result), "good");
    EXPECT_EQ(result.end, ScriptEnd::finished);
}

TEST_F(ServerScripts, otherwise_needs_that_no_verdict_was_reached) {
    EXPECT_EQ(labels(run("ehlo", "C: NOOP\nS: 500 => branch\nwhen branch {\n}\notherwise => good\n")),
              "branch good");
}

}  // namespace
}  // namespace smtpspec::script
