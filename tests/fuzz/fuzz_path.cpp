// Paths, domains, literals, local parts and xtext.
#include <string>

#include "fuzz_support.hpp"
#include "protocol/smtp/address.hpp"
#include "protocol/smtp/command.hpp"
#include "protocol/smtp/escape.hpp"
#include "protocol/smtp/text.hpp"

using namespace smtpspec::smtp;
using smtpspec::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, size_t size) {
    const std::string_view text = smtpspec::fuzz::text_of(data, size);
    for (const Charset charset : {Charset::ascii, Charset::utf8}) {
        ArgumentRules rules;
        rules.smtputf8 = charset == Charset::utf8;
        const auto path = parse_path(text, rules);
        if (path && !path->null) {
            const auto again = parse_path("<" + path->address + ">", rules);
            require(again && again->address == path->address && again->domain == path->domain);
        }
        if (is_mailbox(text, charset)) {
            require(is_utf8(text) && text.find('\0') == std::string_view::npos &&
                    text.find('\n') == std::string_view::npos);
        }
        is_domain(text, charset);
        is_local_part(text, charset);
    }
    if (is_ehlo_argument(text)) {
        require(!has_eight_bit(text) && text.find(' ') == std::string_view::npos);
    }
    unquote_local_part(text);
    require(xtext_decode(xtext_encode(text)).value() == text);
    if (const auto decoded = xtext_decode(text)) {
        require(decoded->size() <= text.size());
    }
    const std::string shown = printable(text);
    for (const char c : shown) {
        require(!is_control(c));
    }
    require(is_utf8(shown) && is_utf8(printable(text, 10)));
    return 0;
}
