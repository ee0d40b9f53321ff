#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "harness/client/mechanism.hpp"
#include "harness/client/tls_sessions.hpp"
#include "harness/latency/latency.hpp"
#include "harness/latency/load_channel.hpp"
#include "harness/latency/load_content.hpp"

namespace smtpspec::latency {

using LoadClock = std::chrono::steady_clock;

/// What all sessions of a load do alike. It outlives them.
struct LoadPlan {
    std::string host;                        ///< for SNI, the certificate's name and the login
    boost::asio::ip::tcp::endpoint address;  ///< where every connection goes
    std::string look_up;                     ///< a name that each connection looks up first; "": none
    int port = 0;                            ///< logical
    script::Mode mode = script::Mode::Starttls;
    std::shared_ptr<SSL_CTX> tls;
    bool verify = true;  ///< a certificate that does not prove `host` ends the connection
    std::string ehlo_name;
    std::string user;  ///< "": no login
    std::string password;
    std::vector<std::string> mechanisms;  ///< the only ones; empty: the cheapest that is safe in TLS
    std::string from;
    std::vector<std::string> to;
    LoadShape shape;
    client::Timeouts timeouts;
    std::function<bool(const std::string& reply)> is_limit;    ///< empty: no reply is one
    std::function<std::string(const std::string& text)> mask;  ///< empty: nothing is masked
};

/// The number of an outcome that is about no message: a QUIT.
inline constexpr std::uint64_t no_message = ~std::uint64_t{0};

/// One stage of one message.
struct LoadSample {
    Stage stage = Stage::total;
    std::chrono::nanoseconds time{0};
};

/// What became of one message.
struct LoadOutcome {
    std::uint64_t number = 0;
    bool sent = false;
    LatencyError error;            ///< when it was not sent
    bool lost = false;             ///< because the connection was not made, ended or was silent
    bool quit_unanswered = false;  ///< QUIT got no reply; the message, if it was sent, stays sent
    std::vector<LoadSample>
        samples;            ///< of the stages that succeeded; on success they add up to Stage::total
    std::string handshake;  ///< "TLSv1.3 TLS_AES_128_GCM_SHA256 full", when there was one
};

/// One connection at a time over which messages are submitted, each step timed. The stages are contiguous:
/// one begins in the very moment in which the last one ended, so that they add up to the whole.
///
/// One thread; see LoadChannel.
class LoadSession : private LoadChannel::Owner {
  public:
    class Owner {
      public:
        virtual ~Owner() = default;
        /// Called once for each begin(). The next begin() may be called from within.
        /// `outcome` is good until the next begin() or quit().
        virtual void message_done(LoadSession& session, const LoadOutcome& outcome) = 0;
    };

    LoadSession(boost::asio::io_context& loop,
                const LoadPlan& plan,
                LoadContent& content,
                client::TlsSessions& tickets,
                Owner& owner);

    /// Submits a message that was meant to begin at `intended`; connects first if there is no connection.
    /// `last`: QUIT follows it. Only when it is not busy.
    void begin(std::uint64_t number, LoadClock::time_point intended, bool last);
    /// Ends the connection politely; message_done() follows with no_message and no
    /// samples: a time that belongs to no message. Only when has_connection().
    void quit();
    /// Breaks off what is under way; nothing is called back.
    void drop();
    /// Fails what is under way, if anything is.
    void abandon();
    /// Fails what has waited for too long.
    void check_time(LoadClock::time_point now);

    bool busy() const { return state_ != State::idle && state_ != State::closed; }
    bool has_connection() const { return state_ == State::idle; }
    /// Messages over the present connection.
    int messages() const { return messages_; }

  private:
    enum class State {
        closed,
        look_up,
        connecting,
        handshake,
        greeting,
        ehlo,
        starttls,
        auth,
        idle,
        mail,
        rcpt,
        data,
        content,
        accepted,
        quit,
        parting,
    };

    // load_session.cpp: from the connection to the login
    void connected() override;
    void received() override;
    void secured() override;
    void drained() override;
    void ended(const std::string& why) override;
    void look_up();
    void start_tls();
    void say_hello();
    void after_ehlo(std::string_view reply);
    void log_in();
    void after_auth(int code, std::string_view reply);
    void on_reply(int code, std::string_view reply);

    // load_transaction.cpp: from MAIL to QUIT
    void start_mail();
    void on_transaction(int code, std::string_view reply);
    void after_rcpt();
    void send_content();
    void content_sent();
    void send_quit();
    void finish();
    void finish_without_quit();

    void command(std::string_view line, State next);
    void lap(Stage stage);
    /// What the server said, on one line: masked before it is cut, so that no half of a secret is left.
    std::string shown(std::string_view octets, std::size_t most) const;
    void refuse(Stage stage, int code, std::string_view reply);
    void fail(Stage stage, Trouble cause, std::string text, bool lost);
    Stage stage() const;
    std::chrono::milliseconds limit() const;

    boost::asio::io_context& loop_;
    const LoadPlan& plan_;
    LoadContent& content_;
    client::TlsSessions& tickets_;
    Owner& owner_;
    LoadChannel channel_;
    State state_ = State::closed;
    /// A reply to EHLO and what it offers; as a rule the next connection gets the same one.
    struct Hello {
        std::string reply;
        smtp::Capabilities offered;
    };
    const smtp::Capabilities& offered() const { return hellos_[tls_done_ ? 1 : 0].offered; }

    std::array<Hello, 2> hellos_;  ///< in clear, inside TLS
    std::unique_ptr<client::SaslExchange> sasl_;
    bool tls_done_ = false;
    bool pipelining_ = false;
    int messages_ = 0;
    std::size_t recipient_ = 0;
    bool last_ = false;
    std::uint64_t connection_ = 0;
    LoadClock::time_point begun_, intended_, mark_;
    void new_outcome(std::uint64_t number);

    LoadOutcome outcome_;
    std::string line_;  ///< scratch
};

}  // namespace smtpspec::latency
