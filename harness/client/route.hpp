#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/client/failure.hpp"

namespace smtpspec::client {

/// One place where a message may be delivered.
struct Target {
    std::string host;
    std::string address;
    std::optional<std::vector<TlsaRecord>> tlsa;  ///< secure ones
    bool relay = false;                           ///< found in the DNS
};

/// The mail hosts of a domain, best first: MX, or the domain itself without one (RFC 5321 §5.1), with their
/// secure TLSA records (RFC 7672 §2.2). A null MX is a permanent failure (RFC 7505 §4); a lookup that fails
/// defers.
Step<std::vector<Target>> mail_hosts(Dns& dns, const std::string& domain, int port, bool obey_tlsa);

}  // namespace smtpspec::client
