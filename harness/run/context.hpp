#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <boost/asio/ip/tcp.hpp>

#include "harness/run/mail_gate.hpp"
#include "harness/run/options.hpp"
#include "harness/run/plan.hpp"
#include "harness/run/profile.hpp"
#include "protocol/wire/mask.hpp"
#include "protocol/wire/pki.hpp"

namespace smtpspec::run {

/// What all cells of one run share. Built before the first cell, then read by all threads.
struct RunContext {
    Surroundings surroundings = Surroundings::embedded;
    Profile profile;
    RunOptions options;
    std::string user, password;  ///< of the profile; "" without credentials
    wire::Masker masker;
    std::shared_ptr<const wire::TestPki> pki;  ///< of the embedded server; also answers spki()
    std::shared_ptr<SSL_CTX> client_tls;       ///< trusts what the profile or --ca says
    std::map<int, boost::asio::ip::tcp::endpoint>
        addresses;  ///< logical port -> where to connect (foreign servers)
    std::map<int, std::string>
        names;  ///< logical port -> the name that was looked up for its address, if any
    std::unique_ptr<MailGate> gate = std::make_unique<MailGate>();
    std::string unresolved;  ///< why the host has no address, a complete message; then `addresses` is empty
    bool local = false;      ///< every address is this machine
    std::map<int, std::string> tls_problems;  ///< logical port -> why STARTTLS, which it lists, gives no TLS
    std::set<int> without_auth;               ///< logical ports that offer no AUTH: nobody logs in there
    std::atomic<bool> interrupted{false};     ///< Ctrl-C: no new cell begins

    bool embedded() const { return surroundings == Surroundings::embedded; }
    bool loopback() const { return local; }
    /// Connections at once that a server elsewhere gets at most; 0: no limit of ours (design.md §8).
    int most_connections() const {
        constexpr int most = 2;
        const int told = profile.connections;
        return surroundings != Surroundings::remote ? 0 : told > 0 ? std::min(told, most) : most;
    }
    /// Messages per second that the endpoint gets at most; 0: no pace (design.md §8).
    double pace() const {
        const bool told = profile.messages_per_second > 0;
        const int parts = options.shard ? options.shard->count : 1;  // which run at the same time
        return surroundings != Surroundings::remote ? 0.0
                                                    : (told ? profile.messages_per_second : 1.0) / parts;
    }
};

/// The profile of the faithful server on five ports: what `run` without ENDPOINT tests.
Profile embedded_profile();

/// A context for the embedded peers: certificates, a password made for this run, and its masks.
std::unique_ptr<RunContext> embedded_context(const RunOptions& options);

/// A context for a foreign endpoint: reads the password, loads the CAs, resolves the host (or takes
/// --connect-to). The error is a complete message about a mistake of the user; a host that has no address is
/// none: `unresolved` says so.
struct ContextError {
    std::string message;
    int exit_code = 2;
};
tl::expected<std::unique_ptr<RunContext>, ContextError> foreign_context(const Profile& profile,
                                                                        const RunOptions& options);

}  // namespace smtpspec::run
