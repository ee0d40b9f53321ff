#include "harness/cli/load_manners.hpp"

#include <fmt/format.h>

#include <cmath>

#include "harness/latency/load.hpp"
#include "harness/run/budget.hpp"
#include "harness/run/version.hpp"

namespace smtpspec::cli {

using latency::LoadShape;

namespace {

/// At once; a load is something that was allowed, so that a profile may name more than other commands take.
int connections_allowed(const run::Profile& profile) {
    return profile.connections > 0 ? profile.connections : 2;
}

bool is_open(const LoadShape& shape) { return shape.kind == LoadShape::Kind::open; }

/// With warm-up; as a real number, for it may be more than fits.
double messages_of(const LoadShape& shape) { return std::round(shape.rate * shape.seconds) + shape.warmup; }

std::string too_many(const BenchArguments& bench, const LoadShape& shape) {
    const double all =
        is_open(shape) ? messages_of(shape) : static_cast<double>(bench.messages) + shape.warmup;
    if (all <= static_cast<double>(latency::most_messages)) {
        return {};
    }
    return fmt::format(
        "that is a load of {:.0f} messages per port, and {} are the most of one load; take a lower "
        "--rate, a shorter --duration or fewer --messages",
        all,
        latency::most_messages);
}

std::string not_allowed(const run::RunContext& context) {
    const std::string why =
        context.local
            ? fmt::format("the profile of {} has a pace or a budget, so that a load has to be allowed",
                          context.profile.host)
            : fmt::format("{} is not on this machine: a load may do harm there", context.profile.host);
    return why +
           ". With permission of who runs it, add --i-may-load-this-host; without, leave the load options "
           "out for a short paced probe";
}

/// The load of all parts together, against the whole budget: shares are rounded.
std::string over_budget(const run::RunContext& context, const BenchArguments& bench, LoadShape shape) {
    const int budget = run::message_budget(context.options, context.profile, messages_of_a_probe);
    shape.rate = bench.rate;
    shape.warmup = bench.warmup;
    if (budget == 0) {
        return {};  // nothing is sent, and the result says why
    }
    const std::string more = "a profile may allow more (budget: {messages: N}), and so does --max-messages";
    if (is_open(shape) && messages_of(shape) > budget) {
        return fmt::format(
            "--rate {:g} for {:g} s{} is {:.0f} messages per port, and {} gets at most {}; take a "
            "shorter --duration, or {}",
            shape.rate,
            shape.seconds,
            shape.warmup > 0 ? " and --warmup" : "",
            messages_of(shape),
            context.profile.host,
            budget,
            more);
    }
    if (shape.warmup >= budget) {
        return fmt::format("--warmup {} leaves nothing of the {} messages per port that {} gets; {}",
                           shape.warmup,
                           budget,
                           context.profile.host,
                           more);
    }
    return {};
}

}  // namespace

int share_of(int all, const run::RunContext& context) {
    return context.options.shard ? run::share_of(all, *context.options.shard) : all;
}

std::optional<int> messages_allowed(const run::RunContext& context) {
    if (context.surroundings != run::Surroundings::remote) {
        return std::nullopt;
    }
    return share_of(run::message_budget(context.options, context.profile, messages_of_a_probe), context);
}

LoadShape shape_of(const BenchArguments& arguments, const run::RunContext& context) {
    LoadShape shape;
    shape.kind = arguments.rate > 0 ? LoadShape::Kind::open : LoadShape::Kind::closed;
    const int parts = context.options.shard ? context.options.shard->count : 1;
    shape.rate = arguments.rate / parts;
    constexpr double usual_seconds = 10;
    shape.seconds = arguments.duration.value_or(arguments.rate > 0 ? usual_seconds : 0);
    constexpr int enough_for_a_rate = 100;
    const int for_a_rate = context.surroundings == run::Surroundings::remote
                               ? connections_allowed(context.profile)
                               : enough_for_a_rate;
    shape.connections = arguments.connections > 0 ? arguments.connections
                        : arguments.rate > 0      ? for_a_rate
                                                  : 1;
    shape.connections = std::max(share_of(shape.connections, context), 1);
    shape.messages_per_connection = arguments.messages_per_connection;
    shape.size = arguments.size;
    shape.recipients = arguments.recipients;
    shape.pipelining = arguments.pipelining;
    shape.tls_resumption = arguments.tls_resumption;
    shape.warmup = share_of(arguments.warmup, context);
    shape.threads = arguments.threads;
    return shape;
}

std::string load_digest(const BenchArguments& bench, const run::RunContext& context) {
    std::string text = fmt::format("{} {}\n", run::version, context.profile.name);
    for (const auto& [port, mode] : context.profile.ports) {
        if (context.options.ports.empty() || context.options.ports.count(port) > 0) {
            text += fmt::format("{} {}\n", port, script::to_string(mode));
        }
    }
    const std::pair<const char*, double> figures[] = {
        {"messages", bench.messages},
        {"connections", bench.connections},
        {"rate", bench.rate},
        {"duration", bench.duration.value_or(0)},
        {"messages-per-connection", bench.messages_per_connection},
        {"size", static_cast<double>(bench.size)},
        {"recipients", bench.recipients},
        {"pipelining", bench.pipelining ? 1 : 0},
        {"tls-resumption", bench.tls_resumption ? 1 : 0},
        {"warmup", bench.warmup},
        {"threads", bench.threads},
        {"calibrate", bench.calibrate ? 1 : 0},
        {"budget", run::message_budget(context.options, context.profile, messages_of_a_probe)}};
    for (const auto& [name, figure] : figures) {
        text += fmt::format("{} {}\n", name, figure);
    }
    return document::digest(text);
}

std::string load_objection(const run::RunContext& context, const Arguments& arguments) {
    const BenchArguments& bench = arguments.bench;
    const LoadShape shape = shape_of(bench, context);
    if (std::string why = too_many(bench, shape); !why.empty()) {
        return why;
    }
    if (context.surroundings != run::Surroundings::remote) {
        return {};
    }
    if (!bench.may_load) {
        return not_allowed(context);
    }
    if (shape.rate > context.pace()) {
        return fmt::format(
            "--rate {:g} is more than the pace of {:g} messages/s that {} gets; a profile may allow more "
            "(pace: {{messages: {:g}/s}})",
            shape.rate,
            context.pace(),
            context.profile.host,
            bench.rate);
    }
    const int connections = connections_allowed(context.profile);
    if (context.options.shard && context.options.shard->count > connections) {
        return fmt::format("{} parts are more connections than the {} at once that {} gets",
                           context.options.shard->count,
                           connections,
                           context.profile.host);
    }
    if (shape.connections > connections) {
        return fmt::format(
            "--connections {} is more than the {} at once that {} gets; a profile may allow more (pace: "
            "{{connections: {}}})",
            shape.connections,
            connections,
            context.profile.host,
            shape.connections);
    }
    return over_budget(context, bench, shape);
}

}  // namespace smtpspec::cli
