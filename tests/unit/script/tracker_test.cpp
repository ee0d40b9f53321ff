#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "protocol/script/start_state_tracker.hpp"

namespace smtpspec::script {
namespace {

/// Plays a dialogue: what begins with a digit is a reply, everything else is sent with CRLF.
Tracker play(const std::vector<std::string>& dialogue) {
    Tracker tracker;
    for (const std::string& line : dialogue) {
        const bool reply = line.size() == 3 && line[0] >= '0' && line[0] <= '9';
        if (reply) {
            tracker.replied(std::stoi(line));
        } else {
            tracker.sent(line + "\r\n");
        }
    }
    return tracker;
}

/// Where the dialogue has led.
std::string show(const Tracker& tracker) {
    std::string text;
    text += tracker.greeted() ? "g" : "-";
    text += tracker.ehlo() ? "e" : "-";
    text += tracker.authenticated() ? "a" : "-";
    text += tracker.mail() ? "m" : "-";
    text += tracker.rcpt() ? "r" : "-";
    text += tracker.data() ? "d" : "-";
    return text + (tracker.idle() ? " idle" : "");
}

TEST(Tracker, believes_replies_and_not_intentions) {
    struct Row {
        std::vector<std::string> dialogue;
        const char* state;
    };
    const Row table[] = {
        {{}, "------"},
        {{"554"}, "------"},
        {{"220"}, "g----- idle"},
        {{"220", "EHLO x"}, "g-----"},
        {{"220", "EHLO x", "502"}, "g----- idle"},
        {{"220", "ehlo x", "250"}, "ge---- idle"},
        {{"220", "EHLO x", "250", "AUTH PLAIN abc", "535"}, "ge---- idle"},
        {{"220", "EHLO x", "250", "AUTH LOGIN", "334", "dXNlcg==", "334", "cGFzcw==", "235"}, "gea--- idle"},
        {{"220", "EHLO x", "250", "MAIL FROM:<>", "250", "RCPT TO:<a@b.test>", "550"}, "ge-m-- idle"},
        {{"220", "EHLO x", "250", "MAIL FROM:<>", "RCPT TO:<a@b.test>", "DATA", "250", "250", "354"},
         "ge-mrd"},
        {{"220", "EHLO x", "250", "MAIL FROM:<>", "250", "RSET", "250"}, "ge---- idle"},
        {{"220", "EHLO x", "250", "MAIL FROM:<>", "250", "EHLO y", "250"}, "ge---- idle"},
        {{"220", "EHLO x", "250", "MAIL F", "250", "RCPT T", "250", "DATA", "354", "x", ".", "250"},
         "ge---- idle"},
        {{"220", "EHLO x", "250", "MAIL F", "250", "RCPT T", "250", "DATA", "354", "MAIL F", "."}, "ge-mrd"},
        {{"220", "EHLO x", "250", "MAIL F", "250", "RCPT T", "250", "BDAT 6 LAST", "MAIL", "250"},
         "ge---- idle"},
        {{"220", "EHLO x", "250", "NOOP", "421"}, "ge----"},
    };
    for (const Row& row : table) {
        EXPECT_EQ(show(play(row.dialogue)), row.state) << row.dialogue.size();
    }
}

TEST(Tracker, a_reply_inside_the_data_ends_the_message) {
    Tracker tracker = play({"220", "EHLO x", "250", "MAIL F", "250", "RCPT T", "250", "DATA", "354"});
    tracker.sent("body\n.\n");  // a server that takes this for the end answers
    EXPECT_TRUE(tracker.data());
    tracker.replied(250);
    EXPECT_EQ(show(tracker), "ge---- idle");
}

TEST(Tracker, tls_makes_everything_forgotten_but_the_greeting) {
    Tracker tracker = play({"220", "EHLO x", "250", "AUTH PLAIN x", "235", "STARTTLS", "NOOP", "220"});
    tracker.tls_started();
    EXPECT_EQ(show(tracker), "g----- idle");
}

TEST(Tracker, any_split_of_the_octets_leads_to_the_same_place) {
    const std::string octets = "EHLO x\r\nMAIL FROM:<a@b.test>\r\nBDAT 3\r\nab\nRSET\r\n";
    for (std::size_t cut = 1; cut < octets.size(); ++cut) {
        Tracker tracker;
        tracker.replied(220);
        tracker.sent(octets.substr(0, cut));
        tracker.sent(octets.substr(cut));
        for (int i = 0; i < 3; ++i) {
            tracker.replied(250);
        }
        EXPECT_EQ(show(tracker), "ge-m--") << cut;
        tracker.replied(250);
        EXPECT_EQ(show(tracker), "ge---- idle") << cut;
    }
}

}  // namespace
}  // namespace smtpspec::script
