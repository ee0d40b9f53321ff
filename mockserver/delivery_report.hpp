#pragma once

#include <string>

namespace smtpspec::mock {

/// What a report about a delivery says (RFC 3464).
struct DeliveryFacts {
    std::string host;
    std::string sender;       ///< of the message: who gets the report
    std::string envelope_id;  ///< the ENVID of MAIL as given, or empty
    std::string recipient;
    std::string original;  ///< the ORCPT of RCPT as given, or empty
    std::string date;      ///< RFC 5322 §3.3
    std::string unique;
};

/// A multipart/report about a delivery that succeeded, as it lies in a mailbox: from nobody (RFC 3461 §6),
/// and without the message, which its sender has (§6.2 leaves it to the server).
std::string delivery_report(const DeliveryFacts& facts);

}  // namespace smtpspec::mock
