#include "mockserver/limiter.hpp"

#include <algorithm>

namespace smtpspec::mock {
namespace {

constexpr std::size_t max_buckets = 100'000;  // hostile clients with many names cost no more than this

constexpr std::pair<LimiterStage, std::string_view> stages[] = {
    {LimiterStage::connect, "connect"},
    {LimiterStage::ehlo, "ehlo"},
    {LimiterStage::auth, "auth"},
    {LimiterStage::mail, "mail"},
    {LimiterStage::rcpt, "rcpt"},
    {LimiterStage::data, "data"},
    {LimiterStage::end_of_data, "end-of-data"},
};

std::string bucket_key(script::LimiterScope scope, const LimiterKey& key) {
    switch (scope) {
        case script::LimiterScope::Login:
            return key.login.empty() ? "address " + key.address : "login " + key.login;
        case script::LimiterScope::Address:
            return key.address;
        case script::LimiterScope::Connection:
            return std::to_string(key.session);
        case script::LimiterScope::All:
            break;
    }
    return {};
}

}  // namespace

std::string_view to_string(LimiterStage stage) {
    const auto* it = std::find_if(
        std::begin(stages), std::end(stages), [&](const auto& entry) { return entry.first == stage; });
    return it->second;
}

std::optional<LimiterStage> limiter_stage_from_string(std::string_view word) {
    const auto* it = std::find_if(
        std::begin(stages), std::end(stages), [&](const auto& entry) { return entry.second == word; });
    return it == std::end(stages) ? std::nullopt : std::optional(it->first);
}

struct Limiters::Limiter {
    LimiterSpec spec;
    std::map<std::string, Bucket> buckets;

    bool refill_and_take(Bucket& bucket, bool fresh, Clock::time_point now) const {
        const std::chrono::duration<double> passed = now - bucket.at;
        bucket.tokens = fresh ? spec.burst : std::min(spec.burst, bucket.tokens + passed.count() * spec.rate);
        bucket.at = now;
        if (bucket.tokens < 1) {
            return false;
        }
        bucket.tokens -= 1;
        return true;
    }

    /// True: there was room.
    bool take(const LimiterKey& key, Clock::time_point now) {
        const auto scope = spec.per_connection > 0 ? script::LimiterScope::Connection : spec.per;
        if (buckets.size() >= max_buckets) {
            buckets.clear();
        }
        const auto [it, fresh] = buckets.try_emplace(bucket_key(scope, key));
        if (spec.per_connection > 0) {
            return ++it->second.used <= spec.per_connection;
        }
        return refill_and_take(it->second, fresh, now);
    }
};

Limiters::Limiters(std::vector<LimiterSpec> specs) { configure(std::move(specs)); }

const LimiterSpec* Limiters::over(LimiterStage stage, const LimiterKey& key, Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    for (const auto& limiter : limiters_) {
        const auto& spec = limiter->spec;
        if (spec.stage != stage) {
            continue;
        }
        if (spec.concurrent > 0) {
            const auto it = open_by_address_.find(key.address);
            const int open = spec.per == script::LimiterScope::Address && it != open_by_address_.end()
                                 ? it->second
                                 : open_;
            if (open > spec.concurrent) {
                return &spec;
            }
        } else if (!limiter->take(key, now)) {
            return &spec;
        }
    }
    return nullptr;
}

bool Limiters::none() const {
    const std::lock_guard lock(mutex_);
    return limiters_.empty();
}

void Limiters::session_opened(const LimiterKey& key) {
    const std::lock_guard lock(mutex_);
    ++open_;
    ++open_by_address_[key.address];
}

void Limiters::session_closed(const LimiterKey& key) {
    const std::lock_guard lock(mutex_);
    --open_;
    if (const auto it = open_by_address_.find(key.address);
        it != open_by_address_.end() && --it->second <= 0) {
        open_by_address_.erase(it);
    }
}

void Limiters::configure(std::vector<LimiterSpec> specs) {
    const std::lock_guard lock(mutex_);
    retired_.insert(retired_.end(), limiters_.begin(), limiters_.end());
    limiters_.clear();
    for (auto& spec : specs) {
        auto limiter = std::make_shared<Limiter>();
        limiter->spec = std::move(spec);
        limiters_.push_back(std::move(limiter));
    }
}

std::vector<LimiterSpec> Limiters::specs() const {
    const std::lock_guard lock(mutex_);
    std::vector<LimiterSpec> result;
    for (const auto& limiter : limiters_) {
        result.push_back(limiter->spec);
    }
    return result;
}

}  // namespace smtpspec::mock
