#include <mutex>

#include "protocol/script/functions.hpp"
#include "protocol/script/interpreter.hpp"
#include "protocol/script/rules_engine.hpp"

namespace smtpspec::script {

namespace {

/// The scope of rules outside of a scenario: nothing but what earlier regular expressions have captured.
class BareScope : public Scope {
  public:
    Value name(const std::string& name, Position at) override {
        const auto found = captures_.find(name);
        if (found == captures_.end()) {
            throw EvalError(EvalError::Kind::wrong, at, "`" + name + "` is not known here");
        }
        return found->second;
    }
    bool has_variable(const std::string& name) const override { return captures_.contains(name); }
    std::optional<Value> call(const std::string&, const std::vector<Value>&, Position) override {
        return std::nullopt;
    }
    void capture(const std::string& name, std::string octets) override {
        captures_[name] = std::move(octets);
    }

  private:
    std::map<std::string, std::string> captures_;
};

/// Rules of --fault: one set for all listeners and threads. A rule whose expression cannot be evaluated for
/// an event does not fit it: a running mock is not stopped by it.
class FaultOverlay : public Overlay {
  public:
    FaultOverlay(std::vector<Rule> rules, std::uint64_t seed)
        : rules_(std::move(rules)), engine_(rules_, scope_, limiters_, seed, RuleEngine::Hooks()) {}

    Decision decide(const ServerEvent& event) override {
        const std::lock_guard lock(mutex_);
        try {
            return engine_.decide(event);
        } catch (const EvalError&) {
            return Decision();
        }
    }
    std::optional<std::chrono::milliseconds> next_idle(std::chrono::milliseconds idle) const override {
        return engine_.next_idle(idle);
    }
    std::optional<std::size_t> next_data_size(std::size_t octets) const override {
        return engine_.next_data_size(octets);
    }
    std::vector<RuleFits> fits() const override {
        const std::lock_guard lock(mutex_);
        return engine_.fits();
    }

  private:
    mutable std::mutex mutex_;
    std::vector<Rule> rules_;
    BareScope scope_;
    Limiters limiters_;
    RuleEngine engine_;
};

}  // namespace

std::unique_ptr<Overlay> make_overlay(std::vector<Rule> rules, std::uint64_t seed) {
    return std::make_unique<FaultOverlay>(std::move(rules), seed);
}

}  // namespace smtpspec::script
