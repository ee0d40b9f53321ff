/// The reference client delivers through a real server, which run.py has started: on each port, and with each
/// mechanism that the server offers, a message arrives once, byte for byte.
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "harness/client/client_under_test.hpp"
#include "protocol/wire/loop.hpp"

namespace smtpspec::client {
namespace {

using namespace std::chrono_literals;

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr ? value : "";
}

std::string content_of(const std::filesystem::path& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

/// The files of the Maildir that hold `token`; asked until there is one and no second one comes for half a
/// second.
std::vector<std::string> stored(const std::string& token) {
    std::vector<std::string> found;
    auto quiet_until = std::chrono::steady_clock::now() + 20s;
    while (std::chrono::steady_clock::now() < quiet_until) {
        std::vector<std::string> now;
        std::error_code gone;  // the folder does not exist before the first message
        for (const auto& entry :
             std::filesystem::directory_iterator(environment("INTEROP_MAILBOX") + "/new", gone)) {
            std::string text = content_of(entry.path());
            if (text.find(token) != std::string::npos)
                now.push_back(std::move(text));
        }
        if (now.size() != found.size())
            quiet_until = std::chrono::steady_clock::now() + 500ms;
        found = std::move(now);
        std::this_thread::sleep_for(50ms);  // between looks: an MTA tells nobody that it has delivered
    }
    return found;
}

/// A message with everything that transport may damage. Lines end as they will in the Maildir.
std::string difficult_message(const std::string& token) {
    std::string text =
        "From: <sender@example.test>\nTo: <inbox@example.test>\nDate: Mon, 23 Nov 2026 12:00:00 +0000\n"
        "Message-ID: <" +
        token + "@client.test>\nSubject: " + token + "\n\n";
    text += ".\n..\n...\n.leading dot\nFrom the start of a line\n\n\n trailing blanks  \t\n";
    text +=
        std::string(998, 'x') + "\n." + std::string(997, 'y') + "\n";  // RFC 5321 §4.5.3.1.6: 998 and CRLF
    for (int line = 0; line < 2000; ++line)
        text += "line " + std::to_string(line) + (line % 7 == 0 ? "\n.\n" : "\n");
    return text + "last\n.\n";
}

ClientTask task_for(int port) {
    ClientTask task;
    task.host = "mail.test";
    task.address = environment("INTEROP_ADDRESS");
    task.ports[port] = port;
    task.modes[port] = port == 465 || port == 2465 ? script::Mode::Tls : script::Mode::Starttls;
    task.use_ports.push_back(port);
    task.ca_pem = content_of(environment("INTEROP_CA"));
    task.user = "resend";
    task.password = environment("INTEROP_PASSWORD");
    task.retry = RetryPolicy::none();
    return task;
}

void expect_delivery(ClientTask task, const std::string& token) {
    OutgoingMessage message;
    message.id = token;
    message.from = "sender@example.test";
    message.to.emplace_back("inbox@example.test");
    message.content = difficult_message(token);
    task.messages.push_back(message);
    boost::asio::io_context loop{1};
    const auto client = make_reference_client(loop.get_executor(), std::move(task));
    wire::run_blocking(loop, client->run());
    ASSERT_EQ(client->says(), "sent") << client->output();
    const std::vector<std::string> copies = stored(token);
    ASSERT_EQ(copies.size(), 1U);
    EXPECT_TRUE(copies[0].ends_with(message.content)) << copies[0].substr(0, 2000);
}

std::string fresh_token(const std::string& name) {
    return name + "-" + std::to_string(std::chrono::system_clock::now().time_since_epoch().count());
}

class EachPort : public testing::TestWithParam<int> {};

TEST_P(EachPort, AMessageArrivesOnceByteForByte) {
    if (environment("INTEROP_ADDRESS").empty())
        GTEST_SKIP() << "run.py starts the servers";
    expect_delivery(task_for(GetParam()), fresh_token("port" + std::to_string(GetParam())));
}

INSTANTIATE_TEST_SUITE_P(Deliver,
                         EachPort,
                         testing::Values(25, 465, 587, 2465, 2587),
                         testing::PrintToStringParamName());

class EachMechanism : public testing::TestWithParam<const char*> {};

TEST_P(EachMechanism, AMessageArrivesOnceByteForByte) {
    if (environment("INTEROP_ADDRESS").empty())
        GTEST_SKIP() << "run.py starts the servers";
    ClientTask task = task_for(587);
    task.mechanisms.emplace_back(GetParam());
    expect_delivery(std::move(task), fresh_token(GetParam()));
}

INSTANTIATE_TEST_SUITE_P(Deliver,
                         EachMechanism,
                         testing::Values("PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"));

}  // namespace
}  // namespace smtpspec::client
