#include "harness/run/admission.hpp"

#include <gtest/gtest.h>

#include <thread>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace smtpspec::run {
namespace {

using namespace std::chrono_literals;

wire::Awaitable<void> pause(boost::asio::io_context& loop, std::chrono::milliseconds time) {
    boost::asio::steady_timer timer(loop, time);
    co_await timer.async_wait(boost::asio::use_awaitable);
}

wire::Awaitable<void> enter(Admission& admission, int& entered) {
    co_await admission.enter();
    ++entered;
}

TEST(Admission, LetsSomeInAtOnceAndAllInTheEnd) {
    boost::asio::io_context loop(1);
    Admission admission(loop, 2);
    int entered = 0;
    for (int i = 0; i < 20; ++i)
        boost::asio::co_spawn(loop, enter(admission, entered), boost::asio::detached);
    for (int i = 0; i < 20; ++i)
        loop.poll_one();  // what is ready, and no timer
    EXPECT_EQ(entered, 2);
    loop.run();
    EXPECT_EQ(entered, 20);
}

/// A loop that does not come round lets nobody in whom it has not to.
TEST(Admission, WaitsWhileTheLoopIsBehind) {
    boost::asio::io_context loop(1);
    Admission admission(loop, 1);
    int entered = 0;
    for (int i = 0; i < 3; ++i)
        boost::asio::co_spawn(loop, enter(admission, entered), boost::asio::detached);
    int most = 0;
    auto behind = [&]() -> wire::Awaitable<void> {
        for (int i = 0; i < 5; ++i) {
            std::this_thread::sleep_for(40ms);  // somebody else's work
            most = entered;
            co_await pause(loop, 0ms);
        }
    };
    boost::asio::co_spawn(loop, behind, boost::asio::detached);
    loop.run();
    EXPECT_EQ(most, 1);
    EXPECT_EQ(entered, 3);
}

TEST(Admission, KnowsWhenTheLoopWasAway) {
    boost::asio::io_context loop(1);
    Admission admission(loop, 1);
    boost::asio::co_spawn(loop, admission.watch(), boost::asio::detached);
    bool late = false;
    bool still = true;
    auto away = [&]() -> wire::Awaitable<void> {
        const auto before = Admission::Clock::now();
        co_await pause(loop, 1ms);
        std::this_thread::sleep_for(300ms);  // the stall itself: three times what counts as one
        co_await pause(loop, 30ms);
        late = admission.was_late_since(before);
        still = admission.was_late_since(Admission::Clock::now());
        admission.stop();
    };
    boost::asio::co_spawn(loop, away, boost::asio::detached);
    loop.run();
    EXPECT_TRUE(late);
    EXPECT_FALSE(still);
}

}  // namespace
}  // namespace smtpspec::run
