#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "protocol/script/lint_rules.hpp"
#include "protocol/script/parser.hpp"
#include "protocol/script/suggest.hpp"

namespace smtpspec::script {
namespace {

/// Variables that are there without being set (§9).
const std::vector<std::string>& given_names() {
    static const std::vector<std::string> names = {"ehlo",
                                                   "from",
                                                   "to",
                                                   "bad",
                                                   "remote",
                                                   "user",
                                                   "secret",
                                                   "host",
                                                   "port",
                                                   "mode",
                                                   "domain",
                                                   "nonce",
                                                   "reply.code",
                                                   "reply.text",
                                                   "reply.raw",
                                                   "reply.lines",
                                                   "tls.version",
                                                   "tls.cipher",
                                                   "tls.sni",
                                                   "tls.alpn",
                                                   "cert.days",
                                                   "cert.names",
                                                   "cert.bits",
                                                   "cert.trusted",
                                                   "cert.matches",
                                                   "cert.problem",
                                                   "session.number",
                                                   "session.clear",
                                                   "session.mails",
                                                   "session.rcpts",
                                                   "session.user",
                                                   "command.line",
                                                   "command.address",
                                                   "command.octets",
                                                   "client.says",
                                                   "client.output",
                                                   "client.peak",
                                                   "store.count",
                                                   "store.lost",
                                                   "store.doubled"};
    return names;
}

bool is_given(std::string_view name) {
    const auto& names = given_names();
    return std::find(names.begin(), names.end(), name) != names.end();
}

bool begins(std::string_view text, std::string_view prefix) {
    return text.substr(0, prefix.size()) == prefix;
}

class NameChecker {
  public:
    explicit NameChecker(const LintInput& input) : in_(input), head_(input.scenario.head) {
        for (const Survey::Declaration& declaration : in_.survey.declarations) {
            by_name_[declaration.name].push_back(&declaration);
        }
    }

    void run() {
        check_twice();
        for (const Survey::Use& use : in_.survey.uses) {
            check_use(use);
        }
        check_unused();
    }

  private:
    using List = std::vector<const Survey::Declaration*>;

    /// How often the name stands in the file, comments and what could not be read included.
    std::size_t mentions(std::string_view name) const {
        const std::string_view text = in_.scenario.source->text();
        const auto part_of_name = [&](std::size_t at) {
            return at < text.size() && (std::isalnum(static_cast<unsigned char>(text[at])) != 0 ||
                                        text[at] == '_' || text[at] == '-');
        };
        std::size_t count = 0;
        for (std::size_t at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
            const bool begins_here = at == 0 || !part_of_name(at - 1);
            count += begins_here && !part_of_name(at + name.size()) ? 1 : 0;
        }
        return count;
    }
    /// True when the name stands more often in the file than what could be read explains. A file with very
    /// many names that could not be read whole is not searched for each of them.
    bool may_be_elsewhere(const std::string& name, std::size_t explained) const {
        constexpr std::size_t many = 1000;
        if (in_.head_whole && in_.script_whole) {
            return false;
        }
        return in_.survey.uses.size() + by_name_.size() > many || mentions(name) > explained;
    }
    std::size_t uses(const std::string& name) const {
        return static_cast<std::size_t>(
            std::count_if(in_.survey.uses.begin(), in_.survey.uses.end(), [&](const Survey::Use& use) {
                return use.name == name;
            }));
    }

    void error(Position at,
               std::size_t length,
               std::string message,
               std::string expected = {},
               std::string hint = {}) {
        in_.reporter.error(at, length, std::move(message), std::move(expected), std::move(hint));
    }

    // set twice
    void check_twice() {
        for (const auto& [name, list] : by_name_) {
            const Survey::Declaration& first = *list.front();
            for (std::size_t i = 1; i < list.size(); ++i) {
                const Survey::Declaration& next = *list[i];
                if (next.kind != first.kind) {
                    error(next.at,
                          next.length,
                          fmt::format("the {} `{}` is the name of a {} already",
                                      to_string(next.kind),
                                      name,
                                      to_string(first.kind)),
                          {},
                          fmt::format("see line {}", first.at.line));
                } else if (set_again(*list[i - 1], next)) {
                    error(next.at,
                          next.length,
                          fmt::format("the {} `{}` is set twice", to_string(next.kind), name),
                          {},
                          fmt::format("it is set in line {} already", list[i - 1]->at.line));
                }
            }
        }
    }
    /// Marks, labels and connections may be set again; a capture in the alternatives of one await, or a
    /// variable in another branch, is the same thing said for another case.
    bool set_again(const Survey::Declaration& first, const Survey::Declaration& next) const {
        switch (next.kind) {
            case NameKind::Label:
            case NameKind::Mark:
            case NameKind::Connection:
                return false;
            case NameKind::Capture:
                return first.statement != next.statement && in_.survey.encloses(first.block, next.block);
            default:
                return in_.survey.encloses(first.block, next.block);
        }
    }

    // uses
    void check_use(const Survey::Use& use) {
        if (in_.reporter.full()) {
            return;
        }
        if (use.as == Survey::Use::As::Limiter) {
            check_limiter(use);
            return;
        }
        if (use.as == Survey::Use::As::Mark) {
            check_mark(use);
            return;
        }
        if (is_given(use.name)) {
            check_place(use);
            return;
        }
        std::string field;
        if (const Parameter* parameter = find_parameter(head_.params, use.name, field)) {
            used_parameters_.insert(parameter->name);
            check_field(use, *parameter, field);
            return;
        }
        const auto found = by_name_.find(use.name);
        if (found == by_name_.end()) {
            unknown(use);
            return;
        }
        check_order(use, found->second);
    }
    void unknown(const Survey::Use& use) {
        if (may_be_elsewhere(use.name, uses(use.name))) {
            return;  // it may be set in what could not be read
        }
        std::vector<std::string> known = given_names();
        for (const auto& entry : by_name_) {
            known.push_back(entry.first);
        }
        std::string expected = "a parameter, variable, capture, label, or a name of the language";
        if (is_function(use.name)) {
            expected = fmt::format("{}(…)", use.name);
        }
        error(use.at,
              use.name.size(),
              fmt::format("unknown name `{}`", use.name),
              expected,
              did_you_mean(use.name, known));
    }
    void check_limiter(const Survey::Use& use) {
        used_limiters_.insert(use.name);
        if (in_.head_whole && head_.limiter(use.name) == nullptr) {
            std::vector<std::string> known;
            for (const Limiter& limiter : head_.limiters) {
                known.push_back(limiter.name);
            }
            error(use.at,
                  use.name.size(),
                  fmt::format("there is no limiter `{}`", use.name),
                  "a limiter of the head: `limiter: {name: {rate: 20/s}}`",
                  did_you_mean(use.name, known));
        }
    }
    void check_mark(const Survey::Use& use) {
        if (const auto state = state_from_string(use.name)) {
            if (*state > in_.survey.furthest && head_.side == Side::Server) {
                error(use.at,
                      use.name.size(),
                      fmt::format("the state `{}` is never reached, so its mark is never set", use.name));
            }
            return;
        }
        const auto found = by_name_.find(use.name);
        const bool is_mark = found != by_name_.end() && found->second.front()->kind == NameKind::Mark;
        if (!is_mark && !in_.script_whole) {
            return;
        }
        if (!is_mark) {
            std::vector<std::string> marks;
            for (const auto& [name, list] : by_name_) {
                if (list.front()->kind == NameKind::Mark) {
                    marks.push_back(name);
                }
            }
            error(use.at,
                  use.name.size(),
                  fmt::format("there is no mark `{}`", use.name),
                  "a mark (`mark NAME`) or a start state",
                  did_you_mean(use.name, marks));
            return;
        }
        check_order(use, found->second);
    }
    void check_order(const Survey::Use& use, const List& list) {
        const bool set_before =
            std::any_of(list.begin(), list.end(), [&](const Survey::Declaration* declaration) {
                const bool loop = in_.survey.shares_unordered_block(declaration->block, use.block);
                return declaration->order < use.order || loop || same_statement(*declaration, use);
            });
        const bool later =
            use.where == Where::Watch || use.where == Where::Rule;  // asked when something happens
        if (set_before || (later && list.front()->kind == NameKind::Label)) {
            return;
        }
        error(use.at,
              use.name.size(),
              fmt::format("the {} `{}` is used before it is set", to_string(list.front()->kind), use.name),
              {},
              fmt::format("it is set in line {}", list.front()->at.line));
    }
    /// `S: /(?<n>\d+)/ => a | …`: a check's condition may ask for a label of an earlier alternative only.
    static bool same_statement(const Survey::Declaration& declaration, const Survey::Use& use) {
        return declaration.order == use.order && declaration.at < use.at;
    }
    void check_field(const Survey::Use& use, const Parameter& parameter, const std::string& field) {
        if (field == "name" || parameter.values.empty()) {
            return;
        }
        const bool maps = parameter.values.front().is_map();
        if (!maps && !field.empty()) {
            error(use.at,
                  use.name.size(),
                  fmt::format("the values of `{}` are texts; there is no `{}`", parameter.name, field),
                  fmt::format("`{}` or `{}.name`", parameter.name, parameter.name));
            return;
        }
        if (maps && field.empty()) {
            error(use.at,
                  use.name.size(),
                  fmt::format("the values of `{}` are maps", parameter.name),
                  fmt::format("`{}.FIELD` or `{}.name`", parameter.name, parameter.name));
            return;
        }
        for (const ParamValue& value : parameter.values) {
            if (value.find(field) == nullptr) {
                std::vector<std::string> known = {"name"};
                for (const auto& entry : std::get<1>(value.value)) {
                    known.push_back(entry.first);
                }
                error(use.at,
                      use.name.size(),
                      fmt::format(
                          "the value `{}` of `{}` has no field `{}`", value.name, parameter.name, field),
                      {},
                      did_you_mean(field, known));
                return;
            }
        }
    }
    /// Some names exist only where a client speaks to the server that we play, or the reverse.
    void check_place(const Survey::Use& use) {
        const bool watched = use.where == Where::Rule || use.where == Where::Watch;
        const bool for_watchers =
            begins(use.name, "command.") || (begins(use.name, "session.") && use.name != "session.clear");
        if (for_watchers && !watched) {
            error(use.at, use.name.size(), fmt::format("`{}` exists only in rules and watches", use.name));
        } else if (begins(use.name, "client.") && head_.side == Side::Server) {
            error(use.at,
                  use.name.size(),
                  fmt::format("`{}` is for side client: the server is under test", use.name));
        } else if (begins(use.name, "reply.") && head_.side == Side::Client) {
            error(use.at,
                  use.name.size(),
                  fmt::format("`{}` is for side server: the replies are ours", use.name));
        }
    }

    // unused
    void check_unused() {
        for (const auto& [name, list] : by_name_) {
            const Survey::Declaration& first = *list.front();
            const bool used = first.kind == NameKind::Parameter ? used_parameters_.count(name) != 0
                                                                : in_.survey.asked.count(name) != 0;
            const bool counts = first.kind == NameKind::Parameter || first.kind == NameKind::Variable ||
                                first.kind == NameKind::Capture || first.kind == NameKind::Mark;
            if (may_be_elsewhere(name, list.size())) {
                continue;  // it may be used in what could not be read
            }
            if (counts && !used) {
                error(first.at,
                      first.length,
                      fmt::format("the {} `{}` is never used", to_string(first.kind), name));
            } else if (first.kind == NameKind::Limiter && used_limiters_.count(name) == 0) {
                in_.reporter.warning(first.at,
                                     first.length,
                                     fmt::format("the limiter `{}` is never used", name),
                                     fmt::format("`over({})` in a rule", name));
            }
        }
    }

    const LintInput& in_;
    const Head& head_;
    std::map<std::string, List> by_name_;
    std::set<std::string> used_parameters_;
    std::set<std::string> used_limiters_;
};

}  // namespace

void lint_names(const LintInput& input) { NameChecker(input).run(); }

}  // namespace smtpspec::script
