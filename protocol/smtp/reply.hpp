#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/smtp/enhanced.hpp"

namespace smtpspec::smtp {

/// What is wrong with a reply (RFC 5321 §4.2). Nothing is repaired: the raw octets stay beside the list.
enum class ReplyViolation {
    bad_code,     ///< a line does not begin with three digits
    code_range,   ///< three digits outside Reply-code: not [2-5][0-5][0-9] (560, 999, 150)
    mixed_codes,  ///< lines of one reply with different codes
    bare_lf,      ///< a line ended by LF alone
    bare_cr,      ///< CR that is not followed by LF
    nul,          ///< an octet 0
    control,      ///< another control character (textstring allows HT only)
    eight_bit,    ///< octets above 127 that are not UTF-8
    utf8,  ///< UTF-8 text: legal once SMTPUTF8 was used (RFC 6531 §3.7.4.2), so well_formed() permits it
    no_separator,     ///< neither blank, hyphen nor end of line after the code
    line_too_long,    ///< ReplyLimits::line exceeded; the reply was cut there
    too_many_lines,   ///< ReplyLimits::lines exceeded; the reply was cut there
    too_many_octets,  ///< ReplyLimits::octets exceeded; the reply was cut there
    truncated         ///< the connection ended within the reply (only from ReplyParser::abandon)
};

/// The name as written above, for messages and results.
std::string_view to_string(ReplyViolation violation);

/// One line of a reply as it came.
struct ReplyLine {
    std::string raw;        ///< with its line end
    std::string code;       ///< the leading digits as found, three or fewer
    std::string text;       ///< what follows the separator, without the line end
    char separator = '\0';  ///< ' ' or '-', another octet when malformed, '\0' at the end of the line
};

/// One complete reply, legal or not.
struct Reply {
    int code = 0;  ///< of the last line; 0 when it has none. May hold illegal values such as 560 or 999
    std::vector<ReplyLine> lines;
    std::string raw;
    std::vector<ReplyViolation> violations;  ///< each kind once, in order of appearance

    /// No violation but `utf8` and `code_range`: the shape is right, the value is the reader's to judge.
    bool well_formed() const;
    bool has(ReplyViolation violation) const;
    /// The texts of all lines joined by \n, without codes.
    std::string text() const;
    /// The enhanced code of the first line that has one (RFC 2034 §4).
    std::optional<EnhancedCode> enhanced() const;
    /// First digit of the code, 0 without a code.
    int severity() const;
};

/// Bounds for a hostile peer.
struct ReplyLimits {
    size_t line = 64UL * 1024;
    size_t lines = 10'000;
    size_t octets = 1024UL * 1024;
};

/// Incremental parser for a stream of replies. Feeding any split of the same octets gives the same replies.
///
///     while (!parser.complete()) { data.remove_prefix(parser.feed(data)); … read more … }
///     Reply reply = parser.take();
class ReplyParser {
  public:
    explicit ReplyParser(ReplyLimits limits = {});

    /// Takes octets until one reply is complete; returns how many it took (0 while a complete reply waits for
    /// take()).
    size_t feed(std::string_view octets);
    bool complete() const { return complete_; }
    /// The complete reply; the parser is empty afterwards.
    Reply take();
    /// Some octets of an unfinished reply are here.
    bool partial() const { return !complete_ && !reply_.raw.empty(); }
    /// The octets of the unfinished reply so far (all its lines and the part of a line).
    std::string_view pending() const;
    /// Gives up waiting (end of the connection): what is pending as a reply with `truncated`, nothing if
    /// there is none.
    std::optional<Reply> abandon();

  private:
    void add_line();
    void violate(ReplyViolation violation);
    void enforce_limits();
    void inspect_code(const ReplyLine& line);
    void inspect_octets(std::string_view raw);

    ReplyLimits limits_;
    Reply reply_;
    size_t line_start_ = 0;  ///< where in reply_.raw the present line begins
    bool complete_ = false;
};

/// A reply with CRLF at each line's end: "250-2.1.0 a\r\n250 2.1.0 b\r\n". An empty `enhanced` is left out;
/// no lines make one line. Nothing is checked, so that wrong replies can be made too.
std::string format_reply(int code, std::string_view enhanced, const std::vector<std::string>& lines);
/// The same of one line.
std::string format_reply_line(int code, std::string_view enhanced, std::string_view text);

}  // namespace smtpspec::smtp
