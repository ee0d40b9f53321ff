#include <algorithm>
#include <charconv>

#include "protocol/script/scenario.hpp"
#include "protocol/script/waits.hpp"

namespace smtpspec::script {
namespace {

constexpr Duration loopback_quiet = std::chrono::milliseconds(200);
constexpr Duration slow_limit = std::chrono::seconds(2);
constexpr Duration long_total = std::chrono::seconds(60);
constexpr std::int64_t most_rounds = 100'000;

/// How often a loop goes round, as far as the text says.
std::int64_t rounds(const ForStatement& loop) {
    const auto number = [](const ExpressionPtr& e) -> const NumberLiteral* {
        return e ? std::get_if<NumberLiteral>(&e->node) : nullptr;
    };
    if (const auto* list = std::get_if<ListExpression>(&loop.first->node); list != nullptr && !loop.last) {
        return static_cast<std::int64_t>(list->items.size());
    }
    const auto* first = number(loop.first);
    const auto* last = number(loop.last);
    if (first == nullptr || last == nullptr) {
        return 1;
    }
    return std::clamp<std::int64_t>(last->quantity.value - first->quantity.value + 1, 0, most_rounds);
}

class Sum {
  public:
    Sum(const Head& head, Waiting waiting) : head_(head), waiting_(waiting) {}

    Duration of(const Block& block) {
        Duration sum{};
        Duration longest_branch{};
        for (const Statement& statement : block) {
            if (const auto* when = std::get_if<WhenStatement>(&statement.node)) {
                longest_branch = std::max(longest_branch, of(when->block));
            } else {
                sum = std::min(limit,
                               sum + std::visit([&](const auto& node) { return one(node); }, statement.node));
            }
        }
        return std::min(limit, sum + longest_branch);
    }

  private:
    static constexpr Duration limit = std::chrono::hours(24 * 365);

    template <class Other>
    Duration one(const Other& /*node*/) {
        return {};
    }
    Duration one(const ForStatement& loop) {
        const Duration inner = of(loop.block);
        const std::int64_t times = rounds(loop);
        return times != 0 && inner > limit / times ? limit : inner * times;
    }
    Duration one(const ActionStatement& action) {
        const auto* wait = std::get_if<WaitAction>(&action.action);
        return wait == nullptr ? Duration{} : wait->time;
    }
    Duration one(const SendStatement& send) {
        Duration sum{};
        for (const BytesItem& item : send.bytes.items) {
            if (const auto* pause = std::get_if<Pause>(&item)) {
                sum += pause->time;
            }
        }
        return sum;
    }
    Duration one(const AwaitStatement& await) {
        Duration longest{};
        for (const Alternative& alternative : await.alternatives) {
            const auto* silent = std::get_if<SilentPattern>(&alternative.pattern.node);
            if (silent != nullptr && (waiting_ == Waiting::Longest || !is_bad(alternative.goal))) {
                longest = std::max(longest, silent->time.value_or(quiet()));
            }
        }
        return longest;
    }
    Duration one(const ServeStatement& serve) {
        Duration longest{};
        for (const Rule& rule : serve.rules) {
            Duration in_rule{};
            for (const Act& act : rule.acts) {
                const auto* wait = std::get_if<WaitAction>(&act.node);
                in_rule += wait == nullptr ? Duration{} : wait->time;
            }
            longest = std::max(longest, in_rule);
        }
        return serve.time ? *serve.time : longest;
    }

    Duration quiet() const {
        const bool given = head_.time.quiet_given || waiting_ == Waiting::Longest;
        return given ? head_.time.quiet : loopback_quiet;
    }
    bool is_bad(const std::optional<Goal>& goal) const {
        const Outcome* outcome = goal ? head_.outcome(goal->label) : nullptr;
        return outcome != nullptr &&
               (outcome->verdict == Verdict::Fail || outcome->verdict == Verdict::Vulnerable ||
                outcome->verdict == Verdict::Warn);
    }

    const Head& head_;
    Waiting waiting_;
};

/// Until the bucket has given a token to each message.
Duration refill(const Limiter& limiter, std::int64_t messages) {
    const std::int64_t late = std::clamp<std::int64_t>(messages - limiter.burst, 0, most_rounds);
    return limiter.rate > 0 ? limiter.period * late / limiter.rate : Duration{};
}

std::int64_t messages_of(const Head& head) {
    const ClientEntry* entry = head.client_entry("messages");
    const std::string text =
        entry != nullptr && !entry->values.empty() ? entry->values.front().literal() : "";
    std::int64_t count = 1;
    std::from_chars(text.data(), text.data() + text.size(), count);
    return count;
}

Duration longest_silence(const Block& script) {
    Duration longest{};
    for (const Statement& statement : script) {
        const auto* serve = std::get_if<ServeStatement>(&statement.node);
        if (serve == nullptr) {
            continue;
        }
        for (const Rule& rule : serve->rules) {
            if (rule.event == Event::Idle && rule.amount) {
                longest = std::max(longest, Duration(std::chrono::microseconds(rule.amount->value)));
            }
        }
    }
    return longest;
}

}  // namespace

Duration sum_of_waits(const Scenario& scenario, Waiting waiting) {
    return Sum(scenario.head, waiting).of(scenario.script);
}

Duration Scenario::waits() const { return sum_of_waits(*this, Waiting::OfGoodPeer); }

Duration Scenario::lasts() const {
    Duration sum = waits() + longest_silence(script);
    for (const Limiter& limiter : head.limiters) {
        sum += refill(limiter, messages_of(head));
    }
    return sum;
}

bool Scenario::slow() const { return waits() > slow_limit || head.time.total > long_total; }

bool Scenario::passive() const {
    const auto looks = [](const Statement& statement) {
        return std::holds_alternative<WatchStatement>(statement.node) ||
               std::holds_alternative<CheckStatement>(statement.node) ||
               std::holds_alternative<OtherwiseStatement>(statement.node);
    };
    return !script.empty() && std::all_of(script.begin(), script.end(), looks);
}

}  // namespace smtpspec::script
