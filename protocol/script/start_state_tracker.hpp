#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace smtpspec::script {

/// Where a conversation in which we are the client stands, told from what we sent and what came back
/// (scenario-language.md §4). It believes replies, not intentions: a MAIL counts when 250 has come. No I/O.
class Tracker {
  public:
    void sent(std::string_view octets);
    /// The next reply's code, in the order in which they come.
    void replied(int code);
    void tls_started();

    bool greeted() const { return greeted_; }
    bool ehlo() const { return ehlo_; }
    bool authenticated() const { return authenticated_; }
    bool mail() const { return mail_; }
    bool rcpt() const { return rcpt_; }
    bool data() const { return data_; }  ///< 354 has come and the message has not been answered yet
    /// No reply is owed, no line is half sent, no message is open: a QUIT makes sense.
    bool idle() const {
        return greeted_ && pending_.empty() && partial_.empty() && !data_ && chunk_left_ == 0;
    }
    /// The reply just counted answered EHLO or HELO with 250.
    bool was_ehlo() const { return was_ehlo_; }

  private:
    void command(std::string line);
    void content(std::string_view octets);
    void answered(const std::string& verb, int code);
    void message_over();

    bool greeted_ = false;
    bool ehlo_ = false;
    bool authenticated_ = false;
    bool mail_ = false;
    bool rcpt_ = false;
    bool data_ = false;
    bool sasl_ = false;  ///< the last reply was 334: our next line is no command
    bool was_ehlo_ = false;
    std::string partial_;  ///< a line that is not complete
    std::string tail_;     ///< the last octets of the content
    std::uint64_t chunk_left_ = 0;
    std::deque<std::string> pending_;  ///< verbs that are not answered yet
};

}  // namespace smtpspec::script
