#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace smtpspec::latency {

/// The messages of a load: alike but for their number, ready to be written behind 354. The number stands in
/// the Message-ID, so that whoever receives them can count what was lost and what came twice.
class LoadContent {
  public:
    /// `octets` is the size of the message as RFC 5321 counts it (with CRLF, without stuffed dots and the
    /// end); at least the header's. 0: a header and one line.
    LoadContent(const std::string& from,
                const std::string& to,
                const std::string& run_id,
                std::int64_t octets);

    /// Stuffed, with the final dot; valid until the next call.
    std::string_view numbered(std::uint64_t number);
    /// Of the message as it is counted.
    std::int64_t octets() const { return octets_; }
    /// The Message-ID of a number, without the angle brackets.
    std::string id(std::uint64_t number) const;

  private:
    std::string id_start_;
    std::string text_;
    std::size_t place_ = 0;  ///< of the digits in text_
    std::int64_t octets_ = 0;
};

}  // namespace smtpspec::latency
