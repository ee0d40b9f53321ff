#include <gmock/gmock.h>

#include "rig.hpp"

namespace smtpspec::mock {
namespace {

using script::Mode;

ServerConfig wrong(Defect defect) { return with_defect(defect, on_port(Mode::Plain)); }

/// The codes of the replies to these lines, one after the other, in one session.
std::string codes(Defect defect, const std::vector<std::string>& lines) {
    Rig rig(wrong(defect));
    rig.hello();
    std::string all;
    for (const auto& line : lines) {
        all += (all.empty() ? "" : " ") + rig.ask(line).substr(0, 3);
    }
    return all;
}

/// The same for octets that come together.
std::string codes_of(Defect defect, const std::string& octets) {
    Rig rig(wrong(defect));
    rig.hello();
    rig.send(octets);
    std::string all;
    for (auto reply = rig.silent(); reply != "silent" && reply != "close"; reply = rig.silent()) {
        all += (all.empty() ? "" : " ") + reply.substr(0, 3);
    }
    return all;
}

const std::string from = "MAIL FROM:<a@b.test>";
const std::string to = "RCPT TO:<b@mail.test>";
const std::string bad = "RCPT TO:<bad@mail.test>";

TEST(EnvelopeDefects, OfMail) {
    EXPECT_EQ(codes(Defect::mail_refused, {from}), "450");
    EXPECT_EQ(codes(Defect::null_sender_refused, {"MAIL FROM:<>", from}), "550 250");
    EXPECT_EQ(codes(Defect::quoted_local_part_refused, {"MAIL FROM:<\"a b\"@x.test>", from}), "501 250");
    EXPECT_EQ(codes(Defect::local_part_limit_32, {"MAIL FROM:<" + std::string(33, 'a') + "@x.test>", from}),
              "501 250");
    EXPECT_EQ(codes(Defect::refused_mail_opens_transaction, {"MAIL FROM:<a@@x.test>", to}), "501 250");
    EXPECT_EQ(codes(Defect::path_syntax_unchecked, {"MAIL", "RCPT TO:<a@@x.test>", "RCPT TO:<>"}),
              "250 250 250");
    EXPECT_EQ(codes(Defect::parameters_ignored, {from + " XNOSUCH=1", to + " XNOSUCH=1"}), "250 250");
    EXPECT_EQ(codes_of(Defect::quoted_gt_ends_command, "MAIL FROM:<\"a\\\"b>c\"@x.test>\r\n"), "501 500");
}

TEST(EnvelopeDefects, OfASecondMail) {
    const std::string message = from + "\r\n" + to + "\r\nDATA\r\nx\r\n.\r\n" + from + "\r\nNOOP\r\n";
    EXPECT_EQ(codes_of(Defect::second_mail_refused, message), "250 250 354 250 503 250");
    EXPECT_EQ(codes_of(Defect::second_mail_closes, message), "250 250 354 250 421");
    EXPECT_EQ(codes_of(Defect::final_reply_lost, message), "250 250 354 250 250");
    EXPECT_EQ(codes_of(Defect::input_lost_at_end_of_data, message), "250 250 354 250");
    EXPECT_EQ(codes_of(Defect::input_lost_before_354, message), "250 250 354");
}

TEST(EnvelopeDefects, OfRcpt) {
    const std::string route = "RCPT TO:<@relay.example:b@mail.test>";
    EXPECT_EQ(codes(Defect::source_route_syntax_error, {from, route, to}), "250 501 250");
    EXPECT_EQ(codes(Defect::source_route_denied, {from, route, to}), "250 550 250");
    EXPECT_EQ(codes(Defect::no_received, {from, route}), "250 250");
    EXPECT_EQ(codes(Defect::unknown_user_accepted, {from, bad}), "250 250");
    EXPECT_EQ(codes(Defect::unknown_user_closes, {from, bad, "NOOP"}), "250 550 clo");
    EXPECT_EQ(codes(Defect::postmaster_refused, {from, "RCPT TO:<Postmaster>", to}), "250 550 250");
    EXPECT_EQ(
        codes(Defect::postmaster_case_sensitive, {from, "RCPT TO:<postmaster>", "RCPT TO:<Postmaster>"}),
        "250 550 250");
    EXPECT_EQ(codes(Defect::one_bad_recipient_refuses_data, {from, to, bad, "DATA"}), "250 250 550 554");
}

TEST(EnvelopeDefects, OfALimitOfRecipients) {
    for (const auto& [defect, end] : {std::pair(Defect::rcpt_limit_50_552, "552 354"),
                                      std::pair(Defect::rcpt_limit_50_drops_all, "452 554"),
                                      std::pair(Defect::rcpt_unlimited, "250 354")}) {
        std::vector<std::string> lines(51, to);
        lines.insert(lines.begin(), from);
        lines.emplace_back("DATA");
        const auto all = codes(defect, lines);
        EXPECT_EQ(all.substr(all.size() - 7), end);
    }
}

TEST(EnvelopeDefects, OfDataWithoutRecipients) {
    const std::vector<std::string> empty = {from, bad, "DATA", "."};
    EXPECT_EQ(codes(Defect::data_without_recipients, empty), "250 550 354 554");
    EXPECT_EQ(codes(Defect::data_without_recipients_accepted, empty), "250 550 354 250");
    EXPECT_EQ(codes(Defect::refused_data_ends_transaction, {from, bad, "DATA", from}), "250 550 554 250");
    EXPECT_EQ(codes(Defect::no_received, {from, bad, "DATA", from}), "250 550 554 503");
}

TEST(EnvelopeDefects, OfRepliesThatWait) {
    Rig rig(wrong(Defect::replies_held));
    rig.hello();
    rig.send(from + "\r\n" + to + "\r\n");
    EXPECT_EQ(rig.silent(), "silent");
    rig.send("NOOP\r\n");
    EXPECT_EQ(rig.code(), 250);
    EXPECT_EQ(rig.code(), 250);
    EXPECT_EQ(rig.code(), 250);
    EXPECT_EQ(rig.silent(), "silent");
}

TEST(EnvelopeDefects, OfCommandLines) {
    EXPECT_EQ(codes(Defect::command_limit_256, {"NOOP " + std::string(300, 'a'), "NOOP"}), "500 250");
    EXPECT_EQ(codes(Defect::noop_argument_refused, {"NOOP a", "NOOP"}), "501 250");
    EXPECT_EQ(codes_of(Defect::overlong_tail_run, "NOOP " + std::string(995, 'a') + "RSET\r\n"), "250 250");
}

}  // namespace
}  // namespace smtpspec::mock
