#include "harness/client/zone.hpp"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "protocol/smtp/escape.hpp"
#include "protocol/smtp/text.hpp"

namespace smtpspec::client {
namespace {

/// Lower case, without the final dot.
std::string canonical(std::string_view name) {
    std::string text = smtp::to_lower(name);
    if (text.size() > 1 && text.ends_with('.'))
        text.pop_back();
    return text;
}

std::optional<DnsStatus> fault(const std::string& word) {
    if (word == "SERVFAIL")
        return DnsStatus::servfail;
    if (word == "NXDOMAIN")
        return DnsStatus::nxdomain;
    if (word == "TIMEOUT")
        return DnsStatus::timeout;
    return std::nullopt;
}

std::vector<std::string> words_of(std::string_view line) {
    std::vector<std::string> words = smtp::split_words(line);
    for (size_t i = 0; i < words.size(); ++i)
        if (words[i].starts_with(';') || words[i].starts_with('#')) {
            words.resize(i);
            break;
        }
    return words;
}

int number(const std::string& word) {
    int value = -1;
    const char* const end = word.data() + word.size();
    const auto parsed = std::from_chars(word.data(), end, value);
    return parsed.ec == std::errc() && parsed.ptr == end ? value : -1;
}

size_t least_words(const std::string& type) {
    if (type == "MX")
        return 2;
    return type == "TLSA" ? 4 : 1;
}

/// "IN" and a TTL may stand before the type.
size_t type_at(const std::vector<std::string>& words) {
    size_t at = 1;
    while (at < words.size() && (words[at] == "IN" || number(words[at]) >= 0))
        ++at;
    return at;
}

}  // namespace

tl::expected<std::shared_ptr<Zone>, std::string> Zone::parse(std::string_view text,
                                                             const std::string& mock_address) {
    auto zone = std::make_shared<Zone>();
    int line_number = 0;
    while (!text.empty()) {
        const size_t end = text.find('\n');
        const std::vector<std::string> words = words_of(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        ++line_number;
        if (words.empty())
            continue;
        const tl::expected<void, std::string> added = zone->add_line(words, mock_address);
        if (!added)
            return tl::unexpected(fmt::format("dns, line {}: {}", line_number, added.error()));
    }
    return zone;
}

tl::expected<void, std::string> Zone::add_line(const std::vector<std::string>& words,
                                               const std::string& mock_address) {
    if (words.size() == 2 && words[0] == "SECURE") {
        signed_.insert(canonical(words[1]));
        return {};
    }
    const size_t at = type_at(words);
    if (at + 1 >= words.size())
        return tl::unexpected("expected a name, a type and data, found \"" + smtp::printable(words[0]) +
                              "\"");
    const std::string type = smtp::to_upper(words[at]);
    const Key key(canonical(words[0]), type);
    if (const std::optional<DnsStatus> status = fault(words[at + 1])) {
        faults_[key] = *status;
        return {};
    }
    if (words.size() - at - 1 < least_words(type))
        return tl::unexpected(fmt::format("a {} record needs more data", smtp::printable(type)));
    std::string data;
    for (size_t i = at + 1; i < words.size(); ++i)
        data += (data.empty() ? "" : " ") + words[i];
    if ((type == "A" || type == "AAAA") && data == "@")
        data = mock_address;
    if (type == "TXT" && data.size() >= 2 && data.starts_with('"') && data.ends_with('"'))
        data = data.substr(1, data.size() - 2);
    records_[key].push_back(data);
    return {};
}

DnsStatus Zone::status_of(const std::string& name) const {
    for (const std::string& zone : signed_)
        if (name == zone || name.ends_with("." + zone))
            return DnsStatus::secure;
    return DnsStatus::insecure;
}

DnsAnswer<std::string> Zone::records(const std::string& type, const std::string& name) const {
    DnsAnswer<std::string> answer;
    const Key key(canonical(name), smtp::to_upper(type));
    if (const auto known = faults_.find(key); known != faults_.end()) {
        answer.status = known->second;
        return answer;
    }
    const auto found = records_.find(key);
    if (found == records_.end())
        return answer;
    answer.status = status_of(key.first);
    answer.records = found->second;
    return answer;
}

DnsAnswer<MxRecord> Zone::mx(const std::string& domain) {
    const DnsAnswer<std::string> raw = records("MX", domain);
    DnsAnswer<MxRecord> answer;
    answer.status = raw.status;
    for (const std::string& data : raw.records) {
        const std::vector<std::string> words = smtp::split_words(data);
        MxRecord record;
        record.preference = number(words[0]);
        record.host = canonical(words[1]);
        if (record.host == ".")
            record.host.clear();
        answer.records.push_back(std::move(record));
    }
    return answer;
}

DnsAnswer<std::string> Zone::addresses(const std::string& host) {
    DnsAnswer<std::string> answer = records("A", host);
    const DnsAnswer<std::string> six = records("AAAA", host);
    if (answer.records.empty() && !six.records.empty())
        answer.status = six.status;
    answer.records.insert(answer.records.end(), six.records.begin(), six.records.end());
    return answer;
}

DnsAnswer<TlsaRecord> Zone::tlsa(int port, const std::string& host) {
    const DnsAnswer<std::string> raw = records("TLSA", fmt::format("_{}._tcp.{}", port, host));
    DnsAnswer<TlsaRecord> answer;
    answer.status = raw.status;
    for (const std::string& data : raw.records) {
        const std::vector<std::string> words = smtp::split_words(data);
        TlsaRecord record;
        record.usage = number(words[0]);
        record.selector = number(words[1]);
        record.matching = number(words[2]);
        for (size_t i = 3; i < words.size(); ++i)
            record.data += smtp::to_lower(words[i]);
        answer.records.push_back(std::move(record));
    }
    return answer;
}

}  // namespace smtpspec::client
