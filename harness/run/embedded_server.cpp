#include "harness/run/embedded_server.hpp"

#include <stdexcept>

namespace smtpspec::run {

mock::ServerConfig embedded_server_config(const RunContext& context, const PlannedCell& cell) {
    mock::ServerConfig config;
    config.host = context.profile.host;
    config.ports.clear();
    for (const auto& [port, mode] : context.profile.ports) {
        if (cell.port == 0 || cell.port == port) {
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
    if (!cell.defect.empty() && cell.scenario->head.side == script::Side::Server) {
        if (auto known = config.defects.add(cell.defect); !known) {
            throw std::invalid_argument(known.error());
        }
    }
    config.seed = context.options.seed;
    return config;
}

}  // namespace smtpspec::run
