#include "protocol/smtp/data.hpp"

#include <algorithm>
#include <utility>

#include "protocol/smtp/octet_scan.hpp"

namespace smtpspec::smtp {

namespace {

constexpr std::string_view crlf = "\r\n";

bool ends_with_crlf(std::string_view text) {
    return text.size() >= 2 && text.substr(text.size() - 2) == crlf;
}

enum class Dots { doubled, removed };

/// The first dot of each line that begins with one is doubled or removed; lines end at CRLF.
void copy(std::string& out, std::string_view text, Dots dots) {
    size_t dot = text.starts_with('.') ? 0 : find_leading_dot(text);
    while (dot != std::string_view::npos) {
        out += text.substr(0, dot);
        if (dots == Dots::doubled) {
            out += "..";
        }
        text.remove_prefix(dot + 1);
        dot = find_leading_dot(text);
    }
    out += text;
}

}  // namespace

std::string dot_stuff(std::string_view message) {
    std::string out;
    out.reserve(message.size() + message.size() / 64 + 8);
    copy(out, message, Dots::doubled);
    if (!out.empty() && !ends_with_crlf(out)) {
        out += crlf;
    }
    return out;
}

std::string encode_data(std::string_view message) {
    std::string out = dot_stuff(message);
    out += ".\r\n";
    return out;
}

std::string dot_unstuff(std::string_view stuffed) {
    std::string out;
    out.reserve(stuffed.size());
    copy(out, stuffed, Dots::removed);
    return out;
}

DataDecoder::DataDecoder(EndOfDataRules rules, size_t limit) : rules_(rules), limit_(limit) {}

DataDecoder::Progress DataDecoder::feed(std::string_view octets) {
    Progress progress;
    while (!complete_ && progress.consumed < octets.size()) {
        const size_t run = state_ == State::text ? text_run(octets.substr(progress.consumed)) : 0;
        if (run > 0) {
            put(octets.substr(progress.consumed, run));
            progress.consumed += run;
            continue;
        }
        const char octet = octets[progress.consumed];
        ++progress.consumed;
        step(octet);
        if (complete_ && octet == '\r' && progress.consumed < octets.size() &&
            octets[progress.consumed] == '\n') {
            ++progress.consumed;
        }
    }
    progress.complete = complete_;
    return progress;
}

std::string DataDecoder::take() {
    DataDecoder fresh(rules_, limit_);
    std::swap(*this, fresh);
    return std::move(fresh.message_);
}

/// How many octets at the front change no state: whole lines as they should be, where all rules agree on
/// them, or what stands before a line end or NUL.
size_t DataDecoder::text_run(std::string_view octets) const {
    constexpr size_t worth_while = 65;
    const bool line_ends_agree = !(first_line_ && rules_.first_line_decides);
    if (line_ends_agree && octets.size() > worth_while) {
        if (const size_t lines = clean_text(octets); lines >= worth_while) {
            return lines;
        }
    }
    const auto special = [](char c) { return c == '\r' || c == '\n' || c == '\0'; };
    return static_cast<size_t>(std::find_if(octets.begin(), octets.end(), special) - octets.begin());
}

void DataDecoder::step(char octet) {
    if (octet == '\0') {
        saw_nul_ = true;
        if (rules_.ignore_nul) {
            return;
        }
    }
    switch (state_) {
        case State::dot:
        case State::dot_cr:
        case State::dot_cr_cr:
            step_after_dot(octet);
            return;
        default:
            step_in_text(octet);
            return;
    }
}

/// Everything but a dot that may be the final one goes to the message at once.
void DataDecoder::step_in_text(char octet) {
    const bool after_cr = state_ == State::cr;
    if (after_cr && octet != '\n') {
        saw_bare_cr_ = true;
        end_line(LineEnd::cr);
    }
    if (octet == '.' && state_ == State::line_start && (starts_line(start_) || rules_.bare_cr)) {
        state_ = State::dot;
        return;
    }
    put(std::string_view(&octet, 1));
    if (octet == '\n') {
        saw_bare_lf_ = saw_bare_lf_ || !after_cr;
        end_line(after_cr ? LineEnd::crlf : LineEnd::lf);
    } else if (octet == '\r') {
        state_ = State::cr;
    } else {
        state_ = State::text;
    }
}

void DataDecoder::end_line(LineEnd end) {
    start_ = end;
    state_ = State::line_start;
    if (first_line_ && end != LineEnd::cr) {
        first_line_ = false;
        lf_by_first_line_ = rules_.first_line_decides && end == LineEnd::lf;
    }
}

/// The octets behind a dot at the start of a line: the end, or a line of text after all.
void DataDecoder::step_after_dot(char octet) {
    if (octet == '\n') {
        const LineEnd end = state_ == State::dot ? LineEnd::lf : LineEnd::crlf;
        const bool doubled = state_ == State::dot_cr_cr;
        if (doubled ? rules_.doubled_cr && starts_line(start_) : ends_data(end)) {
            saw_bare_lf_ = saw_bare_lf_ || end == LineEnd::lf;
            saw_bare_cr_ = saw_bare_cr_ || doubled;
            complete_ = true;
            return;
        }
    }
    if (octet == '\r' && state_ == State::dot) {
        if (ends_data(LineEnd::cr)) {
            complete_ = true;
        }
        state_ = State::dot_cr;
        return;
    }
    if (octet == '\r' && state_ == State::dot_cr && rules_.doubled_cr) {
        state_ = State::dot_cr_cr;
        return;
    }
    resume_text(state_ == State::dot ? "" : state_ == State::dot_cr ? "\r" : "\r\r", octet);
}

/// The dot was not the final one: it belongs to the text or was stuffed, and what was held back follows it.
void DataDecoder::resume_text(std::string_view held, char octet) {
    if (!rules_.unstuff || !starts_line(start_)) {
        put(".");
    }
    state_ = State::text;
    for (const char c : held) {
        step_in_text(c);
    }
    step_in_text(octet);
}

/// This line end counts as one: dots behind it are stuffed ones.
bool DataDecoder::starts_line(LineEnd end) const {
    switch (end) {
        case LineEnd::crlf:
            return true;
        case LineEnd::lf:
            return rules_.bare_lf || lf_by_first_line_;
        case LineEnd::cr:
            return rules_.bare_cr;
    }
    return false;
}

/// Whether start_ "." end is the end of data. A pair with a CR needs only `bare_cr`, whatever the other one
/// is.
bool DataDecoder::ends_data(LineEnd end) const {
    if (start_ == LineEnd::cr || end == LineEnd::cr) {
        return rules_.bare_cr;
    }
    return starts_line(start_) && starts_line(end);
}

void DataDecoder::put(std::string_view octets) {
    octets_ += octets.size();
    overflow_ = octets_ > limit_;
    message_ += octets.substr(0, limit_ - std::min(limit_, message_.size()));
}

}  // namespace smtpspec::smtp
