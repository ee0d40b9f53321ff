#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "protocol/script/words.hpp"

namespace smtpspec::mock {

/// Where in a session a limiter looks.
enum class LimiterStage { connect, ehlo, auth, mail, rcpt, data, end_of_data };
std::string_view to_string(LimiterStage stage);
std::optional<LimiterStage> limiter_stage_from_string(std::string_view word);

/// A rate limit as providers have them; shared by all ports of a server. Providers answer with 421, 432, 450,
/// 451, 452, 454, 455 and even 550, at any stage, with or without closing: nothing here is derived from the
/// code.
struct LimiterSpec {
    std::string name;
    LimiterStage stage = LimiterStage::mail;
    script::LimiterScope per = script::LimiterScope::Login;
    double rate = 0;         ///< tokens per second that come back (100 a day: 100/86400.)
    double burst = 1;        ///< tokens in a full bucket
    int concurrent = 0;      ///< not 0: open sessions at once instead of a rate
    int per_connection = 0;  ///< not 0: so many times in one session instead of a rate
    std::string reply = "450 4.7.0 Rate limit exceeded";  ///< whole reply without CRLF
    bool close = false;                                   ///< close after the reply (always after 421)
};

/// Who is asking: the keys of the buckets.
struct LimiterKey {
    std::string login;
    std::string address;
    int session = 0;
};

/// Token buckets and counters of one server. Thread-safe; time comes from the caller.
class Limiters {
  public:
    using Clock = std::chrono::steady_clock;

    explicit Limiters(std::vector<LimiterSpec> specs = {});

    /// Takes what this stage costs. The spec that refuses, or null. The pointer lives as long as this object.
    const LimiterSpec* over(LimiterStage stage, const LimiterKey& key, Clock::time_point now);
    /// There are no limits at all.
    bool none() const;
    void session_opened(const LimiterKey& key);
    void session_closed(const LimiterKey& key);

    /// Replaces all limits and forgets all counts; specs handed out before stay valid.
    void configure(std::vector<LimiterSpec> specs);
    std::vector<LimiterSpec> specs() const;

  private:
    struct Bucket {
        double tokens = 0;
        Clock::time_point at;
        int used = 0;
    };
    struct Limiter;

    mutable std::mutex mutex_;
    std::vector<std::shared_ptr<Limiter>> limiters_;
    std::vector<std::shared_ptr<Limiter>> retired_;
    std::map<std::string, int> open_by_address_;
    int open_ = 0;
};

}  // namespace smtpspec::mock
