#include "harness/client/route.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "protocol/smtp/escape.hpp"

namespace smtpspec::client {
namespace {

bool lost(DnsStatus status) { return status == DnsStatus::servfail || status == DnsStatus::timeout; }

/// Deferred: neither delivered nor given up, and nothing that trying again at once would change.
Failure deferred(std::string text) {
    Failure failure = temporary(Cause::policy, Reach::port, Stage::dns, std::move(text));
    failure.again = false;
    return failure;
}

Step<std::vector<MxRecord>> exchangers(Dns& dns, const std::string& domain) {
    DnsAnswer<MxRecord> answer = dns.mx(domain);
    if (lost(answer.status))
        return tl::unexpected(
            deferred("the MX records of " + smtp::printable(domain) + " cannot be looked up"));
    if (answer.records.size() == 1 && answer.records[0].host.empty())
        return tl::unexpected(permanent(Cause::policy,
                                        Reach::message,
                                        Stage::dns,
                                        "5.1.10 " + smtp::printable(domain) + " accepts no mail (null MX)"));
    if (answer.records.empty()) {
        MxRecord itself;
        itself.host = domain;
        answer.records.push_back(itself);
    }
    std::stable_sort(answer.records.begin(), answer.records.end(), [](const MxRecord& a, const MxRecord& b) {
        return a.preference < b.preference;
    });
    return answer.records;
}

}  // namespace

Step<std::vector<Target>> mail_hosts(Dns& dns, const std::string& domain, int port, bool obey_tlsa) {
    const Step<std::vector<MxRecord>> hosts = exchangers(dns, domain);
    if (!hosts)
        return tl::unexpected(hosts.error());
    std::vector<Target> targets;
    std::string trouble = smtp::printable(domain) + " has no mail host with an address";
    for (const MxRecord& record : *hosts) {
        Target target;
        target.host = record.host;
        target.relay = true;
        DnsAnswer<TlsaRecord> tlsa = dns.tlsa(port, record.host);
        if (obey_tlsa && lost(tlsa.status)) {
            trouble = "the TLSA records of " + smtp::printable(record.host) + " cannot be looked up";
            continue;  // RFC 7672 §2.1.1: this host must not be used now
        }
        if (obey_tlsa && tlsa.status == DnsStatus::secure && !tlsa.records.empty())
            target.tlsa = std::move(tlsa.records);
        for (const std::string& address : dns.addresses(record.host).records) {
            target.address = address;
            targets.push_back(target);
        }
    }
    if (targets.empty())
        return tl::unexpected(deferred(std::move(trouble)));
    return targets;
}

}  // namespace smtpspec::client
