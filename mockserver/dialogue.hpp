#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mockserver/auth_exchange.hpp"
#include "mockserver/config.hpp"
#include "mockserver/content.hpp"
#include "mockserver/store.hpp"
#include "protocol/smtp/command.hpp"

namespace smtpspec::mock {

/// What the faithful server says.
struct Answer {
    int code = 0;
    std::string octets;  ///< the whole reply, CRLF at each line's end
    bool close = false;  ///< and then it closes
};

/// What comes next in a session.
enum class Follow { command, auth_line, content, start_tls, hang, end };

/// Who is at the other end.
struct Peer {
    int session = 0;
    int port = 0;  ///< logical
    script::Mode mode = script::Mode::Starttls;
    std::string address;
};

/// A recipient about whom success is to be reported (RFC 3461 §4.1).
struct WantedReport {
    std::string recipient;
    std::string original;  ///< ORCPT
};

/// A mail transaction (RFC 5321 §3.3).
struct Transaction {
    std::string from;
    std::vector<std::string> recipients;
    std::vector<std::string> parameters;
    std::string envelope_id;  ///< ENVID
    std::vector<WantedReport> reports;
    std::string declared;  ///< the value of SIZE
    bool binary = false;   ///< BODY=BINARYMIME
    bool smtputf8 = false;
    bool refused_any = false;   ///< a RCPT was refused
    bool chunked = false;       ///< a BDAT has been taken
    bool late_refusal = false;  ///< a recipient was taken that is refused after the data
    bool broken = false;  ///< a BDAT was refused: only RSET (or another MAIL's reset) helps (RFC 3030 §2)
};

/// The faithful server's mind: what it answers, and what follows from an answer, without I/O. The two are
/// apart because a rule may answer instead, and a reply has the effect that it claims (scenario-language.md
/// §6):
///
///     Answer answer = dialogue.check(command);         // what the faithful server would say; nothing has
///     happened yet Follow next = dialogue.effect(command, code);    // what the code brings about that was
///     really said
///
/// Only AUTH moves on in check(): its answer depends on the exchange.
class Dialogue {
  public:
    /// `config` and `store` outlive the dialogue.
    Dialogue(const ServerConfig& config, MessageStore& store, Peer peer);

    Answer greeting() const;
    void greeting_effect(int code);
    /// The connection is TLS from here on; everything learnt before is forgotten (RFC 3207 §4.2).
    void tls_started(std::string channel_binding);
    /// Somebody else has spoken for us: the order of commands is no longer ours to judge.
    void trust_order();
    /// A rule offered AUTH in clear: it is then served there.
    void allow_clear_auth() { clear_auth_ = true; }

    Answer check(const smtp::Command& command);
    /// What the defects about errors in general make of an answer to a command or a login.
    Answer twist(Answer answer) const;
    Follow effect(const smtp::Command& command, int code);

    Answer check_auth_line(std::string_view line);
    Follow auth_effect(int code);

    Content& content() { return content_; }
    /// The reply to the final dot, or to a chunk.
    Answer check_content();
    /// What follows from it: `code` as it went out. Error: a message that this server should have kept could
    /// not be stored; not_stored() is the reply then.
    tl::expected<void, std::string> content_effect(int code);
    Answer not_stored() const;

    /// The reply that this server makes of its parts; the enhanced code only if it offers them.
    Answer reply(int code, std::string_view enhanced, std::string_view text) const;
    Answer closing(int code, std::string_view enhanced, std::string_view text) const;

    bool has(Defect defect) const { return config_.defects.has(defect); }
    const Peer& peer() const { return peer_; }
    const std::string& user() const { return user_; }
    bool authenticated() const { return authenticated_; }
    bool inside_tls() const { return inside_tls_; }
    bool said_hello() const { return hello_ != Hello::none; }
    bool in_transaction() const { return transaction_.has_value(); }
    bool has_recipient() const { return transaction_ && !transaction_->recipients.empty(); }
    int mails() const { return mails_; }
    int rcpts() const { return rcpts_; }

  private:
    enum class Hello { none, helo, ehlo };
    using Command = smtp::Command;
    using Handler = Answer (Dialogue::*)(const Command&);

    static Handler handler(std::string_view verb);
    Answer judge(const Command& command);
    // dialogue_wrong.cpp: defects of single commands and replies
    std::optional<Answer> wrong_answer(const Command& command);
    std::optional<Answer> wrong_hello(const Command& command);
    std::optional<Answer> wrong_elsewhere(const Command& command);
    std::optional<Answer> odd_help() const;
    std::optional<Answer> echo(const Command& command) const;
    void wrong_effect(const Command& command, int code);
    Answer miscount(const Command& command, Answer answer) const;
    void add_wrong_keywords(std::vector<std::string>& lines) const;
    std::string enhanced_code(int code, std::string_view right) const;
    Answer judge_auth_line(std::string_view line);
    std::optional<Answer> refuse_line(const Command& command) const;
    std::optional<Answer> refuse_order(const Command& command) const;
    bool needs_tls() const;
    bool needs_login() const;
    bool needs_hello() const;

    Answer on_ehlo(const Command& command);
    Answer on_helo(const Command& command);
    Answer on_starttls(const Command& command);
    Answer on_auth(const Command& command);
    Answer on_mail(const Command& command);
    Answer on_rcpt(const Command& command);
    std::optional<Answer> refuse_no_recipients() const;
    Answer on_data(const Command& command);
    Answer on_bdat(const Command& command);
    Answer on_rset(const Command& command);
    Answer on_noop(const Command& command);
    Answer on_vrfy(const Command& command);
    Answer on_help(const Command& command);
    Answer on_quit(const Command& command);
    Answer on_known_but_absent(const Command& command);

    std::vector<std::string> ehlo_lines(std::string_view client) const;
    std::vector<std::string> mechanisms() const;
    bool offers_auth() const;
    bool offers_starttls() const;

    std::optional<Answer> refuse_auth() const;
    Answer test_password_in_clear(const std::vector<std::string>& words) const;
    tl::expected<std::string, std::string> decode(std::string_view text) const;
    Answer challenge(std::string_view octets) const;
    Answer auth_answer(const AuthExchange::Step& step);
    std::optional<Answer> refuse_mail_parameter(const smtp::Parameter& parameter) const;
    std::optional<Answer> refuse_rcpt_parameter(const smtp::Parameter& parameter) const;
    bool refuses(std::string_view address) const;

    // dialogue_extras.cpp: extensions that the faithful server does not have
    void offer_extras(std::vector<std::string>& lines) const;
    bool is_extra(std::string_view keyword) const;
    std::optional<Answer> refuse_extras(const smtp::EnvelopeArgument& argument) const;
    std::optional<Answer> refuse_hold(const smtp::EnvelopeArgument& argument) const;
    std::optional<Answer> refuse_deadline(const smtp::Parameter& by) const;
    bool lowers_priority(const smtp::EnvelopeArgument& argument) const;

    // dialogue_defects.cpp: nothing, when no defect is in the way
    void edit_ehlo(std::vector<std::string>& lines) const;
    std::optional<Answer> odd_login_failure() const;
    static Answer closing_silently();
    std::optional<Answer> odd_vrfy(const Command& command) const;
    std::optional<Answer> odd_service(const Command& command) const;
    std::optional<Answer> refuse_sender(const smtp::Path& path) const;
    bool takes_unchecked(const smtp::Parameter& parameter) const;
    std::optional<int> odd_recipient(const smtp::Path& path) const;
    std::optional<std::size_t> declared_size() const;
    std::optional<Answer> odd_content() const;
    std::string completed_sender() const;
    std::string odd_report(std::string report) const;
    std::string stored_text() const;
    std::optional<Answer> refuse_recipient(const smtp::Path& path) const;
    Answer from_error(const smtp::CommandError& error) const;

    // dialogue_wrong.cpp
    std::optional<Answer> wrong_mail(const Command& command) const;
    std::optional<Answer> wrong_rcpt(const Command& command) const;
    std::optional<Answer> wrong_data() const;
    std::optional<Answer> wrong_content() const;

    void mail_effect(const Command& command);
    void rcpt_effect(const Command& command, bool accepted);
    Follow data_effect(int code);
    Follow bdat_effect(const Command& command, int code);
    Follow auth_command_effect(int code);
    void forget_transaction();

    std::optional<Answer> refuse_content() const;
    std::string received_field(std::uint64_t number) const;
    std::string for_clause() const;
    tl::expected<void, std::string> store_message();
    void report_deliveries();
    bool is_local(std::string_view address) const;
    void want_report(const smtp::EnvelopeArgument& recipient);

    const ServerConfig& config_;
    MessageStore& store_;
    Peer peer_;
    bool greeted_ = false;
    bool refused_ = false;  ///< the greeting was not 220: only QUIT is left (RFC 5321 §3.1)
    bool trusts_order_ = false;
    bool clear_auth_ = false;
    bool inside_tls_ = false;
    bool authenticated_ = false;
    Hello hello_ = Hello::none;
    std::string client_name_;
    std::string user_;
    std::string channel_binding_;
    std::unique_ptr<AuthExchange> exchange_;
    int auth_failures_ = 0;
    bool confused_ = false;      ///< defect: only RSET helps
    bool hello_failed_ = false;  ///< an EHLO was refused
    std::string last_message_;   ///< defect: comes in front of the next one
    std::optional<Transaction> transaction_;
    /// Of the MAIL or RCPT that check() has just found in order; for effect().
    std::unique_ptr<smtp::EnvelopeArgument> checked_;
    Content content_;
    int mails_ = 0;
    int rcpts_ = 0;
};

}  // namespace smtpspec::mock
