#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "mockserver/defects.hpp"
#include "mockserver/limiter.hpp"
#include "protocol/script/words.hpp"

struct ssl_ctx_st;

namespace smtpspec::mock {

/// A login. `token` is what XOAUTH2 and OAUTHBEARER must bring; empty: the password is the token.
struct Account {
    std::string user;
    std::string password;
    std::string token;
};

/// One listener.
struct PortSpec {
    int logical = 587;  ///< as reports show it (design.md §7)
    script::Mode mode = script::Mode::Starttls;
    std::string address = "127.0.0.1";
    std::uint16_t bind = 0;  ///< 0: an ephemeral port
};

/// Which extensions EHLO offers. What is off is refused as an unknown command or parameter.
struct Extensions {
    bool pipelining = true;
    bool eight_bit_mime = true;
    bool size = true;
    bool dsn = true;
    bool smtputf8 = true;
    bool chunking = true;
    bool binarymime = true;
    bool enhanced_codes = true;
    bool limits = true;
    bool help = true;
    bool vrfy = true;
    bool starttls = true;
    /// Offered inside TLS only, and on plain ports. The -PLUS ones appear where there is a channel to bind
    /// to.
    std::vector<std::string> mechanisms = {"PLAIN",
                                           "LOGIN",
                                           "CRAM-MD5",
                                           "SCRAM-SHA-1",
                                           "SCRAM-SHA-256",
                                           "SCRAM-SHA-1-PLUS",
                                           "SCRAM-SHA-256-PLUS",
                                           "XOAUTH2",
                                           "OAUTHBEARER"};
};

/// Sizes and counts that a session may reach (RFC 5321 §4.5.3.1).
struct SessionLimits {
    std::size_t message_octets = 25U << 20;  ///< SIZE; more is 552 5.3.4
    int recipients = 1000;                   ///< more is 452 4.5.3
    std::size_t command_octets = 4096;       ///< with the line end; more is 500 5.5.2
    std::size_t auth_octets = 12290;         ///< RFC 4954 §4: 12288, and the line end
    std::size_t runaway_octets = 64U << 10;  ///< of one line without end; more is 421 and the end
    int errors = 100;                        ///< 5yz replies; more is 421 4.7.0 and the end
    int auth_failures = 10;
    std::size_t stored_octets = 256U << 20;  ///< of the store; more is 452 4.3.1
};

/// What one server is. A value; the server keeps a copy.
struct ServerConfig {
    std::string host = "mail.test";
    std::string greeting = "ESMTP smtpspec";  ///< what follows "220 host "
    std::vector<PortSpec> ports = {PortSpec{}};
    bool tls_required = true;       ///< for mail on ports with STARTTLS; an MX must not (RFC 3207 §4)
    std::vector<Account> accounts;  ///< none: no AUTH is offered, mail needs no login
    /// Domains with all their subdomains: any address there is a mailbox. Elsewhere is relaying, which needs
    /// a login.
    std::vector<std::string> local_domains = {"test"};
    std::vector<std::string> refused_recipients = {"bad@*"};  ///< 550 5.1.1; `*` stands for any octets
    Extensions extensions;
    SessionLimits limits;
    DefectSet defects;
    std::vector<LimiterSpec> limiters;
    std::string certificate = "good";  ///< of TestPki, where no rule says otherwise
    std::shared_ptr<ssl_ctx_st>
        own_certificate;  ///< is shown in its place (wire::server_context); may be null
    /// Without a command for so long: 421 4.4.2 and the end. At least five minutes (RFC 5321 §4.5.3.2.7).
    std::chrono::milliseconds idle_timeout{600'000};
    std::chrono::milliseconds handshake_timeout{20'000};
    std::chrono::milliseconds linger{1'000};  ///< how long an orderly close waits for the peer's
    std::uint64_t seed = 1;                   ///< of nonces and salts
};

}  // namespace smtpspec::mock
