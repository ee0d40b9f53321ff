#include "harness/run/context.hpp"

#include <cstdlib>
#include <filesystem>

#include "harness/run/endpoint.hpp"
#include "harness/run/password.hpp"
#include "protocol/smtp/base64.hpp"
#include "protocol/wire/crypto.hpp"
#include "protocol/wire/loop.hpp"
#include "protocol/wire/resolve.hpp"
#include "protocol/wire/tls.hpp"

namespace smtpspec::run {

namespace {

using boost::asio::ip::tcp;

constexpr std::chrono::seconds resolve_limit{15};

}  // namespace

Profile embedded_profile() {
    Profile profile = five_ports();
    profile.name = "embedded";
    profile.host = "mail.test";
    profile.user = "tester";
    profile.from = "sender@sender.test";
    profile.to = "recipient@mail.test";
    profile.bad = "bad@mail.test";
    profile.remote = "someone@elsewhere.example";
    profile.domain = "mail.test";
    profile.mailbox = "embedded";
    return profile;
}

std::unique_ptr<RunContext> embedded_context(const RunOptions& options) {
    auto context = std::make_unique<RunContext>();
    context->local = true;
    context->profile = embedded_profile();
    context->options = options;
    context->pki =
        std::make_shared<wire::TestPki>(std::vector<std::string>{"mail.test", "localhost", "127.0.0.1"});
    context->user = context->profile.user;
    context->password = "pw-" + wire::random_token(18);
    if (options.no_auth) {
        context->user.clear();
        context->password.clear();
    }
    context->masker.add(context->password);
    auto trusted = wire::client_context("", context->pki->ca_pem());
    if (!trusted) {
        throw std::runtime_error("cannot trust the CA that was just made: " + trusted.error());
    }
    context->client_tls = *trusted;
    return context;
}

namespace {

tl::expected<std::string, ContextError> read_password(const Profile& profile) {
    const bool by_variable = !profile.password_env.empty();
    if (!by_variable && profile.password_file.empty()) {
        return tl::make_unexpected(
            ContextError{fmt::format("{}: the profile names a user but neither password_env nor "
                                     "password_file; add one, or use --no-auth.",
                                     profile.name),
                         2});
    }
    auto password = by_variable ? password_from_environment(profile.password_env)
                                : password_from_file(profile.password_file);
    if (password) {
        return std::move(*password);
    }
    const std::string remedy = by_variable ? fmt::format("Set it (export {}=…)", profile.password_env)
                                           : std::string("Write the password into its first line");
    return tl::make_unexpected(ContextError{
        fmt::format("{}: no password for user {}: {}. {}, or use --no-auth to test only what needs no "
                    "login. No connection was made.",
                    profile.name,
                    profile.user,
                    password.error(),
                    remedy),
        2});
}

/// `--connect-to` for one port: the address to use instead; empty fields fit and keep everything.
std::pair<std::string, int> connect_target(const RunOptions& options, const std::string& host, int port) {
    for (const ConnectTo& rule : options.connect_to) {
        const bool fits = (rule.host.empty() || rule.host == host) && (rule.port == 0 || rule.port == port);
        if (fits) {
            return {rule.address.empty() ? host : rule.address, rule.to_port == 0 ? port : rule.to_port};
        }
    }
    return {host, port};
}

std::string ports_of(const Profile& profile) {
    std::string text;
    for (const auto& [port, mode] : profile.ports) {
        text += fmt::format("{}{}", text.empty() ? "" : ", ", port);
    }
    return text;
}

/// A mailbox that cannot be read would make every message look lost. The Maildir itself may be made by the
/// first delivery.
tl::expected<void, ContextError> check_mailbox(const Profile& profile) {
    if (profile.mailbox.empty()) {
        return {};
    }
    namespace fs = std::filesystem;
    std::error_code failure;
    const fs::path folder = fs::path(profile.mailbox).lexically_normal();
    fs::path there = folder.has_filename() ? folder : folder.parent_path();
    if (!fs::exists(there, failure)) {
        there = there.has_parent_path() ? there.parent_path() : fs::path(".");
    }
    const fs::directory_iterator readable(there, failure);
    if (failure) {
        return tl::make_unexpected(ContextError{fmt::format("{}: the mailbox {} cannot be read: {}: {}",
                                                            profile.name,
                                                            profile.mailbox,
                                                            there.string(),
                                                            failure.message()),
                                                2});
    }
    return {};
}

/// "" or why a port has no address.
std::string resolve_ports(RunContext& context) {
    std::map<std::string, std::vector<tcp::endpoint>> known;
    for (const auto& [port, mode] : context.profile.ports) {
        if (!context.options.ports.empty() && context.options.ports.count(port) == 0) {
            continue;
        }
        const auto target = connect_target(context.options, context.profile.host, port);
        const std::string& host = target.first;
        if (known.count(host) == 0) {
            boost::asio::io_context loop(1);
            auto found = wire::run_blocking(loop,
                                            wire::resolve(loop.get_executor(),
                                                          host,
                                                          static_cast<std::uint16_t>(target.second),
                                                          wire::Clock::now() + resolve_limit));
            if (!found || found->empty()) {
                context.addresses.clear();
                return fmt::format(
                    "{}: {}. Check the spelling, or name a host that this machine's DNS knows; "
                    "--connect-to HOST:PORT:ADDR:PORT goes round the DNS.",
                    context.profile.name,
                    found ? "no address for " + host : found.error().what);
            }
            known[host] = *found;
        }
        tcp::endpoint chosen = wire::preferred(known[host]);
        chosen.port(static_cast<std::uint16_t>(target.second));
        context.addresses[port] = chosen;
        boost::system::error_code no_address;
        boost::asio::ip::make_address(host, no_address);
        if (no_address && host.front() != '[') {  // "[::1]" is an address as well
            context.names[port] = host;
        }
    }
    return {};
}

bool all_loopback(const RunContext& context) {
    for (const auto& [port, address] : context.addresses) {
        if (!address.address().is_loopback()) {
            return false;
        }
    }
    return !context.addresses.empty();
}

}  // namespace

tl::expected<std::unique_ptr<RunContext>, ContextError> foreign_context(const Profile& profile,
                                                                        const RunOptions& options) {
    auto context = std::make_unique<RunContext>();
    context->profile = profile;
    context->options = options;
    if (!profile.user.empty() && !options.no_auth) {
        auto password = read_password(profile);
        if (!password) {
            return tl::make_unexpected(password.error());
        }
        context->user = profile.user;
        context->password = *password;
        context->masker.add(context->password);
    }
    auto trusted = wire::client_context(options.ca_file.empty() ? profile.ca_file : options.ca_file);
    if (!trusted) {
        return tl::make_unexpected(ContextError{trusted.error(), 2});
    }
    context->client_tls = *trusted;
    context->pki =
        std::make_shared<wire::TestPki>(std::vector<std::string>{"mail.test", "localhost", "127.0.0.1"});
    for (const int port : options.ports) {
        if (profile.ports.count(port) == 0) {
            return tl::make_unexpected(ContextError{
                fmt::format(
                    "--port {}: {} has no such port; it has {}", port, profile.name, ports_of(profile)),
                2});
        }
    }
    if (auto readable = check_mailbox(profile); !readable) {
        return tl::make_unexpected(readable.error());
    }
    context->unresolved = resolve_ports(*context);
    context->local = all_loopback(*context);
    // A profile with a pace of its own keeps it wherever its name leads: the limit belongs to the account.
    context->surroundings = context->local && !profile.paced ? Surroundings::loopback : Surroundings::remote;
    return context;
}

}  // namespace smtpspec::run
