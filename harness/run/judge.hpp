#pragma once

#include <optional>
#include <string>

#include "harness/run/profile.hpp"
#include "harness/run/result.hpp"
#include "protocol/script/interpreter.hpp"
#include "protocol/script/scenario.hpp"

namespace smtpspec::run {

/// What the judge decided and why, in words for people.
struct Judgement {
    Verdict verdict = Verdict::Inconclusive;
    std::string outcome;
    script::Severity severity = script::Severity::Medium;
    std::string reason, expected, got;
};

/// The verdict of a script's result: the worst of the labels reached; an end that nobody named makes it at
/// best inconclusive (scenario-language.md §5, Judgement). Pure.
Judgement judge(const script::Head& head, const script::ScriptResult& result);

/// Whether this line of a reply is what the profile describes as a rate limit, or a 4yz or 55z one that says
/// so itself.
bool is_rate_limit(const std::string& line, const std::vector<Fact>& facts);

/// A line of a reply that speaks of a rate limit, escaped, and the transcript's entry that completed it.
struct LimitReply {
    std::string line;
    std::size_t entry = 0;
};

/// The first reply in `transcript` that the profile describes as a rate limit, or a 4yz or 55z one that says
/// so itself; empty if none. Sent by the server under test.
std::optional<LimitReply> rate_limit_reply(const std::vector<wire::Entry>& transcript,
                                           const std::vector<Fact>& facts);

}  // namespace smtpspec::run
