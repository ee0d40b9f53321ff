#include "mockserver/session.hpp"

#include <chrono>

namespace smtpspec::mock {

using script::ServerEventKind;
using wire::Awaitable;

namespace {

/// The defect: longer than anybody waits who only wants to know whether more is coming.
constexpr std::chrono::milliseconds slow_answer{700};

/// Content beyond the limit is read away politely, but not for ever.
std::uint64_t patience(std::size_t limit) { return 4 * static_cast<std::uint64_t>(limit) + (16U << 20); }

}  // namespace

Awaitable<void> Session::step_content() {
    auto& content = dialogue_.content();
    if (content.complete()) {
        co_await content_complete();
        co_return;
    }
    if (connection_->input().empty()) {
        co_await wait_input();
        co_return;
    }
    const auto before = static_cast<std::size_t>(content.octets());
    std::optional<std::size_t> threshold;
    if (shared_->overlay != nullptr) {
        threshold = shared_->overlay->next_data_size(before);
    }
    const auto input = connection_->input();
    const std::size_t room = threshold ? *threshold - before : input.size();
    const auto taken = content.feed(input, std::max<std::size_t>(room, 1));
    if (shared_->observer != nullptr) {
        shared_->observer->client_content(facts(), input.substr(0, taken));
    }
    connection_->consume(taken);
    if (threshold && content.octets() >= *threshold) {
        co_await content_event(*threshold);
    }
    if (content.octets() > patience(shared_->config.limits.message_octets)) {
        Answer answer = dialogue_.closing(421, "4.3.4", "Message far too big");
        script::Decision none;
        co_await perform(std::move(none), std::move(answer));
    }
}

/// `data SIZE`: an answer before the end is the answer to the whole message.
Awaitable<void> Session::content_event(std::size_t octets) {
    auto happened = event(ServerEventKind::data);
    happened.octets = octets;
    script::Decision decision = decide(happened);
    Answer nothing;
    if (decision.answered) {
        content_code_ = effective_code(decision, nothing);
    }
    co_await perform(std::move(decision), std::move(nothing));
}

/// BDAT: the reply comes when the chunk's octets are here, whatever it is (RFC 3030 §2).
Awaitable<void> Session::chunk_command(script::ServerEvent happened, smtp::Command command) {
    script::Decision decision = decide(happened);
    Answer answer = dialogue_.check(command);
    if (!decision.answered) {
        count_error(answer);
    }
    const int code = effective_code(decision, answer);
    const Follow next = dialogue_.effect(command, code);
    if (next != Follow::content) {
        co_await perform(std::move(decision), std::move(answer));
        co_return;
    }
    if (decision.answered || answer.code >= 400) {
        chunk_answer_.emplace(std::move(decision), std::move(answer));
    } else if (!decision.acts.empty()) {
        Answer nothing;
        co_await perform(std::move(decision), std::move(nothing));
    }
    if (phase_ != Phase::over) {
        phase_ = Phase::content;
    }
}

Awaitable<void> Session::content_complete() {
    phase_ = Phase::command;
    log("--", std::to_string(dialogue_.content().octets()) + " octets of content");
    const bool last = dialogue_.content().last();
    script::Decision decision;
    Answer answer;
    if (chunk_answer_) {
        decision = std::move(chunk_answer_->first);
        answer = std::move(chunk_answer_->second);
        chunk_answer_.reset();
    } else {
        if (last) {
            auto happened = event(ServerEventKind::end_of_data);
            happened.octets = static_cast<std::size_t>(dialogue_.content().octets());
            decision = decide(happened);
        }
        answer = dialogue_.check_content();
        if (last && answer.code < 400) {
            answer = limited(LimiterStage::end_of_data, std::move(answer));
        }
    }
    int code = effective_code(decision, answer);
    if (content_code_) {  // it has been answered already
        code = *content_code_;
        answer = Answer();
        content_code_.reset();
    }
    if (const auto stored = dialogue_.content_effect(code); !stored) {
        log("!!", stored.error());
        if (answer.code != 0) {  // else it is too late to say so
            answer = dialogue_.not_stored();
        }
    }
    if (last && dialogue_.has(Defect::input_lost_at_end_of_data)) {
        connection_->consume(connection_->input().size());
    }
    const bool behind = !connection_->input().empty();
    if (last && behind && dialogue_.has(Defect::final_reply_lost)) {
        answer.octets.clear();
    }
    if (last && dialogue_.has(Defect::eod_accepts_bare_lf_slowly)) {
        co_await sleep(slow_answer);
    }
    co_await perform(std::move(decision), std::move(answer));
}

}  // namespace smtpspec::mock
