#include "mockserver/session.hpp"

#include <algorithm>

#include "protocol/smtp/reply.hpp"
#include "protocol/smtp/text.hpp"

namespace smtpspec::mock {

namespace act = script::act;
using script::ServerEvent;
using script::ServerEventKind;
using wire::Awaitable;

int first_code(std::string_view octets) {
    smtp::ReplyParser parser;
    (void)parser.feed(octets);
    return parser.complete() ? parser.take().code : 0;
}

int effective_code(const script::Decision& decision, const Answer& faithful) {
    if (!decision.answered) {
        return faithful.code;
    }
    for (const auto& one : decision.acts) {
        if (const auto* reply = std::get_if<act::Reply>(&one)) {
            return first_code(reply->octets);
        }
        if (const auto* raw = std::get_if<act::Raw>(&one)) {
            if (const int code = first_code(raw->octets); code != 0) {
                return code;
            }
        }
        if (std::holds_alternative<act::Pass>(one) || std::holds_alternative<act::Swallow>(one)) {
            return faithful.code;
        }
    }
    return 0;
}

ServerEvent Session::event(ServerEventKind kind) const {
    ServerEvent happened;
    happened.kind = kind;
    if (shared_->overlay != nullptr || shared_->observer != nullptr) {
        happened.session = facts();
    }
    return happened;
}

script::Decision Session::decide(const ServerEvent& happened) {
    if (shared_->observer != nullptr) {
        shared_->observer->session_event(happened);
    }
    return shared_->overlay != nullptr ? shared_->overlay->decide(happened) : script::Decision();
}

void Session::log(std::string_view who, std::string_view text) const {
    if (!shared_->sink) {
        return;
    }
    LogContext context;
    context.session = number_;
    context.port = port_.logical;
    context.tls = connection_->inside_tls();
    std::string shown(text);
    if (who == "C:") {
        shown = shared_->masker.client_octets(shown + "\r\n", mask_);
    } else if (who == "S:") {
        shown = shared_->masker.server_octets(shown, mask_);
    }
    while (shown.ends_with('\n') || shown.ends_with('\r')) {
        shown.pop_back();
    }
    shared_->log(context, who, shown);
}

/// The usual case, which needs no I/O: no rule has a say, and the session goes on. False: perform() has to.
bool Session::say_at_once(const script::Decision& decision, Answer& faithful) {
    const bool usual = !decision.answered && decision.acts.empty() && !faithful.close && faithful.code != 421;
    if (usual && phase_ != Phase::over) {
        queue(std::move(faithful.octets));
    }
    return usual;
}

/// Does what the rules say, or what the faithful server says when they do not answer.
Awaitable<void> Session::perform(script::Decision decision, Answer faithful) {
    if (decision.answered) {
        co_await perform_answered(std::move(decision), std::move(faithful));
        co_return;
    }
    for (const auto& one : decision.acts) {
        if (const auto* wait = std::get_if<act::Wait>(&one)) {
            co_await flush();
            co_await sleep(wait->time);
        }
    }
    if (phase_ == Phase::over) {
        co_return;
    }
    queue(faithful.octets);
    if (faithful.close || faithful.code == 421) {
        co_await close();
    }
}

Awaitable<void> Session::perform_answered(script::Decision decision, Answer faithful) {
    co_await flush();
    bool keep = false;
    bool closes = false;
    for (const auto& one : decision.acts) {
        if (phase_ == Phase::over || aborted_) {
            co_return;
        }
        if (const auto* reply = std::get_if<act::Reply>(&one)) {
            closes = closes || first_code(reply->octets) == 421;
            co_await write_pieces(reply->writes, reply->octets);
        } else if (const auto* raw = std::get_if<act::Raw>(&one)) {
            closes = closes || first_code(raw->octets) == 421;
            co_await write_pieces(raw->writes, raw->octets);
        } else if (const auto* through = std::get_if<act::Pass>(&one)) {
            closes = closes || faithful.close || faithful.code == 421;
            co_await pass(*through, faithful.octets);
        } else if (std::holds_alternative<act::Swallow>(one)) {
            closes = closes || faithful.close;
        } else if (std::holds_alternative<act::Keep>(one)) {
            keep = true;
        } else if (const auto* wait = std::get_if<act::Wait>(&one)) {
            co_await sleep(wait->time);
        } else if (std::holds_alternative<act::Close>(one)) {
            co_await close();
        } else if (std::holds_alternative<act::DropFin>(one)) {
            connection_->drop_fin();
            finish("dropped with a FIN");
        } else if (std::holds_alternative<act::DropRst>(one)) {
            connection_->drop_rst();
            finish("dropped with a reset");
        } else if (std::holds_alternative<act::Stall>(one)) {
            co_await stall();
        } else if (const auto* alert = std::get_if<act::Alert>(&one)) {
            const auto deadline = wire::Clock::now() + shared_->config.linger;
            co_await connection_->send_alert(alert->name, deadline);
            finish("ended with the TLS alert " + alert->name);
        }
    }
    if (closes && !keep && phase_ != Phase::over) {
        co_await close();
    }
}

Awaitable<void> Session::write_pieces(std::vector<script::Write> writes, std::string octets) {
    if (writes.empty()) {
        co_await write(std::move(octets));
        co_return;
    }
    for (auto& one : writes) {
        co_await sleep(one.pause);
        if (phase_ == Phase::over || aborted_) {
            co_return;
        }
        co_await write(std::move(one.octets));
    }
}

Awaitable<void> Session::pass(act::Pass how, std::string octets) {
    const std::size_t piece =
        how.piece && *how.piece > 0 ? *how.piece : std::max<std::size_t>(octets.size(), 1);
    for (std::size_t at = 0; at < octets.size(); at += piece) {
        if (at > 0) {
            co_await sleep(how.every);
        }
        if (phase_ == Phase::over || aborted_) {
            co_return;
        }
        co_await write(octets.substr(at, piece));
    }
}

namespace {

std::vector<std::string> reply_texts(const std::string& octets) {
    smtp::ReplyParser parser;
    (void)parser.feed(octets);
    std::vector<std::string> texts;
    if (parser.complete()) {
        for (auto& line : parser.take().lines) {
            texts.push_back(std::move(line.text));
        }
    }
    return texts;
}

std::string first_word(std::string_view text) { return smtp::to_upper(text.substr(0, text.find(' '))); }

}  // namespace

/// `omit` and `offer` on EHLO.
void Session::edit_hello(const script::Decision& decision, Answer& answer) {
    if (answer.code != 250) {
        return;
    }
    const auto edits = [](const script::PlayedAct& one) {
        return std::holds_alternative<act::Omit>(one) || std::holds_alternative<act::Offer>(one);
    };
    if (std::none_of(decision.acts.begin(), decision.acts.end(), edits)) {
        return;
    }
    auto lines = reply_texts(answer.octets);
    const auto remove = [&](const std::string& keyword) {
        const auto from = lines.begin() + (lines.empty() ? 0 : 1);
        lines.erase(
            std::remove_if(from, lines.end(), [&](const auto& line) { return first_word(line) == keyword; }),
            lines.end());
    };
    for (const auto& one : decision.acts) {
        if (const auto* omit = std::get_if<act::Omit>(&one)) {
            remove(smtp::to_upper(omit->keyword));
        } else if (const auto* offer = std::get_if<act::Offer>(&one)) {
            remove(first_word(offer->line));
            lines.push_back(offer->line);
            if (first_word(offer->line) == "AUTH") {
                dialogue_.allow_clear_auth();
            }
        }
    }
    answer.octets = smtp::format_reply(250, {}, lines);
}

Answer Session::limited(LimiterStage stage, Answer answer) {
    if (shared_->limiters.none()) {
        return answer;
    }
    LimiterKey key;
    key.login = dialogue_.user();
    key.address = address_;
    key.session = number_;
    const auto* spec = shared_->limiters.over(stage, key, wire::Clock::now());
    if (spec == nullptr) {
        return answer;
    }
    Answer refusal;
    refusal.octets = spec->reply + "\r\n";
    refusal.code = first_code(refusal.octets);
    refusal.close = spec->close;
    return refusal;
}

/// A client that does nothing but wrong is sent away.
void Session::count_error(Answer& answer) {
    const bool endless =
        dialogue_.has(Defect::auth_failures_unlimited) || dialogue_.has(Defect::errors_unlimited);
    if (answer.code >= 500 && ++errors_ > shared_->config.limits.errors && !endless) {
        answer = dialogue_.closing(421, "4.7.0", "Too many errors");
    }
}

}  // namespace smtpspec::mock
