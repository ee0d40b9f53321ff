#include "protocol/script/start_state_tracker.hpp"

#include <algorithm>
#include <charconv>

#include "protocol/smtp/text.hpp"

namespace smtpspec::script {

void Tracker::sent(std::string_view octets) {
    constexpr std::size_t longest_line = 4096;  // of a longer one only the beginning matters
    while (!octets.empty()) {
        if (data_) {
            content(octets);
            return;
        }
        if (chunk_left_ > 0) {
            const auto taken = std::min<std::uint64_t>(chunk_left_, octets.size());
            chunk_left_ -= taken;
            octets.remove_prefix(taken);
            continue;
        }
        const std::size_t end = octets.find('\n');
        const std::string_view line = octets.substr(0, end);
        partial_ += line.substr(0, longest_line - std::min(longest_line, partial_.size()));
        if (end == std::string_view::npos) {
            return;
        }
        octets.remove_prefix(end + 1);
        std::string whole;
        whole.swap(partial_);
        command(std::move(whole));
    }
}

void Tracker::command(std::string line) {
    if (sasl_) {
        sasl_ = false;
        pending_.emplace_back("AUTH");
        return;
    }
    if (line.ends_with('\r')) {
        line.pop_back();
    }
    const std::vector<std::string> words = smtp::split_words(line);
    std::string verb = words.empty() ? std::string() : smtp::to_upper(words.front());
    if (verb == "BDAT" && words.size() > 1) {
        std::from_chars(words[1].data(), words[1].data() + words[1].size(), chunk_left_);
        verb = words.size() > 2 && smtp::iequals(words[2], "LAST") ? "BDAT LAST" : "BDAT";
    }
    pending_.push_back(std::move(verb));
}

/// The final dot needs no watching for: whatever is answered inside the data ends it. Only its place matters,
/// for idle().
void Tracker::content(std::string_view octets) {
    const std::size_t keep = std::min<std::size_t>(octets.size(), 5);
    tail_ += octets.substr(octets.size() - keep);
    tail_ = tail_.substr(tail_.size() - std::min<std::size_t>(tail_.size(), 5));
    const bool over = tail_ == "\r\n.\r\n" || tail_ == ".\r\n";
    if (over) {
        pending_.assign(1, ".");
    }
}

void Tracker::replied(int code) {
    was_ehlo_ = false;
    if (!greeted_) {
        greeted_ = code == 220;
        return;
    }
    if (data_) {
        message_over();
        return;
    }
    if (pending_.empty() || code == 421) {
        return;
    }
    const std::string verb = std::move(pending_.front());
    pending_.pop_front();
    answered(verb, code);
}

void Tracker::answered(const std::string& verb, int code) {
    const bool good = code / 100 == 2;
    if (verb == "EHLO" || verb == "HELO") {
        was_ehlo_ = good;
        ehlo_ = ehlo_ || good;
        if (good) {
            mail_ = rcpt_ = false;
        }
    } else if (verb == "MAIL") {
        mail_ = mail_ || good;
    } else if (verb == "RCPT") {
        rcpt_ = rcpt_ || good;
    } else if (verb == "RSET" && good) {
        mail_ = rcpt_ = false;
    } else if (verb == "DATA" && code == 354) {
        data_ = true;
        tail_ = "\r\n";
        pending_.clear();
    } else if (verb == "AUTH") {
        sasl_ = code == 334;
        authenticated_ = authenticated_ || code == 235;
    } else if (verb == "BDAT LAST") {
        message_over();
    }
}

void Tracker::message_over() {
    data_ = mail_ = rcpt_ = false;
    pending_.clear();
    tail_.clear();
}

void Tracker::tls_started() {
    ehlo_ = mail_ = rcpt_ = data_ = sasl_ = authenticated_ = false;
    partial_.clear();
    pending_.clear();
}

}  // namespace smtpspec::script
