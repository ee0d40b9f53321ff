#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "harness/client/defect.hpp"
#include "protocol/smtp/capabilities.hpp"
#include "protocol/smtp/scram.hpp"

/// The client side of the SASL mechanisms (RFC 4422), as octets without base64. No I/O.
namespace smtpspec::client {

/// One exchange, from the initial response to the server's final word.
class SaslExchange {
  public:
    virtual ~SaslExchange() = default;
    virtual std::string_view name() const = 0;
    /// What may go on the AUTH line; nothing: the server speaks first.
    virtual std::optional<std::string> initial() = 0;
    /// The answer to a challenge. The error is why the exchange has to be cancelled.
    virtual tl::expected<std::string, std::string> answer(std::string_view challenge) = 0;
    /// The server says 235, with this text: may it be believed?
    virtual tl::expected<void, std::string> success(std::string_view text) {
        static_cast<void>(text);
        return {};
    }
    /// The server refused with a challenge that tells why (RFC 7628 §3.2.2); "" otherwise.
    virtual std::string refusal() const { return {}; }
};

/// What a login has to offer.
struct LoginSecrets {
    std::string user;
    std::string password;
    std::string token;  ///< for the bearer mechanisms
    std::string host;
    int port = 0;
};

/// The channel below the login.
struct LoginChannel {
    bool inside_tls = false;
    std::string binding;          ///< tls-exporter octets (RFC 9266), "" when there are none
    bool secrets_allowed = true;  ///< PLAIN, LOGIN and tokens, which show the secret to who reads along
};

/// Mechanisms that both sides have, best first: SCRAM-SHA-256-PLUS, SCRAM-SHA-1-PLUS, SCRAM-SHA-256,
/// SCRAM-SHA-1, CRAM-MD5, PLAIN, LOGIN. `only`, when not empty, leaves these; OAUTHBEARER and XOAUTH2 are
/// used only if it names them.
std::vector<std::string> usable_mechanisms(const smtp::Capabilities& offered,
                                           const LoginChannel& channel,
                                           const std::vector<std::string>& only,
                                           const Defects& defects);

/// Null for a name that is not known.
std::unique_ptr<SaslExchange> make_exchange(std::string_view mechanism,
                                            const LoginSecrets& secrets,
                                            const LoginChannel& channel,
                                            const smtp::Capabilities& offered,
                                            const Defects& defects);

/// A SCRAM client; with a defect one that trusts the server too much.
std::unique_ptr<SaslExchange> make_scram(std::string_view mechanism,
                                         const LoginSecrets& secrets,
                                         smtp::ChannelBinding binding,
                                         const Defects& defects);

/// HMAC, hash and PBKDF2 with "SHA-1" or "SHA-256".
smtp::ScramCrypto scram_crypto(const std::string& hash);

}  // namespace smtpspec::client
