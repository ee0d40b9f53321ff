// Replies: no octet is lost, bounds hold, and the split of the input cannot be told.
#include <algorithm>
#include <string>
#include <vector>

#include "fuzz_support.hpp"
#include "protocol/smtp/escape.hpp"
#include "protocol/smtp/reply.hpp"
#include "protocol/smtp/text.hpp"

namespace {

using namespace smtpspec::smtp;
using smtpspec::fuzz::require;

std::vector<Reply> replies_of(std::string_view stream, size_t piece, ReplyLimits limits) {
    ReplyParser parser(limits);
    std::vector<Reply> replies;
    while (!stream.empty()) {
        const size_t taken = parser.feed(stream.substr(0, piece));
        require(taken > 0);
        stream.remove_prefix(taken);
        if (parser.complete()) {
            replies.push_back(parser.take());
        }
    }
    if (auto rest = parser.abandon()) {
        replies.push_back(std::move(*rest));
    }
    return replies;
}

void check(const Reply& reply, ReplyLimits limits) {
    require(!reply.lines.empty() && reply.lines.size() <= std::max<size_t>(limits.lines, 1) + 1);
    require(reply.raw.size() <= limits.octets);
    std::string joined;
    for (const ReplyLine& line : reply.lines) {
        require(line.raw.size() <= limits.line && line.code.size() <= 3);
        joined += line.raw;
    }
    require(joined == reply.raw);
    require(reply.code >= 0 && reply.code <= 999);
    require(is_utf8(printable(reply.raw)));
    if (reply.well_formed()) {
        require(reply.raw.size() >= 5 && reply.raw.substr(reply.raw.size() - 2) == "\r\n");
    }
    reply.text();
    reply.enhanced();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, size_t size) {
    std::string_view stream = smtpspec::fuzz::text_of(data, size);
    const unsigned choice = smtpspec::fuzz::take_octet(stream);
    ReplyLimits limits;
    if ((choice & 1U) != 0) {
        limits = ReplyLimits{40, 3, 90};
    }
    const auto whole = replies_of(stream, stream.size() + 1, limits);
    const auto pieces = replies_of(stream, 1 + choice / 2, limits);
    require(whole.size() == pieces.size());
    std::string joined;
    for (size_t i = 0; i < whole.size(); ++i) {
        check(whole[i], limits);
        require(whole[i].raw == pieces[i].raw && whole[i].violations == pieces[i].violations);
        joined += whole[i].raw;
    }
    require(joined == stream);
    return 0;
}
