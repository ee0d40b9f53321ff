#pragma once

#include <string_view>
#include <vector>

#include "protocol/script/pattern_match.hpp"
#include "protocol/script/rules.hpp"
#include "protocol/smtp/reply.hpp"
#include "protocol/wire/connection.hpp"

namespace smtpspec::script {

class ScriptState;
class Link;

/// The `watch` lines that have been passed so far (scenario-language.md §5). They look at everything that the
/// side under test sends, on every connection, and take nothing. Also the observer of sessions that the
/// faithful server plays.
class Watches : public SessionObserver {
  public:
    explicit Watches(ScriptState& state) : state_(state) {}

    void add(const WatchStatement& watch) { watches_.push_back(&watch); }
    bool empty() const { return watches_.empty(); }

    // -- what the script itself reads
    void reply(Link& link, const smtp::Reply& reply);
    void line(Link& link, std::string_view raw);
    void octets(Link& link);  ///< link.recent has grown
    void end(Link& link);

    // -- what the faithful server reads
    void client_line(const SessionFacts& session, std::string_view line) override;
    void client_content(const SessionFacts& session, std::string_view octets) override;
    void server_octets(const SessionFacts& session, std::string_view octets) override;
    void session_event(const ServerEvent& event) override;

  private:
    template <class Fits>
    void apply(const ServerEvent& event, Fits fits);
    void look_at_line(const ServerEvent& event, std::string_view raw, LineContext context, bool played);
    void look_at_event(const ServerEvent& event);

    ScriptState& state_;
    std::vector<const WatchStatement*> watches_;
};

}  // namespace smtpspec::script
