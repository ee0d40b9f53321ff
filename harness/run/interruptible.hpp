#pragma once

#include <memory>

#include <boost/asio/io_context.hpp>

#include "harness/run/context.hpp"

namespace smtpspec::run {

/// Runs the loop to the end of its work, or until Ctrl-C: then false, and what was under way is left as it is
/// with its loop, for the program is about to end.
inline bool run_interruptibly(std::unique_ptr<boost::asio::io_context> loop, const RunContext& context) {
    while (!loop->stopped() && !context.interrupted) {
        loop->run_for(std::chrono::milliseconds(50));
    }
    if (context.interrupted) {
        [[maybe_unused]] const auto* left = loop.release();
        return false;
    }
    return true;
}

}  // namespace smtpspec::run
