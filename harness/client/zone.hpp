#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "harness/client/dns.hpp"

namespace smtpspec::client {

/// The DNS that `dns:` of a scenario describes (scenario-language.md §6): zone-file lines `name TYPE data`,
/// where `@` as an address is the mock's, the data SERVFAIL, NXDOMAIN or TIMEOUT is that answer, and a line
/// `SECURE zone.` signs the zone. A `;` or `#` at the beginning of a word begins a comment.
class Zone : public Dns {
  public:
    /// The error names the line.
    static tl::expected<std::shared_ptr<Zone>, std::string> parse(std::string_view text,
                                                                  const std::string& mock_address);

    DnsAnswer<MxRecord> mx(const std::string& domain) override;
    DnsAnswer<std::string> addresses(const std::string& host) override;
    DnsAnswer<TlsaRecord> tlsa(int port, const std::string& host) override;
    /// The data of all records of this type, as written; for TXT without quotes.
    DnsAnswer<std::string> records(const std::string& type, const std::string& name) const;

  private:
    using Key = std::pair<std::string, std::string>;  ///< name and type

    tl::expected<void, std::string> add_line(const std::vector<std::string>& words,
                                             const std::string& mock_address);
    DnsStatus status_of(const std::string& name) const;

    std::map<Key, std::vector<std::string>> records_;
    std::map<Key, DnsStatus> faults_;
    std::set<std::string> signed_;
};

}  // namespace smtpspec::client
