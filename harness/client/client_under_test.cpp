#include "harness/client/client_under_test.hpp"

#include <algorithm>

#include "harness/client/reference_client.hpp"

namespace smtpspec::client {

using namespace std::chrono_literals;

std::string_view to_string(Policy policy) {
    switch (policy) {
        case Policy::require_tls:
            return "require-tls";
        case Policy::opportunistic:
            return "opportunistic";
        case Policy::implicit:
            break;
    }
    return "implicit";
}

std::optional<Policy> policy_from_string(std::string_view word) {
    for (const Policy policy : {Policy::require_tls, Policy::opportunistic, Policy::implicit})
        if (to_string(policy) == word)
            return policy;
    return std::nullopt;
}

std::string_view to_string(Delivery delivery) {
    switch (delivery) {
        case Delivery::sent:
            return "sent";
        case Delivery::temporary:
            return "temporary";
        case Delivery::permanent:
            return "permanent";
        case Delivery::running:
            return "running";
        case Delivery::unknown:
            break;
    }
    return "unknown";
}

RetryPolicy RetryPolicy::embedded() {
    RetryPolicy policy;
    policy.first_delay = 20ms;
    policy.max_delay = 2s;
    policy.give_up = 60s;
    return policy;
}

RetryPolicy RetryPolicy::none() {
    RetryPolicy policy;
    policy.max_attempts = 1;
    return policy;
}

Timeouts Timeouts::embedded(std::chrono::milliseconds limit) {
    Timeouts timeouts;
    timeouts.connect = limit;
    timeouts.tls = limit;
    timeouts.greeting = limit;
    timeouts.command = limit;
    timeouts.data_start = limit;
    timeouts.data_block = limit;
    timeouts.quit = std::min<std::chrono::milliseconds>(limit, 1s);
    return timeouts;
}

std::string says_of(const std::vector<MessageResult>& results) {
    bool known[5] = {};
    for (const MessageResult& result : results)
        known[static_cast<size_t>(result.state)] = true;
    for (const Delivery state :
         {Delivery::running, Delivery::permanent, Delivery::temporary, Delivery::unknown})
        if (known[static_cast<size_t>(state)])
            return std::string(to_string(state));
    return results.empty() ? "unknown" : "sent";
}

std::set<std::string> reference_client_features(const ClientTask& task) {
    std::set<std::string> features = {"queue",
                                      "reuse",
                                      "retry",
                                      "api",
                                      "credentials",
                                      "starttls",
                                      "pipelining",
                                      "size",
                                      "dsn",
                                      "8bitmime",
                                      "smtputf8",
                                      "auth:plain",
                                      "auth:login",
                                      "auth:cram-md5",
                                      "auth:scram-sha-1",
                                      "auth:scram-sha-1-plus",
                                      "auth:scram-sha-256",
                                      "auth:scram-sha-256-plus",
                                      "auth:xoauth2",
                                      "auth:oauthbearer"};
    if (task.dns) {
        features.insert("dns");
        features.insert("dnssec");
    }
    return features;
}

std::unique_ptr<ClientUnderTest> make_reference_client(wire::Connection::Executor executor,
                                                       ClientTask task,
                                                       wire::Transcript* transcript) {
    return std::make_unique<ReferenceClient>(std::move(executor), std::move(task), transcript);
}

}  // namespace smtpspec::client
