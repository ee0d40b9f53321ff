#include "rig.hpp"

namespace smtpspec::mock {
namespace {

TEST(Delivery, GoesThroughOnEveryMode) {
    for (const auto mode : {script::Mode::Plain, script::Mode::Starttls, script::Mode::Tls}) {
        Rig rig(on_port(mode, with_account()));
        rig.login();
        EXPECT_EQ(rig.deliver("Subject: x\r\n\r\n..dots\r\n.\r\n").substr(0, 9), "250 2.0.0");
        EXPECT_EQ(rig.ask("QUIT").substr(0, 9), "221 2.0.0");
        EXPECT_EQ(rig.reply(), "close");
        const auto mails = rig.server.store().all();
        ASSERT_EQ(mails.size(), 1U);
        EXPECT_TRUE(mails[0].raw.ends_with("Subject: x\r\n\r\n.dots\r\n")) << mails[0].raw;
        EXPECT_TRUE(mails[0].raw.starts_with("Received: from client.test ([127.0.0.1])")) << mails[0].raw;
        EXPECT_EQ(mails[0].from, "a@client.test");
        EXPECT_EQ(mails[0].recipients, std::vector<std::string>{"b@mail.test"});
        EXPECT_EQ(mails[0].login, "anna");
        const auto with = mode == script::Mode::Plain ? "with ESMTPA id" : "with ESMTPSA id";
        EXPECT_NE(mails[0].raw.find(with), std::string::npos) << mails[0].raw;
    }
}

}  // namespace
}  // namespace smtpspec::mock
