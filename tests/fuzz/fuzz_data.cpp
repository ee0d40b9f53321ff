// DATA: what is encoded comes back, any split gives the same, and only CRLF dot CRLF ends it.
#include <string>

#include "fuzz_support.hpp"
#include "protocol/smtp/data.hpp"

namespace {

using namespace smtpspec::smtp;
using smtpspec::fuzz::require;

EndOfDataRules rules_of(unsigned bits) {
    EndOfDataRules rules;
    rules.bare_lf = (bits & 1U) != 0;
    rules.bare_cr = (bits & 2U) != 0;
    rules.ignore_nul = (bits & 4U) != 0;
    rules.doubled_cr = (bits & 8U) != 0;
    rules.first_line_decides = (bits & 16U) != 0;
    rules.unstuff = (bits & 32U) == 0;
    return rules;
}

struct Decoded {
    size_t consumed = 0;
    bool complete = false;
    std::string message;
};

Decoded decode(std::string_view stream, size_t piece, EndOfDataRules rules, size_t limit) {
    DataDecoder decoder(rules, limit);
    Decoded decoded;
    while (!stream.empty() && !decoded.complete) {
        const auto progress = decoder.feed(stream.substr(0, piece));
        require(progress.consumed > 0);
        stream.remove_prefix(progress.consumed);
        decoded.consumed += progress.consumed;
        decoded.complete = progress.complete;
    }
    require(decoder.message().size() <= limit && decoder.message().size() <= decoder.octets());
    decoded.message = decoder.take();
    return decoded;
}

void check_round_trip(std::string_view message) {
    const std::string wire = encode_data(message);
    const Decoded back = decode(wire, wire.size(), EndOfDataRules(), wire.size());
    const bool ended =
        message.empty() || (message.size() >= 2 && message.substr(message.size() - 2) == "\r\n");
    require(back.complete && back.consumed == wire.size());
    require(back.message == std::string(message) + (ended ? "" : "\r\n"));
    require(dot_unstuff(dot_stuff(message)) == back.message);
}

void check_strict_end(std::string_view stream) {
    const Decoded strict = decode(stream, stream.size() + 1, EndOfDataRules(), stream.size());
    const size_t end = ("\r\n" + std::string(stream)).find("\r\n.\r\n");
    require(strict.complete == (end != std::string::npos));
    require(strict.consumed == (strict.complete ? end + 3 : stream.size()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, size_t size) {
    std::string_view stream = smtpspec::fuzz::text_of(data, size);
    const EndOfDataRules rules = rules_of(smtpspec::fuzz::take_octet(stream));
    const unsigned choice = smtpspec::fuzz::take_octet(stream);
    const size_t limit = (choice & 1U) != 0 ? 16 : stream.size();
    const Decoded whole = decode(stream, stream.size() + 1, rules, limit);
    const Decoded pieces = decode(stream, 1 + choice / 2, rules, limit);
    require(whole.complete == pieces.complete && whole.message == pieces.message);
    require(rules.bare_cr || whole.consumed == pieces.consumed);
    check_round_trip(stream);
    check_strict_end(stream);
    return 0;
}
