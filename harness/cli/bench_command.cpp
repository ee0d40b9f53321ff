#include <fmt/format.h>

#include <algorithm>

#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include "harness/cli/bench_load.hpp"
#include "harness/cli/calibration.hpp"
#include "harness/cli/commands.hpp"
#include "harness/cli/interrupt.hpp"
#include "harness/cli/latency_output.hpp"
#include "harness/cli/load.hpp"
#include "harness/cli/load_manners.hpp"
#include "harness/cli/output.hpp"
#include "harness/latency/latency.hpp"
#include "harness/run/embedded_server.hpp"
#include "harness/run/endpoint.hpp"
#include "harness/run/judge.hpp"
#include "harness/run/pacing.hpp"
#include "harness/run/probe.hpp"
#include "harness/run/runner.hpp"
#include "mockserver/server.hpp"
#include "protocol/wire/crypto.hpp"
#include "protocol/wire/loop.hpp"

namespace smtpspec::cli {

namespace asio = boost::asio;

namespace {

/// The profile as the reference client needs it.
latency::LatencyTask task_of(const run::RunContext& context, const Arguments& arguments) {
    const run::Profile& profile = context.profile;
    latency::LatencyTask task;
    task.endpoint = profile.name;
    task.target.host = profile.server_name.empty() ? profile.host : profile.server_name;
    task.target.user = context.user;
    task.target.password = context.password;
    task.target.auth = !context.user.empty();
    task.target.modes = profile.ports;
    task.tls = context.client_tls;
    // So many that p99 is more than the maximum under another name, where they cost nobody anything.
    constexpr int of_our_own = 100;
    const int usual = context.embedded() ? of_our_own : messages_of_a_probe;
    task.messages = share_of(arguments.bench.messages > 0 ? arguments.bench.messages : usual, context);
    task.from = profile.from;
    task.to = {profile.to};
    task.run_id = wire::random_token(12);
    for (const auto& [port, mode] : profile.ports) {
        if (arguments.options.ports.empty() || arguments.options.ports.count(port) > 0) {
            task.ports.push_back(port);
        }
    }
    return task;
}

/// Against a foreign server: its addresses, and not more than its budget, pace and limits allow.
void aim_at_endpoint(const run::RunContext& context, latency::LatencyTask& task) {
    const run::Profile& profile = context.profile;
    for (const auto& [port, address] : context.addresses) {
        task.target.ports[port] = address.port();
        task.places[port].address = address.address().to_string();
        if (const auto name = context.names.find(port); name != context.names.end()) {
            task.places[port].name = name->second;
        }
    }
    task.manners.is_limit = [&profile](const std::string& reply) {
        return run::is_rate_limit(reply, profile.facts);
    };
    task.mask = [&context](const std::string& text) { return context.masker.by_value(text); };
    task.manners.first_pause = run::first_pause;
    task.manners.longest_pause = run::longest_pause;
    task.manners.limits_to_stop = run::limit_replies_to_give_up;
    if (context.surroundings == run::Surroundings::remote) {
        task.manners.budget = messages_allowed(context);
        task.pause = std::chrono::milliseconds(static_cast<int>(1000 / context.pace()));
    }
}

/// One polite conversation with each port first, as `run` has it: who is refused or meets silence is told so
/// at once, and not once for each message.
void leave_out_unusable(run::RunContext& context, latency::LatencyTask& task) {
    const InterruptGuard guard(context.interrupted);
    for (const auto& [port, probe] : run::probe_ports(context)) {
        if (!probe.usable()) {
            task.unusable[port] = context.masker.by_value(probe.detail);
        }
    }
}

/// What is measured: a foreign endpoint, or the embedded server, which is then `server`.
struct Subject {
    std::unique_ptr<run::RunContext> context;
    std::unique_ptr<mock::Server> server;
    latency::LatencyTask task;
};

/// The endpoint of the command line. Problems are printed; then the value is the exit code.
tl::expected<std::unique_ptr<run::RunContext>, int> endpoint_of(const Arguments& arguments) {
    const auto catalog = load_catalog(arguments);
    if (!catalog) {
        return tl::make_unexpected(2);
    }
    int code = 2;
    auto context = arguments.endpoint.empty() ? embedded_endpoint(arguments)
                                              : foreign_endpoint(arguments, *catalog, code);
    if (!context) {
        return tl::make_unexpected(code);
    }
    if (context->profile.to.empty()) {
        say("smtpspec bench: {} has no recipient; give a profile with envelope: {{from: …, to: …}}\n",
            context->profile.name);
        return tl::make_unexpected(2);
    }
    return context;
}

/// Starts the embedded server on `loop`; the error is a sentence.
tl::expected<void, std::string> aim_at_embedded(Subject& subject, asio::io_context& loop) {
    subject.server = std::make_unique<mock::Server>(
        loop.get_executor(), run::embedded_server_config(*subject.context), subject.context->pki);
    if (auto up = subject.server->start(); !up) {
        return tl::make_unexpected(up.error());
    }
    for (const mock::PortInfo& port : subject.server->ports()) {
        subject.task.target.ports[port.logical] = port.actual;
    }
    return {};
}

bool write(const Arguments& arguments, const latency::LatencyResult& result) {
    const bool all = write_latency(arguments, result);
    if (!all) {
        keep_elsewhere(latency_document(result), "The whole measurement is kept in {0}");
    }
    return all;
}

/// Until all is measured, or Ctrl-C: then what there is.
latency::LatencyResult measure(run::RunContext& context, asio::io_context& loop, latency::LatencyTask task) {
    const InterruptGuard guard(context.interrupted);
    latency::LatencyResult result;
    std::exception_ptr problem;
    bool done = false;
    asio::co_spawn(
        loop,
        latency::measure_into(result, loop.get_executor(), std::move(task), nullptr, progress_line()),
        [&](std::exception_ptr thrown) {
            problem = thrown;
            done = true;
        });
    while (!done && !context.interrupted) {
        loop.run_one_for(std::chrono::milliseconds(50));
    }
    if (problem) {
        std::rethrow_exception(problem);
    }
    return result;
}

/// docs/exit-codes.md, for a run that came to its end.
int exit_code(const latency::LatencyResult& result) {
    using latency::Trouble;
    const bool tried = std::any_of(
        result.ports.begin(), result.ports.end(), [](const auto& port) { return port.messages > 0; });
    const std::pair<bool, int> codes[] = {{result.has(Trouble::refused), 1},
                                          {result.has(Trouble::died), 4},
                                          {result.has(Trouble::login_refused), 5},
                                          {result.has(Trouble::rate_limited), 5},
                                          {!tried, 77}};
    for (const auto& [applies, code] : codes) {
        if (applies) {
            return code;
        }
    }
    return 0;
}

}  // namespace

namespace {

/// Fills in what every result has. Writes it; the value is the exit code.
int conclude(const run::RunContext& context, const Arguments& arguments, latency::LatencyResult result) {
    result.interrupted = context.interrupted;
    if (const auto& shard = context.options.shard) {
        result.shard =
            document::ShardNote{shard->index, shard->count, 0, load_digest(arguments.bench, context)};
    }
    const bool written = write(arguments, result);
    if (context.interrupted) {
        say("smtpspec bench: interrupted{}\n",
            written ? "; the report holds what was measured until then" : "");
        return written ? 130 : 3;
    }
    return written ? exit_code(result) : 3;
}

/// So many messages make a block of a probe: some, but so few that there are blocks enough to compare.
int block_of(int messages) {
    constexpr int most_blocks = 20;
    constexpr int fewest_blocks = 5;
    constexpr int usual = 4;
    return std::max({messages / most_blocks, std::min(messages / fewest_blocks, usual), 1});
}

/// A few messages, one after the other.
int probe(const Arguments& arguments, Subject subject) {
    run::RunContext& context = *subject.context;
    const std::string started = run::now_utc();
    auto loop = std::make_unique<asio::io_context>(1);
    if (!context.embedded()) {
        aim_at_endpoint(context, subject.task);
        leave_out_unusable(context, subject.task);
    } else if (auto up = aim_at_embedded(subject, *loop); !up) {
        say("smtpspec bench: {}\n", up.error());
        return 3;
    }
    std::vector<latency::Block> blocks;
    std::unique_ptr<Calibration> calibration;
    if (arguments.bench.calibrate) {
        calibration = std::make_unique<Calibration>();
        subject.task.block = block_of(
            std::min(subject.task.messages, subject.task.manners.budget.value_or(subject.task.messages)));
        subject.task.block_done = [&](latency::Block block) {
            block.calibration = calibration->measure(context.profile.ports.at(block.port));
            blocks.push_back(std::move(block));
        };
    }
    latency::LatencyResult result = measure(context, *loop, std::move(subject.task));
    end_progress();
    if (context.interrupted) {
        // The message under way is left as it is: the program is about to end.
        [[maybe_unused]] const auto* conversation = loop.release();
        [[maybe_unused]] const auto* peer = subject.server.release();
    } else if (subject.server) {
        wire::run_blocking(*loop, subject.server->stop());
    }
    result.started = started;
    result.machine = this_machine();
    result.blocks = std::move(blocks);
    return conclude(context, arguments, std::move(result));
}

int load(const Arguments& arguments, Subject subject) {
    run::RunContext& context = *subject.context;
    if (const std::string why = load_objection(context, arguments); !why.empty()) {
        say("smtpspec bench: {}.\n", why);
        return 2;
    }
    const std::string started = run::now_utc();
    std::unique_ptr<BenchServer> server;
    if (context.embedded()) {
        server = std::make_unique<BenchServer>(context);
    } else {
        leave_out_unusable(context, subject.task);
    }
    latency::LatencyResult result = measure_load(context, arguments, server.get(), subject.task.unusable);
    result.endpoint = context.profile.name;
    result.started = started;
    result.machine = this_machine();
    return conclude(context, arguments, std::move(result));
}

}  // namespace

namespace {

/// A part that has no message to send still is a part: merge asks for it.
int nothing_to_do(const Arguments& arguments, const run::RunContext& context) {
    latency::LatencyResult result;
    result.endpoint = context.profile.name;
    result.shape = shape_of(arguments.bench, context);
    if (!arguments.bench.is_load()) {
        result.shape.kind = latency::LoadShape::Kind::probe;
    }
    result.started = run::now_utc();
    result.machine = this_machine();
    say("smtpspec bench: this part has no message of the {}\n", arguments.bench.messages);
    return conclude(context, arguments, std::move(result));
}

}  // namespace

int bench_command(const Arguments& arguments) {
    auto endpoint = endpoint_of(arguments);
    if (!endpoint) {
        return endpoint.error();
    }
    if (arguments.bench.messages > 0 && share_of(arguments.bench.messages, **endpoint) == 0) {
        return nothing_to_do(arguments, **endpoint);
    }
    Subject subject;
    subject.context = std::move(*endpoint);
    subject.task = task_of(*subject.context, arguments);
    return arguments.bench.is_load() ? load(arguments, std::move(subject))
                                     : probe(arguments, std::move(subject));
}

}  // namespace smtpspec::cli
