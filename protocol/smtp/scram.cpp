#include "protocol/smtp/scram.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "protocol/smtp/base64.hpp"
#include "protocol/smtp/escape.hpp"
#include "protocol/smtp/sasl.hpp"
#include "protocol/smtp/text.hpp"

namespace smtpspec::smtp {

namespace {

constexpr size_t shown = 80;  // octets of the peer's text in a message

tl::unexpected<std::string> refuse(std::string why) { return tl::unexpected(std::move(why)); }

/// Attributes "k=value" between commas, in order.
struct Attribute {
    char name;
    std::string_view value;
};

tl::expected<std::vector<Attribute>, std::string> split_attributes(std::string_view message) {
    std::vector<Attribute> attributes;
    while (true) {
        const size_t comma = message.find(',');
        const std::string_view word = message.substr(0, comma);
        if (word.size() < 2 || !is_alpha(word[0]) || word[1] != '=') {
            return refuse("\"" + printable(word, shown) + "\" is not a SCRAM attribute");
        }
        attributes.push_back({word[0], word.substr(2)});
        if (comma == std::string_view::npos) {
            return attributes;
        }
        message.remove_prefix(comma + 1);
    }
}

/// The attributes begin with these names in this order; extensions may follow (RFC 5802 §7).
bool begins_with(const std::vector<Attribute>& attributes, std::string_view names) {
    if (attributes.size() < names.size()) {
        return false;
    }
    return std::equal(
        names.begin(), names.end(), attributes.begin(), [](char name, const Attribute& attribute) {
            return name == attribute.name;
        });
}

/// Printable ASCII without comma (RFC 5802 §7).
bool is_nonce(std::string_view nonce) {
    return !nonce.empty() &&
           std::all_of(nonce.begin(), nonce.end(), [](char c) { return c > 32 && c < 127 && c != ','; });
}

/// posit-number: no sign, no leading zero. Nothing when it is none or has more than nine digits.
std::optional<int> parse_count(std::string_view text) {
    if (text.empty() || text.size() > 9 || text[0] == '0' ||
        !std::all_of(text.begin(), text.end(), is_digit)) {
        return std::nullopt;
    }
    return std::stoi(std::string(text));
}

std::string exclusive_or(std::string_view a, std::string_view b) {
    std::string out(a);
    for (size_t i = 0; i < out.size() && i < b.size(); ++i) {
        out[i] = static_cast<char>(out[i] ^ b[i]);
    }
    return out;
}

bool same_octets(std::string_view a, std::string_view b) {
    unsigned difference = a.size() == b.size() ? 0 : 1;
    for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
        difference |= static_cast<unsigned char>(a[i] ^ b[i]);
    }
    return difference == 0;
}

/// Offset of client-first-message-bare: behind the second comma. npos when there is none.
size_t gs2_header_length(std::string_view client_first) {
    const size_t first = client_first.find(',');
    const size_t second = first == std::string_view::npos ? first : client_first.find(',', first + 1);
    return second == std::string_view::npos ? second : second + 1;
}

/// The client's final message and what the server must answer (RFC 5802 §3).
ScramFinal prove(const ScramCrypto& crypto,
                 std::string_view client_first,
                 std::string_view server_first,
                 const ScramServerFirst& server,
                 std::string_view password,
                 std::string_view binding_data) {
    const size_t header = std::min(gs2_header_length(client_first), client_first.size());
    const std::string binding = std::string(client_first.substr(0, header)) + std::string(binding_data);
    const std::string without_proof = "c=" + base64_encode(binding) + ",r=" + server.nonce;
    const std::string auth_message =
        std::string(client_first.substr(header)) + "," + std::string(server_first) + "," + without_proof;

    const std::string salted = crypto.pbkdf2(password, server.salt, server.iterations);
    const std::string client_key = crypto.hmac(salted, "Client Key");
    const std::string client_signature = crypto.hmac(crypto.hash(client_key), auth_message);
    ScramFinal out;
    out.message = without_proof + ",p=" + base64_encode(exclusive_or(client_key, client_signature));
    out.server_signature = crypto.hmac(crypto.hmac(salted, "Server Key"), auth_message);
    return out;
}

}  // namespace

tl::expected<ScramServerFirst, std::string> parse_scram_server_first(std::string_view message,
                                                                     ScramLimits limits) {
    const auto attributes = split_attributes(message);
    if (!attributes) {
        return tl::unexpected(attributes.error());
    }
    if (attributes->front().name == 'm') {
        return refuse(
            "the server asks for a mandatory extension (m=), which nobody has defined");  // RFC 5802 §5.1
    }
    if (!begins_with(*attributes, "rsi")) {
        return refuse("the server's first message is not r=…,s=…,i=…");
    }
    ScramServerFirst first;
    first.nonce = (*attributes)[0].value;
    if (!is_nonce(first.nonce)) {
        return refuse("the server's nonce has characters that are not allowed");
    }
    auto salt = base64_decode((*attributes)[1].value);
    if (!salt || salt->empty()) {
        return refuse("the salt is " + (salt ? std::string("empty") : salt.error()));
    }
    first.salt = std::move(*salt);
    const std::string_view count = (*attributes)[2].value;
    const auto iterations = parse_count(count);
    if (!iterations || *iterations < limits.min_iterations || *iterations > limits.max_iterations) {
        return refuse("the iteration count " + printable(count, shown) + " is not between " +
                      std::to_string(limits.min_iterations) + " and " +
                      std::to_string(limits.max_iterations));
    }
    first.iterations = *iterations;
    return first;
}

tl::expected<ScramFinal, std::string> scram_final(const ScramCrypto& crypto,
                                                  std::string_view client_first,
                                                  std::string_view server_first,
                                                  std::string_view password,
                                                  std::string_view binding_data,
                                                  std::string_view nonce) {
    if (gs2_header_length(client_first) == std::string_view::npos) {
        return refuse("the client's first message has no GS2 header");
    }
    auto server = parse_scram_server_first(server_first);
    if (!server) {
        return tl::unexpected(server.error());
    }
    if (!nonce.empty()) {
        server->nonce = nonce;
    }
    return prove(crypto, client_first, server_first, *server, password, binding_data);
}

ScramClient::ScramClient(ScramCrypto crypto,
                         std::string user,
                         std::string password,
                         std::string client_nonce,
                         ChannelBinding binding,
                         ScramLimits limits)
    : crypto_(std::move(crypto)),
      user_(std::move(user)),
      password_(std::move(password)),
      client_nonce_(std::move(client_nonce)),
      binding_(std::move(binding)),
      limits_(limits) {}

std::string ScramClient::first() {
    return binding_.gs2_header + "n=" + saslname_encode(user_) + ",r=" + client_nonce_;
}

tl::expected<std::string, std::string> ScramClient::final(std::string_view server_first) {
    const auto server = parse_scram_server_first(server_first, limits_);
    if (!server) {
        return tl::unexpected(server.error());
    }
    // The whole nonce is at least one octet longer than ours (RFC 5802 §5.1: "MUST verify").
    if (server->nonce.size() <= client_nonce_.size() ||
        server->nonce.compare(0, client_nonce_.size(), client_nonce_) != 0) {
        return refuse("the server's nonce does not extend ours");
    }
    const bool binds = !binding_.gs2_header.empty() && binding_.gs2_header[0] == 'p';
    ScramFinal out =
        prove(crypto_, first(), server_first, *server, password_, binds ? binding_.data : std::string());
    server_signature_ = std::move(out.server_signature);
    return std::move(out.message);
}

tl::expected<void, std::string> ScramClient::verify(std::string_view server_final) {
    if (server_signature_.empty()) {
        return refuse("the server's final message came before our own");
    }
    const auto attributes = split_attributes(server_final);
    if (!attributes) {
        return tl::unexpected(attributes.error());
    }
    const Attribute& attribute = attributes->front();
    if (attribute.name == 'e') {
        return refuse("the server refused: " + printable(attribute.value, shown));
    }
    const auto signature = base64_decode(attribute.value);
    if (attribute.name != 'v' || !signature) {
        return refuse("the server's final message is neither v=… nor e=…");
    }
    if (!same_octets(*signature, server_signature_)) {
        return refuse("the server's signature is wrong: it does not know the password");
    }
    return {};
}

ScramVerifier make_scram_verifier(const ScramCrypto& crypto,
                                  std::string_view password,
                                  std::string_view salt,
                                  int iterations) {
    const std::string salted = crypto.pbkdf2(password, salt, iterations);
    ScramVerifier verifier;
    verifier.salt = salt;
    verifier.iterations = iterations;
    verifier.stored_key = crypto.hash(crypto.hmac(salted, "Client Key"));
    verifier.server_key = crypto.hmac(salted, "Server Key");
    return verifier;
}

ScramServer::ScramServer(ScramCrypto crypto,
                         Lookup lookup,
                         std::string server_nonce,
                         ScramServerOptions options)
    : crypto_(std::move(crypto)),
      lookup_(std::move(lookup)),
      server_nonce_(std::move(server_nonce)),
      options_(std::move(options)) {}

/// The first field of the GS2 header: "n", "y" or "p=name" (RFC 5802 §6).
tl::expected<void, std::string> ScramServer::check_gs2(std::string_view flag) const {
    const bool binds = flag.substr(0, 2) == "p=" && flag.size() > 2;
    if (!binds && flag != "n" && flag != "y") {
        return refuse("other-error");
    }
    if (options_.ignore_binding) {
        return {};
    }
    if (flag == "y" && options_.plus_offered) {
        return refuse("server-does-support-channel-binding");
    }
    if (binds != options_.plus) {
        return refuse(binds ? "channel-binding-not-supported" : "channel-bindings-dont-match");
    }
    if (binds && !options_.binding_name.empty() && flag.substr(2) != options_.binding_name) {
        return refuse("unsupported-channel-binding-type");
    }
    return {};
}

tl::expected<std::string, std::string> ScramServer::first(std::string_view client_first) {
    const size_t header = gs2_header_length(client_first);
    if (header == std::string_view::npos) {
        return refuse("other-error");
    }
    gs2_header_ = client_first.substr(0, header);
    client_first_bare_ = client_first.substr(header);
    const size_t comma = gs2_header_.find(',');
    if (auto good = check_gs2(std::string_view(gs2_header_).substr(0, comma)); !good) {
        return tl::unexpected(good.error());
    }
    if (auto good = read_names(std::string_view(gs2_header_).substr(comma + 1, header - comma - 2)); !good) {
        return tl::unexpected(good.error());
    }
    auto verifier = lookup_(user_);
    if (!verifier) {
        return refuse("unknown-user");
    }
    verifier_ = std::move(*verifier);
    const int iterations = options_.iterations != 0 ? options_.iterations : verifier_.iterations;
    server_first_ = options_.first_extension + "r=" + nonce_ + ",s=" + base64_encode(verifier_.salt) +
                    ",i=" + std::to_string(iterations);
    return server_first_;
}

/// Authorization identity, user name and nonce of the first message.
tl::expected<void, std::string> ScramServer::read_names(std::string_view authzid_field) {
    if (!authzid_field.empty()) {
        const auto authzid = saslname_decode(authzid_field.substr(std::min<size_t>(2, authzid_field.size())));
        if (authzid_field.substr(0, 2) != "a=" || !authzid) {
            return refuse("other-error");
        }
        authzid_ = *authzid;
    }
    auto attributes = split_attributes(client_first_bare_);
    if (attributes && attributes->front().name == 'm') {
        if (!options_.ignore_extension) {
            return refuse("extensions-not-supported");
        }
        attributes->erase(attributes->begin());
    }
    if (!attributes || !begins_with(*attributes, "nr") || !is_nonce((*attributes)[1].value)) {
        return refuse("other-error");
    }
    const auto user = saslname_decode((*attributes)[0].value);
    if (!user) {
        return refuse("invalid-username-encoding");
    }
    user_ = *user;
    nonce_ = (options_.foreign_nonce ? std::string() : std::string((*attributes)[1].value)) + server_nonce_;
    return {};
}

tl::expected<std::string, std::string> ScramServer::final(std::string_view client_final) {
    const auto attributes = split_attributes(client_final);
    if (server_first_.empty() || !attributes || !begins_with(*attributes, "cr") ||
        attributes->back().name != 'p') {
        return refuse("other-error");
    }
    const auto binding = base64_decode((*attributes)[0].value);
    const auto proof = base64_decode(attributes->back().value);
    if (!binding || !proof) {
        return refuse("invalid-encoding");
    }
    const std::string expected =
        gs2_header_ + (gs2_header_[0] == 'p' ? options_.binding_data : std::string());
    if (!options_.ignore_binding && !same_octets(*binding, expected)) {
        return refuse("channel-bindings-dont-match");
    }
    if (!options_.ignore_nonce && (*attributes)[1].value != nonce_) {
        return refuse("other-error");
    }
    const std::string_view without_proof = client_final.substr(0, client_final.rfind(",p="));
    const std::string auth_message =
        client_first_bare_ + "," + server_first_ + "," + std::string(without_proof);
    const std::string client_key = exclusive_or(crypto_.hmac(verifier_.stored_key, auth_message), *proof);
    if (!options_.skip_proof && !same_octets(crypto_.hash(client_key), verifier_.stored_key)) {
        return refuse("invalid-proof");
    }
    std::string signature = crypto_.hmac(verifier_.server_key, auth_message);
    if (options_.wrong_signature) {
        signature.back() = static_cast<char>(signature.back() ^ 1);
    }
    return "v=" + base64_encode(signature);
}

}  // namespace smtpspec::smtp
