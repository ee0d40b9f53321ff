#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mockserver/config.hpp"

namespace smtpspec::mock {

/// What a login needs to know of its server and its connection. The references outlive the exchange.
struct AuthContext {
    const std::vector<Account>& accounts;
    const DefectSet& defects;
    std::string host;
    std::string channel_binding;  ///< tls-exporter octets (RFC 9266); empty in clear
    bool plus_offered = false;
};

/// The server's side of one SASL exchange (RFC 4954 §4), in octets, not in base64.
class AuthExchange {
  public:
    enum class Result { challenge, success, failure, malformed, initial_refused };
    struct Step {
        Result result = Result::failure;
        std::string challenge;
    };

    virtual ~AuthExchange() = default;
    /// The initial response, or nothing: the mechanism begins.
    virtual Step begin(std::optional<std::string> initial) = 0;
    virtual Step next(std::string message) = 0;
    /// Who has proved to be whom; what was claimed, before that.
    const std::string& user() const { return user_; }

  protected:
    std::string user_;
};

/// Null: there is no such mechanism. `mechanism` in upper case.
std::unique_ptr<AuthExchange> make_auth_exchange(std::string_view mechanism, const AuthContext& context);

/// The SCRAM family, with and without -PLUS (RFC 5802, RFC 7677, RFC 9266).
std::unique_ptr<AuthExchange> make_scram_exchange(std::string_view mechanism, const AuthContext& context);

}  // namespace smtpspec::mock
