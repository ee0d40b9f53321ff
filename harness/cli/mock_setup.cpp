#include "harness/cli/mock_setup.hpp"

#include <fmt/format.h>

#include <cstdlib>

#include <boost/asio/ip/address.hpp>

#include "harness/run/endpoint.hpp"
#include "harness/run/input_file.hpp"
#include "harness/run/password.hpp"
#include "mockserver/chaos.hpp"
#include "protocol/script/interpreter.hpp"
#include "protocol/script/scenario.hpp"
#include "protocol/wire/crypto.hpp"

namespace smtpspec::cli {

namespace {

int default_port(int logical) { return logical < 1000 ? 10000 + logical : 10000 + (logical - 2000) + 2000; }

std::uint16_t bind_port(const MockArguments& mock, int logical) {
    if (mock.real_ports) {
        return static_cast<std::uint16_t>(logical);
    }
    const bool ephemeral = mock.ephemeral || !mock.command.empty();
    return ephemeral ? std::uint16_t{0} : static_cast<std::uint16_t>(default_port(logical));
}

tl::expected<std::vector<script::Rule>, std::string> read_rules(const MockArguments& mock) {
    std::vector<script::Rule> rules;
    const auto take = [&](const std::string& text, const std::string& name) -> std::string {
        auto parsed = script::parse_rules(text, name);
        if (!parsed) {
            return parsed.error().render();
        }
        if (parsed->empty()) {
            return fmt::format(
                "{}: no rule in it; a rule looks like: on MAIL first 2 -> \"451 4.7.1 try later\"\n", name);
        }
        for (auto& rule : *parsed) {
            rules.push_back(std::move(rule));
        }
        return {};
    };
    std::string problems;
    for (const std::string& text : mock.faults) {
        problems += take(text, "--fault");
    }
    for (const std::string& path : mock.fault_files) {
        const auto text = run::read_input(path, "the rules");
        problems += text ? take(*text, path) : text.error() + "\n";
    }
    if (!problems.empty()) {
        return tl::make_unexpected(problems);
    }
    return rules;
}

/// "5/s", "100/d" as tokens per second.
double rate_of(const std::string& text) {
    char* end = nullptr;
    const double number = std::strtod(text.c_str(), &end);
    const std::string unit = end;
    return unit == "/m" ? number / 60 : unit == "/h" ? number / 3600 : unit == "/d" ? number / 86400 : number;
}

/// The limits that the profile's facts describe, shared by all ports of the account.
void add_limits(const run::Profile& profile, mock::ServerConfig& config) {
    for (const run::Fact& fact : profile.facts) {
        if (fact.situation != "rate-limit" || fact.value.empty() || fact.reply.empty() ||
            fact.reply.front() == '/') {
            continue;
        }
        mock::LimiterSpec spec;
        spec.name = fact.name;
        spec.stage = mock::limiter_stage_from_string(fact.stage).value_or(mock::LimiterStage::mail);
        spec.rate = rate_of(fact.value);
        spec.burst = std::max(1.0, std::strtod(fact.value.c_str(), nullptr));
        spec.reply = fact.reply;
        spec.close = fact.closes;
        config.limiters.push_back(spec);
    }
}

tl::expected<void, std::string> apply_profile(const Arguments& arguments,
                                              const run::Catalog& catalog,
                                              run::Profile& profile) {
    if (arguments.mock.profile.empty()) {
        return {};
    }
    auto found = run::find_profile(catalog, arguments.mock.profile, run::EndpointKind::guess);
    if (!found) {
        return tl::make_unexpected(found.error());
    }
    profile = std::move(*found);
    return {};
}

tl::expected<void, std::string> choose_account(const MockArguments& mock,
                                               const run::Profile& profile,
                                               MockSetup& setup) {
    setup.user = !mock.user.empty() ? mock.user : !profile.user.empty() ? profile.user : "tester";
    const bool asked = !mock.password_env.empty();
    const std::string& variable = asked ? mock.password_env : profile.password_env;
    auto given = run::password_from_environment(variable);
    if (!given && (asked || (!variable.empty() && std::getenv(variable.c_str()) != nullptr))) {
        return tl::make_unexpected(
            fmt::format("no password: {}. Set it, or leave out {}: one is made then.\n",
                        given.error(),
                        asked ? "--password-env" : "the variable"));
    }
    setup.password_is_ours = !given;
    setup.password = given ? *given : "pw-" + wire::random_token(18);
    mock::Account account;
    account.user = setup.user;
    account.password = setup.password;
    setup.config.accounts = {account};
    return {};
}

tl::expected<void, std::string> choose_certificate(const MockArguments& mock, MockSetup& setup) {
    if (mock.certificate.empty()) {
        return {};
    }
    std::string pem[2];
    const std::string* const paths[2] = {&mock.certificate, &mock.key};
    for (int i = 0; i < 2; ++i) {
        const auto text = run::read_input(*paths[i], i == 0 ? "certificate" : "private key");
        if (!text) {
            return tl::make_unexpected(text.error() + "\n");
        }
        pem[i] = *text;
    }
    auto context = wire::server_context(pem[0], pem[1]);
    if (!context) {
        return tl::make_unexpected(
            fmt::format("--cert {} --key {}: {}\n", mock.certificate, mock.key, context.error()));
    }
    setup.config.own_certificate = std::move(*context);
    return {};
}

std::string domain_of(const std::string& address) {
    const std::size_t at = address.rfind('@');
    return at == std::string::npos ? "" : address.substr(at + 1);
}

}  // namespace

tl::expected<MockSetup, std::string> mock_setup(const Arguments& arguments, const run::Catalog& catalog) {
    const MockArguments& mock = arguments.mock;
    MockSetup setup;
    boost::system::error_code no_address;
    boost::asio::ip::make_address(mock.listen, no_address);
    if (no_address) {
        return tl::make_unexpected(fmt::format(
            "--listen {}: no IP address. Give one of this machine's, e.g. 127.0.0.1, 0.0.0.0 or ::1\n",
            mock.listen));
    }
    run::Profile profile = run::five_ports();
    if (auto applied = apply_profile(arguments, catalog, profile); !applied) {
        return tl::make_unexpected(applied.error());
    }
    setup.config.ports.clear();
    for (const auto& [logical, mode] : profile.ports) {
        mock::PortSpec port;
        port.logical = logical;
        port.mode = mode;
        port.address = mock.listen;
        port.bind = bind_port(mock, logical);
        setup.config.ports.push_back(port);
    }
    if (!profile.host.empty()) {
        setup.config.host = profile.host;
    }
    for (const std::string& address : {profile.to, profile.from}) {
        if (const std::string domain = domain_of(address); !domain.empty()) {
            setup.config.local_domains.push_back(domain);
        }
    }
    if (!profile.bad.empty()) {
        setup.config.refused_recipients.push_back(profile.bad);
    }
    add_limits(profile, setup.config);
    if (auto chosen = choose_account(mock, profile, setup); !chosen) {
        return tl::make_unexpected(chosen.error());
    }
    if (mock.no_auth) {
        setup.config.accounts.clear();
        setup.config.tls_required = false;
    }
    if (auto chosen = choose_certificate(mock, setup); !chosen) {
        return tl::make_unexpected(chosen.error());
    }
    setup.config.seed = arguments.options.seed;
    for (const std::string& defect : mock.defects) {
        if (auto known = setup.config.defects.add(defect); !known) {
            return tl::make_unexpected(known.error() + " (smtpspec list --defects shows them)\n");
        }
    }
    auto rules = read_rules(mock);
    if (!rules) {
        return tl::make_unexpected(rules.error());
    }
    if (!rules->empty()) {
        setup.faults = script::make_overlay(std::move(*rules), arguments.options.seed);
    }
    if (mock.chaos > 0) {
        mock::ChaosSpec chaos;
        chaos.rate = mock.chaos;
        chaos.seed = arguments.options.seed;
        setup.chaos = mock::make_chaos(chaos, setup.faults.get());
    }
    setup.pki = std::make_shared<wire::TestPki>(
        std::vector<std::string>{setup.config.host, "localhost", "127.0.0.1", mock.listen});
    return setup;
}

}  // namespace smtpspec::cli
