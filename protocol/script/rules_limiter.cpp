#include <algorithm>

#include "protocol/script/rules_engine.hpp"

namespace smtpspec::script {

namespace {

std::string bucket_key(LimiterScope per, const SessionFacts& session) {
    switch (per) {
        case LimiterScope::Login:
            return session.user;
        case LimiterScope::Address:
            return session.address;
        case LimiterScope::Connection:
            return std::to_string(session.number);
        case LimiterScope::All:
            break;
    }
    return {};
}

}  // namespace

Limiters::Limiters(std::vector<Limiter> limiters) : limiters_(std::move(limiters)) {}

std::optional<bool> Limiters::over(const std::string& name, const SessionFacts& session, Time now) {
    const auto found = std::find_if(
        limiters_.begin(), limiters_.end(), [&](const Limiter& limiter) { return limiter.name == name; });
    if (found == limiters_.end()) {
        return std::nullopt;
    }
    const auto key = std::pair(name, bucket_key(found->per, session));
    const auto most = static_cast<double>(found->burst);
    const auto [place, fresh] = buckets_.try_emplace(key, Bucket{most, now});
    Bucket& bucket = place->second;
    if (!fresh) {
        const std::chrono::duration<double> passed = now - bucket.filled;
        const std::chrono::duration<double> period = found->period;
        bucket.tokens = std::min(most, bucket.tokens + passed / period * static_cast<double>(found->rate));
        bucket.filled = now;
    }
    if (bucket.tokens < 1) {
        return true;
    }
    bucket.tokens -= 1;
    return false;
}

}  // namespace smtpspec::script
