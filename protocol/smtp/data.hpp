#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace smtpspec::smtp {

/// The message with a dot put before each line that begins with one, ended by CRLF (RFC 5321 §4.5.2). Lines
/// end at CRLF only; a message that does not end in CRLF gets one. Bare CR and LF are left as they are.
std::string dot_stuff(std::string_view message);

/// dot_stuff() and the final ".\r\n": all that follows a 354. An empty message is ".\r\n".
std::string encode_data(std::string_view message);

/// Inverse of dot_stuff: the first dot of each line that begins with one is removed (CRLF lines).
std::string dot_unstuff(std::string_view stuffed);

/// What ends the data. The default is RFC 5321 §4.1.1.4: <CRLF>.<CRLF> and nothing else, where the first CRLF
/// may be the one of the DATA command. Everything else is a deliberate defect for the mock (SMTP smuggling).
struct EndOfDataRules {
    bool bare_lf = false;     ///< LF is as good as CRLF: \n.\n, \n.\r\n, \r\n.\n end the data
    bool bare_cr = false;     ///< CR is as good as CRLF: \r.\r, \r.\r\n, \r\n.\r, \r.\n, \n.\r end the data
    bool ignore_nul = false;  ///< NULs are dropped before the search: \r\n\0.\r\n ends the data
    bool doubled_cr = false;  ///< CR CR LF is as good as CRLF: \r\n.\r\r\n and \r\r\n.\r\r\n end the data
    bool first_line_decides = false;  ///< bare_lf when the message's first line ends in LF alone
    bool unstuff = true;  ///< remove the first dot of a line that begins with one (RFC 5321 §4.5.2)
};

/// The receiver of DATA: finds the end and removes dot-stuffing. Any split of the same octets gives the same
/// message.
///
/// With the defect `bare_cr` the data end at the CR at once; an LF right behind it in the same feed() goes
/// with it.
///
/// Bare CR, bare LF and NUL are kept in the message as they came. In CR CR LF "." CR LF the dot stands behind
/// a genuine CRLF, so that does end the data.
class DataDecoder {
  public:
    struct Progress {
        size_t consumed = 0;    ///< octets taken, those of the end included
        bool complete = false;  ///< the end of data was seen; what follows belongs to the next command
    };

    /// `limit` bounds the memory: what exceeds it is counted and dropped.
    explicit DataDecoder(EndOfDataRules rules = {}, size_t limit = 64UL * 1024 * 1024);

    Progress feed(std::string_view octets);
    bool complete() const { return complete_; }
    /// The message so far, unstuffed, with the CRLF that stands before the final dot.
    const std::string& message() const { return message_; }
    /// The message; the decoder is as new afterwards.
    std::string take();

    /// Octets of the message so far, those dropped included; the final dot not included.
    std::uint64_t octets() const { return octets_; }
    bool overflow() const { return overflow_; }
    bool saw_bare_lf() const { return saw_bare_lf_; }
    bool saw_bare_cr() const { return saw_bare_cr_; }
    bool saw_nul() const { return saw_nul_; }

  private:
    /// Where we are; `line_start` and `dot` know by start_ which line end came before.
    enum class State { line_start, text, cr, dot, dot_cr, dot_cr_cr };
    enum class LineEnd { crlf, lf, cr };

    void step(char octet);
    void step_in_text(char octet);
    void step_after_dot(char octet);
    void resume_text(std::string_view held, char octet);
    void end_line(LineEnd end);
    bool starts_line(LineEnd end) const;
    bool ends_data(LineEnd end) const;
    size_t text_run(std::string_view octets) const;
    void put(std::string_view octets);

    EndOfDataRules rules_;
    size_t limit_;
    std::string message_;
    std::uint64_t octets_ = 0;
    State state_ = State::line_start;
    LineEnd start_ = LineEnd::crlf;  ///< the CRLF of the DATA command counts (RFC 5321 §4.1.1.4)
    bool first_line_ = true;
    bool lf_by_first_line_ = false;
    bool complete_ = false;
    bool overflow_ = false;
    bool saw_bare_lf_ = false;
    bool saw_bare_cr_ = false;
    bool saw_nul_ = false;
};

}  // namespace smtpspec::smtp
