#include <random>

#include "rig.hpp"

namespace smtpspec::mock {
namespace {

/// Pieces of conversations, legal and not, to be put together at random.
std::string random_traffic(std::mt19937& random) {
    static const std::vector<std::string> pieces = {"EHLO a.test\r\n",
                                                    "MAIL FROM:<a@b.test>\r\n",
                                                    "MAIL FROM:<a@b.test> SIZE=1 BODY=BINARYMIME\r\n",
                                                    "RCPT TO:<b@mail.test>\r\n",
                                                    "RCPT TO:<bad@mail.test>\r\n",
                                                    "DATA\r\n",
                                                    "BDAT 5\r\nabcde",
                                                    "BDAT 3 LAST\r\nxyz",
                                                    "BDAT 99999999999999999999\r\n",
                                                    "AUTH PLAIN\r\n",
                                                    "AUTH LOGIN\r\nYQ==\r\n",
                                                    "AUTH SCRAM-SHA-256 biwsbj1hLHI9Yg==\r\nx\r\n",
                                                    "*\r\n",
                                                    "RSET\r\n",
                                                    "STARTTLS\r\n",
                                                    "\r\n.\r\n",
                                                    "\n.\n",
                                                    std::string("\0\r\n", 3),
                                                    "\xFF\xFE\r\n",
                                                    "\x16\x03\x01\x02\x00\x01",
                                                    "NOOP",
                                                    "\r",
                                                    "\n"};
    std::string traffic;
    for (int i = 0; i < 30; ++i) {
        traffic += pieces[random() % pieces.size()];
    }
    return traffic + std::string(random() % 3 == 0 ? 70'000 : 0, 'a');
}

TEST(HostileClients, CostOneSessionOnly) {
    std::mt19937 random(20);
    for (const auto mode : {script::Mode::Plain, script::Mode::Starttls, script::Mode::Tls}) {
        auto config = on_port(mode, with_account());
        config.handshake_timeout = std::chrono::milliseconds(20);
        config.linger = std::chrono::milliseconds(5);
        Rig rig(config);
        for (int round = 0; round < 12; ++round) {
            rig.connect();
            rig.send_by(random_traffic(random), 20 + random() % 2000);
            (void)rig.reply(5);
            if (round % 2 == 0) {
                rig.client->drop_rst();
            }
        }
        rig.login();
        EXPECT_EQ(rig.deliver("x\r\n.\r\n").substr(0, 3), "250");
    }
}

TEST(Store, SettlesWhenNothingComesAnyMore) {
    Rig rig;
    EXPECT_TRUE(
        wire::run_blocking(rig.loop, rig.server.store().settled(std::chrono::milliseconds(10), Rig::soon()))
            .empty());
    rig.hello();
    EXPECT_EQ(rig.deliver("token-1\r\n.\r\n").substr(0, 3), "250");
    EXPECT_EQ(rig.deliver("token-1\r\n.\r\n").substr(0, 3), "250");
    const auto mails =
        wire::run_blocking(rig.loop, rig.server.store().settled(std::chrono::milliseconds(10), Rig::soon()));
    EXPECT_EQ(mails.size(), 2U);
    EXPECT_EQ(rig.server.store().copies("token-1"), 2U);
    EXPECT_EQ(rig.server.store().copies("token-2"), 0U);
    rig.server.store().clear();
    EXPECT_EQ(rig.server.store().count(), 0U);
    EXPECT_EQ(rig.server.store().octets(), 0U);
}

}  // namespace
}  // namespace smtpspec::mock
