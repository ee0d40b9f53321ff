// The reply to EHLO, read as a client reads it.
#include <string>

#include "fuzz_support.hpp"
#include "protocol/smtp/capabilities.hpp"
#include "protocol/smtp/text.hpp"

using namespace smtpspec::smtp;
using smtpspec::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, size_t size) {
    std::string_view stream = smtpspec::fuzz::text_of(data, size);
    ReplyParser parser;
    while (!stream.empty()) {
        stream.remove_prefix(parser.feed(stream));
        const auto reply = stream.empty() ? parser.abandon() : parser.take();
        if (!reply) {
            break;
        }
        const Capabilities offered = Capabilities::from_reply(*reply);
        require(offered.keywords.size() < reply->lines.size() || offered.keywords.empty());
        for (const auto& [keyword, words] : offered.keywords) {
            require(offered.has(keyword) && offered.has(to_lower(keyword)));
            require(offered.words(keyword).size() >= words.size());
            for (const std::string& word : words) {
                require(offered.has(keyword, word));
            }
        }
        offered.auth_offers("PLAIN");
    }
    return 0;
}
