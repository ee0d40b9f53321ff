#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/wire/tls.hpp"

namespace smtpspec::wire {

/// Raw octets of a TLS stream, given out one whole record at a time (RFC 8446 §5.1), so that what is no
/// record is noticed at its first octet and stays in our hands.
class RecordBuffer {
  public:
    enum class Next { record, incomplete, not_tls };

    void append(std::string_view octets) { octets_.append(octets); }
    /// On `record`, `out` is valid until the next append().
    Next next(std::string_view& out);
    std::string_view peek() const { return std::string_view(octets_).substr(taken_); }
    void drop(std::size_t octets);
    std::string take_all();

  private:
    std::string octets_;
    std::size_t taken_ = 0;
};

/// Where in clear octets the first handshake or alert record begins; npos if nowhere.
std::size_t find_record_start(std::string_view octets);
/// True when the octets may be the beginning of a handshake or alert record.
bool may_start_record(std::string_view octets);

/// What is known of a ClientHello that may still be arriving.
struct HelloProgress {
    enum class State { complete, incomplete, not_tls, malformed } state = State::incomplete;
    std::size_t octets =
        0;  ///< complete: how many raw octets it takes; incomplete: at least so many are needed
    ClientHello hello;
};
/// Reads the records of a ClientHello; more than 64 KiB is malformed.
HelloProgress parse_client_hello(std::string_view raw);

/// A fatal alert in a record of its own, unencrypted. An unknown name is handshake_failure.
std::string alert_record(std::string_view name);

}  // namespace smtpspec::wire
