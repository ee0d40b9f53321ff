#pragma once

#include <string>
#include <vector>

namespace smtpspec::client {

/// How sure an answer of the DNS is (RFC 4035 §4.3, RFC 7672 §2.1).
enum class DnsStatus {
    secure,    ///< validated by DNSSEC
    insecure,  ///< from a zone that is not signed
    nxdomain,  ///< no such name, or no such record (`records` is empty)
    servfail,  ///< SERVFAIL, or bogus signatures
    timeout,
};

struct MxRecord {
    int preference = 0;
    std::string host;  ///< without a final dot; "" is the null MX (RFC 7505)
};

/// Usage, selector and matching type as in RFC 6698 §2.1; `data` is lower-case hexadecimal.
struct TlsaRecord {
    int usage = 0;
    int selector = 0;
    int matching = 0;
    std::string data;
};

template <class Record>
struct DnsAnswer {
    DnsStatus status = DnsStatus::nxdomain;
    std::vector<Record> records;
};

/// The DNS as the client under test sees it: `dns:` of a scenario. The reference client routes by MX when it
/// has one.
class Dns {
  public:
    virtual ~Dns() = default;
    virtual DnsAnswer<MxRecord> mx(const std::string& domain) = 0;
    /// Addresses in text form (A and AAAA).
    virtual DnsAnswer<std::string> addresses(const std::string& host) = 0;
    /// `_port._tcp.host` (RFC 6698 §3); `port` is the logical one.
    virtual DnsAnswer<TlsaRecord> tlsa(int port, const std::string& host) = 0;
};

}  // namespace smtpspec::client
