#include "harness/cli/calibration.hpp"

#include <fmt/format.h>
#include <sched.h>
#include <sys/utsname.h>

#include <fstream>

#include "harness/run/judge.hpp"
#include "harness/run/runner.hpp"

namespace smtpspec::cli {

namespace {

constexpr std::uint64_t calibration_messages = 15;

}  // namespace

latency::LoadPlan load_plan(const run::RunContext& context, int port, const latency::LoadShape& shape) {
    const run::Profile& profile = context.profile;
    latency::LoadPlan plan;
    plan.host = profile.server_name.empty() ? profile.host : profile.server_name;
    plan.port = port;
    plan.mode = profile.ports.at(port);
    plan.tls = context.client_tls;
    plan.ehlo_name = profile.ehlo.empty() ? plan.ehlo_name : profile.ehlo;
    plan.user = context.user;
    plan.password = context.password;
    plan.from = profile.from;
    plan.to.assign(static_cast<std::size_t>(shape.recipients), profile.to);
    plan.shape = shape;
    plan.is_limit = [&profile](const std::string& reply) { return run::is_rate_limit(reply, profile.facts); };
    plan.mask = [&context](const std::string& text) { return context.masker.by_value(text); };
    return plan;
}

void aim_at(latency::LoadPlan& plan, int actual_port) {
    plan.address = {boost::asio::ip::make_address("127.0.0.1"), static_cast<std::uint16_t>(actual_port)};
}

Calibration::Calibration() {
    context_ = run::embedded_context(run::RunOptions());
    server_ = std::make_unique<BenchServer>(*context_);
}

std::map<latency::Stage, latency::Quantiles> Calibration::measure(script::Mode mode) {
    int port = 0;
    for (const auto& [number, its_mode] : context_->profile.ports) {
        if (its_mode == mode || port == 0) {
            port = number;
        }
    }
    latency::LoadTask task;
    task.plan = load_plan(*context_, port, latency::LoadShape());
    aim_at(task.plan, server_->ports().at(port));
    task.messages = calibration_messages;
    task.run_id = "calibration";
    task.first = first_;
    first_ += task.messages;
    latency::LoadProgress progress;
    return latency::run_load(task, progress).windows.front();
}

latency::Machine this_machine() {
    latency::Machine machine;
    std::ifstream info("/proc/cpuinfo");
    for (std::string line; machine.cpu.empty() && std::getline(info, line);) {
        if (line.starts_with("model name")) {
            const std::size_t colon = line.find(": ");
            machine.cpu = colon == std::string::npos ? "" : line.substr(colon + 2);
        }
    }
    cpu_set_t cores;
    machine.cores = sched_getaffinity(0, sizeof cores, &cores) == 0 ? CPU_COUNT(&cores) : 0;
    utsname name{};
    if (uname(&name) == 0) {
        machine.system = fmt::format("{} {}", name.sysname, name.release);
    }
    return machine;
}

}  // namespace smtpspec::cli
