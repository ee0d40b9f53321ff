// Command lines and the arguments of MAIL and RCPT, under every tolerance.
#include <string>

#include "fuzz_support.hpp"
#include "protocol/smtp/command.hpp"
#include "protocol/smtp/text.hpp"

namespace {

using namespace smtpspec::smtp;
using smtpspec::fuzz::require;

ArgumentRules rules_of(unsigned bits) {
    ArgumentRules rules;
    rules.smtputf8 = (bits & 1U) != 0;
    rules.space_after_colon = (bits & 2U) != 0;
    rules.missing_brackets = (bits & 4U) != 0;
    rules.any_address = (bits & 8U) != 0;
    return rules;
}

void check(const tl::expected<EnvelopeArgument, CommandError>& parsed, ArgumentRules rules) {
    if (!parsed) {
        const int code = parsed.error().suggested_code;
        require(code == 501 || code == 553 || code == 555);
        require(is_utf8(parsed.error().message));
        return;
    }
    require(parsed->path.null == parsed->path.address.empty());
    for (const Parameter& parameter : parsed->parameters) {
        require(!parameter.keyword.empty() && parsed->parameter(parameter.keyword) == &parameter);
        require(parameter.has_value == !parameter.value.empty());
    }
    if (!rules.any_address && !parsed->path.domain.empty()) {
        require(is_mailbox(parsed->path.address, rules.smtputf8 ? Charset::utf8 : Charset::ascii));
        require(parsed->path.local_part + "@" + parsed->path.domain == parsed->path.address);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, size_t size) {
    std::string_view raw = smtpspec::fuzz::text_of(data, size);
    const ArgumentRules rules = rules_of(smtpspec::fuzz::take_octet(raw));
    const Command command = parse_command(raw);
    require(command.raw == raw);
    require(command.verb.size() + command.argument.size() <= raw.size());
    check(parse_mail_argument(command.argument, rules), rules);
    check(parse_rcpt_argument(command.argument, rules), rules);
    return 0;
}
