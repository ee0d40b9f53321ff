#include <gmock/gmock.h>

#include "mockserver/spoil.hpp"
#include "rig.hpp"

namespace smtpspec::mock {
namespace {

using script::Mode;

ServerConfig wrong(Defect defect) { return with_defect(defect, on_port(Mode::Plain)); }

std::string spoilt(Defect defect, std::string message, Arrival arrival = {}) {
    return spoil(DefectSet(defect), std::move(message), arrival);
}

/// The codes of all replies to `octets` behind an envelope.
std::string codes_of(Defect defect, const std::string& octets) {
    Rig rig(wrong(defect));
    rig.hello();
    rig.envelope();
    rig.send(octets);
    std::string all;
    for (auto reply = rig.silent(); reply != "silent" && reply != "close"; reply = rig.silent()) {
        all += (all.empty() ? "" : " ") + reply.substr(0, 3);
    }
    return all;
}

/// What is stored of `content`.
std::string stored(Defect defect, const std::string& content) {
    Rig rig(wrong(defect));
    rig.hello();
    EXPECT_EQ(rig.deliver(content + ".\r\n").substr(0, 3), "250");
    const auto mails = rig.server.store().all();
    return mails.empty() ? "nothing" : mails[0].return_path + mails[0].raw;
}

TEST(ContentDefects, OfLineEnds) {
    EXPECT_EQ(spoilt(Defect::no_received, "a\nb\rc\r\n"), "a\nb\rc\r\n");
    EXPECT_EQ(spoilt(Defect::bare_line_ends_become_crlf, "a\nb\rc\r\n"), "a\r\nb\r\nc\r\n");
    EXPECT_EQ(spoilt(Defect::bare_line_ends_become_space, "a\nb\rc\r\n"), "a b c\r\n");
    EXPECT_EQ(spoilt(Defect::bare_line_ends_cut_message, "x\r\na\nb\r\n"), "x\r\na\r\n");
    EXPECT_EQ(spoilt(Defect::long_lines_folded, std::string(1000, 'a') + "\r\n"),
              std::string(998, 'a') + "\r\naa\r\n");
}

TEST(ContentDefects, OfDotsAndOctets) {
    const Arrival chunked{true, false};
    EXPECT_EQ(spoilt(Defect::bdat_unstuffs, "..x\r\n.y\r\n", chunked), ".x\r\ny\r\n");
    EXPECT_EQ(spoilt(Defect::bdat_unstuffs, "..x\r\n"), "..x\r\n");
    EXPECT_EQ(spoilt(Defect::bdat_dot_ends, "a\r\n.\r\nb\r\n", chunked), "a\r\n");
    EXPECT_EQ(spoilt(Defect::unstuff_not_on_first_line, ".x\r\n.y\r\n"), "..x\r\n.y\r\n");
    const std::string nul("a\0b", 3);
    EXPECT_EQ(spoilt(Defect::binarymime_drops_nul, nul, Arrival{true, true}), "ab");
    EXPECT_EQ(spoilt(Defect::binarymime_drops_nul, nul, chunked), nul);
}

TEST(ContentDefects, OfRelays) {
    EXPECT_THAT(spoilt(Defect::adds_footer, "a: b\r\n\r\nx\r\n"),
                testing::StartsWith("a: b\r\n\r\nx\r\n-- \r\n"));
    EXPECT_EQ(spoilt(Defect::content_reencoded, "a: b\r\n\r\nx.\r\n"),
              "a: b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nx=2E\r\n");
    EXPECT_EQ(spoilt(Defect::received_dropped, "Received: a\r\nb: c\r\n\r\nReceived: x\r\n"),
              "b: c\r\n\r\nReceived: x\r\n");
    EXPECT_EQ(spoilt(Defect::received_refolded, "Received: a; date\r\n\r\n"),
              "Received: a (seen); date\r\n\r\n");
}

TEST(ContentDefects, OfSegments) {
    Rig rig(wrong(Defect::unstuff_misses_split));
    rig.hello();
    rig.envelope();
    (void)rig.ask("DATA");
    rig.send("..x\r\n");
    EXPECT_EQ(rig.silent(), "silent");
    rig.send("..y\r\n..z\r\n.\r\n");
    EXPECT_EQ(rig.code(), 250);
    EXPECT_THAT(rig.server.store().all().at(0).raw, testing::EndsWith("..x\r\n..y\r\n.z\r\n"));
}

TEST(ContentDefects, OfRefusals) {
    const std::string data = "DATA\r\n";
    const std::string end = "\r\n.\r\n";
    EXPECT_EQ(codes_of(Defect::content_filtered, data + "x" + end), "354 550");
    EXPECT_EQ(codes_of(Defect::text_line_limit_512, data + std::string(513, 'a') + end), "354 554");
    EXPECT_EQ(codes_of(Defect::message_limit_32k, data + std::string(33'000, 'a') + end), "354 552");
    EXPECT_EQ(codes_of(Defect::picky_about_headers, data + "a: b\r\n\r\nx" + end), "354 550");
    EXPECT_EQ(codes_of(Defect::picky_about_headers, data + "Date: now\r\n\r\nx" + end), "354 250");
    std::string hops;
    for (int i = 0; i < 30; ++i) {
        hops += "Received: x\r\n";
    }
    EXPECT_EQ(codes_of(Defect::loop_threshold_30, data + hops + end), "354 554");
    EXPECT_EQ(codes_of(Defect::no_received, data + hops + end), "354 250");
    EXPECT_EQ(codes_of(Defect::loop_never_detected, data + hops + hops + hops + hops + end), "354 250");
}

TEST(ContentDefects, OfChunks) {
    const auto last = std::string("BDAT 3 LAST\r\na\r\n");
    EXPECT_EQ(codes_of(Defect::bdat_refused, last + "NOOP\r\n"), "502 250");
    EXPECT_EQ(codes_of(Defect::bdat_refused_not_consumed, "RSET\r\nBDAT 6\r\nNOOP\r\n"), "250 503 250");
    EXPECT_EQ(codes_of(Defect::bdat_then_data_accepted, "BDAT 3\r\na\r\nDATA\r\n"), "250 354");
    EXPECT_EQ(codes_of(Defect::bdat_after_last_accepted, last + "BDAT 1\r\na"), "250 250");
    for (const std::string argument : {"", " abc", " -1", " 18446744073709551616"}) {
        EXPECT_EQ(codes_of(Defect::bdat_size_wraps, "BDAT" + argument + "\r\n"), "250") << argument;
        EXPECT_EQ(codes_of(Defect::bdat_size_saturates, "BDAT" + argument + "\r\nNOOP\r\n"), "") << argument;
        EXPECT_EQ(codes_of(Defect::no_received, "BDAT" + argument + "\r\n"), "501") << argument;
    }
    EXPECT_EQ(codes_of(Defect::bdat_marker_ignored, "BDAT 5 FIRST\r\nhello"), "250");
    EXPECT_EQ(codes_of(Defect::chunk_ends_with_segment, last + "NOOP\r\n"), "250");
    EXPECT_EQ(codes_of(Defect::no_received, "BDAT 2\r\na\rBDAT 2 LAST\r\n\nb"), "250 250");
    EXPECT_EQ(codes_of(Defect::no_received, "BDAT 2\r\na\rBDAT 2 LAST\r\nbc"), "250 550");
    EXPECT_EQ(codes_of(Defect::chunk_edge_loses_lf, "BDAT 2\r\na\rBDAT 3 LAST\r\n\nbc"), "250 250");
    EXPECT_EQ(codes_of(Defect::binarymime_data_accepted,
                       "RSET\r\nMAIL FROM:<a@b.test> BODY=BINARYMIME\r\nRCPT TO:<b@mail.test>\r\nDATA\r\n"),
              "250 250 250 354");
}

TEST(ContentDefects, OfDelivery) {
    Rig twice(wrong(Defect::delivers_twice));
    twice.hello();
    EXPECT_EQ(twice.deliver("x\r\n.\r\n").substr(0, 3), "250");
    EXPECT_EQ(twice.server.store().count(), 2U);
    EXPECT_THAT(stored(Defect::no_received, "x\r\n"),
                testing::StartsWith("Return-Path: <a@client.test>\r\nx"));
    EXPECT_THAT(stored(Defect::no_return_path, "x\r\n"), testing::StartsWith("Received:"));
    EXPECT_THAT(stored(Defect::return_path_twice, "x\r\n"),
                testing::StartsWith("Return-Path: <a@client.test>\r\nReturn-Path: <a@client.test>\r\n"));
    EXPECT_THAT(stored(Defect::return_path_rewritten, "x\r\n"), testing::StartsWith("Return-Path: <bounce+"));
}

TEST(ContentDefects, OfTheReceivedField) {
    EXPECT_THAT(stored(Defect::received_without_from, "x\r\n"), testing::HasSubstr("Received: by mail.test"));
    EXPECT_THAT(stored(Defect::received_hides_client, "x\r\n"), testing::HasSubstr("from unknown\r\n\tby "));
    EXPECT_THAT(stored(Defect::received_two_digit_year, "x\r\n"),
                testing::ContainsRegex(" [A-Z][a-z]+ [0-9][0-9] "));
    EXPECT_THAT(stored(Defect::received_zone_name, "x\r\n"), testing::HasSubstr(" GMT\r\n"));
    Rig all(wrong(Defect::received_names_all));
    all.hello();
    all.envelope();
    (void)all.ask("RCPT TO:<c@mail.test>");
    (void)all.ask("DATA");
    EXPECT_EQ(all.ask("x\r\n.").substr(0, 3), "250");
    EXPECT_THAT(all.server.store().all().at(0).raw, testing::HasSubstr("for <b@mail.test>, <c@mail.test>;"));
    Rig folded(wrong(Defect::sender_folded));
    folded.hello();
    EXPECT_EQ(folded.ask("MAIL FROM:<A.B@C.test>").substr(0, 3), "250");
    (void)folded.ask("RCPT TO:<b@mail.test>");
    (void)folded.ask("DATA");
    EXPECT_EQ(folded.ask("x\r\n.").substr(0, 3), "250");
    EXPECT_EQ(folded.server.store().all().at(0).from, "a.b@c.test");
}

}  // namespace
}  // namespace smtpspec::mock
