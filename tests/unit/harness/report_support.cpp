#include "report_support.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace smtpspec::report::test {

using run::Cell;
using run::Result;
using run::Verdict;
using wire::EntryKind;

namespace {

constexpr int ports[] = {25, 465, 587, 2465, 2587};

std::string mode_of(int port) { return port == 465 || port == 2465 ? "tls" : "starttls"; }

wire::Entry entry(EntryKind kind, int at_us, bool inside_tls, std::string octets) {
    wire::Entry made;
    made.kind = kind;
    made.at = std::chrono::microseconds(at_us);
    made.connection = "a";
    made.inside_tls = inside_tls;
    made.octets = std::move(octets);
    return made;
}

/// A command behind STARTTLS that was executed inside TLS.
std::vector<wire::Entry> injection() {
    return {
        entry(EntryKind::note, 90, false, "connected to 192.0.2.1:587"),
        entry(EntryKind::received, 1204, false, "220 mail.example ESMTP\r\n"),
        entry(EntryKind::sent, 1300, false, "EHLO client.example\r\n"),
        entry(EntryKind::received, 1804, false, "250-mail.example\r\n250-SIZE 10240000\r\n250 STARTTLS\r\n"),
        entry(EntryKind::sent, 2001, false, "STARTTLS\r\nNOOP zwölf\r\n"),
        entry(EntryKind::received, 2400, false, "220 2.0.0 Ready to start TLS\r\n"),
        entry(EntryKind::tls, 9120, true, "TLSv1.3 TLS_AES_256_GCM_SHA384"),
        entry(EntryKind::received, 9333, true, "250 2.0.0 Ok\n"),
        entry(EntryKind::sent, 9400, true, "QUIT\r\n"),
        entry(EntryKind::received, 9460, true, "221 2.0.0 Bye"),
        entry(EntryKind::end, 9500, true, "peer fin")};
}

void add_on_ports(Result& result, const Cell& pattern) {
    for (const int port : ports) {
        Cell copy = pattern;
        copy.port = port;
        copy.mode = mode_of(port);
        result.cells.push_back(copy);
    }
}

Cell client_cell(std::string scenario, int port, Verdict verdict) {
    Cell made = cell(std::move(scenario), port, verdict);
    made.side = script::Side::Client;
    made.endpoint.clear();
    made.client = "reference";
    return made;
}

Cell executed(int port, std::string how) {
    Cell made = cell("starttls.inject.command-same-segment", port, Verdict::Vulnerable);
    made.title = "Plaintext sent in the same write as STARTTLS is not executed inside TLS";
    made.fail_means = "A man in the middle puts commands before those of the victim";
    made.params = {{"how", std::move(how)}};
    made.level = "SECURITY";
    made.severity = "high";
    made.refs = {"RFC 3207 §4.2", "CVE-2011-0411"};
    made.outcome = "executed";
    made.reason = "reached \"executed\"; a good peer reaches discarded or rejected or closed";
    made.expected = "silence inside TLS until the client speaks";
    made.got = "250 2.0.0 Ok";
    made.transcript = injection();
    made.labels = {{"executed", 21, 7, 7}};
    made.duration_us = 10250;
    return made;
}

void add_failures(Result& result) {
    for (const int port : {25, 587, 2587}) {
        result.cells.push_back(executed(port, "noop"));
    }
    result.cells.push_back(executed(587, "mail"));
    Cell fine = cell("starttls.inject.command-same-segment", 25, Verdict::Pass);
    fine.params = {{"how", "mail"}};
    result.cells.push_back(fine);
    for (const std::string how : {"rset", "quit"}) {
        fine.params = {{"how", how}};
        result.cells.push_back(fine);
    }
    Cell broken = cell("auth.fail.wrong-password", 465, Verdict::Fail);
    broken.title = "A wrong password is answered with 535";
    broken.severity = "medium";
    broken.refs = {"RFC 4954 §6"};
    broken.outcome = "wrong-code";
    broken.reason = broken.expected = broken.got = "";
    broken.expected = "535";
    broken.got = "550 5.7.1 go away";
    broken.transcript = {entry(EntryKind::sent, 100, true, "AUTH PLAIN ********\r\n"),
                         entry(EntryKind::received, 900, true, "550 5.7.1 go away\r\n")};
    result.cells.push_back(broken);
}

void add_the_rest(Result& result) {
    Cell warn = cell("auth.advert.syntax", 587, Verdict::Warn);
    warn.level = "SHOULD";
    warn.severity = "low";
    warn.refs = {"RFC 4954 §3"};
    warn.title = "The AUTH keyword is listed once";
    warn.fail_means = "Clients do not find their mechanism";
    warn.outcome = "twice";
    warn.got = "250-AUTH PLAIN LOGIN and 250-AUTH=PLAIN LOGIN";
    result.cells.push_back(warn);
    Cell tolerated = cell("auth.mech.unknown-504", 25, Verdict::Tolerated);
    tolerated.title = "An unknown mechanism is answered with 504";
    tolerated.fail_means = "Not said, as nothing has failed";
    tolerated.outcome = "other-5yz";
    tolerated.reason = "reached \"other-5yz\"; a good peer reaches refused";
    result.cells.push_back(tolerated);
    for (const int port : {465, 2465}) {
        Cell open = cell("data.eod.only-crlf-dot-crlf", port, Verdict::Inconclusive);
        open.title = "Only CRLF.CRLF ends the mail data";
        open.params = {{"eod", "lf-dot-crlf"}};
        open.reason =
            fmt::format("rate-limited: the endpoint answered \"451 4.7.1 slow down, port {}\"", port);
        open.error_kind = "rate-limited";
        result.cells.push_back(open);
    }
    Cell fault = cell("data.eod.then-bdat", 25, Verdict::Error);
    fault.title = "BDAT behind the end of data";
    fault.reason = "our own fault: out of file descriptors";
    fault.error_kind = "internal";
    result.cells.push_back(fault);
    Cell waived = cell("data.eod.empty-message", 587, Verdict::Fail);
    waived.title = "An empty message is taken";
    waived.outcome = "refused";
    waived.waiver = run::WaiverNote{"known: ticket 4711, this server refuses empty messages by configuration",
                                    "data.eod.empty-*"};
    result.cells.push_back(waived);
    Cell surprise = cell("data.eod.split-segments", 587, Verdict::Pass);
    surprise.title = "The end of data may come in pieces";
    surprise.waiver = run::WaiverNote{"ticket 4712", "data.eod.split-*"};
    surprise.unexpected_pass = true;
    result.cells.push_back(surprise);
    Cell skipped = cell("dsn.rcpt.notify-values", 25, Verdict::Skipped);
    skipped.reason = "no fixture: the profile has no envelope: {bad: …} (a recipient that is refused)";
    result.cells.push_back(skipped);
    Cell absent = cell("dsn.rcpt.notify-values", 587, Verdict::Unsupported);
    absent.reason = "DSN is not offered";
    result.cells.push_back(absent);
    Cell together = client_cell("client-queue.ratelimit.backoff", 0, Verdict::Pass);
    result.cells.push_back(together);
}

}  // namespace

Cell cell(std::string scenario, int port, Verdict verdict) {
    Cell made;
    made.scenario = std::move(scenario);
    made.title = "A rule";
    made.endpoint = "example";
    made.port = port;
    made.mode = port == 0 ? "starttls" : mode_of(port);
    made.verdict = verdict;
    made.level = "MUST";
    made.severity = "medium";
    made.evidence = "wire";
    made.duration_us = 1500;
    return made;
}

Result good_result() {
    Result result;
    result.tool_version = "0.0.0";
    result.command = "run";
    result.started = "2026-01-02T03:04:05Z";
    result.duration_us = 3210000;
    run::EndpointInfo server;
    server.name = "embedded";
    server.host = "127.0.0.1";
    server.embedded = true;
    for (const int port : ports) {
        server.ports[port] = mode_of(port);
    }
    result.endpoints = {server};
    result.clients = {{"reference", "0.0.0"}};
    for (const std::string name :
         {"auth.fail.wrong-password", "auth.mech.unknown-504", "starttls.advert.offered"}) {
        Cell pattern = cell(name, 25, name.rfind("starttls", 0) == 0 ? Verdict::Unsupported : Verdict::Pass);
        pattern.endpoint = "embedded";
        add_on_ports(result, pattern);
    }
    add_on_ports(result, client_cell("client-auth.fail.535", 25, Verdict::Pass));
    result.left_out_slow = 12;
    return result;
}

Result mixed_result() {
    Result result = good_result();
    result.cells.clear();
    result.endpoints[0].name = "example";
    result.endpoints[0].host = "mail.example.org";
    result.endpoints[0].embedded = false;
    result.rerun = {{"--ca", "/etc/my ca.pem"}, {"endpoint", "mail.example.org"}, {"--no-auth", ""}};
    for (const std::string name : {"implicit.ehlo.auth-offered", "implicit.handshake.immediate"}) {
        add_on_ports(result, cell(name, 25, Verdict::Pass));
    }
    add_failures(result);
    add_the_rest(result);
    result.left_out_slow = 22;
    result.left_out_intrusive = 3;
    result.left_out_budget = 1;
    result.notices = {
        "port 465: rate-limited: the endpoint answered \"451 4.7.1 slow down\"; nothing was sent for 10 s "
        "after it"};
    result.interrupted = true;
    return result;
}

Result hostile_result() {
    std::string evil =
        "\x1b[2J\x1b]0;owned\a <script>alert(1)</script> ]]> & \"'`$(reboot) \\ \xc2\x9b"
        "31m \xe2\x80\xae \xff\xfe\xc0\xaf";
    static const char with_nul[] =
        "\0\r\n::set-output x=1\r\n=cmd|' /C calc'!A0 \xef\xbf\xbf\xef\xbf\xbe 漢字漢字漢字 \xf0\x9f\x98\x80";
    evil += std::string(with_nul, sizeof with_nul - 1);
    evil += std::string(1500, 'A') + std::string(700, '\x1b');
    Result result = mixed_result();
    result.tool_version = result.command = result.started = evil;
    result.endpoints[0].name = result.endpoints[0].host = evil;
    result.notices = {evil};
    result.rerun = {{"endpoint", evil.substr(0, 150)}, {evil.substr(0, 40), evil.substr(40, 300)}};
    for (std::size_t i = 0; i < result.cells.size(); ++i) {
        Cell& cell = result.cells[i];
        cell.title = cell.level = cell.severity = cell.evidence = cell.reason = cell.expected = cell.got =
            evil;
        cell.error_kind = cell.mode = cell.fail_means = evil;
        cell.refs = {evil, evil};
        cell.outcome = i % 3 == 0 ? evil : "";
        cell.scenario = (i % 2 == 0 ? "starttls." : "") + evil.substr(i, 120);
        cell.params = {{evil.substr(0, 20), evil.substr(0, 200)}};
        (cell.side == script::Side::Server ? cell.endpoint : cell.client) = evil;
        cell.labels = {{evil, 1, 100000, 2000000}};
        cell.transcript = {entry(EntryKind::received, 1, false, evil),
                           entry(EntryKind::note, 2, true, evil),
                           entry(EntryKind::sent, 3, true, std::string(40000, '\n'))};
        cell.transcript[1].connection = evil;
        if (cell.waiver) {
            cell.waiver = run::WaiverNote{evil, evil};
        }
    }
    return result;
}

std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> lines;
    std::istringstream in{std::string(text)};
    for (std::string line; std::getline(in, line);) {
        lines.push_back(line);
    }
    return lines;
}

std::string golden_difference(const std::string& name, const std::string& text) {
    const std::string path = std::string(SMTPSPEC_SOURCE_DIR) + "/tests/unit/harness/golden/" + name;
    const char* renew = std::getenv("SMTPSPEC_RENEW_GOLDEN");
    if (renew != nullptr && std::string_view(renew) == "1") {
        std::ofstream(path, std::ios::binary) << text;
        return {};
    }
    std::ifstream in(path, std::ios::binary);
    std::ostringstream stored;
    stored << in.rdbuf();
    if (stored.str() == text) {
        return {};
    }
    const std::vector<std::string> expected = lines_of(stored.str());
    const std::vector<std::string> got = lines_of(text);
    std::size_t at = 0;
    while (at < expected.size() && at < got.size() && expected[at] == got[at]) {
        ++at;
    }
    return fmt::format(
        "{}:{}\n  golden: {}\n  now:    {}\nSMTPSPEC_RENEW_GOLDEN=1 renews it, when the change is "
        "meant.\nAll of it:\n{}",
        path,
        at + 1,
        at < expected.size() ? expected[at] : "(end)",
        at < got.size() ? got[at] : "(end)",
        text);
}

}  // namespace smtpspec::report::test
