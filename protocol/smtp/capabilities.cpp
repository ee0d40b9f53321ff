#include "protocol/smtp/capabilities.hpp"

#include <algorithm>

#include "protocol/smtp/text.hpp"

namespace smtpspec::smtp {

namespace {

/// "AUTH=PLAIN LOGIN" was the form of drafts before RFC 2554 and is still sent for old clients.
bool is_old_auth(std::string_view keyword) { return keyword.substr(0, 5) == "AUTH="; }

}  // namespace

bool Capabilities::has(std::string_view keyword) const {
    return std::any_of(keywords.begin(), keywords.end(), [keyword](const Keyword& line) {
        return iequals(line.first, keyword) || (iequals(keyword, "AUTH") && is_old_auth(line.first));
    });
}

bool Capabilities::has(std::string_view keyword, std::string_view word) const {
    const auto all = words(keyword);
    return std::any_of(
        all.begin(), all.end(), [word](const std::string& each) { return iequals(each, word); });
}

std::vector<std::string> Capabilities::words(std::string_view keyword) const {
    std::vector<std::string> all;
    for (const auto& [name, words] : keywords) {
        if (iequals(keyword, "AUTH") && is_old_auth(name)) {
            if (name.size() > 5) {
                all.push_back(name.substr(5));
            }
        } else if (!iequals(name, keyword)) {
            continue;
        }
        all.insert(all.end(), words.begin(), words.end());
    }
    return all;
}

bool Capabilities::auth_offers(std::string_view mechanism) const { return has("AUTH", mechanism); }

Capabilities Capabilities::from_reply(const Reply& reply) {
    Capabilities capabilities;
    for (size_t i = 0; i < reply.lines.size(); ++i) {
        auto words = split_words(reply.lines[i].text);
        if (words.empty()) {
            continue;
        }
        std::string first = std::move(words.front());
        words.erase(words.begin());
        if (i == 0) {
            capabilities.domain = std::move(first);
        } else {
            capabilities.keywords.emplace_back(to_upper(first), std::move(words));
        }
    }
    return capabilities;
}

}  // namespace smtpspec::smtp
