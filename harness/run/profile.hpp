#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "protocol/script/words.hpp"

namespace smtpspec::run {

/// A reply or limit that a provider is known for, with where that was read. Data, never code.
struct Fact {
    std::string name, value, source, date;
    std::string situation;  ///< "rate-limit", "bad-key" …: what the judge and the mock look for
    std::string reply;      ///< for a reply: "421 4.7.0 Too many …" or a /regular expression/
    std::string stage;      ///< greeting, AUTH, MAIL, RCPT, end-of-data, or ""
    bool closes = false;
};

/// An endpoint profile (design.md §6). Read from YAML; unknown and doubled keys are errors with
/// file:line:column.
struct Profile {
    std::string name, host;
    std::map<int, script::Mode> ports;
    std::map<int, std::string> service;  ///< port -> submission | mx; default submission (25: both)
    std::string ca_file, server_name;
    std::string ehlo = "probe.example";  ///< our name in EHLO
    std::string user, password_env, password_file;
    std::string from, to, bad, remote, domain;
    std::vector<std::string> recipients;
    std::string mailbox;                 ///< Maildir folder where `to` is delivered, "" if none
    double messages_per_second = 0;      ///< 0: no pace
    int connections = 0;                 ///< at once; 0: default
    bool guessed = false;                ///< nobody wrote it: a bare host, whose modes are the usual ones
    bool paced = false;                  ///< it has a pace or a budget of its own: kept on loopback as well
    std::optional<int> budget_messages;  ///< per port and run; nothing: see budget.hpp
    int budget_bad_logins = 1;           ///< per port and run
    std::optional<std::chrono::milliseconds> quiet, step;
    std::vector<Fact> facts;

    /// True when the port is declared for mail from other servers: AUTH does not belong there (RFC 6409
    /// §3.1).
    bool relays_only(int port) const {
        const auto declared = service.find(port);
        return declared != service.end() && declared->second == "mx";
    }
};

/// Parses a profile. Errors are complete messages "file:line:column: …" with line, caret and what was
/// expected.
tl::expected<Profile, std::string> load_profile(std::string_view text, const std::string& file_name);

}  // namespace smtpspec::run
