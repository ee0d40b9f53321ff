#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/script/environment.hpp"
#include "protocol/script/pattern_match.hpp"
#include "protocol/script/start_state_tracker.hpp"
#include "protocol/smtp/capabilities.hpp"
#include "protocol/smtp/reply.hpp"

namespace smtpspec::script {

/// One connection of a script and what has been read on it. Side server: we are its client (`own`). Side
/// client: the client under test is on the other end (`session`).
class Link {
  public:
    Link(std::string name, int number, std::unique_ptr<wire::Connection> own);
    Link(std::string name, int number, std::unique_ptr<PlayedSession> session);

    const std::string& name() const { return name_; }
    int number() const { return number_; }
    wire::Connection& connection();
    PlayedSession* session() { return session_.get(); }
    /// Gives the session away (to `serve`).
    std::unique_ptr<PlayedSession> release() { return std::move(session_); }
    bool given_away() const { return !own_ && !session_; }

    /// Octets that have come and have not been taken.
    std::string_view unread();
    /// Side server: the next complete reply; null if there is none yet.
    const smtp::Reply* peek_reply();
    /// Side client: the next line with its line end; empty if none is complete.
    std::string_view peek_line();
    /// What is pending as a broken-off reply or line, once the connection has ended: then peeks show it.
    void connection_ended();
    /// Takes the reply or line that was peeked at.
    void take_reply();
    void take_line();
    /// Takes everything that is there (a `bytes` pattern has fitted). What trickles in behind it is no reply.
    void take_all();

    /// A write of ours has been done.
    void sent(std::string_view octets);
    void tls_started();
    SessionFacts facts();

    Tracker tracker;
    std::optional<smtp::Reply> last_reply;
    smtp::Capabilities capabilities;  ///< of the last good EHLO
    LineContext context;              ///< side client
    Mode mode = Mode::Plain;          ///< of its port
    bool stalled = false;
    bool end_watched = false;
    std::string user;    ///< who has logged in by a start state
    std::string recent;  ///< the last octets received, for `watch … bytes`

  private:
    std::string name_;
    int number_;
    std::unique_ptr<wire::Connection> own_;
    std::unique_ptr<PlayedSession> session_;
    smtp::ReplyParser parser_;
    std::size_t fed_ = 0;  ///< octets of input() that the parser knows
    std::optional<smtp::Reply> waiting_;
    bool garbage_ = false;
    bool ended_ = false;
};

}  // namespace smtpspec::script
