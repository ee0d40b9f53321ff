#include "protocol/wire/tls_records.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace smtpspec::wire {
namespace {

constexpr std::size_t kHeader = 5;
constexpr std::size_t kLongestRecord = 16384 + 2048;  // RFC 5246 §6.2.3, the widest of all versions
constexpr std::size_t kLongestHello = 64 * 1024;
constexpr unsigned char kAlert = 21, kHandshake = 22;

unsigned octet(std::string_view text, std::size_t at) { return static_cast<unsigned char>(text[at]); }
std::size_t record_length(std::string_view header) { return octet(header, 3) << 8 | octet(header, 4); }

bool may_be_header(std::string_view octets) {
    if (!octets.empty() && (octet(octets, 0) < 20 || octet(octets, 0) > 23))
        return false;
    if (octets.size() > 1 && octet(octets, 1) != 3)
        return false;
    if (octets.size() > 2 && octet(octets, 2) > 4)
        return false;
    return octets.size() < kHeader || record_length(octets) <= kLongestRecord;
}

/// Reads big-endian numbers and vectors; once something is missing everything further is empty and ok() is
/// false.
class Reader {
  public:
    explicit Reader(std::string_view octets) : rest_(octets) {}
    bool ok() const { return ok_; }
    bool empty() const { return rest_.empty(); }
    std::size_t number(std::size_t octets) {
        std::size_t value = 0;
        for (char c : take(octets))
            value = value << 8 | static_cast<unsigned char>(c);
        return value;
    }
    std::string_view take(std::size_t octets) {
        if (octets > rest_.size()) {
            ok_ = false;
            rest_ = {};
        }
        auto taken = rest_.substr(0, octets);
        rest_.remove_prefix(taken.size());
        return taken;
    }
    std::string_view vector(std::size_t length_octets) { return take(number(length_octets)); }

  private:
    std::string_view rest_;
    bool ok_ = true;
};

bool is_grease(std::size_t value) {  // RFC 8701
    return (value & 0x0f0f) == 0x0a0a && (value >> 8) == (value & 0xff);
}

std::vector<std::uint16_t> numbers(std::string_view octets) {
    std::vector<std::uint16_t> found;
    for (Reader reader(octets); !reader.empty() && reader.ok();) {
        auto value = reader.number(2);
        if (reader.ok() && !is_grease(value))
            found.push_back(static_cast<std::uint16_t>(value));
    }
    return found;
}

void read_extension(std::size_t type, std::string_view body, ClientHello& hello) {
    Reader reader(body);
    if (type == 0) {  // server_name, RFC 6066 §3
        for (Reader names(reader.vector(2)); !names.empty() && names.ok();) {
            auto kind = names.number(1);
            auto name = names.vector(2);
            if (kind == 0 && hello.server_name.empty())
                hello.server_name = name;
        }
    } else if (type == 16) {  // ALPN, RFC 7301 §3.1
        for (Reader names(reader.vector(2)); !names.empty() && names.ok();)
            hello.alpn.emplace_back(names.vector(1));
    } else if (type == 43) {  // supported_versions, RFC 8446 §4.2.1
        hello.versions = numbers(reader.vector(1));
    }
}

bool read_hello(std::string_view body, ClientHello& hello) {
    Reader reader(body);
    auto legacy_version = static_cast<std::uint16_t>(reader.number(2));
    reader.take(32);   // random
    reader.vector(1);  // session id
    hello.cipher_suites = numbers(reader.vector(2));
    reader.vector(1);  // compression methods
    if (!reader.ok())
        return false;
    for (Reader extensions(reader.vector(2)); !extensions.empty() && extensions.ok();) {
        auto type = extensions.number(2);
        read_extension(type, extensions.vector(2), hello);
    }
    if (hello.versions.empty())  // before TLS 1.3 the highest version says that all below are spoken too
        for (int version = std::min<int>(legacy_version, 0x0303); version >= 0x0300; --version)
            hello.versions.push_back(static_cast<std::uint16_t>(version));
    return true;
}

struct AlertName {
    std::string_view name;
    unsigned char code;
};
constexpr std::array kAlerts{
    AlertName{"close_notify", 0},
    AlertName{"unexpected_message", 10},
    AlertName{"bad_record_mac", 20},
    AlertName{"record_overflow", 22},
    AlertName{"handshake_failure", 40},
    AlertName{"bad_certificate", 42},
    AlertName{"unsupported_certificate", 43},
    AlertName{"certificate_revoked", 44},
    AlertName{"certificate_expired", 45},
    AlertName{"certificate_unknown", 46},
    AlertName{"illegal_parameter", 47},
    AlertName{"unknown_ca", 48},
    AlertName{"access_denied", 49},
    AlertName{"decode_error", 50},
    AlertName{"decrypt_error", 51},
    AlertName{"protocol_version", 70},
    AlertName{"insufficient_security", 71},
    AlertName{"internal_error", 80},
    AlertName{"inappropriate_fallback", 86},
    AlertName{"user_canceled", 90},
    AlertName{"no_renegotiation", 100},
    AlertName{"missing_extension", 109},
    AlertName{"unsupported_extension", 110},
    AlertName{"unrecognized_name", 112},
    AlertName{"bad_certificate_status_response", 113},
    AlertName{"unknown_psk_identity", 115},
    AlertName{"certificate_required", 116},
    AlertName{"no_application_protocol", 120},
};

}  // namespace

RecordBuffer::Next RecordBuffer::next(std::string_view& out) {
    auto rest = peek();
    if (!may_be_header(rest))
        return Next::not_tls;
    if (rest.size() < kHeader || rest.size() < kHeader + record_length(rest))
        return Next::incomplete;
    out = rest.substr(0, kHeader + record_length(rest));
    taken_ += out.size();
    return Next::record;
}

void RecordBuffer::drop(std::size_t octets) {
    taken_ = std::min(taken_ + octets, octets_.size());
    if (taken_ == octets_.size()) {
        octets_.clear();
        taken_ = 0;
    } else if (taken_ > 64 * 1024) {
        octets_.erase(0, taken_);
        taken_ = 0;
    }
}

std::string RecordBuffer::take_all() {
    std::string all(peek());
    octets_.clear();
    taken_ = 0;
    return all;
}

bool may_start_record(std::string_view octets) {
    if (!may_be_header(octets))
        return false;
    return octets.empty() || octet(octets, 0) == kAlert || octet(octets, 0) == kHandshake;
}

std::size_t find_record_start(std::string_view octets) {
    for (std::size_t at = 0; at + 1 < octets.size(); ++at)
        if (may_start_record(octets.substr(at)))
            return at;
    return std::string_view::npos;
}

HelloProgress parse_client_hello(std::string_view raw) {
    HelloProgress progress;
    std::string message;
    for (std::size_t at = 0;;) {
        auto rest = raw.substr(at);
        if (!may_be_header(rest) || (!rest.empty() && octet(rest, 0) != kHandshake)) {
            progress.state = at == 0 ? HelloProgress::State::not_tls : HelloProgress::State::malformed;
            return progress;
        }
        progress.octets = at + kHeader;
        if (rest.size() < kHeader)
            return progress;
        progress.octets += record_length(rest);
        if (raw.size() < progress.octets)
            return progress;
        message += rest.substr(kHeader, record_length(rest));
        at = progress.octets;
        std::size_t wanted = 4;
        if (message.size() >= wanted)
            wanted += Reader(std::string_view(message).substr(1)).number(3);
        bool wrong_type = !message.empty() && message[0] != 1;
        if (wrong_type || wanted > kLongestHello || at > kLongestHello || record_length(rest) == 0) {
            progress.state = HelloProgress::State::malformed;
            return progress;
        }
        if (message.size() < wanted)
            continue;
        bool read = read_hello(std::string_view(message).substr(4, wanted - 4), progress.hello);
        progress.state = read ? HelloProgress::State::complete : HelloProgress::State::malformed;
        return progress;
    }
}

bool is_alert_name(std::string_view name) {
    return std::any_of(kAlerts.begin(), kAlerts.end(), [&](const AlertName& a) { return a.name == name; });
}

std::string alert_record(std::string_view name) {
    auto found =
        std::find_if(kAlerts.begin(), kAlerts.end(), [&](const AlertName& a) { return a.name == name; });
    char code = static_cast<char>(found == kAlerts.end() ? 40 : found->code);
    char level = found != kAlerts.end() && (found->code == 0 || found->code == 90) ? '\1' : '\2';
    std::string record("\x15\x03\x03\x00\x02", 5);
    record += level;
    record += code;
    return record;
}

}  // namespace smtpspec::wire
