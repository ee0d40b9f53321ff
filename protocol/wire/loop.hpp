#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace smtpspec::wire {

/// Runs `work` on `loop` to its end and gives its value; what it throws is thrown here. Other coroutines on
/// the loop run meanwhile and are left where they are. The loop can be used again.
template <class T>
T run_blocking(boost::asio::io_context& loop, boost::asio::awaitable<T> work) {
    std::exception_ptr problem;
    bool done = false;
    auto run = [&] {
        loop.restart();
        while (!done && loop.run_one() != 0) {
        }
        if (problem)
            std::rethrow_exception(problem);
        if (!done)
            throw std::logic_error("the event loop ran out of work before the coroutine ended");
    };
    if constexpr (std::is_void_v<T>) {
        boost::asio::co_spawn(loop, std::move(work), [&](std::exception_ptr thrown) {
            problem = thrown;
            done = true;
        });
        run();
    } else {
        std::optional<T> value;
        boost::asio::co_spawn(loop, std::move(work), [&](std::exception_ptr thrown, T result) {
            problem = thrown;
            if (!thrown)
                value.emplace(std::move(result));
            done = true;
        });
        run();
        return std::move(*value);
    }
}

/// The same on a fresh loop, for tests and the command line. T has to be default-constructible (an Asio
/// rule).
template <class T>
T run_blocking(boost::asio::awaitable<T> work) {
    boost::asio::io_context loop(1);
    return run_blocking(loop, std::move(work));
}

}  // namespace smtpspec::wire
