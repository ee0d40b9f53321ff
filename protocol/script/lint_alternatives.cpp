#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "protocol/script/lint_rules.hpp"
#include "protocol/script/print.hpp"

/// Alternatives that can never be taken, because one before them takes everything that they would (§10).
namespace smtpspec::script {
namespace {

using Codes = std::vector<std::string>;

bool code_covers(const std::string& wide, const std::string& narrow) {
    for (std::size_t i = 0; i < 3; ++i) {
        const bool wild = (i == 1 && wide[i] == 'y') || (i == 2 && wide[i] == 'z');
        if (!wild && wide[i] != narrow[i]) {
            return false;
        }
    }
    return true;
}

const CodesPart* codes_of(const ReplyPattern& reply) {
    for (const ReplyPart& part : reply.parts) {
        if (const auto* codes = std::get_if<CodesPart>(&part)) {
            return codes;
        }
    }
    return nullptr;
}

/// The codes of a reply pattern that asks for nothing else.
const CodesPart* only_codes(const ReplyPattern& reply) {
    return reply.kind == ReplyPattern::Kind::Parts && reply.parts.size() == 1 ? codes_of(reply) : nullptr;
}

bool all_covered(const CodesPart& narrow, const Codes& wide) {
    return std::all_of(narrow.codes.begin(), narrow.codes.end(), [&](const CodePattern& code) {
        return std::any_of(
            wide.begin(), wide.end(), [&](const std::string& w) { return code_covers(w, code.text); });
    });
}

bool is_star(const SeriesPattern& series) {
    return series.elements.size() == 1 && std::holds_alternative<SeriesStar>(series.elements[0]);
}

bool is_series(const Pattern& pattern) {
    if (std::holds_alternative<SeriesPattern>(pattern.node)) {
        return true;
    }
    const auto* parameter = std::get_if<ParameterPattern>(&pattern.node);
    return parameter != nullptr && !parameter->by_value.empty() &&
           std::all_of(parameter->by_value.begin(), parameter->by_value.end(), [](const auto& value) {
               return is_series(*value.second);
           });
}

/// Element by element as wide as the other.
bool series_covers(const SeriesPattern& wide, const SeriesPattern& narrow) {
    if (wide.elements.size() != narrow.elements.size()) {
        return false;
    }
    for (std::size_t i = 0; i < wide.elements.size(); ++i) {
        const auto* w = std::get_if<ReplyPattern>(&wide.elements[i]);
        const auto* n = std::get_if<ReplyPattern>(&narrow.elements[i]);
        if (wide.elements[i].index() != narrow.elements[i].index()) {
            return false;
        }
        if (w == nullptr || n == nullptr || w->kind == ReplyPattern::Kind::Any) {
            continue;
        }
        const CodesPart* wide_codes = only_codes(*w);
        const CodesPart* narrow_codes = codes_of(*n);
        Codes codes;
        for (std::size_t c = 0; wide_codes != nullptr && c < wide_codes->codes.size(); ++c) {
            codes.push_back(wide_codes->codes[c].text);
        }
        if (narrow_codes == nullptr || !all_covered(*narrow_codes, codes)) {
            return false;
        }
    }
    return true;
}

/// Looks at the alternatives from left to right and remembers what is taken already.
class Taken {
  public:
    /// Why this alternative can never be taken; empty if it can.
    std::string why_never(const Pattern& pattern) {
        std::string why = std::visit([&](const auto& node) { return look(node); }, pattern.node);
        if (why.empty() && !texts_.insert(to_text(pattern)).second) {
            why = "the same pattern stands before it";
        }
        return why;
    }

  private:
    static constexpr const char* after_any = "`any` before it takes everything";

    template <class Other>
    std::string look(const Other& /*node*/) {
        return any_ ? after_any : "";
    }
    std::string look(const SilentPattern& node) {
        const bool never = silent_ && (!silent_->time || (node.time && *node.time >= *silent_->time));
        silent_ = silent_ ? silent_ : std::optional(node);
        return never ? "a shorter silence stands before it" : "";
    }
    std::string look(const ClosePattern& node) {
        const bool never = closed_ == CloseHow::Any && seen_close_;
        closed_ = seen_close_ && closed_ == CloseHow::Any ? closed_ : node.how;
        seen_close_ = true;
        return never ? "`close` before it takes every close" : "";
    }
    std::string look(const BytesPattern& /*node*/) { return {}; }
    std::string look(const ReplyPattern& node) {
        if (any_) {
            return after_any;
        }
        any_ = node.kind == ReplyPattern::Kind::Any;
        const CodesPart* codes = codes_of(node);
        const bool never = codes != nullptr && !codes_.empty() && all_covered(*codes, codes_);
        if (const CodesPart* plain = only_codes(node)) {
            for (const CodePattern& code : plain->codes) {
                codes_.push_back(code.text);
            }
        }
        return never ? "a wider code stands before it" : "";
    }
    std::string look(const SeriesPattern& node) {
        if (star_) {
            return "`[*]` before it takes everything";
        }
        star_ = is_star(node);
        for (const SeriesPattern* earlier : series_) {
            if (series_covers(*earlier, node)) {
                return "a wider series stands before it";
            }
        }
        series_.push_back(&node);
        return {};
    }
    std::string look(const AnyLinePattern& /*node*/) {
        const bool never = any_;
        any_ = true;
        return never ? after_any : "";
    }
    std::string look(const EventPattern& node) {
        // The end of the connection, a pause and the handshake are no lines.
        const bool line =
            is_verb(node.event) || node.event == Event::Command || node.event == Event::AuthLine;
        return any_ && line ? after_any : "";
    }

    bool any_ = false;
    bool star_ = false;
    bool seen_close_ = false;
    CloseHow closed_ = CloseHow::Rst;
    std::optional<SilentPattern> silent_;
    Codes codes_;
    std::vector<const SeriesPattern*> series_;
    std::set<std::string> texts_;
};

}  // namespace

void lint_alternatives(const LintInput& input, const AwaitStatement& await) {
    const bool any_series = std::any_of(await.alternatives.begin(),
                                        await.alternatives.end(),
                                        [](const Alternative& a) { return is_series(a.pattern); });
    constexpr std::size_t most = 200;  // looking at each beside each would take too long with more
    if (await.alternatives.size() > most) {
        input.reporter.error(await.alternatives[most].at, 1, fmt::format("more than {} alternatives", most));
        return;
    }
    Taken taken;
    for (const Alternative& alternative : await.alternatives) {
        const bool series = is_series(alternative.pattern);
        if (any_series && !series) {
            input.reporter.error(alternative.at,
                                 to_text(alternative.pattern).size(),
                                 "a series cannot be mixed with other alternatives",
                                 "if one alternative is a series, all are; `[*]` is anything else");
            continue;
        }
        const std::string why = taken.why_never(alternative.pattern);
        if (!why.empty()) {
            input.reporter.error(
                alternative.at, to_text(alternative.pattern).size(), "this can never be taken: " + why);
        }
    }
}

}  // namespace smtpspec::script
