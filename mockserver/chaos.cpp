#include "mockserver/chaos.hpp"

namespace smtpspec::mock {
namespace {

class Chaos final : public script::Overlay {
  public:
    Chaos(ChaosSpec spec, script::Overlay* below)
        : spec_(std::move(spec)), below_(below), random_(spec_.seed) {}

    script::Decision decide(const script::ServerEvent& event) override {
        script::Decision decision;
        if (below_ != nullptr) {
            decision = below_->decide(event);
        }
        if (!decision.answered && strikes(event)) {
            decision.answered = true;
            add_fault(decision);
        }
        return decision;
    }

    std::optional<std::chrono::milliseconds> next_idle(std::chrono::milliseconds idle) const override {
        return below_ == nullptr ? std::nullopt : below_->next_idle(idle);
    }

    std::optional<std::size_t> next_data_size(std::size_t octets) const override {
        return below_ == nullptr ? std::nullopt : below_->next_data_size(octets);
    }

  private:
    /// QUIT is spared: a session that is over anyway proves nothing.
    bool strikes(const script::ServerEvent& event) {
        using Kind = script::ServerEventKind;
        const bool command = event.kind == Kind::command && event.verb != "QUIT";
        if (!command && event.kind != Kind::auth_line && event.kind != Kind::end_of_data) {
            return false;
        }
        const std::lock_guard lock(mutex_);
        return std::uniform_real_distribution<double>(0, 1)(random_) < spec_.rate;
    }

    void add_fault(script::Decision& decision) {
        const std::lock_guard lock(mutex_);
        const std::size_t kinds = spec_.replies.size() + (spec_.drops ? 2 : 0);
        if (kinds == 0) {
            decision.answered = false;
            return;
        }
        const auto pick = std::uniform_int_distribution<std::size_t>(0, kinds - 1)(random_);
        if (pick < spec_.replies.size()) {
            script::act::Reply reply;
            reply.octets = spec_.replies[pick] + "\r\n";
            decision.acts.emplace_back(std::move(reply));
        } else if (pick == spec_.replies.size()) {
            decision.acts.emplace_back(script::act::DropRst{});
        } else {
            decision.acts.emplace_back(script::act::DropFin{});
        }
    }

    ChaosSpec spec_;
    script::Overlay* below_;
    std::mutex mutex_;
    std::mt19937_64 random_;
};

}  // namespace

std::unique_ptr<script::Overlay> make_chaos(ChaosSpec spec, script::Overlay* below) {
    return std::make_unique<Chaos>(std::move(spec), below);
}

}  // namespace smtpspec::mock
