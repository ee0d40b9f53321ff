// A whole session with the faithful server's mind, no sockets: whatever a client sends, each line and each
// message gets exactly one well-formed reply, memory stays bounded, and nothing is stored that was not
// answered with 250. Without a defect; the second octet switches one on, and then only memory errors count.
#include <algorithm>
#include <string>

#include "fuzz_support.hpp"
#include "mockserver/dialogue.hpp"
#include "protocol/smtp/reply.hpp"

namespace {

using namespace smtpspec;
using namespace smtpspec::mock;
using fuzz::require;

ServerConfig config_of(unsigned choice, unsigned defect) {
    ServerConfig config;
    Account account;
    account.user = "user";
    account.password = "secret";
    account.token = "token";
    if ((choice & 1U) != 0) {
        config.accounts.push_back(account);
    }
    config.limits.message_octets = 4096;
    config.limits.stored_octets = 16384;
    config.limits.recipients = 5;
    if (defect > 0 && defect < static_cast<unsigned>(Defect::count_)) {
        config.defects.add(static_cast<Defect>(defect));
    }
    return config;
}

/// The session's loop of mockserver/session.cpp, without time, rules and TLS records.
class Client {
  public:
    Client(const ServerConfig& config, MessageStore& store, Peer peer)
        : faithful_(config.defects.none()), dialogue_(config, store, std::move(peer)), store_(store) {
        const Answer greeting = dialogue_.greeting();
        check(greeting);
        dialogue_.greeting_effect(greeting.code);
    }

    void tls() { dialogue_.tls_started("binding"); }

    void say(std::string_view input) {
        while (!input.empty() && next_ != Follow::end && next_ != Follow::hang) {
            if (next_ == Follow::content) {
                input.remove_prefix(content(input));
                continue;
            }
            const size_t line_feed = input.find('\n');
            const size_t length = std::min(line_feed, input.size());
            line(input.substr(0, length));
            input.remove_prefix(std::min(length + 1, input.size()));
        }
    }

  private:
    void check(const Answer& answer) const {
        if (!faithful_) {
            return;
        }
        smtp::ReplyParser parser;
        require(parser.feed(answer.octets) == answer.octets.size() && parser.complete());
        const smtp::Reply reply = parser.take();
        require(reply.well_formed() && reply.code == answer.code);
    }

    void line(std::string_view text) {
        if (!text.empty() && text.back() == '\r') {
            text.remove_suffix(1);
        }
        if (next_ == Follow::auth_line) {
            const Answer answer = dialogue_.check_auth_line(text);
            check(answer);
            next_ = dialogue_.auth_effect(answer.code);
            return;
        }
        const smtp::Command command = smtp::parse_command(std::string(text) + "\r\n");
        const Answer answer = dialogue_.check(command);
        check(answer);
        next_ = answer.close ? Follow::end : dialogue_.effect(command, answer.code);
        if (next_ == Follow::start_tls) {
            dialogue_.tls_started("binding");
            next_ = Follow::command;
        }
        pending_code_ = command.verb == "BDAT" && answer.code >= 400 ? answer.code : 0;
        finish_content();
    }

    size_t content(std::string_view input) {
        const size_t taken = dialogue_.content().feed(input, input.size());
        require(taken > 0 || dialogue_.content().complete());
        finish_content();
        return taken;
    }

    void finish_content() {
        if (next_ != Follow::content || !dialogue_.content().complete()) {
            return;
        }
        const size_t before = store_.count();
        int code = pending_code_;
        if (code == 0) {
            const Answer answer = dialogue_.check_content();
            check(answer);
            code = answer.code;
        }
        require(dialogue_.content_effect(code).has_value());
        next_ = Follow::command;
        require(!faithful_ || code < 400 || store_.count() == before);
        require(!faithful_ || store_.octets() < 64U * 1024);
    }

    bool faithful_;
    Dialogue dialogue_;
    MessageStore& store_;
    Follow next_ = Follow::command;
    int pending_code_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, size_t size) {
    std::string_view input = fuzz::text_of(data, size);
    const unsigned choice = fuzz::take_octet(input);
    const ServerConfig config = config_of(choice, fuzz::take_octet(input));
    MessageStore store;
    Peer peer;
    peer.session = 1;
    peer.port = (choice & 2U) != 0 ? 465 : 587;
    peer.mode = (choice & 2U) != 0 ? script::Mode::Tls : script::Mode::Starttls;
    peer.address = "127.0.0.1";
    Client client(config, store, std::move(peer));
    if ((choice & 2U) != 0) {
        client.tls();
    }
    client.say(input);
    return 0;
}
