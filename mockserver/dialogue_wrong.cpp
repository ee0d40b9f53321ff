#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "mockserver/dialogue.hpp"
#include "protocol/smtp/reply.hpp"

/// What the defects that concern single commands and single replies make of them.
namespace smtpspec::mock {
namespace {

/// A command that has one answer, whatever is said in it.
struct FixedAnswer {
    Defect defect;
    std::string_view verb;
    int code;
    std::string_view enhanced;
    std::string_view text;
};

constexpr std::array fixed_answers = {
    FixedAnswer{Defect::ehlo_refused, "EHLO", 500, "5.5.2", "Syntax error, command unrecognized"},
    FixedAnswer{Defect::helo_refused, "HELO", 502, "5.5.1", "Command not implemented"},
    FixedAnswer{Defect::helo_unwelcome, "HELO", 550, "5.7.0", "Use EHLO"},
    FixedAnswer{Defect::noop_refused, "NOOP", 502, "5.5.1", "Command not implemented"},
    FixedAnswer{Defect::rset_refused, "RSET", 502, "5.5.1", "Command not implemented"},
    FixedAnswer{Defect::quit_says_250, "QUIT", 250, "2.0.0", "Bye"},
    FixedAnswer{Defect::quit_stays_open, "QUIT", 221, "2.0.0", "Bye"},
    FixedAnswer{Defect::vrfy_unknown, "VRFY", 500, "5.5.2", "Syntax error, command unrecognized"},
    FixedAnswer{Defect::vrfy_denies_all, "VRFY", 550, "5.1.1", "No such mailbox here"},
};

constexpr std::array hollow_verbs = {"AUTH", "BDAT", "HELP", "VRFY", "EXPN", "ETRN"};

/// HELP is where replies go wrong: nobody needs it on the way to a message.
struct OddReply {
    Defect defect;
    int code;
    std::string_view octets;
};

constexpr std::array odd_replies = {
    OddReply{Defect::reply_code_out_of_range, 614, "614 2.0.0 EHLO MAIL RCPT\r\n"},
    OddReply{Defect::reply_second_digit_odd, 284, "284 2.0.0 EHLO MAIL RCPT\r\n"},
    OddReply{Defect::reply_codes_mixed, 214, "214-2.0.0 EHLO MAIL RCPT\r\n250 2.0.0 OK\r\n"},
    OddReply{Defect::reply_eight_bit, 214, "214 2.0.0 \xC9HLO MAIL\r\n"},
    OddReply{Defect::reply_bare_lf, 214, "214 2.0.0 EHLO MAIL RCPT\n"},
    OddReply{Defect::reply_bare_cr, 214, "214 2.0.0 EHLO\rMAIL RCPT\r\n"},
};

}  // namespace

std::optional<Answer> Dialogue::wrong_answer(const Command& command) {
    if (has(Defect::echoes_commands)) {
        return echo(command);
    }
    if (has(Defect::unknown_ends_session) && handler(command.verb) == nullptr) {
        return closing(221, "2.7.0", "Goodbye");
    }
    const bool no_verb = command.has(smtp::CommandViolation::bad_verb) && !command.line.empty();
    if (has(Defect::eod_accepts_bare_lf_slowly_then_hangs_up) && no_verb) {
        return closing(221, "2.7.0", "No mail program says that. Goodbye.");
    }
    if (has(Defect::verbs_upper_case_only) && !command.line.starts_with(command.verb)) {
        return reply(500, "5.5.2", "Syntax error, command unrecognized");
    }
    for (const auto& fixed : fixed_answers) {
        if (has(fixed.defect) && command.verb == fixed.verb) {
            return reply(fixed.code, fixed.enhanced, fixed.text);
        }
    }
    const bool listed =
        std::find(hollow_verbs.begin(), hollow_verbs.end(), command.verb) != hollow_verbs.end();
    if (has(Defect::hollow_capabilities) && listed) {
        return reply(502, "5.5.1", "Command not implemented");
    }
    if (command.verb == "EHLO" || command.verb == "HELO") {
        return wrong_hello(command);
    }
    auto odd = command.verb == "HELP" ? odd_help() : std::nullopt;
    return odd ? odd : wrong_elsewhere(command);
}

std::optional<Answer> Dialogue::wrong_hello(const Command& command) {
    const auto welcome = [this](std::string_view client) {
        Answer answer;
        answer.code = 250;
        answer.octets = smtp::format_reply(250, {}, ehlo_lines(client));
        return answer;
    };
    if (command.verb == "HELO") {
        return has(Defect::helo_lists_extensions) ? std::optional(welcome(command.argument)) : std::nullopt;
    }
    const bool literal = command.argument.starts_with('[');
    if (has(Defect::ehlo_literal_refused) && literal) {
        return reply(501, "5.5.4", "EHLO needs a domain");
    }
    if (has(Defect::ehlo_literal_unwelcome) && literal) {
        return reply(550, "5.7.1", "Address literals are not welcome here");
    }
    if (has(Defect::ehlo_in_transaction_refused) && transaction_) {
        return reply(503, "5.5.1", "EHLO in the middle of a transaction");
    }
    if (has(Defect::ehlo_error_is_final) && hello_failed_) {
        return reply(503, "5.5.1", "You had your chance");
    }
    const bool nameless = has(Defect::ehlo_without_name_taken) && command.argument.empty();
    if (nameless || (has(Defect::ehlo_any_name) && !command.argument.empty())) {
        return welcome(command.argument);
    }
    if (has(Defect::ehlo_name_echoed) && !command.argument.empty()) {
        Answer answer = welcome({});
        answer.octets = fmt::format("250-{} greets {}\r\n", config_.host, command.argument) +
                        answer.octets.substr(answer.octets.find('\n') + 1);
        return answer;
    }
    if (has(Defect::ehlo_codes_mixed)) {
        Answer answer = welcome(command.argument);
        answer.octets.replace(0, 3, "220");
        return answer;
    }
    return std::nullopt;
}

std::optional<Answer> Dialogue::odd_help() const {
    for (const auto& odd : odd_replies) {
        if (has(odd.defect)) {
            Answer answer;
            answer.code = odd.code;
            answer.octets = odd.octets;
            return answer;
        }
    }
    return std::nullopt;
}

std::optional<Answer> Dialogue::wrong_elsewhere(const Command& command) {
    const auto& verb = command.verb;
    if (has(Defect::hello_comes_first) && hello_ == Hello::none && verb != "STARTTLS" && verb != "QUIT") {
        return reply(503, "5.5.1", "Send EHLO first");
    }
    if (has(Defect::helo_not_enough) && hello_ == Hello::helo && verb == "MAIL") {
        return reply(503, "5.5.1", "Send EHLO first");
    }
    if (has(Defect::ehlo_name_compared) && verb == "RCPT") {
        return reply(550, "5.7.1", "The EHLO name does not match your address");
    }
    if (has(Defect::noop_argument_refused) && verb == "NOOP" && !command.argument.empty()) {
        return reply(501, "5.5.4", "NOOP takes no parameters");
    }
    if (has(Defect::rset_closes) && verb == "RSET") {
        return closing(250, "2.0.0", "OK");
    }
    if (has(Defect::quit_unanswered) && verb == "QUIT") {
        Answer answer;
        answer.code = 221;
        answer.close = true;
        return answer;
    }
    if (has(Defect::vrfy_tells_truth) && verb == "VRFY" && !command.argument.empty()) {
        return refuses(command.argument) ? reply(550, "5.1.1", "No such mailbox here")
                                         : reply(250, "2.1.5", "<" + command.argument + ">");
    }
    return std::nullopt;
}

/// The line as it came, in the reply to it.
std::optional<Answer> Dialogue::echo(const Command& command) const {
    const bool strange = refuse_line(command).has_value() || handler(command.verb) == nullptr;
    if (!strange && command.verb != "VRFY") {
        return std::nullopt;
    }
    Answer answer = strange ? reply(500, "5.5.2", "Not understood: ") : reply(252, "2.5.0", "Will try ");
    answer.octets.insert(answer.octets.size() - 2, strange ? command.line : command.argument);
    return answer;
}

void Dialogue::wrong_effect(const Command& command, int code) {
    const bool refused = code >= 400 && command.verb == "EHLO";
    hello_failed_ = hello_failed_ || refused;
    if ((refused && has(Defect::ehlo_error_clears)) ||
        (command.verb == "NOOP" && has(Defect::noop_clears_transaction))) {
        forget_transaction();
    }
}

/// How many replies: one, but for the defects.
Answer Dialogue::miscount(const Command& command, Answer answer) const {
    if (has(Defect::replies_twice) && (answer.code >= 500 || command.verb == "NOOP")) {
        answer.octets += answer.octets;
    }
    const bool unknown = has(Defect::unknown_unanswered) && handler(command.verb) == nullptr;
    if (unknown || (has(Defect::empty_line_ignored) && command.line.empty())) {
        answer.octets.clear();
    }
    return answer;
}

void Dialogue::add_wrong_keywords(std::vector<std::string>& lines) const {
    if (has(Defect::ehlo_unnamed)) {
        lines.front() = "(mail) is pleased to meet you";
    }
    if (has(Defect::ehlo_keyword_garbled)) {
        lines.emplace_back("(no limits here)");
    }
    if (has(Defect::ehlo_old_spelling)) {
        lines.emplace_back("AUTH=PLAIN LOGIN");
    }
    if (has(Defect::ehlo_private_keyword)) {
        lines.emplace_back("MAGIC");
    }
    if (has(Defect::hollow_capabilities)) {
        lines.insert(lines.end(), {"VRFY", "EXPN", "ETRN"});
    }
}

/// The enhanced code of a reply.
std::string Dialogue::enhanced_code(int code, std::string_view right) const {
    std::string enhanced(config_.extensions.enhanced_codes ? right : std::string_view());
    if (code < 500 || enhanced.empty()) {
        return enhanced;
    }
    if (has(Defect::enhanced_code_missing)) {
        enhanced.clear();
    } else if (has(Defect::enhanced_code_zeros)) {
        enhanced.insert(2, "0");
    } else if (has(Defect::enhanced_class_differs)) {
        enhanced[0] = '4';
    }
    return enhanced;
}

}  // namespace smtpspec::mock
