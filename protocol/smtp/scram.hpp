#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

/// SCRAM (RFC 5802, RFC 7677), both sides, with the cryptography handed in: this folder knows no OpenSSL.
///
/// Deviates: no SASLprep (RFC 4013); user names and passwords go as the octets that they are. For ASCII that
/// is the same.
namespace smtpspec::smtp {

/// Raw octets in, raw octets out; all three with the same hash function.
struct ScramCrypto {
    std::function<std::string(std::string_view key, std::string_view text)> hmac;
    std::function<std::string(std::string_view text)> hash;
    /// Hi() of RFC 5802 §2.2: PBKDF2 with this HMAC, output as long as the hash.
    std::function<std::string(std::string_view password, std::string_view salt, int iterations)> pbkdf2;
};

/// The GS2 header and the channel's data (RFC 5802 §6): "n,," without, "y,," supported but not offered,
/// "p=tls-exporter,," (RFC 9266) or "p=tls-server-end-point,," (RFC 5929) with data.
struct ChannelBinding {
    std::string gs2_header = "n,,";
    std::string data;
};

/// Iteration counts outside are refused: too few is weak, too many is an attack on the client's time.
struct ScramLimits {
    int min_iterations = 1;
    int max_iterations = 1'000'000;
};

/// server-first-message (RFC 5802 §7).
struct ScramServerFirst {
    std::string nonce;
    std::string salt;  ///< decoded
    int iterations = 0;
};
tl::expected<ScramServerFirst, std::string> parse_scram_server_first(std::string_view message,
                                                                     ScramLimits limits = {});

/// Client-final message and the signature that the server must answer with, from the texts of the exchange.
/// Checks nothing but what it needs, so that wrong exchanges can be made: `nonce` replaces the server's when
/// not empty.
struct ScramFinal {
    std::string message;
    std::string server_signature;  ///< raw octets
};
tl::expected<ScramFinal, std::string> scram_final(const ScramCrypto& crypto,
                                                  std::string_view client_first,
                                                  std::string_view server_first,
                                                  std::string_view password,
                                                  std::string_view binding_data = {},
                                                  std::string_view nonce = {});

/// The client: first(), final(), verify(), in this order.
class ScramClient {
  public:
    ScramClient(ScramCrypto crypto,
                std::string user,
                std::string password,
                std::string client_nonce,
                ChannelBinding binding = {},
                ScramLimits limits = {});

    std::string first();
    /// Refuses a nonce that does not extend ours, iteration counts outside the limits, and "m=" (RFC 5802
    /// §5.1).
    tl::expected<std::string, std::string> final(std::string_view server_first);
    /// Refuses a wrong signature and "e=…".
    tl::expected<void, std::string> verify(std::string_view server_final);

  private:
    ScramCrypto crypto_;
    std::string user_;
    std::string password_;
    std::string client_nonce_;
    ChannelBinding binding_;
    ScramLimits limits_;
    std::string server_signature_;
};

/// What a server stores of a password (RFC 5802 §3).
struct ScramVerifier {
    std::string salt;  ///< raw octets
    int iterations = 4096;
    std::string stored_key;
    std::string server_key;
};
ScramVerifier make_scram_verifier(const ScramCrypto& crypto,
                                  std::string_view password,
                                  std::string_view salt,
                                  int iterations);

/// What a server wants of the channel, and its deliberate defects.
struct ScramServerOptions {
    bool plus = false;              ///< the client chose the -PLUS mechanism: it must bind with "p="
    bool plus_offered = false;      ///< -PLUS was offered: "y,," is then a downgrade (RFC 5802 §6)
    std::string binding_name;       ///< "tls-exporter"; empty takes any name
    std::string binding_data;       ///< what the channel's data must be
    bool ignore_binding = false;    ///< defect: the c= attribute is not looked at
    bool wrong_signature = false;   ///< defect: v= is wrong
    bool foreign_nonce = false;     ///< defect: r= does not begin with the client's nonce
    bool skip_proof = false;        ///< defect: any proof is good
    bool ignore_nonce = false;      ///< defect: the r= of the client's final message is not compared
    bool ignore_extension = false;  ///< defect: m= of the client's first message is passed over
    std::string first_extension;    ///< put before r=, such as "m=ext,"
    int iterations = 0;             ///< not 0: said in i= instead of the verifier's
};

/// The server: first(), then final(). The error is a server-error-value of RFC 5802 §7 ("invalid-proof").
class ScramServer {
  public:
    using Lookup = std::function<std::optional<ScramVerifier>(const std::string& user)>;

    ScramServer(ScramCrypto crypto, Lookup lookup, std::string server_nonce, ScramServerOptions options = {});

    tl::expected<std::string, std::string> first(std::string_view client_first);
    /// The server-final message ("v=…") when the client has proved itself.
    tl::expected<std::string, std::string> final(std::string_view client_final);

    /// Known after first().
    const std::string& user() const { return user_; }
    const std::string& authzid() const { return authzid_; }

  private:
    tl::expected<void, std::string> check_gs2(std::string_view flag) const;
    tl::expected<void, std::string> read_names(std::string_view authzid_field);

    ScramCrypto crypto_;
    Lookup lookup_;
    std::string server_nonce_;
    ScramServerOptions options_;
    std::string user_;
    std::string authzid_;
    std::string gs2_header_;
    std::string client_first_bare_;
    std::string server_first_;
    std::string nonce_;
    ScramVerifier verifier_;
};

}  // namespace smtpspec::smtp
