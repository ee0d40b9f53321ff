#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/client/conversation.hpp"
#include "harness/client/mechanism.hpp"
#include "harness/client/tls_sessions.hpp"
#include "protocol/smtp/capabilities.hpp"

namespace smtpspec::client {

/// Where a session goes and what it has to keep to.
struct SessionPlan {
    std::string host;  ///< for SNI, the certificate's name, and messages
    std::string address;
    int port = 0;  ///< logical
    int actual_port = 0;
    script::Mode mode = script::Mode::Starttls;
    Policy policy = Policy::require_tls;
    std::string user;  ///< "" logs nobody in
    std::string password;
    std::string token;
    std::vector<std::string> mechanisms;
    bool auth_in_clear = false;
    bool supplied_socket = false;
    bool pipelining = true;  ///< use it when it is offered
    std::string ehlo_name;
    Timeouts timeouts;
    std::optional<DsnRequest> dsn;
    std::shared_ptr<SSL_CTX> tls_context;
    std::shared_ptr<TlsSessions> tls_sessions;    ///< resume those of earlier connections; null: never
    std::optional<std::vector<TlsaRecord>> tlsa;  ///< secure records: they decide (RFC 7672 §2.2)
    bool relay = false;                           ///< the host was found by MX
    Defects defects;
    bool clear_only = false;  ///< what a defect does after TLS has failed: no TLS at all
    StageObserver observer;
};

/// The part of a task that concerns one session over this logical port: the address and the TLS context are
/// left out.
SessionPlan session_plan(const ClientTask& task, int port);

/// One message for one transaction. `content` has CRLF line ends and is not stuffed.
struct Envelope {
    std::string from;
    std::vector<std::string> to;
    std::string content;
};

/// What became of a recipient in one transaction.
struct RecipientOutcome {
    Delivery state = Delivery::unknown;
    int code = 0;  ///< of the reply that decided; 0 when there was none
    std::string text;
    bool overflow =
        false;  ///< 452 or 552 behind accepted recipients: another transaction may take it at once
};

/// What became of one transaction. Either it failed as a whole, or the recipients tell.
struct TransactionResult {
    std::optional<Failure> failure;
    std::vector<RecipientOutcome> recipients;
    std::string accepted_with;  ///< the reply to the final dot
};

/// One SMTP session of a submission client: connect, greeting, EHLO, TLS, login (RFC 5321, 3207, 8314, 4954),
/// then any number of transactions, then QUIT. Each part is a straight conversation in a file of its own.
class Session {
  public:
    Session(wire::Connection::Executor executor,
            wire::Transcript& transcript,
            SessionPlan plan,
            std::string name);
    ~Session();

    /// Up to and with the login. After a failure the session is over; quit() has been sent if it could be.
    wire::Awaitable<Step<void>> open();
    /// One transaction. After a failure of Reach::message the session can be used again.
    wire::Awaitable<TransactionResult> deliver(Envelope envelope);
    /// The defect retry-without-delay: MAIL so many times in one write, whatever the replies are.
    wire::Awaitable<void> hammer(Envelope envelope, int times);
    /// QUIT, and a short wait for the 221 (RFC 5321 §4.1.1.10). Trouble here undoes nothing.
    wire::Awaitable<void> quit();
    /// Still open, and nothing came while it was idle.
    wire::Awaitable<bool> alive();
    /// Drops the connection; pending operations end.
    void drop();

    bool usable() const { return open_ && connection_->is_open(); }
    int transactions() const { return transactions_; }
    /// No further transaction by the server's LIMITS MAILMAX (RFC 9422 §4.1).
    bool worn_out() const;
    /// Recipients for one transaction by LIMITS RCPTMAX; 0 without a limit.
    int most_recipients() const;
    const SessionPlan& plan() const { return plan_; }
    const smtp::Capabilities& capabilities() const { return capabilities_; }
    const wire::Connection& connection() const { return *connection_; }

  private:
    using Limit = Conversation::Limit;

    // session.cpp: up to the capabilities
    wire::Awaitable<Step<void>> open_stages();
    wire::Awaitable<Step<void>> connect();
    wire::Awaitable<Step<void>> greet();
    wire::Awaitable<Step<void>> hello(Stage stage);
    wire::Awaitable<Step<void>> helo(Stage stage);
    void learn(const smtp::Reply& reply, Stage stage);
    bool implicit_tls() const;
    bool has(std::string_view keyword) const;
    Step<void> tolerate(Failure failure);

    // session_tls.cpp: the way to TLS
    wire::Awaitable<Step<void>> secure();
    wire::Awaitable<Step<void>> starttls();
    wire::Awaitable<Step<void>> after_starttls_reply(const smtp::Reply& reply);
    wire::Awaitable<Step<void>> handshake();
    wire::Awaitable<Step<void>> tempt_clear_banner();
    wire::Awaitable<Step<void>> hello_inside_tls();
    bool starttls_offered() const;
    Step<void> without_starttls();
    wire::TlsClientSettings tls_settings() const;
    std::string tls_place() const;
    Step<void> judge_certificate(const wire::TlsInfo& info);
    Step<void> judge_dane(const wire::TlsInfo& info) const;

    // session_login.cpp: AUTH
    wire::Awaitable<Step<void>> login();
    wire::Awaitable<Step<void>> authenticate(std::string mechanism);
    wire::Awaitable<Step<void>> exchange(SaslExchange& sasl);
    wire::Awaitable<Step<smtp::Reply>> begin_exchange(SaslExchange& sasl);
    wire::Awaitable<Step<std::string>> respond(SaslExchange& sasl, const smtp::Reply& challenge);
    wire::Awaitable<Failure> cancel(std::string why);
    Step<void> conclude(SaslExchange& sasl, const smtp::Reply& reply) const;
    Failure no_mechanism() const;
    LoginChannel channel() const;
    LoginSecrets secrets() const;
    std::vector<std::string> mechanisms() const;

    // transaction.cpp: MAIL to the final dot
    wire::Awaitable<Step<void>> reset();
    wire::Awaitable<TransactionResult> transact(Envelope envelope);
    wire::Awaitable<Step<void>> step_by_step(const Envelope& envelope, TransactionResult& result);
    wire::Awaitable<Step<void>> pipelined(const Envelope& envelope, TransactionResult& result);
    wire::Awaitable<Step<void>> after_group(const Envelope& envelope,
                                            const smtp::Reply& mail,
                                            const smtp::Reply& data,
                                            TransactionResult& result);
    wire::Awaitable<Step<void>> send_chunk(const std::string& content, TransactionResult& result);
    wire::Awaitable<Step<void>> send_content(std::string content, TransactionResult& result);
    wire::Awaitable<Step<void>> early_reply();
    wire::Awaitable<Step<smtp::Reply>> final_reply(wire::Clock::time_point written);
    Step<std::string> fit(const Envelope& envelope) const;
    std::string mail_line(const Envelope& envelope, size_t size) const;
    std::string rcpt_line(const std::string& address) const;
    int limit(std::string_view name) const;

    SessionPlan plan_;
    std::unique_ptr<wire::Connection> connection_;
    Conversation talk_;
    smtp::Capabilities capabilities_;
    std::string hello_raw_;         ///< the whole EHLO reply
    bool list_seen_ = false;        ///< some EHLO or HELO was answered with 250
    bool esmtp_ = false;            ///< EHLO was understood
    bool clear_by_defect_ = false;  ///< TLS was given up, which only a defect does
    bool skip_login_ = false;
    bool need_reset_ = false;
    bool open_ = false;
    bool fell_back_ = false;  ///< a defect: implicit TLS port, spoken to in clear
    int transactions_ = 0;
};

}  // namespace smtpspec::client
