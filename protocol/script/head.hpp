#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "protocol/script/ast.hpp"
#include "protocol/script/words.hpp"

/// The head of a scenario, typed (docs/scenario-language.md §3).
namespace smtpspec::script {

/// A scalar of the head and where it stands.
struct Located {
    std::string text;
    Position at;
};

/// `executed: vulnerable/critical`.
struct Outcome {
    std::string label;
    Verdict verdict = Verdict::Inconclusive;
    std::optional<Severity> severity;  ///< overrides the head's
    Position at;
};

/// A set of cells: `id[key=glob,…]` or only the inside of the bracket. Empty parts fit everything.
struct CellFilter {
    std::string id;  ///< glob over the scenario id; empty: any
    std::vector<std::pair<std::string, std::string>> keys;
    std::string text;  ///< as written
    Position at;
};

/// `defect: label` or `defect: label[filter]`.
struct SelftestEntry {
    std::string defect;
    std::string label;
    std::optional<CellFilter> filter;
    Position at;
    Position label_at;
};

/// A value of a parameter: one text, or a map of texts (`${case.send}`).
struct ParamValue {
    std::string name;
    Position at;
    std::variant<Template, std::vector<std::pair<std::string, Template>>> value;

    bool is_map() const { return value.index() == 1; }
    /// The text (`field` empty) or a field of the map; null if there is none. `name` is not a field: see
    /// `name`.
    const Template* find(std::string_view field) const;
};

struct Parameter {
    std::string name;
    Position at;
    std::vector<ParamValue> values;

    const ParamValue* find(std::string_view value_name) const;
};

/// `requirement-id: filter`.
struct Cover {
    std::string requirement;
    CellFilter filter;
    Position at;
};

/// What the client is asked to do (side client). Values may hold `${param}`.
struct ClientEntry {
    std::string key;
    std::vector<Template> values;  ///< one, or the items of a list (`to`)
    Position at;
};

/// `account: {rate: 20/s, burst: 3, per: login}`.
struct Limiter {
    std::string name;
    std::int64_t rate = 1;                      ///< tokens …
    Duration period = std::chrono::seconds(1);  ///< … in this time
    std::int64_t burst = 1;                     ///< default: `rate`
    LimiterScope per = LimiterScope::All;
    Position at;
};

struct WebPage {
    std::string url;
    Template body;
    Position at;
};

/// Budgets (§5). `quiet` is 200 ms on loopback; a profile may lengthen them, never shorten.
struct TimeBudget {
    Duration step = std::chrono::seconds(10);
    Duration quiet = std::chrono::seconds(1);
    Duration total = std::chrono::seconds(60);
    bool step_given = false;
    bool quiet_given = false;
    bool total_given = false;
    Position at;
};

struct Head {
    Located id;
    std::int64_t rev = 0;
    Located title;
    Located fail_means;  ///< what people notice when the peer fails
    Side side = Side::Server;
    Level level = Level::Must;
    Severity severity = Severity::Medium;
    std::vector<Located> refs;
    std::vector<Outcome> outcomes;
    std::vector<SelftestEntry> selftest;
    State from = State::Connected;
    std::vector<Mode> modes;        ///< never empty: all three if not given
    std::vector<Service> services;  ///< never empty: both if not given
    std::vector<Located> needs;
    std::vector<Parameter> params;
    std::vector<CellFilter> except;
    std::vector<Cover> covers;
    std::vector<ClientEntry> client;
    std::vector<Limiter> limiters;
    std::optional<Template> dns;
    std::vector<WebPage> web;
    TimeBudget time;
    bool intrusive = false;
    std::int64_t language = 1;

    Position level_at;
    Position side_at;
    Position from_at;
    Position modes_at;
    Position params_at;
    Position rev_at;
    Position selftest_at;
    Position outcomes_at;

    const Outcome* outcome(std::string_view label) const;
    const Parameter* parameter(std::string_view name) const;
    const ClientEntry* client_entry(std::string_view key) const;
    const Limiter* limiter(std::string_view name) const;
    bool needs_word(std::string_view word) const;
    bool has_mode(Mode mode) const;
    bool has_service(Service service) const;
};

}  // namespace smtpspec::script
