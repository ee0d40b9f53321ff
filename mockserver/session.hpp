#pragma once

#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mockserver/dialogue.hpp"
#include "mockserver/shared.hpp"
#include "protocol/script/environment.hpp"

namespace smtpspec::mock {

/// One connection of a client, answered by the faithful server with rules laid over it. Each thing that
/// happens is shown to the observer, then to the rules, and only then is there a reaction. What a client does
/// costs this session only. Lives on its server's executor.
class Session final : public script::PlayedSession {
  public:
    Session(std::shared_ptr<Shared> shared,
            boost::asio::ip::tcp::socket socket,
            PortInfo port,
            int number,
            std::string name);
    ~Session() override;
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    wire::Connection& connection() override { return *connection_; }
    wire::Awaitable<tl::expected<void, std::string>> play_until(script::State state,
                                                                wire::Deadline deadline) override;
    wire::Awaitable<wire::IoResult<wire::TlsInfo>> start_tls(
        std::vector<std::pair<std::string, std::string>> options, wire::Deadline deadline) override;
    script::SessionFacts facts() const override;

    /// Goes on until the connection is over.
    wire::Awaitable<void> run();
    /// Ends it now, from outside of its coroutine: run() then returns soon.
    void abort();
    bool running() const { return running_; }
    bool over() const { return phase_ == Phase::over; }
    int number() const { return number_; }

  private:
    enum class Phase { tcp, greeting, command, auth_line, content, over };
    enum class Place { last, first };
    enum class Got { octets, line, overlong, runaway, end, deadline, handled };
    using Options = std::vector<std::pair<std::string, std::string>>;

    // session.cpp, session_connect.cpp, session_commands.cpp: the course of a session
    wire::Awaitable<void> step();
    wire::Awaitable<void> step_connect();
    wire::Awaitable<void> step_greeting();
    wire::Awaitable<void> step_command();
    wire::Awaitable<void> step_auth_line();
    wire::Awaitable<void> follow(Follow next);
    bool follow_at_once(Follow next);
    bool say_at_once(const script::Decision& decision, Answer& faithful);
    bool is_watched() const { return shared_->overlay != nullptr || shared_->observer != nullptr; }
    wire::Awaitable<void> upgrade();
    wire::Awaitable<void> skip_clear_octets();
    wire::Awaitable<void> wait_for_turn();
    wire::Awaitable<bool> implicit_tls_defect();
    wire::Awaitable<void> hear_first_octet();
    wire::Awaitable<bool> hear_early_talk();
    void mend_line();
    script::ServerEvent command_event(const smtp::Command& command) const;
    wire::Awaitable<void> refuse_long_line();
    void split_line();
    wire::Awaitable<void> answer_line();
    bool holds_back(const smtp::Command& command, int code) const;
    Answer answer_to(const smtp::Command& command);
    bool loses_input_after(std::string_view verb, int code);
    wire::Awaitable<void> drain();
    bool reached(script::State state) const;
    void notice_script();
    void finish(std::string_view why);

    // session_content.cpp
    wire::Awaitable<void> step_content();
    wire::Awaitable<void> content_event(std::size_t octets);
    wire::Awaitable<void> content_complete();
    wire::Awaitable<void> chunk_command(script::ServerEvent event, smtp::Command command);

    // session_tls.cpp
    wire::Awaitable<wire::IoResult<wire::TlsInfo>> handshake(Options options, wire::Deadline deadline);
    wire::Awaitable<bool> handshake_defect(wire::Deadline deadline);
    // session_tls_defects.cpp
    wire::Awaitable<bool> agree_to_anything(wire::Deadline deadline);
    std::string certificate_of_defect() const;
    void twist_tls(wire::TlsServerSettings& settings) const;
    wire::Awaitable<void> handshake_failed(std::string why);
    wire::Awaitable<bool> preview_client_hello(wire::Connection::Leftover policy, wire::Deadline deadline);
    tl::expected<wire::TlsServerSettings, std::string> tls_settings(const Options& options) const;

    // session_io.cpp: octets in and out
    wire::Awaitable<Got> wait_input();
    wire::Awaitable<Got> no_input(wire::ReadEvent came);
    wire::Awaitable<Got> read_line(std::size_t limit);
    std::pair<std::size_t, std::size_t> find_line_end() const;  ///< where, and how many octets
    std::optional<Got> take_line(std::size_t limit);
    void drop_overlong(std::size_t limit);
    wire::Awaitable<void> runaway();
    void show_strange_input();
    wire::Awaitable<void> idle_event(std::chrono::milliseconds idle);
    wire::Deadline wake_up_time() const;
    void queue(std::string octets, Place place = Place::last);
    wire::Awaitable<void> flush();
    wire::Awaitable<void> write(std::string octets);
    wire::Awaitable<void> sleep(std::chrono::milliseconds time);
    wire::Awaitable<void> stall();
    wire::Awaitable<void> wait_for_end();
    wire::Awaitable<void> close();

    // session_acts.cpp: what the rules say
    script::ServerEvent event(script::ServerEventKind kind) const;
    script::Decision decide(const script::ServerEvent& event);
    wire::Awaitable<void> perform(script::Decision decision, Answer faithful);
    wire::Awaitable<void> perform_answered(script::Decision decision, Answer faithful);
    wire::Awaitable<void> write_pieces(std::vector<script::Write> writes, std::string octets);
    wire::Awaitable<void> pass(script::act::Pass how, std::string octets);
    void edit_hello(const script::Decision& decision, Answer& answer);
    Answer limited(LimiterStage stage, Answer answer);
    void count_error(Answer& answer);
    void log(std::string_view who, std::string_view text) const;

    std::shared_ptr<Shared> shared_;
    PortInfo port_;
    int number_;
    wire::Transcript own_transcript_;
    std::unique_ptr<wire::Connection> connection_;
    boost::asio::steady_timer sleeper_;
    Dialogue dialogue_;
    std::string address_;
    mutable wire::MaskState mask_;

    Phase phase_ = Phase::tcp;
    bool aborted_ = false;
    bool running_ = false;  ///< run() has begun: it is its own master
    bool strange_shown_ = false;
    bool speaks_first_ = false;    ///< defect: in clear on a port for implicit TLS
    bool holds_leftover_ = false;  ///< defect: what came in clear waits for the first octets inside TLS
    std::string held_reply_;       ///< defect: to be sent after the next one
    bool held_once_ = false;       ///< defect: replies have waited for more input
    std::optional<std::string> next_line_;  ///< defect: a line that came as a part of another
    bool greeted_ = false;
    script::Decision connect_decision_;
    std::string problem_;  ///< why it ended before its time
    std::optional<wire::Deadline> script_deadline_;
    std::uint64_t sent_ = 0;  ///< octets that we know to have been sent; more: a script has spoken

    std::string line_;
    std::size_t scanned_ = 0;  ///< of the input, without a line end
    std::size_t dropped_ = 0;  ///< of an overlong line
    std::string out_;
    wire::Deadline last_input_;
    std::chrono::milliseconds idle_seen_{0};
    Options tls_options_;
    int errors_ = 0;

    std::optional<int> content_code_;  ///< answered before its end
    std::optional<std::pair<script::Decision, Answer>> chunk_answer_;
};

/// The code of the first complete reply in `octets`; 0: there is none.
int first_code(std::string_view octets);
/// What an answered event comes to: the code of the first reply that the rules give, or the faithful one.
int effective_code(const script::Decision& decision, const Answer& faithful);

}  // namespace smtpspec::mock
