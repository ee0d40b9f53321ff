#include "harness/run/profile.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "harness/cli/option_values.hpp"
#include "harness/run/host_name.hpp"
#include "harness/run/shown_line.hpp"
#include "report_support.hpp"

namespace smtpspec::run {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string refusal(const std::string& text) {
    const auto profile = load_profile(text, "p.yaml");
    return profile ? "accepted" : profile.error();
}

const std::string start = "host: mail.example.org\nports: {587: starttls}\n";

TEST(Profile, APasswordIsRefusedAndNotShown) {
    for (const std::string text : {"auth: {user: x, password: hunter2}\n",
                                   "auth: {user: x, password: hunter2, passwort: hunter2}\n",
                                   "auth:\n  user: x\n  password: hunter2\n",
                                   "auth:\n  user: x\n  password:\n    hunter2\n",
                                   "auth:\n  user: x\n  password: |\n    hunter2\n",
                                   "auth: {user: x, passwd: hunter2}\n",
                                   "auth: {user: x, Password : 'hunter2'}\n",
                                   "auth: {user: x, secret: hunter2}\n",
                                   "auth: {user: x, password: hunter2\n"}) {
        const std::string message = refusal(start + text);
        EXPECT_THAT(message, HasSubstr("p.yaml:")) << text;
        EXPECT_THAT(message, Not(HasSubstr("hunter2"))) << text;
    }
    EXPECT_EQ(refusal(start + "auth: {user: x, password: hunter2}\n"),
              "p.yaml:3:27: error: a password does not belong into a file like this (key \"password\")\n"
              "    auth: {user: x, password: …\n"
              "                              ^\n"
              "expected: password_env: NAME_OF_A_VARIABLE or password_file: PATH\n");
    EXPECT_THAT(refusal(start + "auth: {user: x, password_env: A, password_flie: B}\n"),
                HasSubstr("env: A, "));
}

TEST(Profile, AServiceIsAMapAndATimeHasABound) {
    EXPECT_THAT(refusal(start + "service: mx\n"), HasSubstr("service is not a map"));
    for (const std::string text : {"0ms", "9ms", "11m", "soon", "[1s]"}) {
        EXPECT_THAT(refusal(start + "time: {quiet: " + text + "}\n"), HasSubstr("from 10ms to 10m")) << text;
        EXPECT_THAT(refusal(start + "time: {step: " + text + "}\n"), HasSubstr("from 10ms to 10m")) << text;
    }
    EXPECT_EQ(refusal(start + "service: {587: mx}\ntime: {quiet: 50ms, step: 10m}\n"), "accepted");
}

TEST(Profile, ABinaryFileDoesNotDriveTheTerminal) {
    std::string binary =
        "\x7f"
        "ELF\x1b[2J\x1b]0;owned\a";
    for (int i = 0; i < 100000; ++i) {
        binary += static_cast<char>((i * 7) % 251 + 1);
    }
    for (const std::string& text : {binary,
                                    start + "\x1b[31m: 1\n",
                                    start + "pace: {messages: \x1b[31m}\n",
                                    start + "\"\\e[31m\": 1\n",
                                    start + "\"\\\x1b[31m\": 1\n"}) {
        const std::string message = refusal(text);
        EXPECT_THAT(message, HasSubstr("error"));
        for (const std::string& line : report::test::lines_of(message)) {
            EXPECT_TRUE(std::none_of(line.begin(), line.end(), [](unsigned char c) {
                return c < ' ' || c == 127;
            })) << message;
            EXPECT_LE(line.size(), 300U) << line;
        }
    }
}

TEST(ShownLine, IsCutAroundTheCaret) {
    EXPECT_EQ(shown_line("a\nbc d\r\n", 1, 3), "    bc d\n       ^\n");
    EXPECT_EQ(shown_line("", 4, 7), "    \n    ^\n");
    const std::string line = std::string(500, 'a') + "X" + std::string(500, 'b');
    const std::string shown = shown_line(line, 0, 500);
    EXPECT_EQ(
        shown,
        "    …" + std::string(43, 'a') + "X" + std::string(22, 'b') + "…\n" + std::string(48, ' ') + "^\n");
}

TEST(Profile, AHostIsAHost) {
    for (const std::string good :
         {"localhost", "mailhost", "mail.example.org", "127.0.0.1", "'::1'", "a_b.test", "bücher.example"}) {
        EXPECT_EQ(refusal("host: " + good + "\nports: {587: starttls}\n"), "accepted") << good;
    }
    EXPECT_THAT(refusal("host: http://localhost\nports: {587: starttls}\n"),
                testing::AllOf(HasSubstr("p.yaml:1:7"), HasSubstr("is a URL"), HasSubstr("host: localhost")));
    EXPECT_THAT(refusal("host: localhost:587\nports: {587: starttls}\n"),
                testing::AllOf(HasSubstr("a host with a port"), HasSubstr("host: localhost\n")));
    EXPECT_THAT(refusal("host: a b\nports: {587: starttls}\n"), HasSubstr("is no host"));
    EXPECT_THAT(refusal("host: '[::1]'\nports: {587: starttls}\n"), HasSubstr("host: ::1\n"));
}

TEST(HostProblem, SaysHowToGoOn) {
    EXPECT_THAT(host_problem("127.1.1.1:25").remedy, HasSubstr("127.1.1.1 --port 25"));
    EXPECT_THAT(host_problem("localhost:10587").remedy,
                HasSubstr("localhost --port 587 --connect-to localhost:587:localhost:10587"));
    EXPECT_THAT(host_problem("[::1]:10587").remedy,
                HasSubstr("::1 --port 587 --connect-to [::1]:587:[::1]:10587"));
    EXPECT_EQ(host_problem("::1").what, "");
    EXPECT_NE(host_problem("").what, "");
    EXPECT_NE(host_problem("a\x1b[31m").what, "");
}

TEST(ConnectTo, ComesBackAsItWasWritten) {
    for (const std::string text :
         {"localhost:587:[::1]:10587", "[::1]:587:127.0.0.1:1", ":::2525", "::[fe80::1]:"}) {
        EXPECT_EQ(cli::connect_to_text(cli::parse_connect_to(text)), text);
    }
}

}  // namespace
}  // namespace smtpspec::run
