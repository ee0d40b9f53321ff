#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/smtp/reply.hpp"

namespace smtpspec::smtp {

/// What an EHLO reply offers (RFC 5321 §4.1.1.1).
struct Capabilities {
    using Keyword = std::pair<std::string, std::vector<std::string>>;

    std::string domain;             ///< first word of the first line
    std::vector<Keyword> keywords;  ///< upper-case keyword and its words, in order of appearance

    /// Any letter case. "AUTH=PLAIN" (pre-standard form) counts as AUTH with the word PLAIN as well as by its
    /// own name.
    bool has(std::string_view keyword) const;
    /// The keyword stands there and this word after it ("has AUTH=PLAIN" of the scenario language).
    bool has(std::string_view keyword, std::string_view word) const;
    /// All words after all lines with this keyword; empty when there are none.
    std::vector<std::string> words(std::string_view keyword) const;
    /// AUTH offers this mechanism.
    bool auth_offers(std::string_view mechanism) const;

    /// From the reply to EHLO; the domain alone from one to HELO. Lines that break the grammar are kept as
    /// they are.
    static Capabilities from_reply(const Reply& reply);
};

}  // namespace smtpspec::smtp
