#pragma once

#include "harness/run/context.hpp"
#include "harness/run/time_lapse.hpp"
#include "protocol/script/environment.hpp"

namespace smtpspec::run {

/// What server cells and client cells have in common: values, budgets, transcript. One cell, one thread.
class CellEnvironment : public script::Environment {
  public:
    CellEnvironment(const RunContext& context,
                    const PlannedCell& cell,
                    boost::asio::any_io_executor executor,
                    wire::Transcript& transcript,
                    const wire::Masker& masker);

    const std::map<std::string, std::string>& given() const override { return given_; }
    std::string recipient(int n) const override;
    script::Mode mode() const override { return cell_.mode; }
    script::Mode mode_of_port(int port) const override {
        const auto found = context_.profile.ports.find(port);
        return found == context_.profile.ports.end() ? cell_.mode : found->second;
    }
    bool loopback() const override { return context_.loopback(); }
    std::chrono::milliseconds quiet() const override;
    double time_scale() const override { return 1.0; }
    double time_lapse() const override { return run::time_lapse(context_, cell_); }
    std::uint64_t seed() const override { return context_.options.seed; }
    wire::Transcript& transcript() override { return transcript_; }
    const wire::Masker& masker() const override { return masker_; }
    boost::asio::any_io_executor executor() override { return executor_; }
    std::optional<std::string> spki(const std::string& certificate) const override;
    std::optional<std::vector<std::string>> dns(const std::string& type, const std::string& name) override;
    std::optional<std::string> web(const std::string& url) override;
    std::optional<std::string> file(const std::string& name) override;

  protected:
    const RunContext& context_;
    const PlannedCell& cell_;
    boost::asio::any_io_executor executor_;
    wire::Transcript& transcript_;
    const wire::Masker& masker_;
    std::map<std::string, std::string> given_;
};

/// The answer of a world that does not have what a script asks for. A function of its own, because g++ 12 at
/// -O2 sees an overflow that is not there when the error is made inside a coroutine.
tl::unexpected<wire::IoError> not_offered(std::string what);

}  // namespace smtpspec::run
