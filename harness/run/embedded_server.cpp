#include "harness/run/embedded_server.hpp"

#include <algorithm>
#include <functional>
#include <stdexcept>

#include "harness/run/time_lapse.hpp"

namespace smtpspec::run {

namespace {

/// True when a `connection … port=` in the script speaks with another port than the cell's.
bool uses_other_ports(const script::Block& block) {
    for (const script::Statement& statement : block) {
        if (const auto* attempt = std::get_if<script::AttemptStatement>(&statement.node)) {
            const auto* other = std::get_if<script::ConnectionAttempt>(&attempt->what);
            const auto is_port = [](const script::Option& option) { return option.name == "port"; };
            if (other != nullptr && std::any_of(other->options.begin(), other->options.end(), is_port)) {
                return true;
            }
        } else if (const auto* when = std::get_if<script::WhenStatement>(&statement.node)) {
            if (uses_other_ports(when->block)) {
                return true;
            }
        } else if (const auto* loop = std::get_if<script::ForStatement>(&statement.node)) {
            if (uses_other_ports(loop->block)) {
                return true;
            }
        }
    }
    return false;
}

}  // namespace

namespace {

mock::ServerConfig server_config(const RunContext& context, const std::function<bool(int)>& wanted) {
    mock::ServerConfig config;
    config.host = context.profile.host;
    config.ports.clear();
    for (const auto& [port, mode] : context.profile.ports) {
        if (wanted(port)) {
            mock::PortSpec spec;
            spec.logical = port;
            spec.mode = mode;
            config.ports.push_back(spec);
        }
    }
    if (!context.user.empty()) {
        mock::Account account;
        account.user = context.user;
        account.password = context.password;
        config.accounts = {account};
    }
    config.seed = context.options.seed;
    return config;
}

}  // namespace

mock::ServerConfig embedded_server_config(const RunContext& context) {
    return server_config(context, [](int) { return true; });
}

mock::ServerConfig embedded_server_config(const RunContext& context, const PlannedCell& cell) {
    const bool all_ports = cell.port == 0 || uses_other_ports(cell.scenario->script);
    mock::ServerConfig config =
        server_config(context, [&](int port) { return all_ports || port == cell.port; });
    if (!cell.defect.empty() && cell.scenario->head.side == script::Side::Server) {
        if (auto known = config.defects.add(cell.defect); !known) {
            throw std::invalid_argument(known.error());
        }
    }
    if (const double lapse = time_lapse(context, cell); lapse > 1) {
        constexpr std::chrono::minutes handshake_in_the_field{5};
        config.handshake_timeout = lapsed(handshake_in_the_field, lapse);
        config.idle_timeout = lapsed(config.idle_timeout, lapse);
    }
    return config;
}

}  // namespace smtpspec::run
