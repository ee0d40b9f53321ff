#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <random>
#include <vector>

#include "protocol/script/rules.hpp"

namespace smtpspec::mock {

/// Faults at a rate, drawn from a seed: the same seed and the same traffic give the same faults.
struct ChaosSpec {
    double rate = 0.05;  ///< share of commands, logins and ends of data that go wrong
    std::uint64_t seed = 1;
    bool drops = true;  ///< connections lost are among the faults, not only replies
    /// Replies to choose from.
    std::vector<std::string> replies = {"421 4.3.2 Service not available",
                                        "451 4.3.0 Try again later",
                                        "450 4.2.1 Slow down",
                                        "452 4.3.1 Insufficient system storage"};
};

/// The overlay of ChaosSpec. `below` (may be null) is asked first; what it answers stands. Thread-safe.
std::unique_ptr<script::Overlay> make_chaos(ChaosSpec spec, script::Overlay* below = nullptr);

}  // namespace smtpspec::mock
