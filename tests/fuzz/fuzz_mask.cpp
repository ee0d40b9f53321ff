// Masks: whatever stands around a secret, and wherever the octets are cut, it is not in what is recorded.
#include <string>

#include "fuzz_support.hpp"
#include "protocol/smtp/base64.hpp"
#include "protocol/wire/mask.hpp"

namespace {

using namespace smtpspec;
using fuzz::require;

const std::string secret = "re_s3cret+Pass/word";

/// The fuzzer cannot guess the secret: it writes octets 1 to 3 for it in clear, in base64, and as SASL PLAIN.
std::string with_secrets(std::string_view text) {
    std::string whole;
    for (const char c : text) {
        if (c == 1) {
            whole += secret;
        } else if (c == 2) {
            whole += smtp::base64_encode(secret);
        } else if (c == 3) {
            whole += smtp::base64_encode(std::string("\0user\0", 6) + secret);
        } else {
            whole += c;
        }
    }
    return whole;
}

/// The whole of it: the fuzzer learns to write a good part of its base64 by itself, which no mask has to
/// know.
bool shows(const std::string& text) {
    return text.find(secret) != std::string::npos ||
           text.find(smtp::base64_encode(secret)) != std::string::npos;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, size_t size) {
    std::string_view stream = fuzz::text_of(data, size);
    const size_t piece = 1 + fuzz::take_octet(stream);
    const std::string whole = with_secrets(stream);
    wire::Masker masker;
    masker.add(secret);
    require(!shows(masker.by_value(whole)));
    wire::MaskState from_client, from_server;
    std::string client, server, before, by_piece;
    for (size_t at = 0; at < whole.size(); at += piece) {
        const std::string part = whole.substr(at, piece);
        client += masker.client_octets(part, from_client);
        server += masker.server_octets(part, from_server);
        by_piece += masker.by_value(before, part);
        before += part;
    }
    require(!shows(client) && !shows(server) && !shows(by_piece));
    return 0;
}
