#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include "harness/cli/commands.hpp"
#include "harness/cli/interrupt.hpp"
#include "harness/cli/load.hpp"
#include "harness/cli/output.hpp"
#include "harness/latency/latency.hpp"
#include "harness/run/embedded_server.hpp"
#include "harness/run/endpoint.hpp"
#include "harness/run/runner.hpp"
#include "mockserver/server.hpp"
#include "protocol/wire/crypto.hpp"
#include "protocol/wire/loop.hpp"

namespace smtpspec::cli {

namespace asio = boost::asio;

namespace {

std::string read_all(const std::string& path) {
    std::string text;
    if (std::FILE* file = path.empty() ? nullptr : std::fopen(path.c_str(), "rb")) {
        char part[4096];
        for (std::size_t got = 0; (got = std::fread(part, 1, sizeof part, file)) > 0;) {
            text.append(part, got);
        }
        std::fclose(file);
    }
    return text;
}

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
    task.messages = arguments.bench.messages;
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

/// Against a foreign server: its address, its CAs, and not more than its budget and pace allow.
void aim_at_endpoint(const run::RunContext& context, const Arguments& arguments, latency::LatencyTask& task) {
    const run::Profile& profile = context.profile;
    task.target.ca_pem =
        read_all(arguments.options.ca_file.empty() ? profile.ca_file : arguments.options.ca_file);
    for (const auto& [port, address] : context.addresses) {
        task.target.ports[port] = address.port();
        task.target.address = address.address().to_string();
    }
    if (context.surroundings == run::Surroundings::remote) {
        task.messages =
            std::min(task.messages, arguments.options.max_messages.value_or(profile.budget_messages));
        const double rate = profile.messages_per_second > 0 ? profile.messages_per_second : 1.0;
        task.pause = std::chrono::milliseconds(static_cast<int>(1000 / rate));
    }
}

bool write(const Arguments& arguments, const latency::LatencyResult& result) {
    bool all = true;
    for (const OutputRequest& request : arguments.outputs) {
        const bool as_json = request.format == report::Format::json;
        const std::string text =
            as_json ? latency::to_json(result).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) +
                          "\n"
                    : latency::to_table(result);
        if (!write_text(request.path, text)) {
            keep_elsewhere(
                latency::to_json(result).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n",
                "The whole measurement is kept in {0}");
            all = false;
        }
    }
    return all;
}

latency::Progress progress() {
    const auto show = progress_line();
    return [show](int port, int message, int of) {
        show(fmt::format("port {}: message {} of {}", port, message, of));
    };
}

/// Until all is measured, or Ctrl-C: then what there is.
latency::LatencyResult measure(run::RunContext& context, asio::io_context& loop, latency::LatencyTask task) {
    const InterruptGuard guard(context.interrupted);
    latency::LatencyResult result;
    std::exception_ptr problem;
    bool done = false;
    asio::co_spawn(loop,
                   latency::measure_into(result, loop.get_executor(), std::move(task), nullptr, progress()),
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

}  // namespace

int bench_command(const Arguments& arguments) {
    const auto catalog = load_catalog(arguments);
    if (!catalog) {
        return 2;
    }
    std::unique_ptr<run::RunContext> context;
    auto loop = std::make_unique<asio::io_context>(1);
    std::unique_ptr<mock::Server> server;
    if (arguments.endpoint.empty()) {
        context = embedded_endpoint(arguments);
        if (!context) {
            return 2;
        }
    } else {
        int code = 0;
        context = foreign_endpoint(arguments, *catalog, code);
        if (!context) {
            return code;
        }
    }
    if (context->profile.to.empty()) {
        fmt::print(stderr,
                   "smtpspec bench: {} has no recipient; give a profile with envelope: {{from: …, to: …}}\n",
                   context->profile.name);
        return 2;
    }
    latency::LatencyTask task = task_of(*context, arguments);
    if (context->embedded()) {
        server = std::make_unique<mock::Server>(
            loop->get_executor(), run::embedded_server_config(*context), context->pki);
        if (auto up = server->start(); !up) {
            fmt::print(stderr, "smtpspec bench: {}\n", up.error());
            return 3;
        }
        task.target.ca_pem = context->pki->ca_pem();
        for (const mock::PortInfo& port : server->ports()) {
            task.target.ports[port.logical] = port.actual;
        }
    } else {
        aim_at_endpoint(*context, arguments, task);
    }
    const latency::LatencyResult result = measure(*context, *loop, std::move(task));
    end_progress();
    if (context->interrupted) {
        // The message under way is left as it is: the program is about to end.
        [[maybe_unused]] const auto* conversation = loop.release();
        [[maybe_unused]] const auto* peer = server.release();
    } else if (server) {
        wire::run_blocking(*loop, server->stop());
    }
    const bool written = write(arguments, result);
    if (context->interrupted) {
        fmt::print(stderr,
                   "smtpspec bench: interrupted{}\n",
                   written ? "; the report holds what was measured until then" : "");
        return written ? 130 : 3;
    }
    return !written ? 3 : result.complete() ? 0 : 1;
}

}  // namespace smtpspec::cli
