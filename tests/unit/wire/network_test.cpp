#include <gmock/gmock.h>

#include "tests/unit/wire/pair.hpp"

namespace smtpspec::wire::test {
namespace {

using ::testing::HasSubstr;

TEST_F(Wired, AListenerTakesAFreePortAndSaysWhich) {
    auto listener = Listener::open(loop.get_executor(), "127.0.0.1", 0);
    ASSERT_TRUE(listener);
    EXPECT_NE(listener->port(), 0);
    EXPECT_EQ(to_string(listener->local()), "127.0.0.1:" + std::to_string(listener->port()));
}

TEST_F(Wired, AListenerSaysWhyItCannotListen) {
    auto first = Listener::open(loop.get_executor(), "127.0.0.1", 0);
    ASSERT_TRUE(first);
    auto second = Listener::open(loop.get_executor(), "127.0.0.1", first->port());
    ASSERT_FALSE(second);
    EXPECT_THAT(
        second.error().what,
        HasSubstr("listen on 127.0.0.1 port " + std::to_string(first->port()) + ": Address already in use"));
    EXPECT_THAT(second.error().what, HasSubstr("choose another port"));
    EXPECT_THAT(Listener::open(loop.get_executor(), "mail.test", 0).error().what,
                HasSubstr("no numeric address"));
    EXPECT_THAT(Listener::open(loop.get_executor(), "192.0.2.1", 0).error().what,
                HasSubstr("no such address"));
}

TEST_F(Wired, ClosingAListenerEndsItsAccept) {
    auto listener = Listener::open(loop.get_executor(), "127.0.0.1", 0);
    ASSERT_TRUE(listener);
    auto wait = [&]() -> Awaitable<void> {
        auto accepted = co_await listener->accept();
        CO_ASSERT(!accepted);
        EXPECT_EQ(accepted.error().kind, IoError::Kind::closed);
    };
    auto close = [&]() -> Awaitable<void> {
        listener->close();
        co_return;
    };
    run_both(loop, wait(), close());
}

TEST_F(Wired, NumericHostsAreResolvedAtOnce) {
    for (auto [host, text] :
         {std::pair{"127.0.0.1", "127.0.0.1:25"}, {"::1", "[::1]:25"}, {"[::1]", "[::1]:25"}}) {
        auto found = run(resolve(loop.get_executor(), host, 25, Clock::now()));
        ASSERT_TRUE(found) << found.error().what;
        ASSERT_EQ(found->size(), 1u);
        EXPECT_EQ(to_string(found->front()), text);
    }
}

TEST_F(Wired, LocalhostIsResolvedByTheSystem) {
    auto found = run(resolve(loop.get_executor(), "localhost", 587, soon()));
    ASSERT_TRUE(found) << found.error().what;
    ASSERT_FALSE(found->empty());
    EXPECT_TRUE(found->front().address().is_loopback());
    EXPECT_EQ(found->front().port(), 587);
}

TEST_F(Wired, AHostWithoutAddressIsNamed) {
    auto found = run(resolve(loop.get_executor(), "no such host.invalid", 25, soon()));
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().what.substr(0, 30), "resolve no such host.invalid: ");
}

TEST(RunBlocking, GivesValuesAndThrowsWhatWasThrown) {
    auto value = []() -> Awaitable<int> { co_return 7; };
    auto problem = []() -> Awaitable<void> {
        throw std::runtime_error("inside");
        co_return;
    };
    EXPECT_EQ(run_blocking(value()), 7);
    EXPECT_THROW(run_blocking(problem()), std::runtime_error);
}

}  // namespace
}  // namespace smtpspec::wire::test
