#include "mockserver/session.hpp"

#include <algorithm>
#include <utility>

#include "protocol/smtp/text.hpp"
#include "protocol/wire/tls_records.hpp"

namespace smtpspec::mock {

using script::ServerEventKind;
using wire::Awaitable;

/// What rules may look at in a command line.
script::ServerEvent Session::command_event(const smtp::Command& command) const {
    auto happened = event(ServerEventKind::command);
    if (!is_watched()) {
        return happened;
    }
    happened.verb = command.verb;
    happened.line = line_;
    happened.octets = line_.size() + 2;
    if (command.verb == "MAIL" || command.verb == "RCPT") {
        const auto open = line_.find('<');
        const auto shut = line_.find('>', open == std::string::npos ? 0 : open);
        if (open != std::string::npos && shut != std::string::npos) {
            happened.address = line_.substr(open + 1, shut - open - 1);
        }
    }
    return happened;
}

Awaitable<void> Session::step_command() {
    if (speaks_first_) {
        co_await hear_first_octet();
        co_return;
    }
    const auto& limits = shared_->config.limits;
    auto got = co_await read_line(std::max(limits.auth_octets, limits.command_octets));
    if (got == Got::line) {
        split_line();
    }
    const auto most = dialogue_.has(Defect::command_line_limit_512) ? 512
                      : dialogue_.has(Defect::command_limit_256)    ? 256
                                                                    : limits.command_octets;
    const bool long_line = line_.size() + 2 > most && !smtp::istarts_with(line_, "AUTH ");
    if (got == Got::line && long_line && !dialogue_.has(Defect::no_line_limit)) {
        got = Got::overlong;
    }
    // What needs room has a coroutine of its own: this one lives as long as the client is idle.
    if (got == Got::overlong) {
        co_await refuse_long_line();
    } else if (got == Got::line) {
        co_await answer_line();
    }
}

/// Defects that take one line for two.
void Session::split_line() {
    auto end = line_.size();
    if (dialogue_.has(Defect::overlong_tail_run)) {
        end = std::min<std::size_t>(end, 1000);
    }
    if (dialogue_.has(Defect::quoted_gt_ends_command) && line_.find('"') != std::string::npos) {
        end = std::min(end, line_.find('>') + 1);
    }
    if (end < line_.size()) {
        next_line_ = line_.substr(end);
        line_.resize(end);
    }
}

Awaitable<void> Session::refuse_long_line() {
    Answer answer = dialogue_.twist(dialogue_.reply(500, "5.5.2", "Line too long"));
    count_error(answer);
    script::Decision none;
    co_await perform(std::move(none), std::move(answer));
}

/// The defects about NULs in commands.
void Session::mend_line() {
    if (dialogue_.has(Defect::nul_dropped)) {
        std::erase(line_, '\0');
    }
    if (dialogue_.has(Defect::nul_ends_command)) {
        line_.resize(std::min(line_.find('\0'), line_.size()));
    }
}

Awaitable<void> Session::answer_line() {
    mend_line();
    smtp::Command command = smtp::parse_command(line_ + "\r\n");
    auto happened = command_event(command);
    if (command.verb == "BDAT") {
        co_await chunk_command(std::move(happened), std::move(command));
        co_return;
    }
    script::Decision decision = decide(happened);
    Answer answer = answer_to(command);
    if (!decision.answered) {
        count_error(answer);
    }
    if (answer.code == 550 && command.verb == "RCPT" && dialogue_.has(Defect::rcpt_unknown_slowly)) {
        co_await sleep(std::chrono::milliseconds(450));
    }
    edit_hello(decision, answer);
    const int code = effective_code(decision, answer);
    const Follow next = dialogue_.effect(command, code);
    if (holds_back(command, code)) {
        held_reply_ = std::exchange(answer.octets, std::string());
        co_return;
    }
    const bool first = code >= 400 && command.verb == "RCPT" && dialogue_.has(Defect::reply_out_of_order);
    if (first && !decision.answered) {
        queue(std::exchange(answer.octets, std::string()), Place::first);
    }
    if (!say_at_once(decision, answer)) {
        co_await perform(std::move(decision), std::move(answer));
    }
    queue(std::exchange(held_reply_, std::string()));
    if (loses_input_after(command.verb, code)) {
        co_await drain();
    }
    if (!follow_at_once(next)) {
        co_await follow(next);
    }
}

/// The defect: the reply to a login comes behind the one to the command after it.
bool Session::holds_back(const smtp::Command& command, int code) const {
    return command.verb == "AUTH" && code != 334 && dialogue_.has(Defect::auth_reply_after_next) &&
           connection_->input().find("\r\n") != std::string_view::npos;
}

/// The faithful answer, unless a limit is in the way.
Answer Session::answer_to(const smtp::Command& command) {
    const bool behind = !connection_->input().empty();
    if (command.verb == "VRFY" && smtp::has_eight_bit(command.argument)) {
        shared_->refuse_next = dialogue_.has(Defect::vrfy_utf8_kills);
    }
    if (command.verb == "STARTTLS" && behind && dialogue_.has(Defect::starttls_pipelining_refused)) {
        return dialogue_.closing(554, "5.5.0", "Error: SMTP protocol synchronization");
    }
    static constexpr std::pair<std::string_view, LimiterStage> stages[] = {{"EHLO", LimiterStage::ehlo},
                                                                           {"AUTH", LimiterStage::auth},
                                                                           {"MAIL", LimiterStage::mail},
                                                                           {"RCPT", LimiterStage::rcpt},
                                                                           {"DATA", LimiterStage::data}};
    Answer answer = dialogue_.check(command);
    for (const auto& [verb, stage] : stages) {
        if (command.verb == verb && answer.code < 400) {
            answer = limited(stage, std::move(answer));
        }
    }
    return answer;
}

/// Defects that throw input away. True: what is on its way, too.
bool Session::loses_input_after(std::string_view verb, int code) {
    if (verb == "AUTH" && dialogue_.has(Defect::auth_flushes_input)) {
        connection_->consume(connection_->input().size());
        scanned_ = 0;
    }
    if (code == 354 && dialogue_.has(Defect::input_lost_before_354)) {
        connection_->consume(connection_->input().size());
    }
    return code >= 400 && dialogue_.has(Defect::flush_input_on_error);
}

/// Throws away what is here and what comes right behind it: a group may arrive in pieces.
Awaitable<void> Session::drain() {
    co_await flush();
    auto came = wire::ReadEvent::octets;
    while (came == wire::ReadEvent::octets) {
        connection_->consume(connection_->input().size());
        scanned_ = 0;
        came = co_await connection_->receive(wire::Clock::now() + std::chrono::milliseconds(20));
    }
}

/// What needs no I/O. False: follow() has to.
bool Session::follow_at_once(Follow next) {
    if (phase_ == Phase::over) {
        return true;
    }
    switch (next) {
        case Follow::command:
            phase_ = Phase::command;
            return true;
        case Follow::auth_line:
            phase_ = Phase::auth_line;
            return true;
        case Follow::content:
            phase_ = Phase::content;
            return true;
        case Follow::start_tls:
        case Follow::hang:
        case Follow::end:
            break;
    }
    return false;
}

Awaitable<void> Session::follow(Follow next) {
    if (follow_at_once(next)) {
        co_return;
    }
    if (next == Follow::start_tls) {
        co_await upgrade();
    } else if (next == Follow::hang) {
        co_await stall();
    } else {
        co_await close();
    }
}

/// Reads until a TLS record begins, and throws away what stands before it.
Awaitable<void> Session::skip_clear_octets() {
    const auto deadline = wire::Clock::now() + shared_->config.handshake_timeout;
    auto came = wire::ReadEvent::octets;
    while (came == wire::ReadEvent::octets) {
        const auto start = wire::find_record_start(connection_->input());
        if (start != std::string_view::npos) {
            connection_->consume(start);
            co_return;
        }
        came = co_await connection_->receive(deadline);
    }
}

/// From clear to TLS, after the 220 to STARTTLS.
Awaitable<void> Session::upgrade() {
    co_await flush();
    phase_ = Phase::command;
    Options none;
    const auto input = connection_->input();
    const bool tail = !input.empty() && !wire::may_start_record(input);
    if (dialogue_.has(Defect::early_client_hello_lost)) {
        connection_->consume(connection_->input().size());
    }
    if (dialogue_.has(Defect::greets_inside_tls)) {
        co_await skip_clear_octets();
    }
    const bool patient = dialogue_.has(Defect::handshake_never_times_out);
    const auto deadline =
        patient ? wire::Deadline::max() : wire::Clock::now() + shared_->config.handshake_timeout;
    const auto info = co_await handshake(std::move(none), deadline);
    if (!info) {
        co_return;
    }
    if (dialogue_.has(Defect::greets_inside_tls)) {
        queue(dialogue_.greeting().octets);
        co_await flush();
    }
    if (tail && dialogue_.has(Defect::starttls_tail_refused_inside_tls)) {
        queue(dialogue_.reply(554, "5.5.0", "Error: SMTP protocol synchronization").octets);
        co_await close();
    }
}

Awaitable<void> Session::step_auth_line() {
    const auto got = co_await read_line(shared_->config.limits.auth_octets);
    if (got == Got::overlong) {
        Answer answer =
            dialogue_.reply(500, "5.5.6", "Authentication exchange line is too long");  // RFC 4954 §4
        (void)dialogue_.auth_effect(answer.code);
        phase_ = Phase::command;
        script::Decision none;
        co_await perform(std::move(none), std::move(answer));
    }
    if (got != Got::line) {
        co_return;
    }
    if (line_.size() + 2 > 512 && dialogue_.has(Defect::auth_line_tail_run)) {
        next_line_ = line_.substr(510);
        line_.resize(510);
    }
    auto happened = event(ServerEventKind::auth_line);
    happened.line = line_;
    happened.octets = line_.size() + 2;
    script::Decision decision = decide(happened);
    Answer answer = dialogue_.check_auth_line(line_);
    const Follow next = dialogue_.auth_effect(effective_code(decision, answer));
    co_await perform(std::move(decision), std::move(answer));
    co_await follow(next);
}

}  // namespace smtpspec::mock
