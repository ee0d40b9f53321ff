// SASL messages of both sides, base64, and SCRAM with a toy for cryptography.
#include <string>

#include "fuzz_support.hpp"
#include "protocol/smtp/base64.hpp"
#include "protocol/smtp/sasl.hpp"
#include "protocol/smtp/scram.hpp"

namespace {

using namespace smtpspec::smtp;
using smtpspec::fuzz::require;

/// Quick and of fixed length; the fuzzer looks at the grammar, not at the secrets.
ScramCrypto toy_crypto() {
    const auto hash = [](std::string_view text) {
        std::string out(20, '\x5a');
        for (size_t i = 0; i < text.size(); ++i) {
            out[i % 20] = static_cast<char>(out[i % 20] * 31 + text[i]);
        }
        return out;
    };
    ScramCrypto crypto;
    crypto.hash = hash;
    crypto.hmac = [hash](std::string_view key, std::string_view text) {
        return hash(std::string(key) + std::string(text));
    };
    crypto.pbkdf2 = [hash](std::string_view password, std::string_view salt, int) {
        return hash(std::string(password) + std::string(salt));
    };
    return crypto;
}

void check_messages(std::string_view text) {
    if (const auto plain = parse_plain(text)) {
        require(plain_message(plain->authzid, plain->user, plain->password) == text);
    }
    if (const auto cram = parse_cram_md5(text)) {
        require(cram_md5_message(cram->user, cram->digest) == text);
    }
    if (const auto bearer = parse_xoauth2(text)) {
        require(parse_xoauth2(xoauth2_message(bearer->user, bearer->token))->token == bearer->token);
    }
    if (const auto bearer = parse_oauthbearer(text)) {
        const std::string again =
            oauthbearer_message(bearer->user, bearer->token, bearer->host, bearer->port);
        require(parse_oauthbearer(again)->token == bearer->token);
    }
    if (const auto name = saslname_decode(text)) {
        require(saslname_encode(*name) == text);
    }
}

void check_scram(std::string_view text) {
    const ScramCrypto crypto = toy_crypto();
    ScramClient client(crypto, "user", "pencil", "CLIENT");
    if (client.final(text)) {
        require(!client.verify(text).has_value());
    }
    const auto lookup = [&crypto](const std::string&) {
        return std::optional(make_scram_verifier(crypto, "pencil", "salt", 1));
    };
    ScramServer fresh(crypto, lookup, "SERVER");
    fresh.first(text);
    fresh.final(text);
    ScramServer server(crypto, lookup, "SERVER");
    require(server.first("n,,n=user,r=CLIENT").has_value());
    server.final(text);
    scram_final(crypto, text, "r=CLIENTSERVER,s=AAAA,i=1", "pencil");
    scram_final(crypto, "n,,n=user,r=CLIENT", text, "pencil");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, size_t size) {
    const std::string_view text = smtpspec::fuzz::text_of(data, size);
    require(base64_decode(base64_encode(text)).value() == text);
    require(hex_decode(hex_encode(text)).value() == text);
    if (const auto octets = base64_decode(text)) {
        require(base64_encode(*octets) == text);  // strict: one spelling only
    }
    check_messages(text);
    check_scram(text);
    return 0;
}
