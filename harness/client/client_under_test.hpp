#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "harness/client/dns.hpp"
#include "protocol/script/words.hpp"
#include "protocol/wire/connection.hpp"
#include "protocol/wire/transcript.hpp"

namespace smtpspec::client {

/// What the user of the client wants of TLS (RFC 8314 §5.2).
enum class Policy {
    require_tls,  ///< TLS by the port's mode, verified, or nothing is sent
    /// STARTTLS, verified, if it is offered; in clear, without showing the password, only if it is not
    /// offered.
    opportunistic,
    implicit,  ///< TLS from the first octet on every port (RFC 8314 §3.3)
};
std::string_view to_string(Policy policy);  // "require-tls" …
std::optional<Policy> policy_from_string(std::string_view word);

/// What became of a message or of one recipient.
enum class Delivery {
    unknown,    ///< nothing is known: not tried, or the client was stopped
    sent,       ///< the other side has taken it over
    temporary,  ///< not sent, may be tried again; the client has given up for now
    permanent,  ///< not sent and never will be
    running,    ///< in the queue
};
std::string_view to_string(Delivery delivery);

/// One message to send. `id` is what the exactly-once accounting counts: the Message-ID, or any token in the
/// text.
struct OutgoingMessage {
    std::string id;
    std::string from;  ///< "" is the null sender <>
    std::vector<std::string> to;
    std::string content;              ///< header and body, any line ends
    std::optional<Policy> policy;     ///< other than the task's
    std::optional<std::string> user;  ///< another login than the task's; "" is none
    std::optional<std::string> password;
};

struct RecipientResult {
    std::string address;
    Delivery state = Delivery::unknown;
    std::string reply;  ///< the last words about it: a reply of the server, or our own reason
};

struct MessageResult {
    std::string id;
    Delivery state = Delivery::unknown;  ///< the worst of its recipients
    int attempts = 0;
    std::vector<RecipientResult> recipients;
};

/// When a temporary failure is tried again (RFC 5321 §4.5.4.1). A refusal delays the whole queue, since the
/// limits of providers are shared by all connections; the delay grows by `factor` at each failure and is
/// spread by `jitter`; a success resets it.
struct RetryPolicy {
    std::chrono::milliseconds first_delay{30'000};
    double factor = 2.0;
    double jitter = 0.5;  ///< up to this part of the delay is added
    std::chrono::milliseconds max_delay{30 * 60'000};
    int max_attempts = 5;                             ///< in a row without any success; 1 never tries again
    std::chrono::milliseconds give_up{4 * 3600'000};  ///< since the client began

    /// Delays of 20 ms and more, for a server in the same process.
    static RetryPolicy embedded();
    /// One attempt.
    static RetryPolicy none();
};

/// How long each reply is awaited. The default is RFC 5321 §4.5.3.2 or longer.
struct Timeouts {
    std::chrono::milliseconds connect{60'000};
    std::chrono::milliseconds tls{60'000};
    std::chrono::milliseconds greeting{300'000};
    std::chrono::milliseconds command{300'000};  ///< EHLO, AUTH, MAIL, RCPT, RSET
    std::chrono::milliseconds data_start{120'000};
    std::chrono::milliseconds data_block{180'000};
    std::chrono::milliseconds data_end{600'000};
    std::chrono::milliseconds quit{5'000};

    /// Every limit is `limit`, but the reply to the final dot is awaited as in the field.
    static Timeouts embedded(std::chrono::milliseconds limit = std::chrono::seconds(1));
};

/// Delivery status notifications, asked for when the server offers DSN (RFC 3461 §4).
struct DsnRequest {
    std::string ret;     ///< FULL or HDRS
    std::string envid;   ///< in clear; xtext is ours
    std::string notify;  ///< NEVER, or SUCCESS,FAILURE,DELAY
};

/// Everything that a client under test is asked to do, and where.
struct ClientTask {
    std::string host;                          ///< for SNI and the certificate's name
    std::string address = "127.0.0.1";         ///< where to connect
    std::map<int, int> ports;                  ///< logical port -> port to connect to
    std::map<int, script::Mode> modes;         ///< of the logical ports; missing: starttls
    std::vector<int> use_ports;                ///< logical; the messages are dealt out over them in turn
    std::string ehlo_name = "client.example";  ///< argument of EHLO
    Policy policy = Policy::require_tls;
    std::string ca_pem;  ///< CAs to trust; empty: the system's

    bool auth = true;  ///< log in, when `user` is not empty
    std::string user;
    std::string password;
    /// The only SASL mechanisms to use; empty: the best that both have, without XOAUTH2 and OAUTHBEARER.
    std::vector<std::string> mechanisms;
    std::string token;           ///< bearer token for XOAUTH2 and OAUTHBEARER; empty: the password
    bool auth_in_clear = false;  ///< the user accepts that the password is sent in clear

    std::vector<OutgoingMessage> messages;
    int parallel = 1;                    ///< connections at once
    std::chrono::milliseconds pause{0};  ///< between two messages of one connection
    bool reuse = true;                   ///< several messages over one connection
    /// The caller has opened the TCP connection and hands it in; TLS is still the duty of the client.
    bool supplied_socket = false;
    std::optional<DsnRequest> dsn;
    RetryPolicy retry;
    Timeouts timeouts;

    std::set<std::string> defects;  ///< names from client_defects(); unknown ones are refused
    std::uint64_t seed = 0;         ///< for jitter and nonces of the back-off
    std::shared_ptr<Dns> dns;       ///< null: everything goes to `address`
};

/// A client that scenarios judge: the reference client, or an external program behind an adapter.
class ClientUnderTest {
  public:
    virtual ~ClientUnderTest() = default;

    /// Sends everything; returns when it has finished and its connections are closed. Once.
    virtual wire::Awaitable<void> run() = 0;
    /// Makes run() end soon: open connections are dropped. Same thread.
    virtual void stop() = 0;

    /// client.says of scenario-language.md §9: sent temporary permanent running crashed unknown.
    virtual std::string says() const = 0;
    /// What it wrote for its user, secrets masked.
    virtual std::string output() const = 0;
    /// Most connections that it had open at once.
    virtual int peak() const = 0;
    virtual const std::vector<MessageResult>& results() const = 0;
    /// Words of `needs:` that it has: queue, reuse, retry, dns …
    virtual std::set<std::string> features() const = 0;
};

/// The reference client. `transcript` may be null: then nothing is kept. It, and the executor, outlive the
/// client. Throws std::invalid_argument for an unknown defect.
std::unique_ptr<ClientUnderTest> make_reference_client(wire::Connection::Executor executor,
                                                       ClientTask task,
                                                       wire::Transcript* transcript = nullptr);

/// One deliberate wrong turn of the reference client.
struct DefectInfo {
    std::string_view name;
    std::string_view description;
};
/// All defects, sorted by name.
const std::vector<DefectInfo>& client_defects();

/// What the reference client has of `needs:`.
std::set<std::string> reference_client_features(const ClientTask& task);

/// The worst of several results, as one of the words of says().
std::string says_of(const std::vector<MessageResult>& results);

}  // namespace smtpspec::client
