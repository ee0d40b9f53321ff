#include "protocol/smtp/address.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <vector>

namespace smtpspec::smtp {
namespace {

using namespace std::string_literals;

using Predicate = std::function<bool(std::string_view)>;

void expect_all(const Predicate& predicate, bool expected, const std::vector<std::string>& texts) {
    for (const std::string& text : texts) {
        EXPECT_EQ(predicate(text), expected) << testing::PrintToString(text);
    }
}

const std::string label63(63, 'a');
const std::string domain255 = label63 + "." + label63 + "." + label63 + "." + label63;

TEST(Domain, ValidAndInvalid) {
    const Predicate ascii = [](std::string_view text) { return is_domain(text); };
    expect_all(ascii,
               true,
               {"a",
                "a.test",
                "mx-1.example.test",
                "1.2.3",
                "xn--bcher-kva.test",
                "A.TEST",
                "a--b.test",
                label63 + ".test",
                domain255});
    expect_all(ascii,
               false,
               {"",
                ".",
                "a.",
                ".a",
                "a..b",
                "-a.test",
                "a-.test",
                "a_b.test",
                "a b",
                "a\tb",
                "a.test\r",
                "a\0b"s,
                "[192.0.2.1]",
                "b\xc3\xbc"
                "cher.test",
                label63 + "a.test",
                domain255 + "a",
                domain255 + ".a",
                "a@b",
                "a/b"});
}

TEST(Domain, Utf8OnlyWhereAskedFor) {
    const Predicate utf8 = [](std::string_view text) { return is_domain(text, Charset::utf8); };
    expect_all(utf8,
               true,
               {"b\xc3\xbc"
                "cher.test",
                "\xe4\xbe\x8b.test",
                "a.test"});
    expect_all(utf8,
               false,
               {"b\xfc"
                "cher.test",
                "\xc3.test",
                "",
                "\xc3\xbc..test"});
}

TEST(AddressLiteral, ValidAndInvalid) {
    expect_all(is_address_literal,
               true,
               {"[192.0.2.1]",
                "[0.0.0.0]",
                "[255.255.255.255]",
                "[IPv6:2001:db8::1]",
                "[ipv6:::1]",
                "[IPv6:::]",
                "[IPv6:1:2:3:4:5:6:7:8]",
                "[IPv6:1:2:3:4:5:6:192.0.2.1]",
                "[IPv6:::ffff:192.0.2.1]",
                "[IPv6:fe80::]",
                "[X-tag:anything!]"});
    expect_all(is_address_literal,
               false,
               {"",
                "[]",
                "[",
                "]",
                "192.0.2.1",
                "[192.0.2]",
                "[192.0.2.256]",
                "[192.0.2.1.5]",
                "[192.0.2.1",
                "192.0.2.1]",
                "[1921.0.2.1]",
                "[192.0..1]",
                "[IPv6:]",
                "[IPv6:1:2:3:4:5:6:7]",
                "[IPv6:1:2:3:4:5:6:7:8:9]",
                "[IPv6:12345::]",
                "[IPv6:g::]",
                "[IPv6:1::2::3]",
                "[IPv6:1:2:3:4:5:6:7::]",
                "[IPv6:::192.0.2.1:1]",
                "[IPv6:192.0.2.1::]",
                "[IPv6:1:2:3:4:5:6:7:192.0.2.1]",
                "[IPv6::::]",
                "[2001:db8::1]x",
                "[tag-:x]",
                "[tag:]",
                "[tag:a b]",
                "[tag:a]b]",
                "[:x]",
                "[2001:db8::1\0]"s,
                "[ 192.0.2.1]"});
}

TEST(EhloArgument, IsDomainOrLiteral) {
    expect_all(is_ehlo_argument, true, {"client.test", "[192.0.2.1]", "localhost"});
    expect_all(is_ehlo_argument, false, {"", "client_1.test", "a b", "192.0.2.1]"});
}

TEST(LocalPart, ValidAndInvalid) {
    const Predicate ascii = [](std::string_view text) { return is_local_part(text); };
    expect_all(ascii,
               true,
               {"a",
                "a.b",
                "user+tag",
                "!#$%&'*+-/=?^_`{|}~",
                "\"\"",
                "\"a b\"",
                "\"a@b\"",
                "\"a\\\"b\"",
                "\"a\\\\\"",
                "\"<>\"",
                "\".\"",
                std::string(64, 'a')});
    expect_all(ascii, false, {"",         ".a",           "a.",
                              "a..b",     "a b",          "a@b",
                              "a,b",      "a(b)",         "\"",
                              "\"a",      "a\"",          "\"a\"b",
                              "\"a\"b\"", "\"a\\\"",      "\"a\\\x01\"",
                              "\"a\tb\"", "\"a\r\n\"",    "\"\0\""s,
                              "\xc3\xbc", "\"\xc3\xbc\"", std::string(65, 'a')});
}

TEST(LocalPart, Utf8OnlyWhereAskedFor) {
    const Predicate utf8 = [](std::string_view text) { return is_local_part(text, Charset::utf8); };
    expect_all(utf8, true, {"\xc3\xbc", "\"\xc3\xbc \"", "a.\xe4\xbe\x8b"});
    expect_all(utf8, false, {"\xc3", "\"\\\xc3\xbc\"", "\xff"});
}

TEST(LocalPart, UnquotingGivesTheMailboxsName) {
    EXPECT_EQ(unquote_local_part("a.b"), "a.b");
    EXPECT_EQ(unquote_local_part("\"a b\""), "a b");
    EXPECT_EQ(unquote_local_part("\"a\\\"\\\\\\b\""), "a\"\\b");
    EXPECT_EQ(unquote_local_part("\"\""), "");
    EXPECT_EQ(unquote_local_part("\""), "\"");
}

TEST(Mailbox, ValidAndInvalid) {
    const Predicate ascii = [](std::string_view text) { return is_mailbox(text); };
    expect_all(ascii,
               true,
               {"a@b", "a.b@c.test", "\"a@b\"@c.test", "a@[192.0.2.1]", "a@[IPv6:::1]", "\"\\\"\"@c.test"});
    expect_all(ascii,
               false,
               {"",
                "a",
                "@",
                "a@",
                "@b",
                "a@@b",
                "a@b@c",
                "a b@c",
                "\"a\"x@c",
                "\"a@c",
                "a@[1.2.3]",
                "a@b.",
                "a@-b"});
}

TEST(Xtext, GoesBothWays) {
    EXPECT_EQ(xtext_encode("a+b=c d"), "a+2Bb+3Dc+20d");
    EXPECT_EQ(xtext_decode("a+2Bb+3Dc+20d").value(), "a+b=c d");
    std::string octets;
    for (int i = 0; i < 256; ++i) {
        octets += static_cast<char>(i);
    }
    EXPECT_EQ(xtext_decode(xtext_encode(octets)).value(), octets);
    for (const std::string& bad :
         {"a=b"s, "a b"s, "+"s, "+2"s, "+2b"s, "+gg"s, "a+"s, "\xfc"s, "a\0"s, "a\r\n"s}) {
        EXPECT_FALSE(xtext_decode(bad)) << testing::PrintToString(bad);
    }
}

}  // namespace
}  // namespace smtpspec::smtp
