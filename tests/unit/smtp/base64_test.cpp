#include "protocol/smtp/base64.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace smtpspec::smtp {
namespace {

using namespace std::string_literals;

TEST(Base64, VectorsOfRfc4648) {
    const std::vector<std::pair<std::string, std::string>> vectors{{"", ""},
                                                                   {"f", "Zg=="},
                                                                   {"fo", "Zm8="},
                                                                   {"foo", "Zm9v"},
                                                                   {"foob", "Zm9vYg=="},
                                                                   {"fooba", "Zm9vYmE="},
                                                                   {"foobar", "Zm9vYmFy"},
                                                                   {"\0\xff\xfe"s, "AP/+"},
                                                                   {"Username:", "VXNlcm5hbWU6"}};
    for (const auto& [octets, text] : vectors) {
        EXPECT_EQ(base64_encode(octets), text);
        EXPECT_EQ(base64_decode(text).value(), octets);
    }
}

TEST(Base64, AllOctetsSurviveAtEveryLength) {
    std::string octets;
    for (int i = 0; i < 300; ++i) {
        EXPECT_EQ(base64_decode(base64_encode(octets)).value(), octets);
        EXPECT_EQ(hex_decode(hex_encode(octets)).value(), octets);
        octets += static_cast<char>(i * 7);
    }
}

TEST(Base64, RefusesWhatIsNotStrict) {
    for (const std::string& bad :
         {"Z"s,        "Zg"s,    "Zg="s,     "Zg==="s, "Zg== "s, " Zg=="s,    "Zm9v\n"s,
          "Zm9v\r\n"s, "Z=g="s,  "=Zg="s,    "===="s,  "Z==="s,  "Zg==Zg=="s, "Zm9-"s,
          "Zm9_"s,     "Zm\0v"s, "Zm9\xff"s, "*"s,     "Zh=="s,  "Zm9="s,     "Zg=a"s}) {
        EXPECT_FALSE(base64_decode(bad)) << testing::PrintToString(bad);
    }
}

TEST(Base64, ErrorSaysWhere) {
    EXPECT_EQ(base64_decode("Zm9*").error(), "not a base64 character at offset 3");
    EXPECT_EQ(base64_decode("Zm9").error(), "base64 text of 3 characters, not a multiple of 4");
    EXPECT_EQ(base64_decode("Zh==").error(), "base64 text has bits behind its last octet");
}

TEST(Hex, ValidAndInvalid) {
    EXPECT_EQ(hex_encode("\x00\xab\x7f"s), "00ab7f");
    EXPECT_EQ(hex_decode("00aB7F").value(), "\x00\xab\x7f"s);
    EXPECT_FALSE(hex_decode("0"));
    EXPECT_FALSE(hex_decode("0g"));
    EXPECT_FALSE(hex_decode("g0"));
    EXPECT_FALSE(hex_decode("0 "));
}

}  // namespace
}  // namespace smtpspec::smtp
