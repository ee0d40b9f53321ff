#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "harness/latency/load_reply.hpp"
#include "protocol/smtp/reply.hpp"

/// What the load generator takes for a reply is one for the parser that judges, with the same code and
/// length; and a prefix of it is none.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace smtpspec;
    const std::string_view octets(reinterpret_cast<const char*>(data), size);
    const latency::ReplyGlance found = latency::glance(octets);
    if (found.state != latency::ReplyGlance::State::complete)
        return 0;
    smtp::ReplyParser parser;
    const std::size_t taken = parser.feed(octets);
    if (!parser.complete() || taken != found.length || parser.take().code != found.code)
        std::abort();
    if (latency::glance(octets.substr(0, found.length - 1)).state == latency::ReplyGlance::State::complete)
        std::abort();
    return 0;
}
