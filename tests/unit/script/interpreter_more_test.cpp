#include "protocol/script/function_crypto.hpp"
#include "protocol/smtp/base64.hpp"
#include "tests/unit/script/interpreter_rig.hpp"

namespace smtpspec::script {
namespace {

using test::FixedStore;
using test::labels;
using test::ServerScripts;

TEST_F(ServerScripts, a_missing_oracle_is_neither_true_nor_false) {
    const ScriptResult result =
        run("ehlo", "check copies(nonce) > 0 => wrong | else => wrong\notherwise => good\n");
    EXPECT_EQ(labels(result), "good");
    EXPECT_TRUE(result.no_oracle);
}

TEST_F(ServerScripts, the_store_is_asked_when_a_check_looks_into_it) {
    environment.mailbox = std::make_unique<FixedStore>();
    environment.mailbox->mails.push_back({"Received: a\r\nX: n0nce\r\n\r\nbody\r\n", "a@x.test", {}});
    const ScriptResult result = run("ehlo",
                                    "let found = mail(nonce)\ncheck body(found) != \"body\\r\\n\" => wrong\n"
                                    "check copies(nonce) == 1 and store.count == 1 => good\n");
    EXPECT_EQ(labels(result), "good");
    EXPECT_FALSE(result.no_oracle);
    EXPECT_EQ(environment.mailbox->asked, 2);
}

TEST_F(ServerScripts, secrets_are_not_in_what_a_result_says) {
    peer.on("XECHO", "550 no secret-pass here\r\n");
    const ScriptResult result = run("ehlo", "C: XECHO ${secret}\nS: 250 => good | 4yz => wrong\n");
    EXPECT_EQ(result.end, ScriptEnd::unexpected);
    EXPECT_EQ(result.got.find("secret-pass"), std::string::npos) << result.got;
    EXPECT_EQ(result.reason.find("secret-pass"), std::string::npos) << result.reason;
    EXPECT_EQ(peer.lines.at(1), "XECHO secret-pass");
}

TEST_F(ServerScripts, the_whole_script_ends_with_its_total_time) {
    const ScriptResult result = run("ehlo", "wait 5s\notherwise => good\n", "time: {total: 50ms}\n");
    EXPECT_EQ(labels(result), "");
    EXPECT_EQ(result.end, ScriptEnd::total_over);
}

TEST_F(ServerScripts, a_value_that_the_profile_lacks_stops_the_script_and_is_named) {
    environment.values.erase("ehlo");
    const ScriptResult result =
        run("connected", "S: 220\nC: EHLO ${ehlo}\nS: any => good | close => wrong\n");
    EXPECT_EQ(result.end, ScriptEnd::start_failed);
    EXPECT_EQ(result.reason, "not known: `ehlo` of the profile");
}

TEST_F(ServerScripts, a_mistake_in_an_expression_is_our_own_error) {
    const ScriptResult result = run("ehlo", "check len(nonce) == \"five\" => wrong\notherwise => good\n");
    EXPECT_EQ(result.end, ScriptEnd::error);
    EXPECT_EQ(labels(result), "");
}

TEST_F(ServerScripts, a_watch_sees_replies_that_the_script_did_not_wait_for) {
    peer.on("NOOP", "250 a\r\n250 INTERNAL b\r\n");
    EXPECT_EQ(labels(run("ehlo", "watch S /INTERNAL/ => wrong\nC: NOOP\nS: 250\nS: silent 1ms | any\n")),
              "wrong");
}

TEST_F(ServerScripts, a_watch_holds_from_its_line_on) {
    const ScriptResult result =
        run("ehlo", "C: NOOP\nS: 500\nwatch S 5yz => wrong\nC: RCPT\nS: 250 => good\n");
    EXPECT_EQ(labels(result), "good");
}

TEST_F(ServerScripts, a_passive_script_watches_one_plain_delivery) {
    const ScriptResult result = run("ehlo", "watch S /stored/ => good\notherwise => wrong\n");
    EXPECT_EQ(labels(result), "good");
    EXPECT_EQ(result.reason, "");
    EXPECT_EQ(peer.lines[peer.lines.size() - 2], "DATA");
}

TEST_F(ServerScripts, words_behind_a_keyword_are_those_of_the_last_ehlo) {
    EXPECT_EQ(labels(run("tls",
                         "C: NOOP\nS: 500\n"
                         "check keyword(\"SIZE\") == \"1000\" and keyword(\"X\") == \"\" => good\n")),
              "good");
}

TEST_F(ServerScripts, a_write_is_cut_where_the_script_says) {
    peer.on("NOOP", "250 ok\r\n");
    const ScriptResult result =
        run("ehlo", "C| \"NOOP\" ~10ms \" x\\r\\n\" by 3\nS: 250 => good | any => wrong\n");
    EXPECT_EQ(labels(result), "good");
    std::vector<std::string> writes;
    for (const wire::Entry& entry : environment.transcript().entries()) {
        if (entry.kind == wire::EntryKind::sent) {
            writes.push_back(entry.octets);
        }
    }
    const std::vector<std::string> expected = {"EHLO client.test\r\n", "NOO", "P", " x\r", "\n", "QUIT\r\n"};
    EXPECT_EQ(writes, expected);
}

TEST_F(ServerScripts, a_pattern_may_stand_in_a_parameter) {
    const ScriptResult result = run("ehlo",
                                    "C: NOOP\nS: ${case.right} => good | any => wrong | close => wrong\n",
                                    "params: {case: {one: {right: \"4yz/5yz\"}}}\n");
    EXPECT_EQ(labels(result), "good");
}

TEST_F(ServerScripts, our_own_fin_inside_tls_is_a_close_for_the_next_step) {
    const ScriptResult result = run("tls", "drop fin\nS: any => wrong | close => good\n");
    EXPECT_EQ(labels(result), "good");
}

TEST_F(ServerScripts, reach_may_fail_with_a_reason) {
    peer.on("RCPT", "550 5.1.1 nobody\r\n");
    EXPECT_EQ(labels(run("ehlo", "reach data => wrong! | fail /5\\.1\\.1/ => good\n")), "good");
}

TEST_F(ServerScripts, reaching_a_state_sets_its_mark) {
    const ScriptResult result = run("ehlo", "check count(greeted) == 1 and since(ehlo) < 10s => good\n");
    EXPECT_EQ(labels(result), "good") << result.reason;
}

TEST_F(ServerScripts, count_takes_the_lines_of_a_reply) {
    const ScriptResult result =
        run("greeted", "C: EHLO x.test\nS: 250\ncheck count(reply.lines) > 1 => good\n");
    EXPECT_EQ(labels(result), "good") << result.reason;
}

TEST_F(ServerScripts, login_takes_the_best_mechanism_that_is_offered) {
    struct Row {
        const char* offered;
        std::vector<std::pair<std::string, std::string>> answers;
        const char* begins;
    };
    const std::string challenge = smtp::base64_encode("<1.2@peer.test>");
    const std::string digest = smtp::hex_encode(*hmac_octets("MD5", "secret-pass", "<1.2@peer.test>"));
    const std::string response = smtp::base64_encode("u " + digest);
    const std::vector<Row> table = {
        {"250-p\r\n250-STARTTLS\r\n250 AUTH LOGIN CRAM-MD5\r\n",
         {{"AUTH LOGIN", "334 VXNlcm5hbWU6\r\n"},
          {smtp::base64_encode("u"), "334 UGFzc3dvcmQ6\r\n"},
          {smtp::base64_encode("secret-pass"), "235 ok\r\n"}},
         "AUTH LOGIN"},
        {"250-p\r\n250-STARTTLS\r\n250 AUTH CRAM-MD5\r\n",
         {{"AUTH CRAM-MD5", "334 " + challenge + "\r\n"}, {response, "235 ok\r\n"}},
         "AUTH CRAM-MD5"},
    };
    for (const Row& row : table) {
        boost::asio::io_context own(1);
        test::Peer server(own);
        server.on("EHLO", row.offered);
        for (const auto& [line, answer] : row.answers) {
            server.on(line, answer);
        }
        server.start();
        test::PeerEnvironment world(own, server.port());
        const Scenario loaded = test::scenario(
            "server", "from: authenticated\n", "good: pass, wrong: fail", "otherwise => good\nwait 1ms\n");
        const CellParams cell = expand_cells(loaded.head).at(0);
        const ScriptResult result = wire::run_blocking(own, run_script(loaded, cell, world));
        server.stop();
        EXPECT_EQ(labels(result), "good") << row.begins << ": " << result.reason;
        EXPECT_EQ(server.lines.at(3), row.begins);
    }
}

TEST_F(ServerScripts, without_credentials_authenticated_is_tls) {
    environment.values.erase("secret");
    EXPECT_EQ(labels(run("authenticated", "C: RCPT\nS: 250 => good\n")), "good");
    EXPECT_EQ(peer.lines.size(), 5U);
}

}  // namespace
}  // namespace smtpspec::script
