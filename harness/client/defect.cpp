#include "harness/client/defect.hpp"

#include <array>
#include <stdexcept>

#include "harness/client/client_under_test.hpp"

namespace smtpspec::client {
namespace {

constexpr size_t defect_count = static_cast<size_t>(Defect::count_);

/// In the order of the enumeration, which is that of the alphabet.
constexpr std::array<DefectInfo, defect_count> table = {{
    {"answer-any-challenge", "an undecodable or surplus SASL challenge is answered like a good one"},
    {"auth-unoffered", "sends AUTH PLAIN although no usable mechanism is offered"},
    {"bad-certificate-skips-login", "goes on without login when the certificate is bad"},
    {"bounce-a-bounce", "notifies the postmaster when a message with the null sender fails"},
    {"bounce-with-own-sender", "sends notifications of failure with a sender that is not null"},
    {"clear-after-refusal", "opportunistic: goes on in clear when STARTTLS is refused"},
    {"close-on-bad-challenge", "closes the connection at a bad SASL challenge instead of cancelling with *"},
    {"continue-in-clear", "gives up TLS, not the mail, at any irregularity before TLS, and logs in"},
    {"dane-also-checks-name", "wants name and dates right although a TLSA record 3 1 1 matches"},
    {"discard-injected-replies", "drops octets behind the reply to STARTTLS silently and goes on"},
    {"drop-on-4yz", "forgets a message at a temporary refusal and calls it sent"},
    {"drop-on-5yz", "forgets a message at a permanent refusal and calls it sent"},
    {"empty-challenge-is-error", "gives up at an empty SASL challenge"},
    {"fold-base64", "folds SASL responses after 76 characters"},
    {"ignore-starttls-offer", "never sends STARTTLS; logs in and sends in clear"},
    {"ignore-starttls-reply-code", "begins the handshake after any reply to STARTTLS"},
    {"ignore-tlsa", "does not look at TLSA records"},
    {"impatient-after-dot", "awaits the reply to the final dot for 300 ms only"},
    {"implicit-falls-back-to-clear", "implicit TLS: goes on in clear when the server answers in clear"},
    {"implicit-speaks-clear", "implicit TLS: sends EHLO in clear at once"},
    {"implicit-treated-as-starttls", "implicit TLS: waits for a greeting in clear"},
    {"keep-capabilities-after-starttls", "adds the EHLO list from inside TLS to the one from before"},
    {"keep-plaintext-after-starttls",
     "takes clear octets behind the reply to STARTTLS as replies inside TLS"},
    {"keywords-case-sensitive", "recognises EHLO keywords in upper case only"},
    {"login-matches-prompts", "LOGIN: answers only the prompts Username: and Password:"},
    {"login-password-first", "LOGIN: sends the password first"},
    {"long-initial-response", "puts the initial response on the AUTH line, however long it is"},
    {"lost-reply-is-permanent", "a connection lost before the reply to the final dot is a permanent failure"},
    {"lost-reply-is-success", "a connection lost before the reply to the final dot counts as accepted"},
    {"mail-in-clear", "gives up TLS and the login, not the mail, at any irregularity before TLS"},
    {"mail-without-login", "sends the mail when the login fails"},
    {"no-certificate-check", "accepts any certificate"},
    {"no-ehlo-after-tls", "no EHLO inside TLS: the list from before is used"},
    {"no-handshake-after-220", "sends EHLO in clear after the 220 to STARTTLS"},
    {"no-host-check", "does not compare the certificate with the host"},
    {"no-retry", "never tries again after a temporary failure"},
    {"oauth-error-unanswered", "closes the connection at the error challenge of a bearer mechanism"},
    {"oauth-repeats-token", "answers the error challenge of a bearer mechanism with the token"},
    {"one-copy-per-recipient", "one transaction for each recipient"},
    {"opportunistic-retry-in-clear", "opportunistic: delivers in clear after a failed handshake"},
    {"permanent-is-temporary", "tries again after a permanent refusal"},
    {"pipeline-after-starttls", "sends EHLO behind STARTTLS before its reply has come"},
    {"plain-in-clear", "uses PLAIN and LOGIN outside TLS, also after a stronger mechanism failed"},
    {"prefer-login", "uses LOGIN whenever it is offered"},
    {"prefer-plain", "uses PLAIN whenever it is offered"},
    {"resend-accepted", "sends a message once more that was accepted after failed attempts"},
    {"retry-in-clear", "delivers in clear over a new connection after a failed handshake"},
    {"retry-with-new-sender", "uses another envelope sender for each attempt"},
    {"retry-without-delay", "tries again at once, up to 200 times"},
    {"reuse-across-logins", "uses a connection again for a message with another login"},
    {"reuse-across-policies", "uses a connection again for a message with another TLS policy"},
    {"scram-any-iteration-count", "SCRAM: accepts any iteration count and is stuck at a huge one"},
    {"scram-ignore-extension", "SCRAM: ignores the mandatory extension m="},
    {"scram-ignore-nonce", "SCRAM: does not compare the server's nonce with its own"},
    {"scram-ignore-signature", "SCRAM: does not compare the server's signature"},
    {"stale-connection-is-failure", "fails a message when the connection kept for it has died"},
    {"starttls-in-tls-is-error", "stops when STARTTLS is listed inside TLS"},
    {"starttls-substring-match",
     "takes STARTTLS for offered when the word occurs anywhere in the EHLO reply"},
    {"starttls-twice", "sends STARTTLS inside TLS when it is listed there"},
    {"starttls-unasked", "sends STARTTLS although it is not offered"},
    {"supplied-socket-is-secure", "takes a socket that the caller hands in for secured"},
    {"temporary-is-permanent", "a temporary refusal is a permanent failure"},
    {"trust-unsolicited-replies", "takes replies that came too early as answers to later commands"},
    {"vague-errors", "all errors read: delivery failed"},
}};

}  // namespace

Defects::Defects(const std::set<std::string>& names) {
    size_t found = 0;
    for (size_t i = 0; i < table.size(); ++i) {
        const bool wanted = names.count(std::string(table[i].name)) != 0;
        set_.set(i, wanted);
        found += wanted ? 1 : 0;
    }
    if (found == names.size())
        return;
    for (const std::string& name : names) {
        bool known = false;
        for (const DefectInfo& info : table)
            known = known || info.name == name;
        if (!known)
            throw std::invalid_argument("the reference client has no defect \"" + name + "\"");
    }
}

const std::vector<DefectInfo>& client_defects() {
    static const std::vector<DefectInfo> list(table.begin(), table.end());
    return list;
}

}  // namespace smtpspec::client
