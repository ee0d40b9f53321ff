#pragma once

#include <openssl/ssl.h>

#include <map>
#include <memory>
#include <string>
#include <utility>

namespace smtpspec::client {

/// TLS sessions to resume, by where they were made. Each is given out once (RFC 8446 appendix C.4), the
/// newest only. For one thread or strand.
class TlsSessions {
  public:
    using Pointer = std::shared_ptr<SSL_SESSION>;

    /// Null when there is none for `place`.
    Pointer take(const std::string& place) {
        const auto node = newest_.extract(place);
        return node.empty() ? nullptr : std::move(node.mapped());
    }

    /// Takes over one reference; a session that cannot be resumed (or null) is let go.
    void put(const std::string& place, SSL_SESSION* session) {
        Pointer owned(session, SSL_SESSION_free);
        if (session != nullptr && SSL_SESSION_is_resumable(session) == 1)
            newest_.insert_or_assign(place, std::move(owned));
    }

  private:
    std::map<std::string, Pointer> newest_;
};

}  // namespace smtpspec::client
