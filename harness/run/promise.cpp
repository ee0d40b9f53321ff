#include "harness/run/promise.hpp"

namespace smtpspec::run {

namespace {

Cell promise_cell(const RunContext& context,
                  const PortProbe& probe,
                  std::string outcome,
                  std::string reason) {
    Cell cell;
    cell.scenario = "endpoint.mode";
    cell.title = "The port keeps the mode that its profile promises";
    cell.fail_means = "Clients that are set up as the profile says cannot send through this port";
    cell.endpoint = context.profile.name;
    cell.port = probe.port;
    cell.mode = std::string(script::to_string(probe.mode));
    cell.verdict = Verdict::Fail;
    cell.outcome = std::move(outcome);
    cell.level = "MUST";
    cell.severity = "high";
    cell.refs = {"RFC 8314 §3.3", "RFC 3207 §4"};
    cell.evidence = "wire";
    cell.expected = fmt::format("{} on port {}", cell.mode, probe.port);
    cell.got = reason;
    cell.reason = std::move(reason);
    return cell;
}

/// Nobody promised anything for a bare host: on port 25 STARTTLS is optional (RFC 3207 §4), on the submission
/// ports it should be there (RFC 8314 §3.3).
Cell starttls_missing(const RunContext& context, const PortProbe& probe) {
    const bool guessed = context.profile.guessed;
    Cell cell = promise_cell(
        context,
        probe,
        "starttls-missing",
        fmt::format(
            "{}:{}: the reply to EHLO does not list STARTTLS{}. A middlebox that strips it looks the same.",
            context.profile.host,
            probe.port,
            guessed ? "" : ", but the profile says this port upgrades"));
    if (guessed) {
        cell.title = "The port has the usual mode";
        cell.fail_means = "Clients with the usual settings cannot send through this port, or send in clear";
        cell.level = "SHOULD";
        cell.severity = "medium";
        cell.verdict = probe.port == 25 ? Verdict::Unsupported : Verdict::Warn;
    }
    return cell;
}

/// It is listed, and TLS does not begin. No reply or 421 may be a limit, a server that died or a middlebox,
/// and says nothing about TLS; another 4yz is a legal answer for a while (RFC 3207 §4).
Cell starttls_broken(const RunContext& context, const PortProbe& probe) {
    Cell cell = promise_cell(context,
                             probe,
                             "starttls-broken",
                             fmt::format("{}:{}: STARTTLS is listed, but TLS does not begin: {}",
                                         context.profile.host,
                                         probe.port,
                                         probe.tls_problem));
    if (probe.starttls_code == 0 || probe.starttls_code == 421) {
        cell.verdict = Verdict::Inconclusive;
        cell.outcome.clear();
        cell.error_kind = "died";
    } else if (probe.starttls_code / 100 == 4) {
        cell.verdict = Verdict::Warn;
        cell.outcome = "starttls-unavailable";
    }
    return cell;
}

bool starttls_listed(const PortProbe& probe) { return !probe.clear || probe.clear->has("STARTTLS"); }

std::optional<Cell> broken_promise(const RunContext& context, const PortProbe& probe) {
    if (probe.state == PortProbe::State::wrong_mode) {
        return promise_cell(context, probe, "wrong-mode", probe.detail);
    }
    if (!probe.usable()) {
        return std::nullopt;
    }
    if (probe.mode == script::Mode::Starttls && !starttls_listed(probe)) {
        return starttls_missing(context, probe);
    }
    if (probe.mode == script::Mode::Starttls && !probe.tls_problem.empty()) {
        return starttls_broken(context, probe);
    }
    if (probe.secure && probe.lacks_auth() && !context.user.empty() &&
        !context.profile.relays_only(probe.port)) {
        return promise_cell(
            context,
            probe,
            "auth-missing",
            fmt::format("{}:{}: AUTH is not offered inside TLS, but the profile has credentials. For a port "
                        "that only takes mail from other servers say so: service: {{{}: mx}}",
                        context.profile.host,
                        probe.port,
                        probe.port));
    }
    return std::nullopt;
}

Cell untrusted_certificate(const RunContext& context, const PortProbe& probe) {
    Cell cell = promise_cell(
        context,
        probe,
        "untrusted",
        fmt::format("{}:{}: the certificate does not prove the host: {}. If its CA is yours, name it with "
                    "--ca FILE or "
                    "tls: {{ca_file: …}}; if it is for another name, tls: {{server_name: …}} in the profile",
                    context.profile.host,
                    probe.port,
                    probe.certificate_problem));
    cell.scenario = "endpoint.certificate";
    cell.title = "The certificate proves the host";
    cell.fail_means =
        "Clients that check certificates refuse to send, and those that do not may talk to anybody";
    cell.level = "SHOULD";
    cell.refs = {"RFC 8314 §5.2", "RFC 7817 §3"};
    cell.expected = "a certificate for the host from a CA that is trusted here";
    cell.verdict = Verdict::Warn;
    return cell;
}

}  // namespace

std::vector<Cell> mode_cells(const RunContext& context, const std::map<int, PortProbe>& probes) {
    std::vector<Cell> cells;
    for (const auto& [port, probe] : probes) {
        if (auto broken = broken_promise(context, probe)) {
            cells.push_back(std::move(*broken));
        }
        if (probe.usable() && !probe.certificate_problem.empty()) {
            cells.push_back(untrusted_certificate(context, probe));
        }
    }
    return cells;
}

}  // namespace smtpspec::run
