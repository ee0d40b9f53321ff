#include "protocol/wire/crypto.hpp"

#include <gtest/gtest.h>

#include <set>
#include <stdexcept>

namespace smtpspec::wire {
namespace {

std::string hex(const std::string& octets) {
    std::string text;
    for (unsigned char c : octets) {
        static constexpr char kDigits[] = "0123456789abcdef";
        text += kDigits[c >> 4];
        text += kDigits[c & 15];
    }
    return text;
}

TEST(Crypto, HashesAsTheStandardsSay) {
    EXPECT_EQ(hex(hash("MD5", "abc")), "900150983cd24fb0d6963f7d28e17f72");  // RFC 1321 A.5
    EXPECT_EQ(hex(hash("SHA-1", "abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
    EXPECT_EQ(hex(hash("sha256", "abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(hash("SHA-512", "").size(), 64u);
}

TEST(Crypto, AuthenticatesAsTheStandardsSay) {
    // RFC 2195 §2, RFC 4231 §4.3
    EXPECT_EQ(hex(hmac("MD5", "tanstaaftanstaaf", "<1896.697170952@postoffice.reston.mci.net>")),
              "b913a602c7eda7a495b4e6e7334d3890");
    EXPECT_EQ(hex(hmac("SHA-256", "Jefe", "what do ya want for nothing?")),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    EXPECT_EQ(hmac("SHA-1", "", "").size(), 20u);
}

TEST(Crypto, DerivesKeysAsTheStandardsSay) {
    EXPECT_EQ(hex(pbkdf2("SHA-1", "password", "salt", 4096)),
              "4b007901b765489abead49d926f721d065a429c1");  // RFC 6070
    EXPECT_EQ(hex(pbkdf2("SHA-256", "password", "salt", 1)),
              "120fb6cffcf8b32c43e7225256c4f837a86548c92ccc35480805987cb70be17b");
    EXPECT_THROW(pbkdf2("SHA-1", "x", "y", 0), std::invalid_argument);
}

TEST(Crypto, AnUnknownHashIsABug) {
    EXPECT_FALSE(is_hash_name("SHA-3"));
    EXPECT_TRUE(is_hash_name("sha-512"));
    EXPECT_THROW(hash("SHA-3", ""), std::invalid_argument);
}

TEST(Crypto, TokensAreOfTheirLengthAndDiffer) {
    std::set<std::string> seen;
    for (int i = 0; i < 100; ++i) {
        auto token = random_token(16);
        EXPECT_EQ(token.size(), 16u);
        EXPECT_EQ(token.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
                  std::string::npos);
        seen.insert(token);
    }
    EXPECT_EQ(seen.size(), 100u);
    EXPECT_EQ(random_octets(7).size(), 7u);
    EXPECT_EQ(random_token(0), "");
}

TEST(Crypto, ComparesWholeStrings) {
    EXPECT_TRUE(constant_time_equal("abc", "abc"));
    EXPECT_TRUE(constant_time_equal("", ""));
    EXPECT_FALSE(constant_time_equal("abc", "abd"));
    EXPECT_FALSE(constant_time_equal("abc", "ab"));
}

}  // namespace
}  // namespace smtpspec::wire
