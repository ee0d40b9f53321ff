#include "harness/client/queue.hpp"

#include <functional>

#include "tests/unit/client/rig.hpp"

/// Temporary failures: what is tried again, when, and what must never happen twice.
namespace smtpspec::client {
namespace {

using namespace std::chrono_literals;

RetryPolicy steady() {
    RetryPolicy policy = RetryPolicy::embedded();
    policy.jitter = 0;
    return policy;
}

TEST(Queue, DelaysGrowAndASuccessResetsThem) {
    const Queue::Time start{};
    Queue::Time now = start;
    Queue queue(steady(), 1, start);
    queue.add(Job());
    for (const auto delay : {20ms, 40ms, 80ms, 160ms}) {
        std::optional<Job> job = queue.take(now);
        ASSERT_TRUE(job);
        ASSERT_TRUE(queue.failed(*job, now, now));
        EXPECT_FALSE(queue.take(now + delay - 1ms));
        now += delay;
        EXPECT_EQ(queue.due(), now);
    }
    std::optional<Job> job = queue.take(now);
    ASSERT_TRUE(job);
    EXPECT_EQ(job->attempts, 5);
    queue.progress();
    ASSERT_TRUE(queue.failed(*job, now, now));
    EXPECT_EQ(queue.due(), now + 20ms);
}

TEST(Queue, GivesUpAfterFiveAttemptsWithoutSuccess) {
    Queue::Time now{};
    Queue queue(steady(), 1, now);
    queue.add(Job());
    queue.add(Job());
    int attempts = 0;
    while (!queue.exhausted()) {
        std::optional<Job> job = queue.take(now);
        ASSERT_TRUE(job);
        ++attempts;
        queue.failed(*job, now, now);
        now = queue.due();
    }
    EXPECT_EQ(attempts, 5);
    EXPECT_FALSE(queue.take(now + 1h));
}

TEST(Queue, AttemptsThatRanSideBySideCountOnce) {
    const Queue::Time now{};
    Queue queue(steady(), 1, now);
    for (int i = 0; i < 3; ++i)
        queue.add(Job());
    std::vector<Job> jobs;
    for (int i = 0; i < 3; ++i)
        jobs.push_back(*queue.take(now));
    for (const Job& job : jobs)
        queue.failed(job, now, now + 5ms);
    EXPECT_EQ(queue.streak(), 1);
    EXPECT_EQ(queue.due(), now + 25ms);
}

TEST(Queue, OneMessageTriesWhetherTheServerIsWillingAgain) {
    const Queue::Time now{};
    Queue queue(steady(), 1, now);
    queue.add(Job());
    queue.add(Job());
    queue.failed(*queue.take(now), now, now);
    ASSERT_TRUE(queue.take(now + 20ms));
    EXPECT_FALSE(queue.take(now + 20ms));
    queue.progress();
    EXPECT_TRUE(queue.take(now + 20ms));
}

TEST(Queue, JitterOnlyAddsAndFollowsTheSeed) {
    for (const std::uint64_t seed : {1U, 2U, 3U}) {
        const Queue::Time now{};
        Queue one(RetryPolicy::embedded(), seed, now);
        Queue same(RetryPolicy::embedded(), seed, now);
        for (Queue* queue : {&one, &same}) {
            queue->add(Job());
            queue->failed(*queue->take(now), now, now);
        }
        EXPECT_EQ(one.due(), same.due());
        EXPECT_GE(one.due() - now, 20ms);
        EXPECT_LE(one.due() - now, 30ms);
    }
}

const char* const stages[] = {"connect", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "end-of-data"};

TEST(Retry, ATemporaryRefusalAtAnyStageDelaysTheMailAndLosesNothing) {
    for (const char* line : {"421 4.7.0 slow",
                             "432 slow",
                             "450 4.2.1 slow",
                             "451 4.7.1 later",
                             "452 slow",
                             "454 slow",
                             "455 slow"})
        for (const char* stage : stages)
            for (const bool close : {false, true}) {
                FakeRule rule = answer(stage, line, 2);
                if (close)
                    rule.acts.emplace_back(script::act::Close{});
                Rig rig({rule});
                ClientTask task = rig.task();
                task.messages = messages(2);
                task.parallel = 2;
                EXPECT_EQ(rig.run(std::move(task)), "sent")
                    << line << " at " << stage << rig.client->output();
                for (const char* id : {"<m1@client.test>", "<m2@client.test>"})
                    EXPECT_EQ(rig.server.store().copies(id), 1U) << line << " at " << stage;
            }
}

TEST(Retry, ARefusalIsTheReasonEvenIfTheConnectionIsClosedBehindIt) {
    for (const char* stage : {"MAIL", "RCPT", "DATA", "AUTH", "end-of-data"}) {
        FakeRule rule = answer(stage, "550 5.7.1 no");
        rule.acts.emplace_back(script::act::Close{});
        Rig rig({rule});
        EXPECT_EQ(rig.run(), "permanent") << stage << rig.client->output();
        EXPECT_EQ(rig.server.sessions_total(), 1) << stage;
    }
}

TEST(Retry, APermanentRefusalIsReportedAndNotTriedAgain) {
    for (const char* stage : stages) {
        Rig rig({answer(stage, "550 5.7.1 no")});
        EXPECT_EQ(rig.run(), "permanent") << stage;
        EXPECT_EQ(rig.server.sessions_total(), 1) << stage;
        EXPECT_NE(rig.client->output().find("550"), std::string::npos) << stage << rig.client->output();
    }
}

TEST(Retry, AConnectionLostAtAnyStageIsTemporary) {
    for (const char* stage : stages)
        for (const bool reset : {false, true}) {
            script::PlayedAct drop = script::act::Close{};
            if (reset)
                drop = script::act::DropRst{};
            Rig rig({act_on(stage, drop, 1)});
            EXPECT_EQ(rig.run(), "sent") << stage << rig.client->output();
            EXPECT_EQ(rig.server.store().count(), 1U) << stage;
            EXPECT_EQ(rig.server.sessions_total(), 2) << stage;
        }
}

TEST(Retry, GivesUpAfterFiveAttemptsAndSaysTemporary) {
    Rig rig({answer("MAIL", "451 later")});
    ClientTask task = rig.task();
    task.messages = messages(3);
    EXPECT_EQ(rig.run(std::move(task)), "temporary");
    EXPECT_EQ(rig.ear.count("t MAIL"), 5);
    EXPECT_NE(rig.client->output().find("given up"), std::string::npos);
}

TEST(Retry, OnlyTheTemporarilyRefusedRecipientsAreTriedAgain) {
    FakeRule later = answer("RCPT", "450 4.2.0 later", 1);
    Rig rig({later});
    ClientTask task = rig.task();
    task.messages[0].to = {"a@mail.test", "bad@mail.test", "d@mail.test"};
    EXPECT_EQ(rig.run(std::move(task)), "permanent");
    const std::vector<mock::Mail> mails = rig.server.store().all();
    ASSERT_EQ(mails.size(), 2U);
    EXPECT_EQ(mails[0].recipients, std::vector<std::string>{"d@mail.test"});
    EXPECT_EQ(mails[1].recipients, std::vector<std::string>{"a@mail.test"});
}

TEST(Retry, TooManyRecipientsLeadToFurtherTransactions) {
    mock::ServerConfig config = five_ports();
    config.limits.recipients = 3;
    config.extensions.limits = false;
    Rig rig({}, config);
    ClientTask task = rig.task();
    task.messages[0].to.clear();
    for (int i = 0; i < 10; ++i)
        task.messages[0].to.push_back("r" + std::to_string(i) + "@mail.test");
    EXPECT_EQ(rig.run(std::move(task)), "sent") << rig.client->output();
    EXPECT_EQ(rig.server.store().count(), 4U);
    EXPECT_EQ(rig.server.sessions_total(), 1);
}

TEST(LostReply, IsTriedAgainWithTheSameMessageId) {
    FakeRule rule = act_on("end-of-data", script::act::Swallow{}, 1);
    rule.acts.emplace_back(script::act::DropRst{});
    Rig rig({rule});
    EXPECT_EQ(rig.run(), "sent");
    EXPECT_EQ(rig.server.store().copies("<m1@client.test>"), 2U);
    Rig believing({rule});
    EXPECT_EQ(believing.run_with("lost-reply-is-success"), "sent");
    EXPECT_EQ(believing.server.store().count(), 1U);
    Rig hopeless({rule});
    EXPECT_EQ(hopeless.run_with("lost-reply-is-permanent"), "permanent");
}

TEST(Quit, TroubleThereDoesNotUndoADelivery) {
    for (const char* line : {"421 bye", "500 what"}) {
        Rig rig({answer("QUIT", line)});
        EXPECT_EQ(rig.run(), "sent");
        EXPECT_EQ(rig.server.store().count(), 1U);
    }
    Rig rig({act_on("QUIT", script::act::DropRst{})});
    EXPECT_EQ(rig.run(), "sent");
    EXPECT_EQ(rig.server.store().count(), 1U);
}

TEST(Reuse, AConnectionThatDiedIsReplacedSilently) {
    FakeRule rule = act_on("end-of-data", script::act::Pass{}, 1);
    rule.acts.emplace_back(script::act::Close{});
    for (const bool reset : {false, true}) {
        if (reset)
            rule.acts.back() = script::act::DropRst{};
        Rig rig({rule});
        ClientTask task = rig.task();
        task.messages = messages(2);
        task.pause = 20ms;
        EXPECT_EQ(rig.run(std::move(task)), "sent") << rig.client->output();
        EXPECT_EQ(rig.server.store().count(), 2U);
        EXPECT_EQ(rig.client->results()[1].attempts, 1);
        Rig bad({rule});
        ClientTask careless = bad.task();
        careless.messages = messages(2);
        careless.pause = 20ms;
        careless.defects.insert("stale-connection-is-failure");
        EXPECT_EQ(bad.run(std::move(careless)), "temporary") << reset << bad.client->output();
    }
}

TEST(Reuse, OnlyForTheSamePolicyAndLogin) {
    for (const char* defect : {"", "reuse-across-logins", "reuse-across-policies"}) {
        mock::ServerConfig config = five_ports();
        mock::Account other;
        other.user = "carl";
        other.password = "other word";
        config.accounts.push_back(other);
        Rig rig({}, config);
        ClientTask task = rig.task();
        task.messages = messages(2);
        if (std::string(defect) == "reuse-across-policies") {
            task.messages[0].policy = Policy::opportunistic;
        } else {
            task.messages[1].user = "carl";
            task.messages[1].password = "other word";
        }
        if (*defect != '\0')
            task.defects.insert(defect);
        EXPECT_EQ(rig.run(std::move(task)), "sent") << rig.client->output();
        EXPECT_EQ(rig.server.sessions_total(), *defect == '\0' ? 2 : 1) << defect;
    }
}

TEST(Reuse, AFailedTransactionIsClearedBeforeTheNext) {
    for (const bool pipelining : {true, false}) {
        std::vector<FakeRule> rules = {answer("RCPT", "550 no", 1)};
        if (!pipelining)
            rules.push_back(omit("PIPELINING"));
        Rig rig(std::move(rules));
        ClientTask task = rig.task();
        task.messages = messages(2);
        EXPECT_EQ(rig.run(std::move(task)), "permanent");
        EXPECT_EQ(rig.ear.count("t RSET"), 1) << rig.ear.all();
        EXPECT_EQ(rig.server.store().count(), 1U);
    }
}

struct QueueCase {
    const char* defect;
    FakeRule rule;
    const char* says;
    size_t stored;
};

TEST(QueueDefects, ChangeWhatBecomesOfTheMail) {
    const std::vector<QueueCase> cases = {
        {"temporary-is-permanent", answer("MAIL", "451 x", 1), "permanent", 0},
        {"permanent-is-temporary", answer("AUTH", "535 x", 1), "sent", 1},
        {"drop-on-4yz", answer("connect", "421 x", 1), "sent", 0},
        {"drop-on-4yz", answer("RCPT", "450 x", 1), "sent", 0},
        {"drop-on-5yz", answer("end-of-data", "554 x", 1), "sent", 0},
        {"no-retry", answer("MAIL", "451 x", 1), "temporary", 0},
        {"resend-accepted", answer("MAIL", "451 x", 1), "sent", 2},
        {"retry-without-delay", answer("MAIL", "451 x", 50), "sent", 1},
        {"retry-without-delay", answer("connect", "421 x", 50), "sent", 1},
        {"retry-with-new-sender", answer("RCPT", "451 x", 1), "sent", 1},
        {"mail-without-login", answer("AUTH", "535 x", 1), "permanent", 0},
        {"bounce-with-own-sender", answer("RCPT", "550 x", 1), "permanent", 1},
    };
    for (const QueueCase& one : cases) {
        Rig rig({one.rule});
        EXPECT_EQ(rig.run_with(one.defect), one.says) << one.defect << rig.client->output();
        EXPECT_EQ(rig.server.store().count(), one.stored) << one.defect << rig.ear.all();
    }
}

TEST(QueueDefects, OneCopyPerRecipient) {
    Rig rig;
    ClientTask task = rig.task();
    task.messages[0].to.emplace_back("carl@mail.test");
    task.defects.insert("one-copy-per-recipient");
    EXPECT_EQ(rig.run(std::move(task)), "sent");
    EXPECT_EQ(rig.server.store().count(), 2U);
}

/// Stops the client as soon as `reached` says so.
void run_until(Rig& rig, ClientTask task, const std::function<bool()>& reached) {
    rig.client = make_reference_client(rig.loop.get_executor(), std::move(task), nullptr);
    boost::asio::steady_timer timer(rig.loop);
    std::function<void(boost::system::error_code)> look = [&](boost::system::error_code) {
        if (reached())
            return rig.client->stop();
        timer.expires_after(1ms);
        timer.async_wait(look);
    };
    look({});
    wire::run_blocking(rig.loop, rig.client->run());
}

TEST(Stop, EndsARunThatWaits) {
    Rig rig({answer("MAIL", "451 later")});
    ClientTask task = rig.task();
    task.retry.first_delay = 1h;
    run_until(rig, std::move(task), [&] { return rig.client->output().find("451") != std::string::npos; });
    EXPECT_EQ(rig.client->says(), "unknown");
}

TEST(Stop, EndsARunThatWaitsForAReply) {
    Rig rig({act_on("MAIL", script::act::Stall{})});
    ClientTask task = rig.task();
    task.timeouts = Timeouts();
    run_until(rig, std::move(task), [&] { return rig.ear.count("t MAIL") != 0; });
    EXPECT_NE(rig.client->says(), "sent");
}

}  // namespace
}  // namespace smtpspec::client
