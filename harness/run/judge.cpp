#include "harness/run/judge.hpp"

#include <re2/re2.h>

#include "protocol/smtp/escape.hpp"

namespace smtpspec::run {

namespace {

using script::ScriptEnd;

/// The verdict that the way a script ended allows at best; empty: the labels alone decide.
std::optional<Verdict> limit_of(ScriptEnd end) {
    switch (end) {
        case ScriptEnd::finished:
            return std::nullopt;
        case ScriptEnd::error:
            return Verdict::Error;
        default:
            return Verdict::Inconclusive;
    }
}

std::string pass_labels(const script::Head& head) {
    std::string text;
    for (const auto& outcome : head.outcomes) {
        if (outcome.verdict == Verdict::Pass) {
            text += (text.empty() ? "" : " or ") + outcome.label;
        }
    }
    return text;
}

std::string sentence(const script::Head& head, const Judgement& so_far, const script::ScriptResult& result) {
    if (!result.reason.empty() && so_far.verdict != Verdict::Pass) {
        return result.reason;
    }
    if (so_far.outcome.empty()) {
        return !result.no_oracle ? "the script reached no outcome"
               : head.side == script::Side::Client
                   ? "no oracle: what the client says of its messages cannot be known here"
                   : "no oracle: the endpoint has no way to read what was delivered";
    }
    return fmt::format("reached \"{}\"; a good peer reaches {}", so_far.outcome, pass_labels(head));
}

}  // namespace

Judgement judge(const script::Head& head, const script::ScriptResult& result) {
    Judgement judgement;
    judgement.severity = head.severity;
    std::optional<Verdict> worst;
    for (const script::Reached& reached : result.labels) {
        const script::Outcome* outcome = head.outcome(reached.label);
        if (outcome != nullptr && (!worst || script::worse(outcome->verdict, *worst))) {
            worst = outcome->verdict;
            judgement.outcome = reached.label;
            judgement.severity = outcome->severity.value_or(head.severity);
        }
    }
    const std::optional<Verdict> limit = limit_of(result.end);
    if (limit && (!worst || script::worse(*limit, *worst))) {
        worst = limit;
        judgement.outcome.clear();
    }
    judgement.verdict = worst.value_or(Verdict::Inconclusive);
    if (judgement.verdict == Verdict::Pass) {
        return judgement;
    }
    judgement.expected = result.expected.empty() ? head.title.text : result.expected;
    judgement.got = result.got.empty() ? judgement.outcome : result.got;
    judgement.reason = sentence(head, judgement, result);
    return judgement;
}

namespace {

bool fact_fits(const Fact& fact, const std::string& reply) {
    if (fact.situation != "rate-limit" || fact.reply.empty()) {
        return false;
    }
    if (fact.reply.size() > 2 && fact.reply.front() == '/' && fact.reply.back() == '/') {
        return RE2::PartialMatch(reply, fact.reply.substr(1, fact.reply.size() - 2));
    }
    return reply.compare(0, fact.reply.size(), fact.reply) == 0;
}

/// What servers say when they limit a client, whoever they are. Nothing is concluded from a code alone, and
/// limits of one transaction (recipients, errors, size) and of one connection (failed logins) are none of
/// these.
bool speaks_of_rate(const std::string& reply) {
    static const RE2 words(
        "^(?:4[0-9][0-9]|55[0-9])[ -].*(?i:rate.?limit|too many (?:open |concurrent |simultaneous )?"
        "(?:messages|e?mails|connections|sessions|requests|concurrent|"
        "(?:logins?|auth[a-z]*)(?:[^ a-z]|$| +(?:attempts|requests|commands|from|for|at|per|in|by|on)\\b))|"
        "(?:number|limit) of (?:concurrent|simultaneous) |concurrent connections? limit|"
        "throttl|slow down|(?:sending|hourly|daily) (?:rate|limit|quota))");
    return RE2::PartialMatch(reply, words);
}

}  // namespace

bool is_rate_limit(const std::string& line, const std::vector<Fact>& facts) {
    const bool known =
        std::any_of(facts.begin(), facts.end(), [&](const Fact& fact) { return fact_fits(fact, line); });
    return known || speaks_of_rate(line);
}

std::optional<LimitReply> rate_limit_reply(const std::vector<wire::Entry>& transcript,
                                           const std::vector<Fact>& facts) {
    std::map<std::string, std::string> unfinished;  // by connection: a reply may come in many reads
    for (std::size_t i = 0; i < transcript.size(); ++i) {
        const wire::Entry& entry = transcript[i];
        if (entry.kind != wire::EntryKind::received) {
            continue;
        }
        std::string& text = unfinished[entry.connection];
        text += entry.octets;
        for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n')) {
            std::string line = text.substr(0, end);
            text.erase(0, end + 1);
            while (!line.empty() && line.back() == '\r') {
                line.pop_back();
            }
            if (is_rate_limit(line, facts)) {
                return LimitReply{smtp::printable(line), i};
            }
        }
    }
    return std::nullopt;
}

}  // namespace smtpspec::run
