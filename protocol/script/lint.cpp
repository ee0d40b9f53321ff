#include "protocol/script/lint.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "protocol/script/lint_rules.hpp"
#include "protocol/script/lint_survey.hpp"
#include "protocol/script/load.hpp"

namespace smtpspec::script {

LintVocabulary LintVocabulary::standard() {
    LintVocabulary words;
    words.certificates = {"good",
                          "expired",
                          "not-yet-valid",
                          "expires-soon",
                          "wrong-host",
                          "self-signed",
                          "unknown-ca",
                          "missing-intermediate",
                          "cn-only",
                          "san-differs",
                          "wildcard",
                          "wildcard-deep",
                          "weak-key",
                          "client-only"};
    words.needs = {// what a profile or an adapter has (§3)
                   "credentials",
                   "bad-rcpt",
                   "remote-rcpt",
                   "mailbox",
                   "domain",
                   "dnssec",
                   "queue",
                   "reuse",
                   "retry",
                   "api",
                   "dns",
                   // EHLO keywords (IANA, Mail Parameters)
                   "8bitmime",
                   "atrn",
                   "auth",
                   "binarymime",
                   "burl",
                   "checkpoint",
                   "chunking",
                   "conneg",
                   "conperm",
                   "deliverby",
                   "dsn",
                   "enhancedstatuscodes",
                   "etrn",
                   "expn",
                   "futurerelease",
                   "help",
                   "limits",
                   "mt-priority",
                   "mtrk",
                   "no-soliciting",
                   "onex",
                   "pipelining",
                   "requiretls",
                   "rrvs",
                   "saml",
                   "send",
                   "size",
                   "smtputf8",
                   "soml",
                   "starttls",
                   "submitter",
                   "turn",
                   "verb",
                   "vrfy"};
    words.alerts = {"close-notify",
                    "unexpected-message",
                    "bad-record-mac",
                    "record-overflow",
                    "handshake-failure",
                    "bad-certificate",
                    "unsupported-certificate",
                    "certificate-revoked",
                    "certificate-expired",
                    "certificate-unknown",
                    "illegal-parameter",
                    "unknown-ca",
                    "access-denied",
                    "decode-error",
                    "decrypt-error",
                    "protocol-version",
                    "insufficient-security",
                    "internal-error",
                    "inappropriate-fallback",
                    "user-canceled",
                    "missing-extension",
                    "unsupported-extension",
                    "unrecognized-name",
                    "bad-certificate-status-response",
                    "unknown-psk-identity",
                    "certificate-required",
                    "no-application-protocol",
                    "no-renegotiation"};
    return words;
}

namespace {

Diagnostics run_rules(const Scenario& scenario,
                      const LintVocabulary& vocabulary,
                      bool head_whole,
                      bool outcomes_whole,
                      bool script_whole) {
    Reporter reporter(scenario.source);
    const Survey facts = survey(scenario);
    const LintInput input{scenario, facts, vocabulary, reporter, head_whole, outcomes_whole, script_whole};
    lint_head(input);
    lint_labels(input);
    lint_names(input);
    lint_expressions(input);
    lint_flow(input);
    lint_serve(input);
    lint_addresses(input);
    return reporter.take();
}

}  // namespace

Diagnostics lint(const Scenario& scenario, const LintVocabulary& vocabulary) {
    return run_rules(scenario, vocabulary, true, true, true);
}

Diagnostics check_scenario(std::string_view text, std::string file_name, const LintVocabulary& vocabulary) {
    Loaded loaded = read_scenario(text, std::move(file_name));
    Diagnostics all = std::move(loaded.diagnostics);
    if (loaded.readable) {
        all.append(run_rules(
            loaded.scenario, vocabulary, loaded.head_whole, loaded.outcomes_whole, loaded.script_whole));
        all.sort();
    }
    return all;
}

Diagnostics lint_together(const std::vector<Scenario>& scenarios) {
    Diagnostics all;
    std::map<std::string, const Scenario*> seen;
    for (const Scenario& scenario : scenarios) {
        const auto [first, fresh] = seen.emplace(scenario.id(), &scenario);
        if (!fresh) {
            Reporter reporter(scenario.source);
            reporter.error(scenario.head.id.at,
                           scenario.id().size(),
                           fmt::format("the id `{}` is used twice", scenario.id()),
                           {},
                           fmt::format("the other is {}", first->second->source->name()));
            all.append(reporter.take());
        }
    }
    for (const Scenario& scenario : scenarios) {
        Reporter reporter(scenario.source);
        for (const Cover& cover : scenario.head.covers) {
            const auto other = seen.find(cover.requirement);
            if (other != seen.end() && cover.requirement != scenario.id()) {
                reporter.error(cover.at,
                               cover.requirement.size(),
                               fmt::format("`{}` is the id of a scenario of its own", cover.requirement),
                               {},
                               fmt::format("it is in {}", other->second->source->name()));
            }
        }
        all.append(reporter.take());
    }
    return all;
}

}  // namespace smtpspec::script
