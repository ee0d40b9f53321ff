#include "mockserver/dialogue.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "protocol/smtp/address.hpp"
#include "protocol/smtp/escape.hpp"
#include "protocol/smtp/reply.hpp"
#include "protocol/smtp/text.hpp"

namespace smtpspec::mock {

using smtp::CommandViolation;

namespace {

/// Deviates: underscores are taken, for hosts that are named so are common and nothing depends on it (RFC
/// 5321 §4.1.4 forbids to refuse mail because of the name).
bool is_client_name(std::string text) {
    std::replace(text.begin(), text.end(), '_', 'x');
    return smtp::is_ehlo_argument(text);
}

}  // namespace

Dialogue::Dialogue(const ServerConfig& config, MessageStore& store, Peer peer)
    : config_(config), store_(store), peer_(std::move(peer)) {}

Answer Dialogue::reply(int code, std::string_view enhanced, std::string_view text) const {
    Answer answer;
    answer.code = code;
    answer.octets = smtp::format_reply_line(code, enhanced_code(code, enhanced), text);
    return answer;
}

Answer Dialogue::closing(int code, std::string_view enhanced, std::string_view text) const {
    Answer answer = reply(code, enhanced, text);
    answer.close = true;
    return answer;
}

Answer Dialogue::greeting() const {
    Answer greeting = reply(220, {}, config_.host + " " + config_.greeting);
    if (has(Defect::greeting_unnamed)) {
        greeting = reply(220, {}, config_.greeting);
    } else if (has(Defect::greeting_garbled)) {
        greeting.octets.replace(3, 1, "-").append("221 ready\r\n");
    }
    return greeting;
}

void Dialogue::greeting_effect(int code) {
    greeted_ = true;
    refused_ = code >= 400;
}

void Dialogue::tls_started(std::string channel_binding) {
    inside_tls_ = true;
    channel_binding_ = std::move(channel_binding);
    exchange_.reset();
    if (!has(Defect::ehlo_survives_starttls) && !has(Defect::envelope_survives_starttls)) {
        hello_ = Hello::none;
        client_name_.clear();
    }
    if (!has(Defect::auth_survives_starttls)) {
        user_.clear();
        authenticated_ = false;
    }
    if (!has(Defect::envelope_survives_starttls)) {
        forget_transaction();
    }
}

void Dialogue::trust_order() {
    trusts_order_ = true;
    refused_ = false;
}

void Dialogue::forget_transaction() {
    transaction_.reset();
    content_.clear();
}

bool Dialogue::needs_tls() const {
    return config_.tls_required && peer_.mode == script::Mode::Starttls && !inside_tls_ &&
           offers_starttls() && !clear_auth_;
}

bool Dialogue::needs_login() const {
    const bool lax = has(Defect::mail_in_clear_accepted) || has(Defect::mail_demands_tls_not_login);
    const bool lax_inside =
        has(Defect::ehlo_survives_starttls) || has(Defect::mail_without_ehlo) || has(Defect::open_relay);
    const bool waived = lax || (lax_inside && inside_tls_) || trusts_order_;
    return !config_.accounts.empty() && !authenticated_ && !waived;
}

bool Dialogue::needs_hello() const {
    return hello_ == Hello::none && !trusts_order_ && !(has(Defect::mail_without_ehlo) && inside_tls_);
}

Dialogue::Handler Dialogue::handler(std::string_view verb) {
    static constexpr std::array<std::pair<std::string_view, Handler>, 21> table = {{
        {"EHLO", &Dialogue::on_ehlo},
        {"HELO", &Dialogue::on_helo},
        {"STARTTLS", &Dialogue::on_starttls},
        {"AUTH", &Dialogue::on_auth},
        {"MAIL", &Dialogue::on_mail},
        {"RCPT", &Dialogue::on_rcpt},
        {"DATA", &Dialogue::on_data},
        {"BDAT", &Dialogue::on_bdat},
        {"RSET", &Dialogue::on_rset},
        {"NOOP", &Dialogue::on_noop},
        {"VRFY", &Dialogue::on_vrfy},
        {"HELP", &Dialogue::on_help},
        {"QUIT", &Dialogue::on_quit},
        {"EXPN", &Dialogue::on_known_but_absent},
        {"SEND", &Dialogue::on_known_but_absent},
        {"SOML", &Dialogue::on_known_but_absent},
        {"SAML", &Dialogue::on_known_but_absent},
        {"TURN", &Dialogue::on_known_but_absent},
        {"ETRN", &Dialogue::on_known_but_absent},
        {"ATRN", &Dialogue::on_known_but_absent},
        {"BURL", &Dialogue::on_known_but_absent},
    }};
    for (const auto& [word, function] : table) {
        if (word == verb) {
            return function;
        }
    }
    return nullptr;
}

/// Lines that no command can be (RFC 5321 §2.3.8, §4.1.1).
std::optional<Answer> Dialogue::refuse_line(const Command& command) const {
    const bool broken = command.has(CommandViolation::bare_lf) || command.has(CommandViolation::bare_cr) ||
                        command.has(CommandViolation::nul) || command.has(CommandViolation::control) ||
                        (command.has(CommandViolation::eight_bit) && !has(Defect::utf8_not_validated)) ||
                        command.has(CommandViolation::leading_space) ||
                        command.has(CommandViolation::bad_verb);
    if (broken) {
        return reply(500, "5.5.2", "Syntax error, command unrecognized");
    }
    return std::nullopt;
}

/// What a command meets before its own rules: a refused session, TLS that is required (RFC 3207 §4).
std::optional<Answer> Dialogue::refuse_order(const Command& command) const {
    if (refused_ && command.verb != "QUIT") {
        return reply(503, "5.5.1", "No service here; only QUIT is left");
    }
    static constexpr std::array<std::string_view, 6> gated = {"MAIL", "RCPT", "DATA", "BDAT", "VRFY", "EXPN"};
    if (confused_ && command.verb != "RSET") {
        return reply(503, "5.5.1", "Bad sequence of commands");
    }
    if (has(Defect::vrfy_disabled) && command.verb == "VRFY") {
        return reply(502, "5.5.1", "VRFY command is disabled");
    }
    if (has(Defect::noop_needs_tls) && needs_tls() && command.verb == "NOOP") {
        return reply(530, "5.7.0", "Must issue a STARTTLS command first");
    }
    if (has(Defect::mail_in_clear_accepted)) {
        return std::nullopt;
    }
    if (needs_tls() && said_hello() && std::find(gated.begin(), gated.end(), command.verb) != gated.end()) {
        return reply(530, "5.7.0", "Must issue a STARTTLS command first");
    }
    return std::nullopt;
}

Answer Dialogue::check(const Command& command) { return miscount(command, twist(judge(command))); }

Answer Dialogue::twist(Answer answer) const {
    if (answer.code < 400) {
        return answer;
    }
    answer.close = answer.close || has(Defect::close_after_error);
    if (answer.code < 500 || !has(Defect::errors_say_550)) {
        return answer;
    }
    answer.code = 550;
    answer.octets.replace(0, 3, "550");
    if (smtp::leading_enhanced(std::string_view(answer.octets).substr(4))) {
        answer.octets.replace(4, answer.octets.find(' ', 4) - 4, "5.0.0");
    }
    return answer;
}

Answer Dialogue::judge(const Command& command) {
    checked_.reset();
    if (auto wrong = wrong_answer(command)) {
        return std::move(*wrong);
    }
    if (auto refusal = refuse_line(command)) {
        return std::move(*refusal);
    }
    const auto function = handler(command.verb);
    if (function == nullptr) {
        return reply(500, "5.5.2", "Syntax error, command unrecognized");
    }
    if (auto refusal = refuse_order(command)) {
        return std::move(*refusal);
    }
    return (this->*function)(command);
}

Follow Dialogue::effect(const Command& command, int code) {
    const bool positive = code >= 200 && code < 400;
    const auto& verb = command.verb;
    wrong_effect(command, code);
    if (verb == "EHLO" || verb == "HELO") {
        if (positive) {
            hello_ = verb == "EHLO" ? Hello::ehlo : Hello::helo;
            client_name_ = command.argument;
            if (!has(Defect::envelope_survives_starttls) && !has(Defect::ehlo_keeps_transaction)) {
                forget_transaction();  // RFC 5321 §4.1.4
            }
        }
    } else if (verb == "STARTTLS") {
        if (code != 220) {
            return Follow::command;
        }
        if (inside_tls_) {
            return has(Defect::starttls_inside_tls_hangs) ? Follow::hang : Follow::command;
        }
        return Follow::start_tls;
    } else if (verb == "AUTH") {
        return auth_command_effect(code);
    } else if (verb == "MAIL") {
        if (positive || has(Defect::refused_mail_opens_transaction)) {
            mail_effect(command);
        }
    } else if (verb == "RCPT") {
        rcpt_effect(command, positive);
    } else if (verb == "DATA") {
        return data_effect(code);
    } else if (verb == "BDAT") {
        return bdat_effect(command, code);
    } else if (verb == "RSET" && positive) {
        confused_ = false;
        if (!has(Defect::rset_keeps_transaction)) {
            forget_transaction();
        }
    } else if (verb == "QUIT" && code == 221 && !has(Defect::quit_stays_open)) {
        return has(Defect::quit_waits_for_client) ? Follow::hang : Follow::end;
    }
    return Follow::command;
}

bool Dialogue::offers_starttls() const {
    return config_.extensions.starttls && peer_.mode == script::Mode::Starttls && !inside_tls_;
}

std::vector<std::string> Dialogue::ehlo_lines(std::string_view client) const {
    const auto& on = config_.extensions;
    std::vector<std::string> lines = {
        fmt::format("{} greets {}", config_.host, smtp::printable(client, 255))};
    const auto add = [&](bool offered, std::string line) {
        if (offered) {
            lines.push_back(std::move(line));
        }
    };
    add(on.pipelining, "PIPELINING");
    add(on.size, fmt::format("SIZE {}", config_.limits.message_octets));
    add(on.eight_bit_mime, "8BITMIME");
    add(on.enhanced_codes, "ENHANCEDSTATUSCODES");
    add(on.dsn, "DSN");
    add(on.smtputf8, "SMTPUTF8");
    add(on.chunking, "CHUNKING");
    add(on.chunking && on.binarymime, "BINARYMIME");
    add(on.limits, fmt::format("LIMITS RCPTMAX={}", config_.limits.recipients));
    add(on.help, "HELP");
    const bool again = has(Defect::starttls_readvertised) && inside_tls_;
    add((offers_starttls() && !has(Defect::starttls_not_offered)) || again,
        has(Defect::starttls_advertised_with_argument) ? "STARTTLS TLSv1.2" : "STARTTLS");
    if (offers_auth() && has(Defect::auth_list_malformed)) {
        lines.emplace_back("AUTH plain,login");
    } else if (offers_auth()) {
        auto names = mechanisms();
        if (has(Defect::auth_list_duplicate) || has(Defect::auth_list_duplicate_last)) {
            names.push_back(has(Defect::auth_list_duplicate) ? "PLAIN" : names.back());
        }
        const auto* keyword = has(Defect::auth_keyword_mixed_case) ? "Auth" : "AUTH";
        lines.push_back(fmt::format("{} {}", keyword, fmt::join(names, " ")));
    }
    add_wrong_keywords(lines);
    return lines;
}

Answer Dialogue::on_ehlo(const Command& command) {
    if (!is_client_name(command.argument)) {
        return reply(501, "5.5.4", "EHLO needs a domain or an address literal");
    }
    if (hello_ == Hello::ehlo && has(Defect::ehlo_once)) {
        return reply(503, "5.5.1", "EHLO was said already");
    }
    Answer answer;
    answer.code = 250;
    auto lines = ehlo_lines(command.argument);
    edit_ehlo(lines);
    answer.octets = smtp::format_reply(250, {}, lines);
    return answer;
}

Answer Dialogue::on_helo(const Command& command) {
    if (!is_client_name(command.argument)) {
        return reply(501, "5.5.4", "HELO needs a domain");
    }
    return reply(250, {}, config_.host);
}

Answer Dialogue::on_starttls(const Command& command) {
    if (inside_tls_) {
        const bool taken =
            has(Defect::starttls_inside_tls_accepted) || has(Defect::starttls_inside_tls_hangs);
        return taken ? reply(220, "2.0.0", "Ready to start TLS")
                     : reply(503, "5.5.1", "TLS is already active");
    }
    if (!offers_starttls()) {
        return reply(502, "5.5.1", "STARTTLS is not offered here");
    }
    const bool trailing =
        has(Defect::starttls_trailing_space_refused) && command.has(CommandViolation::trailing_space);
    if (trailing || (!command.argument.empty() && !has(Defect::starttls_parameter_ignored))) {
        return reply(501, "5.5.4", "STARTTLS takes no parameters");  // RFC 3207 §4
    }
    if (has(Defect::starttls_refused)) {
        return reply(502, "5.5.1", "Command not implemented");
    }
    if (has(Defect::starttls_always_454)) {
        return reply(454, "4.7.0", "TLS not available due to temporary reason");
    }
    if (hello_ != Hello::ehlo && !trusts_order_) {
        return reply(503, "5.5.1", "Send EHLO first");
    }
    return reply(220, "2.0.0", "Ready to start TLS");
}

Answer Dialogue::on_rset(const Command& command) {
    if (!command.argument.empty() && !has(Defect::arguments_ignored)) {
        return reply(501, "5.5.4", "RSET takes no parameters");
    }
    return reply(250, "2.0.0", "OK");
}

Answer Dialogue::on_noop(const Command&) { return reply(250, "2.0.0", "OK"); }

Answer Dialogue::on_vrfy(const Command& command) {
    if (!config_.extensions.vrfy) {
        return reply(502, "5.5.1", "VRFY is not implemented");
    }
    if (command.argument.empty()) {
        return reply(501, "5.5.4", "VRFY needs a mailbox");
    }
    if (auto odd = odd_vrfy(command)) {
        return std::move(*odd);
    }
    if (has(Defect::vrfy_names_users) && inside_tls_) {
        return reply(250, "2.0.0", "<" + smtp::printable(command.argument, 64) + "@" + config_.host + ">");
    }
    return reply(252, "2.5.0", "Cannot VRFY, but will take mail and try");  // RFC 5321 §7.3
}

Answer Dialogue::on_help(const Command&) {
    return reply(214, "2.0.0", "EHLO HELO STARTTLS AUTH MAIL RCPT DATA BDAT RSET NOOP VRFY HELP QUIT");
}

Answer Dialogue::on_quit(const Command& command) {
    if (!command.argument.empty() && !has(Defect::arguments_ignored)) {
        return reply(501, "5.5.4", "QUIT takes no parameters");
    }
    if (has(Defect::quit_says_nothing)) {
        return closing_silently();
    }
    if (has(Defect::quit_waits_for_client)) {
        return reply(221, "2.0.0", config_.host + " has said goodbye");
    }
    return closing(221, "2.0.0", config_.host + " closing connection");
}

Answer Dialogue::on_known_but_absent(const Command& command) {
    if (auto odd = odd_service(command)) {
        return std::move(*odd);
    }
    return reply(502, "5.5.1", "Command not implemented");  // RFC 5321 §4.2.4
}

}  // namespace smtpspec::mock
