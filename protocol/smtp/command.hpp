#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "protocol/smtp/address.hpp"

namespace smtpspec::smtp {

/// What is wrong with a command line (RFC 5321 §2.3.8, §4.1.1, §4.5.3.1.4).
enum class CommandViolation {
    bare_lf,         ///< ended by LF alone
    no_eol,          ///< no line end at all
    bare_cr,         ///< CR within the line
    nul,             ///< an octet 0
    control,         ///< another control character
    eight_bit,       ///< octets above 127 that are not UTF-8
    utf8,            ///< UTF-8: legal in arguments with SMTPUTF8 only
    leading_space,   ///< blank before the verb
    trailing_space,  ///< blank before the line end (tolerated, RFC 5321 §4.1.1)
    bad_verb,        ///< the verb is empty or has other octets than letters and digits
    too_long         ///< more than 512 octets with the line end (RFC 5321 §4.5.3.1.4)
};

std::string_view to_string(CommandViolation violation);

/// One command line, legal or not.
struct Command {
    enum class Eol { crlf, lf, none };

    std::string raw;       ///< as it came, with its line end
    std::string line;      ///< without the line end
    std::string verb;      ///< the first word, upper-case
    std::string argument;  ///< after the one blank behind the verb, without trailing blanks
    Eol eol = Eol::none;
    std::vector<CommandViolation> violations;  ///< each kind once

    bool has(CommandViolation violation) const;
};

Command parse_command(std::string_view raw);

/// An ESMTP parameter of MAIL or RCPT (RFC 5321 §4.1.2).
struct Parameter {
    std::string keyword;  ///< upper-case
    std::string value;    ///< as written
    bool has_value = false;
};

/// A reverse or forward path (RFC 5321 §4.1.2).
struct Path {
    std::string raw;         ///< as written, with angle brackets and source route
    std::string address;     ///< without brackets, source route dropped (RFC 5321 §4.1.1.3)
    std::string local_part;  ///< as written, quotes kept; unquote_local_part() strips them
    std::string domain;      ///< domain or address literal; empty for <> and <Postmaster>
    bool null = false;       ///< <>
};

struct EnvelopeArgument {
    Path path;
    std::vector<Parameter> parameters;

    /// First parameter with this keyword, any letter case.
    const Parameter* parameter(std::string_view keyword) const;
};

/// Why an argument is refused, and how a server says so.
struct CommandError {
    std::string message;
    int suggested_code = 501;  ///< 501 syntax, 553 mailbox name, 555 parameters
    std::string enhanced = "5.5.4";
};

/// What a server may tolerate; the default is the grammar of RFC 5321.
struct ArgumentRules {
    bool smtputf8 = false;           ///< UTF-8 in addresses (RFC 6531 §3.3)
    bool space_after_colon = false;  ///< "FROM: <a@b>", common and wrong (RFC 5321 §3.3)
    bool missing_brackets = false;   ///< "FROM:a@b"
    bool any_address = false;        ///< the octets between < and > are not checked
};

/// "FROM:<a@b> SIZE=3": what follows "MAIL ".
tl::expected<EnvelopeArgument, CommandError> parse_mail_argument(std::string_view argument,
                                                                 ArgumentRules rules = {});
/// "TO:<a@b> NOTIFY=NEVER": what follows "RCPT ".
tl::expected<EnvelopeArgument, CommandError> parse_rcpt_argument(std::string_view argument,
                                                                 ArgumentRules rules = {});

/// "<…>" alone. The null path is accepted; so is <Postmaster> without a domain.
tl::expected<Path, CommandError> parse_path(std::string_view text, ArgumentRules rules = {});

/// Blank-separated esmtp-params. A keyword that stands twice is an error.
tl::expected<std::vector<Parameter>, CommandError> parse_parameters(std::string_view text,
                                                                    ArgumentRules rules = {});

}  // namespace smtpspec::smtp
