#include "protocol/wire/tls_records.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/wire/tls_engine.hpp"

namespace smtpspec::wire {
namespace {

using ::testing::ElementsAre;
using State = HelloProgress::State;

std::string real_hello() {
    TlsClientSettings settings;
    settings.server_name = "mail.smtp.test";
    settings.alpn = "smtp";
    auto engine = TlsEngine::client(settings).value();
    engine->handshake();
    return engine->take_output();
}

TEST(ClientHello, OfARealClientIsRead) {
    auto raw = real_hello();
    auto parsed = parse_client_hello(raw + "behind");
    ASSERT_EQ(parsed.state, State::complete);
    EXPECT_EQ(parsed.octets, raw.size());
    EXPECT_EQ(parsed.hello.server_name, "mail.smtp.test");
    EXPECT_THAT(parsed.hello.alpn, ElementsAre("smtp"));
    EXPECT_THAT(parsed.hello.versions, ElementsAre(0x0304, 0x0303));
}

TEST(ClientHello, IsIncompleteUntilItsLastOctet) {
    auto raw = real_hello();
    for (std::size_t size = 0; size < raw.size(); ++size) {
        auto parsed = parse_client_hello(std::string_view(raw).substr(0, size));
        ASSERT_EQ(parsed.state, State::incomplete) << size;
        ASSERT_GT(parsed.octets, size);
    }
}

TEST(ClientHello, MayBeSplitOverRecords) {
    auto raw = real_hello();
    auto message = raw.substr(5);
    for (std::size_t cut :
         {std::size_t{1}, std::size_t{3}, std::size_t{4}, std::size_t{50}, message.size() - 1}) {
        std::string split;
        for (auto part : {message.substr(0, cut), message.substr(cut)}) {
            split += std::string("\x16\x03\x01", 3);
            split += static_cast<char>(part.size() >> 8);
            split += static_cast<char>(part.size() & 0xff);
            split += part;
        }
        auto parsed = parse_client_hello(split);
        ASSERT_EQ(parsed.state, State::complete) << cut;
        EXPECT_EQ(parsed.hello.server_name, "mail.smtp.test");
        EXPECT_EQ(parsed.octets, split.size());
    }
}

TEST(ClientHello, DamagedAnywhereIsNeverReadBeyondItsEnd) {
    auto raw = real_hello();
    for (std::size_t at = 0; at < raw.size(); ++at)
        for (unsigned char value : {0x00, 0x7f, 0xff}) {
            auto damaged = raw;
            damaged[at] = static_cast<char>(value);
            (void)parse_client_hello(damaged);  // under the sanitizers
        }
}

TEST(ClientHello, OfOldVersionsNamesAllVersionsBelow) {
    std::string body = std::string("\x03\x02", 2) + std::string(32, 'r') + std::string("\0", 1) +
                       std::string("\0\x02\0\x2f", 4) + std::string("\x01\0", 2);
    std::string message = std::string("\x01\0\0", 3) + static_cast<char>(body.size()) + body;
    std::string raw = std::string("\x16\x03\x01\0", 4) + static_cast<char>(message.size()) + message;
    auto parsed = parse_client_hello(raw);
    ASSERT_EQ(parsed.state, State::complete);
    EXPECT_THAT(parsed.hello.versions, ElementsAre(0x0302, 0x0301, 0x0300));
    EXPECT_THAT(parsed.hello.cipher_suites, ElementsAre(0x002f));
    EXPECT_EQ(parsed.hello.server_name, "");
}

TEST(ClientHello, WhatIsNoneIsTold) {
    struct Case {
        std::string raw;
        State state;
    };
    for (const auto& [raw, state] : {
             Case{"EHLO x\r\n", State::not_tls},
             Case{"GET / HTTP/1.1\r\n", State::not_tls},
             Case{"\x16", State::incomplete},
             Case{"\x16\x04", State::not_tls},
             Case{std::string("\x15\x03\x01\0\x02\x02\x28", 7), State::not_tls},
             Case{std::string("\x16\x03\x01\0\0", 5), State::malformed},
             Case{std::string("\x16\x03\x01\0\x04\x02\0\0\0", 9), State::malformed},
             Case{std::string("\x16\x03\x01\0\x04\x01\xff\xff\xff", 9), State::malformed},
         })
        EXPECT_EQ(parse_client_hello(raw).state, state) << raw;
}

TEST(RecordBuffer, GivesTheSameRecordsHoweverTheOctetsArrive) {
    std::string raw =
        std::string("\x16\x03\x03\0\x03", 5) + "abc" + std::string("\x17\x03\x03\0\x01", 5) + "d" + "2";
    for (std::size_t piece = 1; piece <= raw.size(); ++piece) {
        RecordBuffer buffer;
        std::string found, last;
        for (std::size_t at = 0; at < raw.size(); at += piece) {
            buffer.append(raw.substr(at, piece));
            std::string_view record;
            RecordBuffer::Next next;
            while ((next = buffer.next(record)) == RecordBuffer::Next::record) {
                found += "[" + std::string(record.substr(5)) + "]";
                buffer.drop(0);
            }
            last = next == RecordBuffer::Next::not_tls ? "not tls" : "incomplete";
        }
        EXPECT_EQ(found, "[abc][d]") << piece;
        EXPECT_EQ(last, "not tls");
        EXPECT_EQ(buffer.take_all(), "2");
    }
}

TEST(Records, AreFoundBehindClearOctets) {
    EXPECT_EQ(find_record_start("NOOP\r\n\x16\x03\x01"), 6u);
    EXPECT_EQ(find_record_start("\x16\x03"), 0u);
    EXPECT_EQ(find_record_start("NOOP\r\n"), std::string_view::npos);
    EXPECT_EQ(find_record_start("x\x16y\x15\x03\x03"), 3u);
    EXPECT_TRUE(may_start_record(""));
    EXPECT_FALSE(may_start_record("\x17\x03\x03")) << "no conversation begins with application data";
}

TEST(Alerts, AreRecordsOfTheirOwn) {
    EXPECT_EQ(alert_record("handshake_failure"), std::string("\x15\x03\x03\0\x02\x02\x28", 7));
    EXPECT_EQ(alert_record("close_notify"), std::string("\x15\x03\x03\0\x02\x01\0", 7));
    EXPECT_EQ(alert_record("nonsense"), alert_record("handshake_failure"));
    EXPECT_TRUE(is_alert_name("unknown_ca"));
    EXPECT_FALSE(is_alert_name("unknown-ca"));
}

}  // namespace
}  // namespace smtpspec::wire
