#pragma once

#include <string>

namespace smtpspec::run {

/// Why `text` is no host (a name or an IP address, RFC 5321 §2.3.5 and §4.1.3, without brackets), and what to
/// write instead; both "" when it may be one. No look-up is made. Octets that are not ASCII are left to the
/// resolver.
struct HostProblem {
    std::string what;    ///< "localhost:587 is a host with a port"
    std::string remedy;  ///< for a command line
    std::string host;    ///< what was probably meant, "" if nothing can be made of it
};
HostProblem host_problem(const std::string& text);

}  // namespace smtpspec::run
